//! The names of pod routes: `<cluster>.<node>_<address>_<length>`.
//!
//! A route in Azure carries no tags, so that its name says whose it is. The name is a pure function of cluster, node
//! and CIDR, and reads back: names of clusters have no dot, names of nodes no underscore.

use super::cidr::Cidr;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The longest name that Azure takes for a route.
const MAX_ROUTE_NAME: usize = 80;
/// `_` and eight hexadecimal digits, which stand for the cut end of a node's name.
const HASH_LENGTH: usize = 9;
/// What remains of 80 characters beside `.`, one character of the node, its hash and `_255.255.255.255_32`. AKO
/// documents 32 but does not check it.
const MAX_CLUSTER_NAME: usize = MAX_ROUTE_NAME - 2 - HASH_LENGTH - 19;

/// The name of a cluster, as in AKO's `clusterName`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterName(String);

/// Why a text cannot name a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterNameError {
    /// There is no text.
    #[error("must not be empty")]
    Empty,
    /// A character that AKO refuses.
    #[error(
        "must consist of letters, digits, \"-\" and \"_\", as AKO's clusterName: {0:?} is none of them"
    )]
    Character(char),
    /// Azure would refuse the names of its routes.
    #[error(
        "must start with a letter or a digit, because the names of its routes in Azure start with it"
    )]
    Start,
    /// No room for the node and the CIDR.
    #[error(
        "must have at most {MAX_CLUSTER_NAME} characters, so that a route's name has room for node and CIDR; AKO recommends at most 32"
    )]
    TooLong,
    /// Longer than a label is sure to take.
    #[error("must have at most 64 characters; AKO recommends at most 32")]
    TooLongForLabel,
}

/// What the name of a route says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteName {
    /// The node, or its shortened form where the whole name was too long.
    pub node: String,
    /// The pod CIDR.
    pub cidr: Cidr,
}

impl ClusterName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a route of that name is marked as this cluster's. Case counts, as it does for AKO: `Prod` and `prod`
    /// are two clusters.
    pub fn marks(&self, route_name: &str) -> bool {
        self.strip_mark(route_name).is_some()
    }

    /// The name of the route to the pods with that CIDR on that node.
    ///
    /// Where it would be too long, the node's part is cut and followed by `_` and a hash of the whole. The result
    /// for a shortened node is the same as for the node itself, so that what an import reads back plans no change.
    pub fn route_name(&self, node: &str, cidr: Cidr) -> String {
        let end = format!("_{}_{}", cidr.address(), cidr.length());
        let room = MAX_ROUTE_NAME.saturating_sub(self.0.len() + 1 + end.len());
        if node.len() <= room {
            return format!("{}.{node}{end}", self.0);
        }
        let start: String = node
            .chars()
            .take(room.saturating_sub(HASH_LENGTH))
            .collect();
        format!("{}.{start}_{}{end}", self.0, hash_node_name(node))
    }

    /// Node and CIDR of a route of this cluster; nothing for any other name, such as one that somebody has made up
    /// after the mark: what is read must be a node that a configuration can hold, and lead back to the name.
    pub fn parse_route_name(&self, route_name: &str) -> Option<RouteName> {
        let mut parts = self.strip_mark(route_name)?.rsplitn(3, '_');
        let (length, address, node) = (parts.next()?, parts.next()?, parts.next()?);
        let cidr = Cidr::parse_exact(&format!("{address}/{length}")).ok()?;
        let ours = check_node_name(node).is_ok() && self.route_name(node, cidr) == route_name;
        ours.then(|| RouteName {
            node: node.to_owned(),
            cidr,
        })
    }

    fn strip_mark<'a>(&self, route_name: &'a str) -> Option<&'a str> {
        route_name.strip_prefix(&self.0)?.strip_prefix('.')
    }
}

/// Whether AKO takes the text as `clusterName`, its length apart: it documents at most 32 characters and does not
/// check them.
pub(super) fn check_ako_name(text: &str) -> Result<(), ClusterNameError> {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
    match text.chars().find(|c| !allowed(c)) {
        Some(other) => Err(ClusterNameError::Character(other)),
        None if text.is_empty() => Err(ClusterNameError::Empty),
        None => Ok(()),
    }
}

/// Whether the text can name a node: a Kubernetes node, or the shortened form that a route's name holds.
pub fn check_node_name(text: &str) -> Result<(), String> {
    let name = match text.rsplit_once('_') {
        Some((start, end)) if is_hash(end) => start.trim_end_matches(['-', '.']),
        _ => text,
    };
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let right = !name.is_empty()
        && text.len() <= 253
        && name.starts_with(alphanumeric)
        && name.ends_with(alphanumeric)
        && name
            .chars()
            .all(|c| alphanumeric(c) || c == '-' || c == '.');
    if right {
        return Ok(());
    }
    Err(format!(
        "must be the name of a Kubernetes node (lower-case letters, digits, \"-\" and \".\"), not {text:?}"
    ))
}

/// What stands for the cut end of a node's name.
pub(super) fn hash_node_name(node: &str) -> String {
    let digest = Sha256::digest(node.as_bytes());
    digest[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn is_hash(text: &str) -> bool {
    text.len() == HASH_LENGTH - 1 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl FromStr for ClusterName {
    type Err = ClusterNameError;

    fn from_str(text: &str) -> Result<ClusterName, ClusterNameError> {
        check_ako_name(text)?;
        match text.starts_with(['-', '_']) {
            true => Err(ClusterNameError::Start),
            false if text.len() > MAX_CLUSTER_NAME => Err(ClusterNameError::TooLong),
            false => Ok(ClusterName(text.to_owned())),
        }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn cluster(text: &str) -> ClusterName {
        text.parse().unwrap()
    }

    #[test]
    fn a_route_is_named_after_cluster_node_and_cidr() {
        let name = cluster("prod").route_name("node-1", "10.244.1.0/24".parse().unwrap());
        assert_eq!(name, "prod.node-1_10.244.1.0_24");
    }

    #[test]
    fn a_long_node_name_is_cut_and_told_apart_by_its_hash() {
        let cidr: Cidr = "10.244.100.0/24".parse().unwrap();
        let long = |end: &str| {
            format!(
                "{}-{end}",
                "ip-10-0-0-4.westeurope.internal.example".repeat(2)
            )
        };
        let name = cluster("prod").route_name(&long("a"), cidr);
        assert_eq!(name.len(), 80);
        assert_ne!(name, cluster("prod").route_name(&long("b"), cidr));
        let read = cluster("prod").parse_route_name(&name).unwrap();
        assert_eq!(read.cidr, cidr);
        assert_eq!(cluster("prod").route_name(&read.node, cidr), name);
        assert_eq!(check_node_name(&read.node), Ok(()));
    }

    #[test]
    fn a_cluster_marks_its_own_routes_only() {
        let prod = cluster("prod");
        assert!(prod.marks("prod.node-1_10.244.1.0_24") && prod.marks("prod.anything"));
        for other in [
            "prod",
            "prod-eu.node-1_10.244.1.0_24",
            "Prod.node-1_10.244.1.0_24",
            "pro",
            "x.prod.y",
        ] {
            assert!(!prod.marks(other), "{other}");
        }
    }

    #[test]
    fn a_marked_name_of_another_form_does_not_parse() {
        for name in [
            "prod.",
            "prod.node",
            "prod.node_24",
            "prod.node_10.244.1.0",
            "prod._10.244.1.0_24",
            "prod.node_10.244.1.7_24",
            "prod.node_10.244.1.0_33",
            "prod.node_10.244.1.0_x",
            "prod.my_node_10.244.1.0_24",
            "prod.Node_10.244.1.0_24",
            "prod.node_10.0.0.0_08",
        ] {
            assert_eq!(cluster("prod").parse_route_name(name), None, "{name}");
        }
    }

    #[test]
    fn cluster_names_follow_ako_and_leave_room_for_the_rest() {
        use ClusterNameError::*;
        for (text, error) in [
            ("", Empty),
            ("-prod", Start),
            ("_prod", Start),
            ("prod.eu", Character('.')),
            ("prod eu", Character(' ')),
            (&"a".repeat(51), TooLong),
        ] {
            assert_eq!(text.parse::<ClusterName>(), Err(error), "{text}");
        }
        assert!("Prod_eu-1".parse::<ClusterName>().is_ok());
    }

    #[test]
    fn node_names_are_those_of_kubernetes() {
        for right in [
            "n",
            "node-1",
            "ip-10-0-0-4.ec2.internal",
            "aks-pool-123_0a1b2c3d",
        ] {
            assert_eq!(check_node_name(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            "Node",
            "node_1",
            "-node",
            "node.",
            "node 1",
            "_0a1b2c3d",
            &"n".repeat(254),
        ] {
            assert!(check_node_name(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_name_fits_azure_and_reads_back(
            cluster_name in "[a-zA-Z0-9][a-zA-Z0-9_-]{0,49}",
            node in "[a-z0-9]([a-z0-9.-]{0,100}[a-z0-9])?",
            address: u32,
            length in 0u8..=32,
        ) {
            let cluster = cluster(&cluster_name);
            let cidr = Cidr::new(Ipv4Addr::from(address), length).unwrap();
            let name = cluster.route_name(&node, cidr);
            prop_assert!(name.len() <= 80);
            prop_assert!(cluster.marks(&name));
            let read = cluster.parse_route_name(&name).unwrap();
            prop_assert_eq!(read.cidr, cidr);
            prop_assert!(read.node == node || node.starts_with(read.node.rsplit_once('_').unwrap().0));
            prop_assert_eq!(cluster.route_name(&read.node, cidr), name);
            prop_assert_eq!(check_node_name(&read.node), Ok(()));
        }
    }
}
