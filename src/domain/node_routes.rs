//! Which network leads to which node: what every kind of pod route is made from.

use super::cidr::{Cidr, Overlap, overlaps};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The node that a network leads to. `H` is the next hop, which a plan may not know yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRoute<H = Ipv4Addr> {
    /// The node whose pods have the network.
    pub node: String,
    /// The address of that node.
    pub next_hop: H,
}

/// The networks of a cluster's pods, each with its node.
pub type NodeRoutes<H = Ipv4Addr> = BTreeMap<Cidr, NodeRoute<H>>;

/// The routes for these nodes, or the CIDRs that cannot be routed together, each with its node.
///
/// Two networks that overlap would send pods of one node to another as soon as the narrower one goes.
pub fn route_nodes<H: Clone>(
    nodes: impl IntoIterator<Item = (String, H, Vec<Cidr>)>,
) -> Result<NodeRoutes<H>, Vec<Overlap<String>>> {
    let nodes: Vec<_> = nodes.into_iter().collect();
    let cidrs = nodes
        .iter()
        .flat_map(|(node, _, cidrs)| cidrs.iter().map(|cidr| (node.clone(), *cidr)));
    let conflicts = overlaps(cidrs);
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    let mut routes = NodeRoutes::new();
    for (node, next_hop, cidrs) in nodes {
        for cidr in cidrs {
            let route = NodeRoute {
                node: node.clone(),
                next_hop: next_hop.clone(),
            };
            routes.insert(cidr, route);
        }
    }
    Ok(routes)
}
