//! Which pod CIDRs and which next hop AKO reads of a node, for each network plugin.
//!
//! Read in AKO 2.2.1 (`dynamic_client.go`, `lib.go`) and recorded from it. Nothing of the provider's own rules is
//! used here, so that both cannot be wrong together.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value;

/// A cluster as AKO sees it at one moment; lists are in the API server's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct View {
    /// The nodes.
    pub(super) nodes: Vec<Value>,
    /// The objects of network plugins, under their names in paths.
    pub(super) custom_resources: BTreeMap<String, Vec<Value>>,
}

/// What AKO makes of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeRoutes {
    /// The node's address.
    pub(super) next_hop: Ipv4Addr,
    /// Address and prefix length of each IPv4 CIDR, as written, with its place in the node's list.
    pub(super) prefixes: Vec<Prefix>,
}

/// A CIDR as AKO hands it on: the text before the slash is not made canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) index: usize,
    pub(super) address: String,
    pub(super) mask: u8,
}

/// AKO skips a node that it can make nothing of, and logs why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusable(pub(super) &'static str);

impl View {
    pub(super) fn node(&self, name: &str) -> Option<&Value> {
        self.nodes.iter().find(|node| name_of(node) == name)
    }

    /// The nodes that lead to an event, coming from an older view: first those that are gone, in order of names.
    pub(super) fn events_since(&self, before: &View, plugin: &str) -> Vec<String> {
        let gone = before.nodes.iter().map(name_of);
        let gone = gone.filter(|name| self.node(name).is_none());
        let mut events: Vec<String> = gone.map(str::to_owned).collect();
        for node in &self.nodes {
            let name = name_of(node);
            let changed = match before.node(name) {
                None => true,
                Some(old) => trigger(old) != trigger(node),
            };
            if changed || self.resource_events(before, plugin).contains(&name) {
                events.push(name.to_owned());
            }
        }
        events
    }

    /// The nodes whose objects of the network plugin came, went or, for Cilium alone, changed: AKO ignores updates
    /// of the others (recorded for a `BlockAffinity`).
    fn resource_events<'a>(&'a self, before: &'a View, plugin: &str) -> Vec<&'a str> {
        let Some((plural, node)) = resource_of(plugin) else {
            return Vec::new();
        };
        let (old, new) = (before.items(plural), self.items(plural));
        let differs = |item: &&Value, others: &[Value]| {
            let other = others.iter().find(|other| name_of(other) == name_of(item));
            match other {
                None => true,
                Some(other) => plugin == "cilium" && other["spec"] != item["spec"],
            }
        };
        let came = new.iter().filter(|item| differs(item, old));
        let went = old.iter().filter(|item| differs(item, new));
        came.chain(went)
            .map(|item| text(item.pointer(node)))
            .collect()
    }

    /// The routes to the pods of a node.
    pub(super) fn routes_of(&self, node: &Value, plugin: &str) -> Result<NodeRoutes, Unusable> {
        let cidrs = self.pod_cidrs(node, plugin)?;
        let next_hop = next_hop(node, plugin).ok_or(Unusable("nodeip not found"))?;
        // Azure is IPv4 only for AKO; a CIDR that is skipped keeps its place.
        let places = cidrs.iter().enumerate();
        let prefixes = places.filter_map(|(index, cidr)| Prefix::read(index, cidr));
        Ok(NodeRoutes {
            next_hop,
            prefixes: prefixes.collect(),
        })
    }

    fn pod_cidrs(&self, node: &Value, plugin: &str) -> Result<Vec<String>, Unusable> {
        let name = name_of(node);
        match plugin {
            "calico" => {
                let blocks = self.items("blockaffinities").iter();
                let mine = blocks.filter(|block| block["spec"]["node"] == name);
                let mut cidrs = Vec::new();
                for block in mine {
                    let cidr = text(block["spec"].get("cidr"));
                    if cidr.is_empty() {
                        return Err(Unusable("BlockAffinity without cidr"));
                    }
                    if !cidrs.iter().any(|known| known == cidr) {
                        cidrs.push(cidr.to_owned());
                    }
                }
                Ok(cidrs)
            }
            "openshift" => {
                let subnets = self.items("hostsubnets").iter();
                let mine = subnets.filter(|subnet| subnet["host"] == name);
                Ok(mine.map(|s| text(s.get("subnet")).to_owned()).collect())
            }
            "ovn-kubernetes" => ovn_subnets(node),
            "cilium" => {
                let mut nodes = self.items("ciliumnodes").iter();
                // Recorded: a node whose CiliumNode went loses its routes, with a PUT.
                let Some(mine) = nodes.find(|candidate| name_of(candidate) == name) else {
                    return Ok(Vec::new());
                };
                let list = mine["spec"]["ipam"]["podCIDRs"].as_array();
                Ok(texts(list.ok_or(Unusable("podCIDRs not found"))?))
            }
            _ => default_cidrs(node),
        }
    }

    fn items(&self, plural: &str) -> &[Value] {
        self.custom_resources.get(plural).map_or(&[], Vec::as_slice)
    }
}

impl Prefix {
    fn read(index: usize, cidr: &str) -> Option<Prefix> {
        let (address, mask) = cidr.split_once('/')?;
        address.parse::<Ipv4Addr>().ok()?;
        Some(Prefix {
            index,
            address: address.to_owned(),
            mask: mask.parse().ok().filter(|mask| *mask <= 32)?,
        })
    }
}

pub(super) fn name_of(object: &Value) -> &str {
    text(object["metadata"].get("name"))
}

const POD_CIDRS: &str = "ako.vmware.com/pod-cidrs";
const OVN_SUBNETS: &str = "k8s.ovn.org/node-subnets";
const CALICO_ADDRESS: &str = "projectcalico.org/IPv4Address";
const ANTREA_ADDRESSES: &str = "node.antrea.io/transport-addresses";

/// The resource of a network plugin, and where it names the node.
fn resource_of(plugin: &str) -> Option<(&'static str, &'static str)> {
    match plugin {
        "calico" => Some(("blockaffinities", "/spec/node")),
        "openshift" => Some(("hostsubnets", "/host")),
        "cilium" => Some(("ciliumnodes", "/metadata/name")),
        _ => None,
    }
}

/// What an update of a node must change to be looked at; OVN's annotation is not among it.
fn trigger(node: &Value) -> Value {
    let addresses = node["status"]["addresses"].as_array();
    let addresses = addresses.map_or(&[][..], Vec::as_slice);
    serde_json::json!([
        annotation(node, POD_CIDRS),
        internal_addresses(node).first(),
        addresses.len(),
        node["spec"]["podCIDR"],
        node["metadata"]["labels"],
        annotation(node, CALICO_ADDRESS),
        annotation(node, ANTREA_ADDRESSES),
    ])
}

fn default_cidrs(node: &Value) -> Result<Vec<String>, Unusable> {
    if let Some(annotated) = annotation(node, POD_CIDRS) {
        let cidrs = annotated.split(',').map(str::trim);
        let cidrs: Vec<&str> = cidrs.filter(|cidr| !cidr.is_empty()).collect();
        if cidrs.iter().any(|cidr| Prefix::read(0, cidr).is_none()) {
            return Err(Unusable("bad entry in the annotation pod-cidrs"));
        }
        return Ok(cidrs.into_iter().map(str::to_owned).collect());
    }
    if text(node["spec"].get("podCIDR")).is_empty() {
        return Err(Unusable("podcidr not found"));
    }
    let list = node["spec"]["podCIDRs"].as_array();
    Ok(list.map(|list| texts(list)).unwrap_or_default())
}

/// A text before OpenShift 4.13, a list since.
fn ovn_subnets(node: &Value) -> Result<Vec<String>, Unusable> {
    let annotated = annotation(node, OVN_SUBNETS);
    let annotated = annotated.ok_or(Unusable("annotation node-subnets not found"))?;
    let subnets: Value = serde_json::from_str(annotated).unwrap_or_default();
    match &subnets["default"] {
        Value::String(one) => Ok(vec![one.clone()]),
        Value::Array(list) => Ok(texts(list)),
        _ => Err(Unusable("annotation node-subnets has no default")),
    }
}

fn next_hop(node: &Value, plugin: &str) -> Option<Ipv4Addr> {
    let annotated = match plugin {
        "calico" => annotation(node, CALICO_ADDRESS),
        "antrea" => annotation(node, ANTREA_ADDRESSES),
        _ => None,
    };
    match annotated {
        Some(list) => list.split(',').find_map(|one| {
            let address = one.split('/').next().unwrap_or_default();
            address.trim().parse().ok()
        }),
        None => internal_addresses(node)
            .into_iter()
            .find_map(|address| address.parse().ok()),
    }
}

fn internal_addresses(node: &Value) -> Vec<&str> {
    let addresses = node["status"]["addresses"].as_array().into_iter().flatten();
    addresses
        .filter(|address| address["type"] == "InternalIP")
        .map(|address| text(address.get("address")))
        .collect()
}

fn annotation<'a>(node: &'a Value, name: &str) -> Option<&'a str> {
    node["metadata"]["annotations"].get(name)?.as_str()
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

fn texts(list: &[Value]) -> Vec<String> {
    let texts = list.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_network_plugin_is_read_where_ako_reads_it() {
        let node = json!({
            "metadata": {"name": "n", "annotations": {
                "k8s.ovn.org/node-subnets": r#"{"default":["10.3.0.0/24"]}"#,
                "projectcalico.org/IPv4Address": "10.9.9.9/24",
                "node.antrea.io/transport-addresses": "fd00::1,10.8.8.8",
            }},
            "spec": {"podCIDR": "fd00:1::/64", "podCIDRs": ["fd00:1::/64", "10.1.0.5/24"]},
            "status": {"addresses": [
                {"type": "Hostname", "address": "n"},
                {"type": "InternalIP", "address": "fd00::2"},
                {"type": "InternalIP", "address": "10.0.0.4"},
                {"type": "InternalIP", "address": "10.0.0.5"},
            ]},
        });
        let blocks = [
            json!({"metadata": {"name": "a"}, "spec": {"node": "n", "cidr": "10.4.0.0/26", "state": "pending"}}),
            json!({"metadata": {"name": "b"}, "spec": {"node": "other", "cidr": "10.4.1.0/26"}}),
        ];
        let view = View {
            nodes: vec![node],
            custom_resources: [
                ("blockaffinities".to_owned(), blocks.to_vec()),
                (
                    "hostsubnets".to_owned(),
                    vec![json!({"metadata": {"name": "n"}, "host": "n", "subnet": "10.5.0.0/23"})],
                ),
                (
                    "ciliumnodes".to_owned(),
                    vec![json!({"metadata": {"name": "n"}, "spec": {"ipam": {"podCIDRs": ["10.6.0.0/24"]}}})],
                ),
            ]
            .into(),
        };
        let table = [
            ("", "10.0.0.4", 1, "10.1.0.5"),
            ("flannel", "10.0.0.4", 1, "10.1.0.5"),
            ("antrea", "10.8.8.8", 1, "10.1.0.5"),
            ("calico", "10.9.9.9", 0, "10.4.0.0"),
            ("openshift", "10.0.0.4", 0, "10.5.0.0"),
            ("ovn-kubernetes", "10.0.0.4", 0, "10.3.0.0"),
            ("cilium", "10.0.0.4", 0, "10.6.0.0"),
        ];
        for (plugin, next_hop, index, address) in table {
            let routes = view.routes_of(&view.nodes[0], plugin).unwrap();
            assert_eq!(routes.next_hop.to_string(), next_hop, "{plugin}");
            assert_eq!(routes.prefixes.len(), 1, "{plugin}");
            assert_eq!(routes.prefixes[0].index, index, "{plugin}");
            assert_eq!(routes.prefixes[0].address, address, "{plugin}");
        }
    }

    #[test]
    fn an_annotated_node_without_cidrs_has_no_routes_and_one_with_a_bad_entry_is_unusable() {
        let node = |annotated: &str| {
            json!({
                "metadata": {"name": "n", "annotations": {"ako.vmware.com/pod-cidrs": annotated}},
                "spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24"]},
                "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.4"}]},
            })
        };
        let view = View::default();
        assert_eq!(view.routes_of(&node(""), "").unwrap().prefixes, []);
        assert!(view.routes_of(&node("10.2.0.0/24,nonsense"), "").is_err());
        let two = view.routes_of(&node("10.2.0.0/25,10.2.0.128/25"), "");
        assert_eq!(two.unwrap().prefixes.len(), 2);
    }
}
