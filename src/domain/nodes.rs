//! Which nodes have which pod CIDRs and which address, read from Kubernetes as AKO reads it.
//!
//! Every node counts: control plane, cordoned, not ready. What cannot be used is named with its reason. The rules are
//! those of AKO's `GetPodCIDR` and `GetIPFromNode` for a cloud on Azure, where it programs IPv4 only.

use super::cidr::{Cidr, CidrError};
use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

/// The annotation by which a user tells AKO a node's pod CIDRs, comma-separated. It wins over the node's own.
pub const POD_CIDRS_ANNOTATION: &str = "ako.vmware.com/pod-cidrs";
const ANTREA_ADDRESSES_ANNOTATION: &str = "node.antrea.io/transport-addresses";

/// What Kubernetes says of a node, as far as routes need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// The name of the Node object.
    pub name: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// `spec.podCIDRs`.
    pub pod_cidrs: Vec<String>,
    /// The addresses of type `InternalIP`, in the order of `status.addresses`.
    pub internal_ips: Vec<String>,
}

/// The network plugin of a cluster, which decides where AKO looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CniPlugin {
    /// Pod CIDRs from the annotation or the node's spec, the next hop from the node's status.
    Default,
    /// As the default, but the next hop may come from an annotation of Antrea.
    Antrea,
}

/// A network plugin that keeps pod CIDRs where this version does not look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{plugin:?} is not supported by this version yet: AKO reads its pod CIDRs from {source_of_cidrs}, which this version does not read"
)]
pub struct UnsupportedCni {
    /// The plugin in question.
    pub plugin: String,
    /// Where AKO reads the pod CIDRs of such a cluster.
    pub source_of_cidrs: &'static str,
}

/// The address and the pod CIDRs of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The next hop to its pods.
    pub internal_ip: Ipv4Addr,
    /// The networks of its pods.
    pub pod_cidrs: Vec<Cidr>,
}

/// The nodes of a cluster by name.
pub type Nodes = BTreeMap<String, Node>;

/// What was read from a cluster: usable nodes, and what is left out and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The nodes that can have routes; one without any pod CIDR is among them.
    pub nodes: Nodes,
    /// The nodes that cannot.
    pub skipped_nodes: Vec<SkippedNode>,
    /// The pod CIDRs of usable nodes that cannot have a route.
    pub skipped_cidrs: Vec<SkippedCidr>,
}

/// A node that cannot have routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedNode {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: SkipReason,
}

/// A pod CIDR that cannot have a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedCidr {
    /// The node that has it.
    pub node: String,
    /// As Kubernetes has it.
    pub cidr: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why AKO would not program a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Neither the annotation nor the spec names a pod CIDR.
    NoPodCidr,
    /// The annotation has an entry that is no IPv4 network.
    BadAnnotation(CidrError),
    /// The spec has an entry that is no network at all.
    BadPodCidr(CidrError),
    /// No `InternalIP` of IPv4.
    NoInternalIp,
    /// A network of IPv6.
    Ipv6,
    /// Another node, or this one, has a network with the same address already.
    Duplicate {
        /// The node whose route is programmed.
        node: String,
        /// Its network; AKO compares the address alone, so that the length may differ.
        cidr: Cidr,
    },
}

impl CniPlugin {
    /// The plugin of that name, in any case; a name that AKO does not know reads as the default, as it does there.
    pub fn parse(name: &str) -> Result<CniPlugin, UnsupportedCni> {
        let source_of_cidrs = match name.to_lowercase().as_str() {
            "antrea" => return Ok(CniPlugin::Antrea),
            "calico" => "the BlockAffinity objects of Calico",
            "openshift" => "the HostSubnet objects of OpenShift",
            "ovn-kubernetes" => "the node annotation k8s.ovn.org/node-subnets",
            "cilium" => "the CiliumNode objects of Cilium",
            _ => return Ok(CniPlugin::Default),
        };
        Err(UnsupportedCni {
            plugin: name.to_owned(),
            source_of_cidrs,
        })
    }
}

/// Reads the nodes of a cluster. Of two networks with one address the first in the order of node names is taken.
///
/// AKO drops the second as well, in the order in which it saw the nodes; after its start that is the order of the API
/// server's list, which is by name.
pub fn select_nodes(facts: impl IntoIterator<Item = NodeFacts>, cni: CniPlugin) -> Selection {
    let mut facts: Vec<NodeFacts> = facts.into_iter().collect();
    facts.sort_by(|a, b| a.name.cmp(&b.name));
    let mut selection = Selection::default();
    let mut taken: BTreeMap<Ipv4Addr, (String, Cidr)> = BTreeMap::new();
    for node in facts {
        match (read_pod_cidrs(&node), read_internal_ip(&node, cni)) {
            (Ok(cidrs), Some(internal_ip)) => {
                let pod_cidrs = keep_first(&node.name, cidrs, &mut taken, &mut selection);
                let usable = Node {
                    internal_ip,
                    pod_cidrs,
                };
                selection.nodes.insert(node.name, usable);
            }
            (Err(reason), _) => selection.skip_node(node.name, reason),
            (Ok(_), None) => selection.skip_node(node.name, SkipReason::NoInternalIp),
        }
    }
    selection
}

impl Selection {
    fn skip_node(&mut self, name: String, reason: SkipReason) {
        self.skipped_nodes.push(SkippedNode { name, reason });
    }
}

/// Each pod CIDR as text and what it reads as; an error where AKO would give up on the node.
type PodCidrs = Vec<(String, Option<Cidr>)>;

fn read_pod_cidrs(node: &NodeFacts) -> Result<PodCidrs, SkipReason> {
    match node.annotations.get(POD_CIDRS_ANNOTATION) {
        // Present but empty: the user wants no routes to this node.
        Some(list) if list.trim().is_empty() => Ok(Vec::new()),
        Some(list) => list
            .split(',')
            .map(str::trim)
            .map(|text| match text.parse() {
                Ok(cidr) => Ok((text.to_owned(), Some(cidr))),
                Err(error) => Err(SkipReason::BadAnnotation(error)),
            })
            .collect(),
        None if node.pod_cidrs.iter().all(String::is_empty) => Err(SkipReason::NoPodCidr),
        None => node
            .pod_cidrs
            .iter()
            .map(|text| match text.parse() {
                Ok(cidr) => Ok((text.clone(), Some(cidr))),
                Err(CidrError::Ipv6 { .. }) => Ok((text.clone(), None)),
                Err(error) => Err(SkipReason::BadPodCidr(error)),
            })
            .collect(),
    }
}

fn read_internal_ip(node: &NodeFacts, cni: CniPlugin) -> Option<Ipv4Addr> {
    let from_antrea = match cni {
        CniPlugin::Antrea => node.annotations.get(ANTREA_ADDRESSES_ANNOTATION),
        CniPlugin::Default => None,
    };
    match from_antrea {
        Some(list) => list.split(',').find_map(|text| text.trim().parse().ok()),
        None => node.internal_ips.iter().find_map(|text| text.parse().ok()),
    }
}

fn keep_first(
    node: &str,
    cidrs: PodCidrs,
    taken: &mut BTreeMap<Ipv4Addr, (String, Cidr)>,
    selection: &mut Selection,
) -> Vec<Cidr> {
    let mut kept = Vec::new();
    for (text, cidr) in cidrs {
        let reason = match cidr {
            None => SkipReason::Ipv6,
            Some(cidr) => match taken.get(&cidr.address()) {
                Some((node, cidr)) => SkipReason::Duplicate {
                    node: node.clone(),
                    cidr: *cidr,
                },
                None => {
                    taken.insert(cidr.address(), (node.to_owned(), cidr));
                    kept.push(cidr);
                    continue;
                }
            },
        };
        selection.skipped_cidrs.push(SkippedCidr {
            node: node.to_owned(),
            cidr: text,
            reason,
        });
    }
    kept
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::NoPodCidr => write!(
                f,
                "the node has no pod CIDR: neither spec.podCIDRs nor the annotation {POD_CIDRS_ANNOTATION} names one"
            ),
            SkipReason::BadAnnotation(error) => write!(
                f,
                "an entry of the annotation {POD_CIDRS_ANNOTATION} is wrong: it {error}"
            ),
            SkipReason::BadPodCidr(error) => {
                write!(f, "an entry of spec.podCIDRs is wrong: it {error}")
            }
            SkipReason::NoInternalIp => {
                f.write_str("the node has no IPv4 address of type InternalIP")
            }
            SkipReason::Ipv6 => f.write_str("IPv6: AKO on Azure routes IPv4 only"),
            SkipReason::Duplicate { node, cidr } => write!(
                f,
                "node {node:?} already has {cidr}, a network with the same address; AKO programs the first of the two only"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(name: &str, ip: &str, cidrs: &[&str]) -> NodeFacts {
        NodeFacts {
            name: name.into(),
            pod_cidrs: cidrs.iter().map(|&text| text.into()).collect(),
            internal_ips: vec![ip.into()],
            ..NodeFacts::default()
        }
    }

    fn annotated(mut facts: NodeFacts, key: &str, value: &str) -> NodeFacts {
        facts.annotations.insert(key.into(), value.into());
        facts
    }

    fn cidrs_of(selection: &Selection, node: &str) -> Vec<String> {
        let cidrs = &selection.nodes[node].pod_cidrs;
        cidrs.iter().map(Cidr::to_string).collect()
    }

    #[test]
    fn a_node_has_the_cidrs_of_its_spec_and_its_first_internal_address_of_ipv4() {
        let mut node = facts("n1", "fd00::4", &["10.244.1.0/24", "10.245.1.0/24"]);
        node.internal_ips
            .extend(["10.0.0.4".into(), "10.0.0.5".into()]);
        let selection = select_nodes([node], CniPlugin::Default);
        assert_eq!(
            cidrs_of(&selection, "n1"),
            ["10.244.1.0/24", "10.245.1.0/24"]
        );
        assert_eq!(
            selection.nodes["n1"].internal_ip,
            Ipv4Addr::new(10, 0, 0, 4)
        );
        assert_eq!(selection.skipped_nodes, []);
    }

    #[test]
    fn the_annotation_wins_over_the_spec() {
        let node = facts("n1", "10.0.0.4", &["10.244.1.0/24"]);
        let node = annotated(node, POD_CIDRS_ANNOTATION, "10.9.1.0/24, 10.9.2.7/24");
        let selection = select_nodes([node], CniPlugin::Default);
        assert_eq!(cidrs_of(&selection, "n1"), ["10.9.1.0/24", "10.9.2.0/24"]);
    }

    #[test]
    fn an_empty_annotation_leaves_the_node_without_routes_but_not_skipped() {
        let node = facts("n1", "10.0.0.4", &["10.244.1.0/24"]);
        let selection = select_nodes(
            [annotated(node, POD_CIDRS_ANNOTATION, "")],
            CniPlugin::Default,
        );
        assert!(selection.nodes["n1"].pod_cidrs.is_empty());
        assert!(selection.skipped_nodes.is_empty());
    }

    #[test]
    fn one_bad_entry_in_the_annotation_skips_the_node_and_no_other() {
        for bad in [
            "10.9.1.0/24,nonsense",
            "10.9.1.0/24,fd00::/64",
            "10.9.1.0/24,",
        ] {
            let node = facts("n1", "10.0.0.4", &["10.244.1.0/24"]);
            let other = facts("n2", "10.0.0.5", &["10.244.2.0/24"]);
            let selection = select_nodes(
                [annotated(node, POD_CIDRS_ANNOTATION, bad), other],
                CniPlugin::Default,
            );
            assert_eq!(selection.nodes.keys().collect::<Vec<_>>(), ["n2"]);
            let skipped = &selection.skipped_nodes[0];
            assert!(
                matches!(skipped.reason, SkipReason::BadAnnotation(_)),
                "{bad}"
            );
        }
    }

    #[test]
    fn nodes_without_cidr_or_address_are_skipped_with_the_reason() {
        let selection = select_nodes(
            [
                facts("no-cidr", "10.0.0.4", &[]),
                facts("empty-cidr", "10.0.0.5", &[""]),
                facts("no-address", "fd00::4", &["10.244.3.0/24"]),
            ],
            CniPlugin::Default,
        );
        let reasons: Vec<_> = selection
            .skipped_nodes
            .iter()
            .map(|node| (node.name.as_str(), node.reason.clone()))
            .collect();
        assert_eq!(
            reasons,
            [
                ("empty-cidr", SkipReason::NoPodCidr),
                ("no-address", SkipReason::NoInternalIp),
                ("no-cidr", SkipReason::NoPodCidr),
            ]
        );
    }

    #[test]
    fn of_a_dual_stack_node_the_ipv4_part_remains() {
        let node = facts("n1", "10.0.0.4", &["10.244.1.0/24", "fd00:10:244:1::/64"]);
        let selection = select_nodes([node], CniPlugin::Default);
        assert_eq!(cidrs_of(&selection, "n1"), ["10.244.1.0/24"]);
        assert_eq!(selection.skipped_cidrs[0].cidr, "fd00:10:244:1::/64");
        assert_eq!(selection.skipped_cidrs[0].reason, SkipReason::Ipv6);
    }

    #[test]
    fn a_second_network_with_the_same_address_is_skipped_and_the_first_node_named() {
        let selection = select_nodes(
            [
                facts("n2", "10.0.0.5", &["10.244.0.0/24", "10.244.2.0/24"]),
                facts("n1", "10.0.0.4", &["10.244.0.0/16"]),
            ],
            CniPlugin::Default,
        );
        assert_eq!(cidrs_of(&selection, "n1"), ["10.244.0.0/16"]);
        assert_eq!(cidrs_of(&selection, "n2"), ["10.244.2.0/24"]);
        let reason = selection.skipped_cidrs[0].reason.to_string();
        assert!(
            reason.contains("\"n1\"") && reason.contains("10.244.0.0/16"),
            "{reason}"
        );
    }

    #[test]
    fn antrea_may_name_the_next_hop_in_its_annotation() {
        let node = facts("n1", "10.0.0.4", &["10.244.1.0/24"]);
        let node = annotated(node, ANTREA_ADDRESSES_ANNOTATION, "fd00::9,10.0.9.9");
        let select = |cni| select_nodes([node.clone()], cni).nodes["n1"].internal_ip;
        assert_eq!(select(CniPlugin::Antrea), Ipv4Addr::new(10, 0, 9, 9));
        assert_eq!(select(CniPlugin::Default), Ipv4Addr::new(10, 0, 0, 4));
    }

    #[test]
    fn the_four_plugins_with_sources_of_their_own_are_refused_by_name() {
        for name in ["calico", "OpenShift", "ovn-kubernetes", "CILIUM"] {
            let error = CniPlugin::parse(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("not supported by this version yet"));
        }
        for name in ["", "canal", "flannel", "ncp", "whatever"] {
            assert_eq!(CniPlugin::parse(name), Ok(CniPlugin::Default));
        }
    }
}
