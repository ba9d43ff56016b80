//! The attribute `nodes` of everything that takes the nodes of a cluster.

use super::route_messages::wrong;
use crate::domain::cidr::{Cidr, CidrError};
use crate::domain::nodes::Node;
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::framework::schema::{Attribute, Check, Shape, Type};
use crate::framework::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeModel {
    /// The next hop to its pods.
    pub internal_ip: Ipv4Addr,
    /// The networks of its pods, in the user's spelling.
    pub pod_cidrs: Vec<String>,
}

impl From<Node> for NodeModel {
    fn from(node: Node) -> NodeModel {
        NodeModel {
            internal_ip: node.internal_ip,
            pod_cidrs: node.pod_cidrs.iter().map(Cidr::to_string).collect(),
        }
    }
}

/// What the routes of a node are made of: its name, its next hop, its networks.
pub type NodeToRoute<H = Ipv4Addr> = (String, H, Vec<Cidr>);

/// The nodes as `ako_cluster_nodes` gives them.
pub fn nodes_shape() -> Shape {
    Shape::map_of(vec![
        Attribute::required(
            "internal_ip",
            Type::String,
            "The IPv4 address of the node in the VNet: the next hop to its pods. Its network interface must have IP forwarding enabled.",
        )
        .check(Check::Text(check_address)),
        Attribute::required(
            "pod_cidrs",
            Type::set(Type::String),
            "The IPv4 networks of the pods on the node; none means no route.",
        )
        .check(Check::Text(check_cidr)),
    ])
}

/// The nodes of a plan, if all of them are known.
pub fn read_nodes(nodes: &Value) -> Option<BTreeMap<String, NodeModel>> {
    let nodes = nodes.as_map()?.iter().map(|(name, node)| {
        let texts = node.get("pod_cidrs").as_list()?.iter();
        let node = NodeModel {
            internal_ip: node.get("internal_ip").as_str()?.parse().ok()?,
            pod_cidrs: texts
                .map(|text| text.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
        };
        Some((name.clone(), node))
    });
    nodes.collect()
}

/// The pod CIDRs of a configuration as far as they are known and right, each with its node.
pub fn known_cidrs(nodes: &Value) -> Vec<(String, Cidr)> {
    let nodes = nodes.as_map().into_iter().flatten();
    let cidrs = |(name, node): (&String, &Value)| {
        let texts = node.get("pod_cidrs").as_list().unwrap_or_default();
        let known = texts.iter().filter_map(|text| text.as_str()?.parse().ok());
        known.map(|cidr| (name.clone(), cidr)).collect::<Vec<_>>()
    };
    nodes.flat_map(cidrs).collect()
}

/// The pod CIDRs of a node.
pub fn parse_cidrs(node: &str, texts: &[&str]) -> Result<Vec<Cidr>, Diagnostic> {
    let path = || Path::attribute("nodes").key(node).child("pod_cidrs");
    let cidrs = texts.iter().map(|text| text.parse());
    cidrs
        .collect::<Result<_, _>>()
        .map_err(|error: CidrError| wrong(path(), &error))
}

/// The nodes with what their routes are made of.
pub fn nodes_to_route(nodes: &BTreeMap<String, NodeModel>) -> Result<Vec<NodeToRoute>, Diagnostic> {
    let nodes = nodes.iter().map(|(name, node)| {
        let texts: Vec<&str> = node.pod_cidrs.iter().map(String::as_str).collect();
        Ok((name.clone(), node.internal_ip, parse_cidrs(name, &texts)?))
    });
    nodes.collect()
}

/// The same for nodes of a plan; none while the networks of one are unknown. Its next hop stays what it is.
pub fn planned_nodes(nodes: &Value) -> Result<Option<Vec<NodeToRoute<Value>>>, Diagnostic> {
    let Some(nodes) = nodes.as_map() else {
        return Ok(None);
    };
    let mut known = Vec::with_capacity(nodes.len());
    for (name, node) in nodes {
        let texts = node.get("pod_cidrs").as_list();
        let texts = texts.and_then(|texts| texts.iter().map(Value::as_str).collect());
        let Some::<Vec<&str>>(texts) = texts else {
            return Ok(None);
        };
        let cidrs = parse_cidrs(name, &texts)?;
        known.push((name.clone(), node.get("internal_ip").clone(), cidrs));
    }
    Ok(Some(known))
}

/// The address of a node; the error says what it must be.
pub fn parse_address(text: &str) -> Result<Ipv4Addr, String> {
    let parsed = text.parse();
    parsed.map_err(|_| format!("must be an IPv4 address such as \"10.0.0.4\", not {text:?}"))
}

fn check_address(text: &str) -> Result<(), String> {
    let address = parse_address(text)?;
    let kind = match address {
        _ if address.is_unspecified() => "no address at all",
        _ if address.is_loopback() => "a loopback address",
        _ if address.is_link_local() => "a link-local address",
        _ if address.is_multicast() => "a multicast address",
        _ if address.is_broadcast() => "the broadcast address",
        _ => return Ok(()),
    };
    Err(format!(
        "must be the address of a node, and {text} is {kind}"
    ))
}

fn check_cidr(text: &str) -> Result<(), String> {
    let parsed = text.parse::<Cidr>();
    parsed.map(|_| ()).map_err(|error| error.to_string())
}
