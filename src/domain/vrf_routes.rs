//! The static routes of an Avi VRF: whose they are, and what those of one cluster say.
//!
//! AKO labels its routes with the name of its cluster and knows them by that alone; so do we. Ids of routes mean
//! nothing: AKO makes all of its own anew with each start.

use super::cidr::Cidr;
use super::node_routes::{NodeRoute, NodeRoutes};
use super::pod_routes::Prefix;
use super::route_names::{ClusterNameError, check_ako_name};
use super::se_groups::CLUSTER_LABEL;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The longest name that is sure to fit: AKO documents 32 and does not check it.
const MAX_LENGTH: usize = 64;

/// The name of a cluster as the value of its label. Case counts, as it does for AKO.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterLabel(String);

/// One label: a key and, as a rule, a value.
pub type Label = (String, Option<String>);

/// A static route that a VRF has, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VrfRoute {
    /// Its labels; the controller takes one at most.
    pub labels: Vec<Label>,
    /// What it applies to.
    pub prefix: Prefix,
    /// Where it leads, if that is an address of IPv4.
    pub next_hop: Option<Ipv4Addr>,
}

/// What a VRF holds of one cluster for one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVrfRoute {
    /// Where it leads, if that is an address of IPv4.
    pub next_hop: Option<Ipv4Addr>,
    /// Its node, as far as the state tells.
    pub node: Option<String>,
}

/// Whose routes are whose: those with the cluster's label, and of them those that Terraform's state records.
#[derive(Clone, Debug)]
pub struct VrfOwnership<'a> {
    cluster: &'a ClusterLabel,
    recorded: BTreeSet<RecordedRoute>,
}

/// A prefix and a next hop, as the state records them.
pub type RecordedRoute = (String, Option<Ipv4Addr>);

impl ClusterLabel {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether these labels are exactly this cluster's.
    pub fn is_on(&self, labels: &[Label]) -> bool {
        match labels {
            [(key, Some(value))] => key == CLUSTER_LABEL && *value == self.0,
            _ => false,
        }
    }

    /// The names of other clusters with routes here that begin with this one's name, or this one's with theirs.
    ///
    /// AKO before 1.9.3 took such routes for its own and deleted them; later ones still write more than they need.
    pub fn names_alike(&self, routes: &[VrfRoute]) -> BTreeSet<String> {
        let labels = routes.iter().flat_map(|route| &route.labels);
        let names =
            labels.filter_map(|(key, value)| (key == CLUSTER_LABEL).then_some(value.as_ref()?));
        let alike = names.filter(|name| {
            **name != self.0 && (name.starts_with(&self.0) || self.0.starts_with(name.as_str()))
        });
        alike.filter(|name| !name.is_empty()).cloned().collect()
    }

    /// Ids for new routes, in the form of AKO's: none that is `taken`, because the controller refuses a second.
    pub fn route_ids(
        &self,
        unique: &str,
        taken: &BTreeSet<String>,
    ) -> impl Iterator<Item = String> {
        let ids = (0u32..).map(move |index| format!("{}-{unique}-{index}", self.0));
        ids.filter(|id| !taken.contains(id))
    }
}

impl<'a> VrfOwnership<'a> {
    /// The routes of this cluster, of which the state records these.
    pub fn new(
        cluster: &'a ClusterLabel,
        recorded: impl IntoIterator<Item = RecordedRoute>,
    ) -> VrfOwnership<'a> {
        VrfOwnership {
            cluster,
            recorded: recorded.into_iter().collect(),
        }
    }

    /// Whether a route is the cluster's.
    pub fn owns(&self, route: &VrfRoute) -> bool {
        self.cluster.is_on(&route.labels)
    }

    /// Whether the state records a route of the cluster. One that somebody has led elsewhere since is not recorded.
    pub fn records(&self, route: &VrfRoute) -> bool {
        let recorded = (route.prefix.to_string(), route.next_hop);
        self.owns(route) && self.recorded.contains(&recorded)
    }

    /// The cluster's routes with a recorded prefix that lead elsewhere than the state records.
    pub fn led_elsewhere(&self, routes: &[VrfRoute]) -> Vec<String> {
        let has_prefix = |text: &str| self.recorded.iter().any(|(prefix, _)| prefix == text);
        let changed = routes.iter().filter(|route| {
            self.owns(route) && !self.records(route) && has_prefix(&route.prefix.to_string())
        });
        changed.map(|route| route.prefix.to_string()).collect()
    }
}

/// What the VRF holds of the cluster, by prefix.
///
/// `known` are the prefixes with their next hops and nodes as they are known; a next hop that is known for another
/// prefix still tells the node. Where several routes have one prefix, the one that is not as known is shown.
pub fn find_own_vrf_routes(
    cluster: &ClusterLabel,
    known: &[(String, Ipv4Addr, String)],
    routes: &[VrfRoute],
) -> BTreeMap<String, FoundVrfRoute> {
    let mut found = BTreeMap::new();
    for route in routes.iter().filter(|route| cluster.is_on(&route.labels)) {
        let prefix = route.prefix.to_string();
        let to_hop = || {
            let known = known.iter();
            known.filter(|(_, next_hop, _)| Some(*next_hop) == route.next_hop)
        };
        let exact = to_hop().find(|(known, ..)| *known == prefix);
        if exact.is_some() && found.contains_key(&prefix) {
            continue;
        }
        let node = exact
            .or_else(|| to_hop().next())
            .map(|known| known.2.clone());
        let next_hop = route.next_hop;
        found.insert(prefix, FoundVrfRoute { next_hop, node });
    }
    found
}

/// The cluster's routes as nodes, each under its address: nothing in a VRF tells a node's name.
pub fn nodes_of_vrf_routes(
    cluster: &ClusterLabel,
    routes: &[VrfRoute],
) -> BTreeMap<Ipv4Addr, BTreeSet<Cidr>> {
    let mut nodes: BTreeMap<Ipv4Addr, BTreeSet<_>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for route in routes.iter().filter(|route| cluster.is_on(&route.labels)) {
        if let (Prefix::Cidr(cidr), Some(next_hop)) = (&route.prefix, route.next_hop)
            && seen.insert(*cidr)
        {
            nodes.entry(next_hop).or_default().insert(*cidr);
        }
    }
    nodes
}

/// How many of the desired routes the VRF holds.
pub fn count_in_place(cluster: &ClusterLabel, desired: &NodeRoutes, routes: &[VrfRoute]) -> usize {
    let held = |(cidr, wanted): &(&Cidr, &NodeRoute)| {
        let mut own = routes.iter().filter(|route| cluster.is_on(&route.labels));
        own.any(|route| {
            route.prefix == Prefix::Cidr(**cidr) && route.next_hop == Some(wanted.next_hop)
        })
    };
    desired.iter().filter(held).count()
}

impl FromStr for ClusterLabel {
    type Err = ClusterNameError;

    fn from_str(text: &str) -> Result<ClusterLabel, ClusterNameError> {
        check_ako_name(text)?;
        match text.len() > MAX_LENGTH {
            true => Err(ClusterNameError::TooLongForLabel),
            false => Ok(ClusterLabel(text.to_owned())),
        }
    }
}

impl fmt::Display for ClusterLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
