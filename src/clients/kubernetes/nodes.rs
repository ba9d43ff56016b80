//! The nodes of a cluster, as far as routes need them.

use super::list::Resource;
use super::{Client, Error};
use crate::clients::Limits;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The annotation in which OVN-Kubernetes keeps the subnets of a node, as JSON.
const NODE_SUBNETS: &str = "k8s.ovn.org/node-subnets";

const NODES: Resource = Resource {
    group: "",
    version: "v1",
    plural: "nodes",
    name: "nodes",
};

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// `spec.podCIDRs`, else `spec.podCIDR`.
    pub pod_cidrs: Vec<String>,
    /// Its addresses with their types (`InternalIP`, `Hostname`, …), in the order of the API.
    pub addresses: Vec<(String, String)>,
}

/// The subnets of a node in the default network of OVN-Kubernetes, as its annotation has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeSubnets {
    /// There is no annotation.
    Absent,
    /// The annotation is no JSON object; the text says what is wrong.
    Unreadable(String),
    /// The annotation says nothing of the default network.
    NoDefault,
    /// The subnets: one text until OpenShift 4.12, a list since.
    Default(Vec<String>),
}

impl Client {
    /// All nodes of the cluster, in the order of the API, or those that a label selector of Kubernetes selects.
    pub async fn list_nodes(
        &self,
        limits: &Limits,
        label_selector: Option<&str>,
    ) -> Result<Vec<Node>, Error> {
        let items: Vec<Item> = self.list(limits, &NODES, label_selector).await?;
        Ok(items.into_iter().map(Node::from).collect())
    }
}

impl Node {
    /// What OVN-Kubernetes has written on the node. Entries of another type than text do not count.
    pub fn node_subnets(&self) -> NodeSubnets {
        let Some(annotation) = self.annotations.get(NODE_SUBNETS) else {
            return NodeSubnets::Absent;
        };
        match serde_json::from_str(annotation) {
            Ok(Value::Object(networks)) => match networks.get("default") {
                Some(Value::String(subnet)) => NodeSubnets::Default(vec![subnet.clone()]),
                Some(Value::Array(subnets)) => {
                    let texts = subnets.iter().filter_map(Value::as_str);
                    NodeSubnets::Default(texts.map(str::to_owned).collect())
                }
                _ => NodeSubnets::NoDefault,
            },
            Ok(Value::Null) => NodeSubnets::NoDefault,
            Ok(_) => NodeSubnets::Unreadable("it is no JSON object".to_owned()),
            Err(error) => NodeSubnets::Unreadable(format!("it is no JSON: {error}")),
        }
    }
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(rename = "podCIDR")]
    pod_cidr: Option<String>,
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
struct Status {
    addresses: Option<Vec<Address>>,
}

#[derive(Deserialize)]
struct Address {
    r#type: String,
    address: String,
}

impl From<Item> for Node {
    fn from(item: Item) -> Node {
        let Item {
            metadata,
            spec,
            status,
        } = item;
        let listed = spec.pod_cidrs.unwrap_or_default();
        let single = spec.pod_cidr.filter(|cidr| !cidr.is_empty());
        let addresses = status.addresses.unwrap_or_default().into_iter();
        Node {
            name: metadata.name,
            annotations: metadata.annotations.unwrap_or_default(),
            pod_cidrs: match listed.is_empty() {
                true => single.into_iter().collect(),
                false => listed,
            },
            addresses: addresses
                .map(|address| (address.r#type, address.address))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_pod_cidrs_wins_over_the_single_one() {
        let node = |spec: &str| {
            let text = format!(r#"{{"metadata": {{"name": "n"}}, "spec": {spec}}}"#);
            Node::from(serde_json::from_str::<Item>(&text).unwrap())
        };
        let both = node(r#"{"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.1.0/24", "fd00::/64"]}"#);
        assert_eq!(both.pod_cidrs, ["10.0.1.0/24", "fd00::/64"]);
        assert_eq!(
            node(r#"{"podCIDR": "10.0.0.0/24"}"#).pod_cidrs,
            ["10.0.0.0/24"]
        );
        assert!(node("{}").pod_cidrs.is_empty());
    }

    #[test]
    fn the_subnets_of_ovn_kubernetes_are_read_in_both_forms() {
        let subnets = |annotation: &str| {
            let annotations = [(NODE_SUBNETS.to_owned(), annotation.to_owned())].into();
            let node = Node {
                annotations,
                ..Node::default()
            };
            node.node_subnets()
        };
        let default = |texts: &[&str]| {
            NodeSubnets::Default(texts.iter().map(|&text| text.to_owned()).collect())
        };
        for (annotation, expected) in [
            (
                r#"{"default": "10.128.0.0/23"}"#,
                default(&["10.128.0.0/23"]),
            ),
            (
                r#"{"default": ["10.128.0.0/23", 7, "fd01::/64"], "blue": "10.9.0.0/24"}"#,
                default(&["10.128.0.0/23", "fd01::/64"]),
            ),
            (r#"{"default": []}"#, default(&[])),
            (r#"{"blue": "10.9.0.0/24"}"#, NodeSubnets::NoDefault),
            (r#"{"default": 7}"#, NodeSubnets::NoDefault),
            ("null", NodeSubnets::NoDefault),
        ] {
            assert_eq!(subnets(annotation), expected, "{annotation}");
        }
        for unreadable in ["", "10.128.0.0/23", r#"["10.128.0.0/23"]"#, r#"{"default""#] {
            let found = subnets(unreadable);
            assert!(matches!(found, NodeSubnets::Unreadable(_)), "{found:?}");
        }
        assert_eq!(Node::default().node_subnets(), NodeSubnets::Absent);
    }
}
