//! Which nodes have which pod CIDRs and which address, read from Kubernetes as AKO reads it.
//!
//! Every node counts: control plane, cordoned, not ready. What cannot be used is named with its reason. The rules are
//! those of AKO's `GetPodCIDR`, `GetIPFromNode` and `addRouteForNode` for a cloud on Azure, where it programs IPv4
//! only; the tests hold them against the recorded routes of a running AKO 2.2.1.

mod cni_plugin;
mod next_hop;
mod pod_cidrs;
mod skip_reason;
#[cfg(test)]
mod tests;

pub use cni_plugin::{CniPlugin, KNOWN_PLUGINS, is_known_plugin};
pub use pod_cidrs::POD_CIDRS_ANNOTATION;
pub use skip_reason::SkipReason;

use super::cidr::Cidr;
use next_hop::read_next_hop;
use pod_cidrs::{PodCidr, Sources};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What Kubernetes says of a cluster, as far as routes need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its nodes.
    pub nodes: Vec<NodeFacts>,
    /// The objects in which its network plugin keeps pod CIDRs, in the order of the list; none where the cluster
    /// does not serve such objects. Plugins that keep pod CIDRs on the nodes do not look at it.
    pub objects: Option<Vec<PluginObject>>,
}

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
    /// What OVN-Kubernetes has written on the node.
    pub node_subnets: NodeSubnets,
}

/// The subnets of a node in the default network of OVN-Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NodeSubnets {
    /// The node has no annotation of them.
    #[default]
    Absent,
    /// The annotation is not what OVN-Kubernetes writes; the text says what is wrong.
    Unreadable(String),
    /// The annotation says nothing of the default network.
    NoDefault,
    /// The subnets.
    Default(Vec<String>),
}

/// One object in which a network plugin keeps pod CIDRs: a `BlockAffinity`, a `HostSubnet`, a `CiliumNode`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginObject {
    /// Its own name.
    pub name: String,
    /// The node that it is about; none where it does not say.
    pub node: Option<String>,
    /// The pod CIDRs; none where it lacks them, or has something else in their place.
    pub pod_cidrs: Option<Vec<String>>,
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
    /// The names of the plugin's objects that do not say which node they are about.
    pub objects_without_node: Vec<String>,
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

/// Reads the nodes of a cluster. Of two nodes with a network of one address the first by name keeps its networks.
///
/// AKO drops those of the second as well, all of them, in the order in which it saw the nodes; after its start that
/// is the order of the API server's list, which is by name.
pub fn select_nodes(cluster: ClusterFacts, cni: CniPlugin) -> Selection {
    let ClusterFacts { mut nodes, objects } = cluster;
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let sources = Sources::new(cni, objects.as_deref());
    let mut selection = Selection {
        objects_without_node: sources.objects_without_node(),
        ..Selection::default()
    };
    let mut taken = Taken::new();
    for node in nodes {
        // AKO looks for the address first, which decides between two reasons.
        let read = read_next_hop(&node, cni)
            .and_then(|internal_ip| Ok((internal_ip, sources.pod_cidrs_of(&node)?)));
        match read {
            Ok((internal_ip, cidrs)) => {
                let pod_cidrs = selection.place(&node.name, cidrs, &mut taken);
                let usable = Node {
                    internal_ip,
                    pod_cidrs,
                };
                selection.nodes.insert(node.name, usable);
            }
            Err(reason) => selection.skipped_nodes.push(SkippedNode {
                name: node.name,
                reason,
            }),
        }
    }
    selection
}

/// The networks that have a node already, by address: AKO compares the address alone.
type Taken = BTreeMap<Ipv4Addr, (String, Cidr)>;

impl Selection {
    /// The networks that can have routes to `node`; the others are noted with their reasons.
    fn place(&mut self, node: &str, cidrs: Vec<PodCidr>, taken: &mut Taken) -> Vec<Cidr> {
        let mut own = Taken::new();
        let mut kept: Vec<(String, Cidr)> = Vec::new();
        for PodCidr { text, network } in cidrs {
            match network {
                Err(reason) => self.skip_cidr(node, text, reason),
                // AKO would program both, and Azure refuses a second route with one prefix.
                Ok(cidr) => match own.get(&cidr.address()) {
                    Some(first) => self.skip_cidr(node, text, SkipReason::duplicate_of(first)),
                    None => {
                        own.insert(cidr.address(), (node.to_owned(), cidr));
                        kept.push((text, cidr));
                    }
                },
            }
        }
        let clash = kept
            .iter()
            .find(|(_, cidr)| taken.contains_key(&cidr.address()));
        let Some(clash) = clash.map(|(text, _)| text.clone()) else {
            taken.extend(own);
            return kept.into_iter().map(|(_, cidr)| cidr).collect();
        };
        for (text, cidr) in kept {
            let reason = match taken.get(&cidr.address()) {
                Some(first) => SkipReason::duplicate_of(first),
                None => SkipReason::BesideDuplicate {
                    duplicate: clash.clone(),
                },
            };
            self.skip_cidr(node, text, reason);
        }
        Vec::new()
    }

    fn skip_cidr(&mut self, node: &str, cidr: String, reason: SkipReason) {
        self.skipped_cidrs.push(SkippedCidr {
            node: node.to_owned(),
            cidr,
            reason,
        });
    }
}
