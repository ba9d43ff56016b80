//! The attributes of `ako_pod_route_sync`.

use crate::clients::azure::ids::RouteTableId;
use crate::domain::node_routes::{NodeRoutes, route_nodes};
use crate::domain::route_names::check_node_name;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::schema::{Attribute, Check, Schema, Type};
use crate::framework::timeouts::Timeouts;
use crate::framework::value::Value;
use crate::resources::nodes::{NodeModel, nodes_shape, nodes_to_route};
use crate::resources::route_messages;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The attributes of `ako_pod_route_sync`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The id of the table.
    pub id: Option<String>,
    /// The ARM id of the table, in the user's spelling.
    pub route_table_id: String,
    /// The nodes by name.
    pub nodes: BTreeMap<String, NodeModel>,
    /// Anything whose change should lead to another wait.
    pub triggers: Option<BTreeMap<String, String>>,
    /// Whether the table may hold no other route to an address.
    pub exact: bool,
}

pub(super) fn schema() -> Schema {
    let attributes = vec![
        Attribute::computed("id", Type::String, "The ARM id of the route table."),
        Attribute::required(
            "route_table_id",
            Type::String,
            "The ARM id of the route table to wait for, for example `ako_cluster_subnet.example.route_table_id`.",
        )
        .check(Check::Text(check_route_table_id)),
        Attribute::required(
            "nodes",
            nodes_shape(),
            "The nodes whose routes should come, under their names, for example `data.ako_cluster_nodes.example.nodes`. A route counts by its prefix and its next hop; its name is the controller's affair.",
        )
        .check(Check::Key(check_node_name)),
        Attribute::optional(
            "triggers",
            Type::map(Type::String),
            "Values whose change leads to another wait, for example the version of a Helm release.",
        ),
        Attribute::optional(
            "exact",
            Type::Bool,
            "Whether to wait, too, until the table holds no other route to an address, such as those of nodes that are gone; `false` by default.",
        )
        .default_to(Value::from(false)),
    ];
    Schema::new(
        "Waits at apply until a route table in Azure holds the routes to the pods of some nodes, whoever writes them: AKO and the controller's cloud connector, where `ako_pod_routes` does not. It owns nothing, reads nothing when it is refreshed, and destroying it only forgets it. Any change of an argument waits again. A wait that fails lists what is missing, and the next apply waits again. It cannot be imported.",
        attributes,
    )
    .with_timeouts(Timeouts::default())
}

impl Model {
    /// The routes that the nodes need.
    pub(super) fn desired(&self) -> Result<NodeRoutes, Diagnostics> {
        let nodes = nodes_to_route(&self.nodes)?;
        route_nodes(nodes).map_err(|overlaps| route_messages::overlapping(&overlaps))
    }
}

fn check_route_table_id(text: &str) -> Result<(), String> {
    let parsed = text.parse::<RouteTableId>();
    parsed.map(|_| ()).map_err(|error| error.to_string())
}
