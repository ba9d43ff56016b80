//! The attributes of `ako_config`, with their descriptions.

use crate::data_sources::connection;
use crate::framework::schema::{Attribute, Schema, Shape, Type};

pub(super) fn schema() -> Schema {
    Schema::new(DESCRIPTION, attributes())
}

const DESCRIPTION: &str = "What AKO in a cluster is configured with: its config map `avi-k8s-config`, so that a configuration can compare it with the cloud, the SE group and the routes that it manages. AKO reads most of it at its start alone: after a change it has to be started again.

Attributes have the text of the config map as it is. Where the config map has no such entry, they are null. The credentials need `get` on the config map.";

fn attributes() -> Vec<Attribute> {
    let text = |name: &str, description: &str| Attribute::computed(name, Type::String, description);
    let flag = |name: &str, description: &str| Attribute::computed(name, Type::Bool, description);
    let network = vec![
        text(
            "network_name",
            "`networkName`; on Azure the name of a subnet.",
        ),
        text("network_uuid", "`networkUUID`."),
        text("cidr", "The IPv4 network."),
        text("v6_cidr", "The IPv6 network. AKO has none on Azure."),
    ];
    let mut attributes = connection::arguments();
    attributes.extend([
        Attribute::optional(
            "namespace",
            Type::String,
            "The namespace in which AKO is installed, `avi-system` by default.",
        ),
        text(
            "cluster_name",
            "`clusterName`: the label of the routes and of the SE group.",
        ),
        text("cloud_name", "`cloudName`: the cloud at the controller."),
        text("se_group_name", "`serviceEngineGroupName`."),
        text(
            "cni_plugin",
            "`cniPlugin`, which decides where pod CIDRs are read; see `ako_cluster_nodes`.",
        ),
        flag(
            "static_route_sync_enabled",
            "Whether AKO writes the routes to pods into the VRF context: `disableStaticRouteSync` is not true, and `serviceType` is neither `NodePort` nor `NodePortLocal`. Of several instances of AKO in a cluster only the primary one writes them.",
        ),
        text(
            "service_type",
            "`serviceType`: `ClusterIP`, `NodePort` or `NodePortLocal`.",
        ),
        Attribute::computed(
            "vip_networks",
            Shape::list_of(network),
            "`vipNetworkList`: the networks for virtual addresses. On Azure AKO needs exactly one.",
        ),
        text(
            "controller_host",
            "`controllerIP`: the address of the controller.",
        ),
        text(
            "controller_version",
            "`controllerVersion`: the version of the API that AKO is to speak.",
        ),
        text("tenant_name", "`tenantName`: AKO's tenant."),
        flag(
            "primary_instance",
            "`primaryInstance`: whether it is the instance that writes the routes.",
        ),
        flag(
            "delete_config",
            "`deleteConfig`: whether AKO is told to delete all that it has made.",
        ),
        Attribute::computed(
            "data",
            Type::map(Type::String),
            "All entries as they are, but for those whose key looks like that of a secret.",
        ),
    ]);
    attributes
}
