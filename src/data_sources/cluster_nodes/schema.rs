//! The attributes of `ako_cluster_nodes`, with their descriptions.

use crate::data_sources::connection;
use crate::framework::schema::{Attribute, Schema, Shape, Type};

pub(super) fn schema() -> Schema {
    Schema::new(DESCRIPTION, attributes())
}

const DESCRIPTION: &str = "The nodes of a Kubernetes cluster with their pod CIDRs and addresses, read as AKO reads them in ClusterIP mode: all nodes, whether ready or not, IPv4 only.

Where the pod CIDRs come from depends on `cni_plugin`:

| `cni_plugin` | pod CIDRs | address |
|---|---|---|
| `calico` | `spec.cidr` of the `blockaffinities.crd.projectcalico.org` of the node: one route for each block | annotation `projectcalico.org/IPv4Address`, else `InternalIP` |
| `openshift` | `subnet` of its `hostsubnets.network.openshift.io` | `InternalIP` |
| `ovn-kubernetes` | `default` in its annotation `k8s.ovn.org/node-subnets` | `InternalIP` |
| `cilium` | `spec.ipam.podCIDRs` of its `ciliumnodes.cilium.io`: for IPAM `cluster-pool`; leave `cni_plugin` unset for IPAM `kubernetes` | `InternalIP` |
| `antrea` | as unset | annotation `node.antrea.io/transport-addresses`, else `InternalIP` |
| unset, `canal`, `flannel`, `ncp` | annotation `ako.vmware.com/pod-cidrs` (comma-separated, empty: no routes), else `spec.podCIDRs` | `InternalIP` |

The credentials need `list` on `nodes`, and on the objects of the plugin where the table names some. Of two nodes with a network of the same address the second by name gets no routes, as with AKO; what is left out is told in `skipped_nodes` and `skipped_cidrs`.";

fn attributes() -> Vec<Attribute> {
    let node = vec![
        Attribute::computed(
            "internal_ip",
            Type::String,
            "The address that AKO takes as the next hop: see the table above.",
        ),
        Attribute::computed(
            "pod_cidrs",
            Type::set(Type::String),
            "The IPv4 networks of the pods on the node.",
        ),
    ];
    let skipped_cidr = vec![
        Attribute::computed("node_name", Type::String, "The node that has it."),
        Attribute::computed("cidr", Type::String, "The pod CIDR as Kubernetes has it."),
        Attribute::computed("reason", Type::String, "Why there is no route for it."),
    ];
    let mut attributes = connection::arguments();
    attributes.extend([
        Attribute::optional(
            "cni_plugin",
            Type::String,
            "The network plugin, the same as AKO's `cniPlugin`, in any case. One that AKO does not know reads as if it were unset, with a warning.",
        ),
        Attribute::optional(
            "label_selector",
            Type::String,
            "Reads only the nodes that this label selector of Kubernetes selects, such as `kubernetes.azure.com/agentpool=np1,!virtual`. AKO has no such filter: it programs routes to all nodes, and pods on the others are then not reached by these routes. Hence a warning with every plan.",
        ),
        Attribute::computed(
            "nodes",
            Shape::map_of(node),
            "The nodes under their names, ready for `ako_pod_routes`. A node whose plugin has given it no pod CIDR yet is among them, with none.",
        ),
        Attribute::computed(
            "skipped_nodes",
            Type::map(Type::String),
            "Nodes that can have no route, each with the reason.",
        ),
        Attribute::computed(
            "skipped_cidrs",
            Shape::list_of(skipped_cidr),
            "Pod CIDRs of the other nodes that can have no route, each with the reason: IPv6, what is no network, and the networks of a node of which another node has one already.",
        ),
    ]);
    attributes
}
