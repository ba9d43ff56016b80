//! What a cluster holds: nodes as tests think of them, and the JSON that the API makes of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::store::{Kind, ResourceId};

/// A node, as far as pod routes depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// The name.
    pub name: String,
    /// The first address of type `InternalIP`, where there is one.
    pub internal_ip: Option<String>,
    /// `spec.podCIDRs`; empty where no CIDR was assigned.
    pub pod_cidrs: Vec<String>,
    /// The annotations.
    pub annotations: BTreeMap<String, String>,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// Whether the condition `Ready` is true.
    pub ready: bool,
}

/// A kind of custom resource, cluster-wide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomResource {
    /// The API group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The name in paths.
    pub plural: String,
    /// The kind.
    pub kind: String,
}

impl Node {
    /// A node that is ready, with one address, one pod CIDR and the labels that a kubelet sets.
    pub fn ready(name: &str, internal_ip: &str, pod_cidr: &str) -> Node {
        let labels = [
            ("kubernetes.io/hostname", name),
            ("kubernetes.io/os", "linux"),
        ];
        Node {
            name: name.to_owned(),
            internal_ip: Some(internal_ip.to_owned()),
            pod_cidrs: vec![pod_cidr.to_owned()],
            annotations: BTreeMap::new(),
            labels: labels
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            ready: true,
        }
    }

    /// The node that a stored object describes.
    pub(super) fn from_object(object: &Value) -> Node {
        let condition = find(&object["status"]["conditions"], "type", "Ready");
        let address = find(&object["status"]["addresses"], "type", "InternalIP");
        let cidrs = object["spec"]["podCIDRs"].as_array().into_iter().flatten();
        Node {
            name: text(&object["metadata"]["name"]),
            internal_ip: address.map(|address| text(&address["address"])),
            pod_cidrs: cidrs.map(text).collect(),
            annotations: texts(&object["metadata"]["annotations"]),
            labels: texts(&object["metadata"]["labels"]),
            ready: condition.is_some_and(|condition| condition["status"] == "True"),
        }
    }

    /// The object as a kubelet on Azure and the cloud controller leave it.
    pub(super) fn to_object(&self) -> Value {
        let mut metadata = json!({ "name": self.name });
        set_texts(&mut metadata, "labels", &self.labels);
        set_texts(&mut metadata, "annotations", &self.annotations);
        json!({ "metadata": metadata, "spec": self.spec(), "status": self.status() })
    }

    fn spec(&self) -> Value {
        let mut spec = Map::new();
        if let Some(first) = self.pod_cidrs.first() {
            spec.insert("podCIDR".into(), json!(first));
            spec.insert("podCIDRs".into(), json!(self.pod_cidrs));
        }
        let machine = format!(
            "azure:///subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-nodes/\
             providers/Microsoft.Compute/virtualMachines/{}",
            self.name
        );
        spec.insert("providerID".into(), json!(machine));
        if !self.ready {
            let taint = json!({ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" });
            spec.insert("taints".into(), json!([taint]));
        }
        Value::Object(spec)
    }

    fn status(&self) -> Value {
        let mut addresses = Vec::new();
        if let Some(address) = &self.internal_ip {
            addresses.push(json!({ "type": "InternalIP", "address": address }));
        }
        addresses.push(json!({ "type": "Hostname", "address": self.name }));
        let (ready, reason, message) = match self.ready {
            true => ("True", "KubeletReady", "the kubelet is ready"),
            false => ("False", "KubeletNotReady", "the kubelet is not ready"),
        };
        json!({
            "capacity": { "cpu": "4", "memory": "16Gi", "pods": "110" },
            "allocatable": { "cpu": "3860m", "memory": "13Gi", "pods": "110" },
            "conditions": [{
                "type": "Ready", "status": ready, "reason": reason, "message": message,
                "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
            "addresses": addresses,
            "daemonEndpoints": { "kubeletEndpoint": { "Port": 0 } },
            "nodeInfo": {
                "machineID": "", "systemUUID": "", "bootID": "",
                "kernelVersion": "5.15.0-1074-azure", "osImage": "Ubuntu 22.04.5 LTS",
                "containerRuntimeVersion": "containerd://1.7.25", "kubeletVersion": "v1.33.2",
                "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
            },
        })
    }
}

impl CustomResource {
    /// Calico's blocks of pod addresses: `spec.node`, `spec.cidr`.
    pub fn block_affinities() -> CustomResource {
        CustomResource::new(
            "crd.projectcalico.org",
            "v1",
            "blockaffinities",
            "BlockAffinity",
        )
    }

    /// OpenShift SDN's subnets of nodes: `host`, `subnet`.
    pub fn host_subnets() -> CustomResource {
        CustomResource::new("network.openshift.io", "v1", "hostsubnets", "HostSubnet")
    }

    /// Cilium's nodes: `metadata.name`, `spec.ipam.podCIDRs`.
    pub fn cilium_nodes() -> CustomResource {
        CustomResource::new("cilium.io", "v2", "ciliumnodes", "CiliumNode")
    }

    /// The one of these three with that name in paths.
    pub fn of_plural(plural: &str) -> Option<CustomResource> {
        let known = [
            CustomResource::block_affinities(),
            CustomResource::host_subnets(),
            CustomResource::cilium_nodes(),
        ];
        known.into_iter().find(|resource| resource.plural == plural)
    }

    fn new(group: &str, version: &str, plural: &str, kind: &str) -> CustomResource {
        CustomResource {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            kind: kind.to_owned(),
        }
    }

    pub(super) fn to_kind(&self) -> Kind {
        Kind {
            id: ResourceId::new(&self.group, &self.plural),
            version: self.version.clone(),
            kind: self.kind.clone(),
            short_name: None,
            namespaced: false,
        }
    }

    /// The item as stored: custom resources keep their kind in lists, too.
    pub(super) fn to_object(&self, item: &Value) -> Value {
        let mut object = json!({
            "apiVersion": format!("{}/{}", self.group, self.version),
            "kind": self.kind,
        });
        for (member, value) in item.as_object().into_iter().flatten() {
            object[member] = value.clone();
        }
        object["metadata"]["generation"] = json!(1);
        object
    }
}

/// A block of pod addresses, as Calico's IPAM writes it.
pub fn block_affinity(name: &str, node: &str, cidr: &str) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": { "cidr": cidr, "deleted": "false", "node": node, "state": "confirmed" },
    })
}

/// A node's subnet, as OpenShift SDN writes it; named after the node.
pub fn host_subnet(host: &str, subnet: &str) -> Value {
    json!({ "metadata": { "name": host }, "host": host, "subnet": subnet })
}

/// Cilium's view of a node with IPAM in mode `cluster-pool`.
pub fn cilium_node(name: &str, pod_cidrs: &[&str]) -> Value {
    json!({ "metadata": { "name": name }, "spec": { "ipam": { "podCIDRs": pod_cidrs } } })
}

/// The built-in kind `Node`.
pub(super) fn node_kind() -> Kind {
    Kind {
        id: ResourceId::new("", "nodes"),
        version: "v1".to_owned(),
        kind: "Node".to_owned(),
        short_name: Some("no"),
        namespaced: false,
    }
}

/// The built-in kind `ConfigMap`.
pub(super) fn config_map_kind() -> Kind {
    Kind {
        id: ResourceId::new("", "configmaps"),
        version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        short_name: Some("cm"),
        namespaced: true,
    }
}

/// A config map as stored.
pub(super) fn config_map(namespace: &str, name: &str, data: &BTreeMap<String, String>) -> Value {
    json!({ "metadata": { "name": name, "namespace": namespace }, "data": data })
}

/// The element of an array of objects whose member `key` is `value`.
pub(super) fn find<'a>(array: &'a Value, key: &str, value: &str) -> Option<&'a Value> {
    array
        .as_array()?
        .iter()
        .find(|element| element[key] == value)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> BTreeMap<String, String> {
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}

// Absent where empty: the API never shows an empty map here.
fn set_texts(metadata: &mut Value, member: &str, texts: &BTreeMap<String, String>) {
    if !texts.is_empty() {
        metadata[member] = json!(texts);
    }
}
