//! What exists when a lab starts.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::azure::Azure;
use crate::kubernetes::{self, CustomResource, Node};

/// The objects of a fresh lab.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The resource group that the connection names.
    pub resource_group: String,
    /// Its region.
    pub location: String,
    /// The virtual network that the connection names, in that group.
    pub virtual_network: String,
    /// PUTs against Azure, in order, after that of the group.
    #[serde(default)]
    pub azure: Vec<Put>,
    /// The Kubernetes clusters.
    #[serde(default)]
    pub clusters: Vec<Cluster>,
}

/// A PUT against Azure.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    /// The path below the resource group's `/providers/Microsoft.Network/`.
    pub path: String,
    /// The body; `{network}` in it stands for the id of the resource group's `…/providers/Microsoft.Network`.
    pub body: Value,
}

/// A Kubernetes cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The name.
    pub name: String,
    /// The nodes.
    #[serde(default)]
    pub nodes: Vec<SeedNode>,
    /// The objects of network plugins under the names of their resources: `blockaffinities`, `hostsubnets`,
    /// `ciliumnodes`. A resource that is not named is not served.
    #[serde(default)]
    pub custom_resources: BTreeMap<String, Vec<Value>>,
}

/// A node as a seed file gives it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedNode {
    /// The name.
    pub name: String,
    /// The address of type `InternalIP`.
    pub internal_ip: String,
    /// `spec.podCIDRs`.
    #[serde(default)]
    pub pod_cidrs: Vec<String>,
    /// Annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Labels, besides those that a kubelet sets.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Why a seed could not be read or planted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("reading seed file {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no seed.
    #[error("seed file {path} is not of the expected form")]
    Form {
        /// The file.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A cluster is to serve a resource that the lab does not know.
    #[error(
        "the seed's cluster {cluster:?} has {resource:?}; the lab knows blockaffinities, hostsubnets and ciliumnodes"
    )]
    UnknownResource {
        /// The cluster.
        cluster: String,
        /// The name in question.
        resource: String,
    },
    /// Azure refused an object of the seed.
    #[error("the seed's PUT of {path} was refused with {status}: {body}")]
    Refused {
        /// The object.
        path: String,
        /// The status.
        status: u16,
        /// The refusal.
        body: Value,
    },
}

impl Seed {
    /// A resource group with an empty virtual network, no clusters.
    pub fn empty() -> Seed {
        Seed {
            resource_group: "rg-ako-lab".to_owned(),
            location: "westeurope".to_owned(),
            virtual_network: "vnet-ako-lab".to_owned(),
            azure: vec![virtual_network(&[])],
            clusters: Vec::new(),
        }
    }

    /// Two clusters in one virtual network with the same pod CIDRs, each with a subnet for its nodes; SE subnets
    /// are what the provider is for. Up to 3,000 nodes each.
    pub fn two_clusters(nodes: usize) -> Seed {
        let subnet = |name: &str, range: &str| {
            json!({"name": name, "properties": {
                "addressPrefix": range,
                "networkSecurityGroup": {"id": SECURITY_GROUP},
            }})
        };
        let security_group = Put {
            path: "networkSecurityGroups/nsg-nodes".to_owned(),
            body: json!({"location": "westeurope", "properties": {}}),
        };
        let network = virtual_network(&[
            subnet("snet-cluster1-nodes", "10.1.0.0/20"),
            subnet("snet-cluster2-nodes", "10.2.0.0/20"),
        ]);
        let pods = |index: usize| format!("10.{}.{}.0/24", 244 + index / 256, index % 256);
        let of = |name, number| cluster(name, number, nodes.min(3_000), pods);
        Seed {
            azure: vec![security_group, network],
            clusters: vec![of("cluster1", 1), of("cluster2", 2)],
            ..Seed::empty()
        }
    }

    /// Many clusters `cluster<n>`, n from 1, in one virtual network with the same pod CIDRs; each with a subnet for its
    /// nodes, an SE subnet and the route table `rt-cluster<n>` for it. Up to 27 clusters of 8,000 nodes.
    pub fn fleet(clusters: u8, nodes: usize) -> Seed {
        let mut azure = Vec::new();
        let mut subnets = Vec::new();
        for number in 1..=clusters.min(27) {
            let table = format!("routeTables/rt-cluster{number}");
            subnets.push(
                json!({"name": format!("snet-cluster{number}-nodes"), "properties": {
                    "addressPrefix": format!("10.{number}.0.0/19"),
                }}),
            );
            subnets.push(
                json!({"name": format!("snet-cluster{number}-se"), "properties": {
                    "addressPrefix": format!("10.{}.0.0/24", 100 + number),
                    "routeTable": {"id": format!("{{network}}/{table}")},
                }}),
            );
            azure.push(Put {
                path: table,
                body: json!({"location": "westeurope", "properties": {}}),
            });
        }
        azure.push(virtual_network(&subnets));
        // A /24 of 100.64.0.0/10 each.
        let pods = |index: usize| format!("100.{}.{}.0/24", 64 + index / 256, index % 256);
        let of = |number| cluster(&format!("cluster{number}"), number, nodes.min(8_000), pods);
        Seed {
            azure,
            clusters: (1..=clusters.min(27)).map(of).collect(),
            ..Seed::empty()
        }
    }

    /// Reads a seed file.
    pub fn read(path: &Path) -> Result<Seed, Error> {
        let name = path.display().to_string();
        let text = std::fs::read(path).map_err(|source| Error::Read {
            path: name.clone(),
            source,
        })?;
        serde_json::from_slice(&text).map_err(|source| Error::Form { path: name, source })
    }

    /// Puts the seed's Azure objects in place.
    pub(crate) fn plant(&self, azure: &Azure) -> Result<(), Error> {
        let group = format!("/resourceGroups/{}", self.resource_group);
        put(azure, &group, &json!({"location": self.location}))?;
        let network = format!("{group}/providers/Microsoft.Network");
        for object in &self.azure {
            let path = format!("{network}/{}", object.path);
            // Ids inside the bodies name this group without knowing the subscription.
            let id = azure_id(azure, &network);
            let body = object.body.to_string().replace("{network}", &id);
            put(
                azure,
                &path,
                &serde_json::from_str(&body).unwrap_or_default(),
            )?;
        }
        Ok(())
    }
}

impl Cluster {
    /// Puts the nodes and the objects of network plugins in place.
    pub(crate) fn plant(&self, cluster: &kubernetes::Cluster) -> Result<(), Error> {
        let nodes: Vec<Node> = self.nodes.iter().map(Into::into).collect();
        cluster.set_nodes(&nodes);
        for (plural, items) in &self.custom_resources {
            let resource = CustomResource::of_plural(plural);
            let resource = resource.ok_or_else(|| Error::UnknownResource {
                cluster: self.name.clone(),
                resource: plural.clone(),
            })?;
            cluster.set_custom_resources(&resource, items);
        }
        Ok(())
    }
}

impl From<&SeedNode> for Node {
    fn from(seed: &SeedNode) -> Node {
        let mut node = Node::ready(&seed.name, &seed.internal_ip, "");
        node.pod_cidrs.clone_from(&seed.pod_cidrs);
        node.annotations.clone_from(&seed.annotations);
        node.labels.extend(seed.labels.clone());
        node
    }
}

const SECURITY_GROUP: &str = "{network}/networkSecurityGroups/nsg-nodes";

fn virtual_network(subnets: &[Value]) -> Put {
    Put {
        path: "virtualNetworks/vnet-ako-lab".to_owned(),
        body: json!({"location": "westeurope", "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/9"]},
            "subnets": subnets,
        }}),
    }
}

/// The same pod CIDRs in every cluster; the node addresses follow the cluster's number.
fn cluster(name: &str, number: u8, nodes: usize, pods: impl Fn(usize) -> String) -> Cluster {
    let node = |index: usize| {
        // Azure keeps the first four addresses of a subnet.
        let host = index + 4;
        SeedNode {
            name: format!("{name}-node-{index}"),
            internal_ip: format!("10.{number}.{}.{}", host / 256, host % 256),
            pod_cidrs: vec![pods(index)],
            annotations: BTreeMap::new(),
            labels: BTreeMap::new(),
        }
    };
    Cluster {
        name: name.to_owned(),
        nodes: (0..nodes).map(node).collect(),
        custom_resources: BTreeMap::new(),
    }
}

fn azure_id(azure: &Azure, below: &str) -> String {
    format!("/subscriptions/{}{below}", azure.identity().subscription_id)
}

fn put(azure: &Azure, path: &str, body: &Value) -> Result<(), Error> {
    let (status, answer) = azure.request("PUT", path, body.clone());
    if status < 300 {
        return Ok(());
    }
    Err(Error::Refused {
        path: path.to_owned(),
        status,
        body: answer,
    })
}
