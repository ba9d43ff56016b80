//! The attributes of `ako_vrf_pod_routes`, and how they come from and go to decisions.

use super::messages;
use super::vrf::Ground;
use crate::clients::avi::{Cloud, Object, Reference};
use crate::domain::node_routes::{NodeRoute, NodeRoutes, route_nodes};
use crate::domain::route_names::check_node_name;
use crate::domain::vrf_routes::{
    ClusterLabel, FoundVrfRoute, RecordedRoute, VrfRoute, find_own_vrf_routes, nodes_of_vrf_routes,
};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use crate::framework::plan::Plan;
use crate::framework::schema::{Attribute, Check, Schema, Shape, Type};
use crate::framework::timeouts::Timeouts;
use crate::framework::value::Value;
use crate::resources::nodes::{NodeModel, nodes_shape, nodes_to_route, planned_nodes, read_nodes};
use crate::resources::route_messages;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The VRF in which AKO writes on Azure, whatever its configuration says.
const DEFAULT_VRF: &str = "global";

/// The attributes of `ako_vrf_pod_routes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The import id.
    pub id: Option<String>,
    /// The cloud, in the user's spelling.
    pub cloud_ref: String,
    /// The name of the VRF.
    pub vrf_name: String,
    /// The cluster, as AKO's `clusterName`.
    pub cluster_name: String,
    /// The nodes by name.
    pub nodes: BTreeMap<String, NodeModel>,
    /// Whether to wait for the routes in Azure.
    pub wait_for_azure_routes: bool,
    /// What the controller knows the VRF by.
    pub vrf_uuid: Option<String>,
    /// What the controller knows the cloud by.
    pub cloud_uuid: Option<String>,
    /// The name of the cloud.
    pub cloud_name: Option<String>,
    /// The cluster's routes by CIDR.
    pub routes: Option<BTreeMap<String, RouteModel>>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteModel {
    /// Its next hop; none if it leads to no address of IPv4.
    pub next_hop_ip_address: Option<String>,
    /// The node it leads to; none if no node is known by that address.
    pub node_name: Option<String>,
}

pub(super) fn schema() -> Schema {
    let attributes = vec![
        Attribute::computed(
            "id",
            Type::String,
            "The id for `terraform import`: `<cloud_ref>/<vrf_name>,<cluster_name>`.",
        ),
        Attribute::required(
            "cloud_ref",
            Type::String,
            "The cloud at the Avi controller: its name, its uuid, or a reference with either. Another spelling of the same cloud changes nothing.",
        )
        .check(Check::Text(check_cloud_ref)),
        Attribute::optional(
            "vrf_name",
            Type::String,
            "The VRF context of the cloud; `global` by default, the one that AKO uses on Azure and that all clusters of the cloud share.",
        )
        .default_to(Value::from(DEFAULT_VRF))
        .force_new()
        .check(Check::Text(check_vrf_name)),
        Attribute::required(
            "cluster_name",
            Type::String,
            "The name of the cluster, the same as AKO's `clusterName`: letters, digits, `-` and `_`. It is the label `clustername` of the routes, by which the controller finds the SE groups whose route tables get them. Another name makes other routes: set `create_before_destroy`, so that none is missing meanwhile. Do not choose names that begin with one another.",
        )
        .force_new()
        .check(Check::Text(check_cluster_name)),
        Attribute::required(
            "nodes",
            nodes_shape(),
            "The nodes of the cluster under their names, for example `data.ako_cluster_nodes.example.nodes`. Pod CIDRs may not overlap; those of other clusters do not matter.",
        )
        .check(Check::Key(check_node_name)),
        Attribute::optional(
            "wait_for_azure_routes",
            Type::Bool,
            "Whether create and update wait until the cloud connector has written the routes to the Azure route tables of the cluster's SE groups, as long as `timeouts` allow; `false` by default. Needs the section `azure` of the provider.",
        )
        .default_to(Value::from(false)),
        Attribute::computed(
            "vrf_uuid",
            Type::String,
            "What the controller knows the VRF context by.",
        ),
        Attribute::computed("cloud_uuid", Type::String, "The uuid of its cloud."),
        Attribute::computed("cloud_name", Type::String, "The name of its cloud."),
        Attribute::computed(
            "routes",
            routes_shape(),
            "The routes of the cluster under their CIDRs. Routes with other labels, or without one, are not among them, and stay.",
        ),
    ];
    Schema::new(
        "The static routes that carry one cluster's pod traffic, in a VRF context of the Avi controller: one for each pod CIDR, labelled with the cluster's name as AKO's own are. The controller's cloud connector writes them to the Azure route tables of the SE groups with the same label. All changes are one write, guarded against other writers; routes of other owners stay as they are. For clusters where AKO does not write routes itself (`disableStaticRouteSync: true`): else it and Terraform undo each other's changes. Nodes that come and go are followed when Terraform runs, not before. To hand the routes to AKO, take the resource out of the state alone, by a block `removed` with `lifecycle { destroy = false }` or `terraform state rm`: a destroy also deletes those of its routes that AKO has kept as its own.",
        attributes,
    )
    .with_timeouts(Timeouts::default())
}

fn routes_shape() -> Shape {
    Shape::map_of(vec![
        Attribute::computed(
            "next_hop_ip_address",
            Type::String,
            "The address of the node. Null for a route that was changed to lead to no address of IPv4.",
        ),
        Attribute::computed(
            "node_name",
            Type::String,
            "The node. Null where no node is known by the address.",
        ),
    ])
}

/// The attribute `id`, unknown with any of its parts.
pub(super) fn planned_id(plan: &Plan<'_>) -> Value {
    match (
        plan.planned("cloud_ref").as_str(),
        plan.planned("vrf_name").as_str(),
        plan.planned("cluster_name").as_str(),
    ) {
        (Some(cloud), Some(vrf), Some(cluster)) => Value::from(import_id(cloud, vrf, cluster)),
        _ => Value::Unknown,
    }
}

/// The attribute `routes`: unknown with any CIDR, each next hop unknown with its node's address.
pub(super) fn planned_routes(plan: &Plan<'_>) -> Result<Value, Diagnostics> {
    let Some(known) = planned_nodes(plan.planned("nodes"))? else {
        return Ok(Value::Unknown);
    };
    let routes = route_nodes(known).map_err(|overlaps| route_messages::overlapping(&overlaps))?;
    Ok(Value::object(routes.into_iter().map(|(cidr, route)| {
        let NodeRoute { node, next_hop } = route;
        let route = Value::object([
            ("next_hop_ip_address", next_hop),
            ("node_name", Value::from(node)),
        ]);
        (cidr.to_string(), route)
    })))
}

/// The parts of `<cloud>/<vrf>,<cluster_name>`. The cloud keeps its spelling, which may hold slashes.
pub(super) fn parse_import_id(id: &str) -> Result<(String, String, ClusterLabel), Diagnostic> {
    let (place, cluster) = id
        .rsplit_once(',')
        .ok_or_else(|| messages::import_id(id, &"there is no comma in it"))?;
    let (cloud, vrf) = place
        .rsplit_once('/')
        .ok_or_else(|| messages::import_id(id, &"there is no slash before the comma"))?;
    let (cloud, vrf) = (cloud.trim(), vrf.trim());
    check_cloud_ref(cloud).map_err(|reason| messages::import_id(id, &reason))?;
    check_vrf_name(vrf)
        .map_err(|reason| messages::import_id(id, &format!("the name of the VRF {reason}")))?;
    let cluster = cluster
        .trim()
        .parse()
        .map_err(|error| messages::import_id(id, &format!("the cluster name {error}")))?;
    Ok((cloud.to_owned(), vrf.to_owned(), cluster))
}

impl Model {
    /// A plan in which everything is known that a look at the VRF needs.
    pub(super) fn of_plan(plan: &Plan<'_>) -> Option<Model> {
        Some(Model {
            id: None,
            cloud_ref: plan.planned("cloud_ref").as_str()?.to_owned(),
            vrf_name: plan.planned("vrf_name").as_str()?.to_owned(),
            cluster_name: plan.planned("cluster_name").as_str()?.to_owned(),
            nodes: read_nodes(plan.planned("nodes"))?,
            wait_for_azure_routes: plan.planned("wait_for_azure_routes").as_bool()?,
            vrf_uuid: None,
            cloud_uuid: None,
            cloud_name: None,
            routes: None,
        })
    }

    /// What an import finds: nodes under their addresses, everything that concerns Terraform alone at its default.
    pub(super) fn imported(
        cloud_ref: String,
        vrf_name: String,
        cluster: &ClusterLabel,
        routes: &[VrfRoute],
    ) -> Model {
        let nodes = nodes_of_vrf_routes(cluster, routes).into_iter();
        let nodes = nodes.map(|(internal_ip, cidrs)| {
            let pod_cidrs = cidrs.iter().map(ToString::to_string).collect();
            let node = NodeModel {
                internal_ip,
                pod_cidrs,
            };
            (internal_ip.to_string(), node)
        });
        let model = Model {
            id: Some(import_id(&cloud_ref, &vrf_name, cluster.as_str())),
            cloud_ref,
            vrf_name,
            cluster_name: cluster.to_string(),
            nodes: nodes.collect(),
            wait_for_azure_routes: false,
            vrf_uuid: None,
            cloud_uuid: None,
            cloud_name: None,
            routes: None,
        };
        let found = find_own_vrf_routes(cluster, &model.known_routes(), routes);
        model.with_found(found)
    }

    /// The same with the routes that the VRF holds.
    pub(super) fn with_found(self, found: BTreeMap<String, FoundVrfRoute>) -> Model {
        let routes = found.into_iter().map(|(prefix, route)| {
            let route = RouteModel {
                next_hop_ip_address: route.next_hop.map(|address| address.to_string()),
                node_name: route.node,
            };
            (prefix, route)
        });
        Model {
            routes: Some(routes.collect()),
            ..self
        }
    }

    /// The same with the routes that there should be.
    pub(super) fn with_routes(self, desired: &NodeRoutes) -> Model {
        let routes = desired.iter().map(|(cidr, route)| {
            let route = RouteModel {
                next_hop_ip_address: Some(route.next_hop.to_string()),
                node_name: Some(route.node.clone()),
            };
            (cidr.to_string(), route)
        });
        Model {
            id: Some(import_id(
                &self.cloud_ref,
                &self.vrf_name,
                &self.cluster_name,
            )),
            routes: Some(routes.collect()),
            ..self
        }
    }

    /// The routes that the nodes need.
    pub(super) fn desired(&self) -> Result<NodeRoutes, Diagnostics> {
        let nodes = nodes_to_route(&self.nodes)?;
        route_nodes(nodes).map_err(|overlaps| route_messages::overlapping(&overlaps))
    }

    /// The same with the VRF and the cloud that its names mean.
    pub(super) fn at(self, ground: &Ground) -> Model {
        Model {
            vrf_uuid: Some(ground.vrf_uuid.clone()),
            cloud_uuid: ground.cloud_uuid.clone(),
            cloud_name: ground.cloud_name.clone(),
            ..self
        }
    }

    /// The routes that the state records: as they were read, and as they were written, because where somebody has added
    /// a second one for a prefix a read shows that one.
    pub(super) fn recorded(&self) -> impl Iterator<Item = RecordedRoute> {
        let read = self.routes.iter().flatten().map(|(prefix, route)| {
            let next_hop = route.next_hop_ip_address.as_ref();
            (prefix.clone(), next_hop.and_then(|text| text.parse().ok()))
        });
        let written = self.desired().unwrap_or_default().into_iter();
        let written = written.map(|(cidr, route)| (cidr.to_string(), Some(route.next_hop)));
        read.chain(written)
    }

    /// The prefixes of the routes in the state.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.routes
            .iter()
            .flat_map(BTreeMap::keys)
            .map(String::as_str)
    }

    /// Prefixes with next hops and nodes, from the routes in the state and from the nodes.
    pub(super) fn known_routes(&self) -> Vec<(String, Ipv4Addr, String)> {
        let recorded = self.routes.iter().flatten();
        let recorded = recorded.filter_map(|(prefix, route)| {
            let next_hop = route.next_hop_ip_address.as_ref()?.parse().ok()?;
            Some((prefix.clone(), next_hop, route.node_name.clone()?))
        });
        let expected = self.desired().unwrap_or_default().into_iter();
        let expected = expected.map(|(cidr, route)| (cidr.to_string(), route.next_hop, route.node));
        recorded.chain(expected).collect()
    }

    /// The label of the cluster.
    pub(super) fn label(&self) -> Result<ClusterLabel, Diagnostic> {
        let parsed = self.cluster_name.parse();
        parsed.map_err(|error| route_messages::wrong(Path::attribute("cluster_name"), &error))
    }

    /// The cloud.
    pub(super) fn cloud(&self) -> Result<Reference, Diagnostic> {
        let parsed = Reference::parse(Cloud::TYPE, &self.cloud_ref);
        parsed.map_err(|error| route_messages::wrong(Path::attribute("cloud_ref"), &error))
    }
}

fn import_id(cloud: &str, vrf: &str, cluster: &str) -> String {
    format!("{cloud}/{vrf},{cluster}")
}

fn check_cloud_ref(text: &str) -> Result<(), String> {
    let parsed = Reference::parse(Cloud::TYPE, text);
    parsed
        .map(|_| ())
        .map_err(|error| format!("must refer to a cloud: {error}"))
}

fn check_vrf_name(text: &str) -> Result<(), String> {
    match text.is_empty() || text.contains(['/', ',']) {
        true => Err(format!(
            "must be the name of a VRF context, without \"/\" and \",\", not {text:?}"
        )),
        false => Ok(()),
    }
}

fn check_cluster_name(text: &str) -> Result<(), String> {
    let parsed = text.parse::<ClusterLabel>();
    parsed.map(|_| ()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_id_is_read_from_its_end() {
        let uuid = "cloud-5c1a0000-0000-4000-8000-000000000001";
        for cloud in [
            "azure",
            uuid,
            &format!("https://avi/api/cloud/{uuid}#azure"),
        ] {
            let parsed = parse_import_id(&format!("{cloud}/global,prod"));
            let (found, vrf, cluster) = parsed.unwrap();
            assert_eq!(
                (&*found, &*vrf, cluster.as_str()),
                (cloud, "global", "prod")
            );
        }
        for wrong in [
            "azure/global",
            "azure,prod",
            "azure/,prod",
            "azure/global,a.b",
            "/x,y",
        ] {
            assert!(parse_import_id(wrong).is_err(), "{wrong}");
        }
    }
}
