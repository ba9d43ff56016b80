//! The attributes of `ako_pod_routes`, and how they come from and go to decisions.

use super::messages;
use crate::clients::azure::ids::RouteTableId;
use crate::domain::pod_routes::Ownership;
use crate::domain::pod_routes::{
    FoundRoute, PodRoute, PodRoutes, TableRoute, find_own_routes, nodes_of_routes, plan_routes,
};
use crate::domain::route_merge::OnConflict as Policy;
use crate::domain::route_names::{ClusterName, check_node_name};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use crate::framework::plan::Plan;
use crate::framework::schema::{Attribute, Check, Schema, Shape, Type};
use crate::framework::timeouts::Timeouts;
use crate::framework::value::Value;
use crate::resources::nodes::{NodeModel, nodes_shape, nodes_to_route, planned_nodes, read_nodes};
use crate::resources::route_messages;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

const DEFAULT_ROUTE_LIMIT: i64 = 400;

/// The attributes of `ako_pod_routes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The import id.
    pub id: Option<String>,
    /// The cluster, as AKO's `clusterName`.
    pub cluster_name: String,
    /// The ARM id of the table, in the user's spelling.
    pub route_table_id: String,
    /// The nodes by name.
    pub nodes: BTreeMap<String, NodeModel>,
    /// What to do with foreign routes in the way.
    pub on_conflict: OnConflict,
    /// From how many routes on to warn.
    pub route_limit: i64,
    /// Whether to refuse next hops that Azure is not known to reach.
    pub next_hop_check_enabled: bool,
    /// The cluster's routes by CIDR.
    pub routes: Option<BTreeMap<String, RouteModel>>,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteModel {
    /// Its name in the table.
    pub name: String,
    /// Its next hop; none if it leads to no virtual appliance.
    pub next_hop_ip_address: Option<String>,
    /// The node it leads to; none if its name tells of none.
    pub node_name: Option<String>,
}

/// What to do with foreign routes in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Refuse.
    Error,
    /// Put ours in their place.
    Replace,
}

impl From<OnConflict> for Policy {
    fn from(on_conflict: OnConflict) -> Policy {
        match on_conflict {
            OnConflict::Error => Policy::Error,
            OnConflict::Replace => Policy::Replace,
        }
    }
}

pub(super) fn schema() -> Schema {
    let attributes = vec![
        Attribute::computed(
            "id",
            Type::String,
            "The id for `terraform import`: `<route_table_id>,<cluster_name>`.",
        ),
        Attribute::required(
            "cluster_name",
            Type::String,
            "The name of the cluster, the same as AKO's `clusterName`: letters, digits, `-` and `_`. The names of all routes of this resource start with it and a dot. Another name makes other routes: set `create_before_destroy`, so that none is missing meanwhile.",
        )
        .force_new()
        .check(Check::Text(check_cluster_name)),
        Attribute::required(
            "route_table_id",
            Type::String,
            "The ARM id of the route table of the cluster's SE subnet, for example `ako_cluster_subnet.example.route_table_id`. The subscription is taken from it.",
        )
        .force_new()
        .check(Check::Text(check_route_table_id))
        .same_when(same_route_table),
        Attribute::required("nodes", nodes_shape(), "The nodes of the cluster under their names, for example `data.ako_cluster_nodes.example.nodes`. Pod CIDRs may not overlap, and every address must be within reach of the table's subnets (see `next_hop_check_enabled`: Azure drops what is routed to any other). The routes of several clusters with the same pod CIDRs need a table each.")
            .check(Check::Key(check_node_name)),
        Attribute::optional(
            "on_conflict",
            Type::String,
            "What to do when a route that this resource does not own has the prefix of a pod CIDR and leads elsewhere: `error` (the default) refuses, `replace` puts the route of this resource in its place. A foreign route that leads to the right node is renamed in either case.",
        )
        .default_to(Value::from("error"))
        .check(Check::OneOf(&["error", "replace"])),
        Attribute::optional(
            "route_limit",
            Type::Number,
            "Warn when the table gets more routes than this; 400 by default, the limit that Azure had for years. Azure itself decides how many a table takes.",
        )
        .default_to(Value::from(DEFAULT_ROUTE_LIMIT))
        .check(Check::Range(1..=1_000_000)),
        Attribute::optional(
            "next_hop_check_enabled",
            Type::Bool,
            "Refuse nodes whose address lies neither in the virtual network whose subnets the table serves nor in one that is peered with it. `true` by default; `false` is for virtual networks that reach each other without a peering which they show, for example in a connected group of Azure Virtual Network Manager.",
        )
        .default_to(Value::from(true)),
        Attribute::computed(
            "routes",
            routes_shape(),
            "The routes of the cluster under their CIDRs. Routes that others have added to the table are not among them, and stay.",
        ),
    ];
    Schema::new(
        "The routes that carry one cluster's pod traffic from its SE subnet to its nodes: one for each pod CIDR, in the route table of that subnet. All changes are one write, guarded against other writers; routes of other owners stay as they are. For clusters where AKO does not write routes itself (`disableStaticRouteSync: true`). Nodes that come and go are followed when Terraform runs, not before.",
        attributes,
    )
    .with_timeouts(Timeouts::default())
}

fn routes_shape() -> Shape {
    Shape::map_of(vec![
        Attribute::computed(
            "name",
            Type::String,
            "The name of the route: `<cluster>.<node>_<address>_<length>`. Where that is over 80 characters, the node's part is cut and ends in a hash.",
        ),
        Attribute::computed(
            "next_hop_ip_address",
            Type::String,
            "The address of the node. Null for a route that was changed to lead to no address, and while Azure calls the last write of the route or of its table failed.",
        ),
        Attribute::computed(
            "node_name",
            Type::String,
            "The node. Null for a route whose name tells of none.",
        ),
    ])
}

/// The attribute `id`, unknown with either of its parts.
pub(super) fn planned_id(plan: &Plan<'_>) -> Value {
    match (
        plan.planned("route_table_id").as_str(),
        plan.planned("cluster_name").as_str(),
    ) {
        (Some(table), Some(cluster)) => Value::from(import_id(table, cluster)),
        _ => Value::Unknown,
    }
}

/// The next hops in the attribute `routes`.
pub(super) fn next_hops_of(routes: &Value) -> BTreeSet<Ipv4Addr> {
    let routes = routes.as_map().into_iter().flat_map(BTreeMap::values);
    let hops = routes.filter_map(|route| route.get("next_hop_ip_address").as_str()?.parse().ok());
    hops.collect()
}

/// The attribute `routes`: unknown with any CIDR, each next hop unknown with its node's address.
pub(super) fn planned_routes(plan: &Plan<'_>) -> Result<Value, Diagnostics> {
    let (Some(cluster), Some(known)) = (
        plan.planned("cluster_name").as_str(),
        planned_nodes(plan.planned("nodes"))?,
    ) else {
        return Ok(Value::Unknown);
    };
    let routes = plan_routes(&parse_cluster(cluster)?, known);
    let routes = routes.map_err(|overlaps| route_messages::overlapping(&overlaps))?;
    Ok(Value::object(routes.into_iter().map(|(cidr, route)| {
        let PodRoute {
            name,
            node,
            next_hop,
        } = route;
        let route = Value::object([
            ("name", Value::from(name)),
            ("next_hop_ip_address", next_hop),
            ("node_name", Value::from(node)),
        ]);
        (cidr.to_string(), route)
    })))
}

/// The parts of `<route_table_id>,<cluster_name>`. The id of the table keeps its spelling.
pub(super) fn parse_import_id(id: &str) -> Result<(String, ClusterName), Diagnostic> {
    let (table, cluster) = id
        .rsplit_once(',')
        .ok_or_else(|| messages::import_id(id, &"there is no comma in it"))?;
    let (table, cluster) = (table.trim(), cluster.trim());
    check_route_table_id(table).map_err(|reason| messages::import_id(id, &reason))?;
    let cluster = cluster
        .parse()
        .map_err(|error| messages::import_id(id, &format!("the cluster name {error}")))?;
    Ok((table.to_owned(), cluster))
}

impl Model {
    /// A plan in which everything is known that a look at the table needs.
    pub(super) fn of_plan(plan: &Plan<'_>) -> Option<Model> {
        let on_conflict = match plan.planned("on_conflict").as_str()? {
            "replace" => OnConflict::Replace,
            _ => OnConflict::Error,
        };
        Some(Model {
            id: None,
            cluster_name: plan.planned("cluster_name").as_str()?.to_owned(),
            route_table_id: plan.planned("route_table_id").as_str()?.to_owned(),
            nodes: read_nodes(plan.planned("nodes"))?,
            on_conflict,
            route_limit: plan.planned("route_limit").as_i64()?,
            next_hop_check_enabled: plan.planned("next_hop_check_enabled").as_bool()?,
            routes: None,
        })
    }

    /// What an import finds: nodes as far as the routes tell, everything that concerns Terraform alone at its default.
    pub(super) fn imported(
        route_table_id: String,
        cluster: &ClusterName,
        table: &[TableRoute],
    ) -> Model {
        let nodes = nodes_of_routes(cluster, table).into_iter();
        let nodes = nodes.map(|(name, node)| (name, NodeModel::from(node)));
        let model = Model {
            id: Some(import_id(&route_table_id, cluster.as_str())),
            cluster_name: cluster.to_string(),
            route_table_id,
            nodes: nodes.collect(),
            on_conflict: OnConflict::Error,
            route_limit: DEFAULT_ROUTE_LIMIT,
            next_hop_check_enabled: true,
            routes: None,
        };
        let known = model.known_names(cluster);
        let known = known.iter().map(|(name, node)| (&**name, node.as_deref()));
        let ownership = Ownership::new(cluster, [""; 0]);
        let found = find_own_routes(&ownership, known, table);
        Model::from_found(model, found)
    }

    /// The same with the routes that the table holds.
    pub(super) fn from_found(model: Model, found: BTreeMap<String, FoundRoute>) -> Model {
        let routes = found.into_iter().map(|(prefix, route)| {
            let route = RouteModel {
                name: route.name,
                next_hop_ip_address: route.next_hop.map(|address| address.to_string()),
                node_name: route.node,
            };
            (prefix, route)
        });
        Model {
            routes: Some(routes.collect()),
            ..model
        }
    }

    /// The same with the routes that there should be.
    pub(super) fn with_routes(self, desired: &PodRoutes) -> Model {
        let routes = desired.iter().map(|(cidr, route)| {
            let route = RouteModel {
                name: route.name.clone(),
                next_hop_ip_address: Some(route.next_hop.to_string()),
                node_name: Some(route.node.clone()),
            };
            (cidr.to_string(), route)
        });
        Model {
            id: Some(import_id(&self.route_table_id, &self.cluster_name)),
            routes: Some(routes.collect()),
            ..self
        }
    }

    /// The routes that the nodes need.
    pub(super) fn desired(&self) -> Result<PodRoutes, Diagnostics> {
        let nodes = nodes_to_route(&self.nodes)?;
        plan_routes(&self.cluster()?, nodes)
            .map_err(|overlaps| route_messages::overlapping(&overlaps))
    }

    /// The names of the routes in the state.
    pub(super) fn route_names(&self) -> impl Iterator<Item = &str> {
        let routes = self.routes.iter().flat_map(BTreeMap::values);
        routes.map(|route| route.name.as_str())
    }

    /// The next hops of the routes in the state.
    pub(super) fn next_hops(&self) -> impl Iterator<Item = Ipv4Addr> {
        let routes = self.routes.iter().flat_map(BTreeMap::values);
        routes.filter_map(|route| route.next_hop_ip_address.as_ref()?.parse().ok())
    }

    /// Names of routes with their nodes, from the nodes and from the routes in the state.
    pub(super) fn known_names(&self, cluster: &ClusterName) -> Vec<(String, Option<String>)> {
        let routes = self.routes.iter().flat_map(BTreeMap::values);
        let recorded = routes.map(|route| (route.name.clone(), route.node_name.clone()));
        let expected = self.nodes.iter().flat_map(|(name, node)| {
            let cidrs = node.pod_cidrs.iter().filter_map(|text| text.parse().ok());
            cidrs.map(|cidr| (cluster.route_name(name, cidr), Some(name.clone())))
        });
        recorded.chain(expected).collect()
    }

    /// The name of the cluster.
    pub(super) fn cluster(&self) -> Result<ClusterName, Diagnostic> {
        parse_cluster(&self.cluster_name)
    }

    /// The id of the table.
    pub(super) fn table_id(&self) -> Result<RouteTableId, Diagnostic> {
        self.route_table_id
            .parse()
            .map_err(|error| route_messages::wrong(Path::attribute("route_table_id"), &error))
    }
}

fn import_id(table: &str, cluster: &str) -> String {
    format!("{table},{cluster}")
}

fn parse_cluster(text: &str) -> Result<ClusterName, Diagnostic> {
    text.parse()
        .map_err(|error| route_messages::wrong(Path::attribute("cluster_name"), &error))
}

fn check_cluster_name(text: &str) -> Result<(), String> {
    let parsed = text.parse::<ClusterName>();
    parsed.map(|_| ()).map_err(|error| error.to_string())
}

fn check_route_table_id(text: &str) -> Result<(), String> {
    let parsed = text.parse::<RouteTableId>();
    parsed.map(|_| ()).map_err(|error| error.to_string())
}

fn same_route_table(a: &str, b: &str) -> bool {
    match (a.parse::<RouteTableId>(), b.parse::<RouteTableId>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
