//! `ako_pod_routes`: the routes of one cluster in one Azure route table.

mod drift;
mod failures;
mod import;
mod life;
mod replacement;
mod scale;
mod takeover;
mod unknown;
mod writers;

use std::time::Duration;

use ako_lab::azure::Change;
use serde_json::{Value, json};

use crate::harness::{Calls, Scenario};

const ADDRESS: &str = "ako_pod_routes.blue";
const TABLE: &str = "rt-1";
const PUT: &str = "PUT routeTables/rt-1";

/// The table for faults.
const ANY_TABLE: &str = "*/routeTables/rt-1";
/// Every poll of an operation.
const ANY_POLL: &str = "*/operations/*";

/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIGURATION: &str = r#"
variable "route_table_id" { type = string }

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = var.route_table_id
  nodes = {
    "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] }
    "node-2" = { internal_ip = "10.0.0.5", pod_cidrs = ["10.244.1.0/24"] }
  }
}
"#;

const NODE_1: [&str; 3] = ["blue.node-1_10.244.0.0_24", "10.244.0.0/24", "10.0.0.4"];
const NODE_2: [&str; 3] = ["blue.node-2_10.244.1.0_24", "10.244.1.0/24", "10.0.0.5"];
const FOREIGN: [&str; 3] = ["to-on-premises", "192.168.0.0/16", "10.0.0.99"];

/// A route table of somebody else's, with one route of theirs.
fn scenario() -> Scenario {
    on_table_of_others(CONFIGURATION)
}

/// The same under another configuration.
fn on_table_of_others(configuration: &str) -> Scenario {
    let mut scenario = Scenario::new(configuration);
    let location = scenario.azure(&scenario.network())["location"].clone();
    let table = json!({"location": location, "properties": {"routes": []}});
    scenario.somebody("PUT", &scenario.table(TABLE), &table);
    somebody_puts(&scenario, FOREIGN);
    scenario.set_variable("route_table_id", &scenario.table(TABLE).into());
    scenario
}

fn applied() -> Scenario {
    let scenario = scenario();
    scenario.apply();
    scenario.forget_calls();
    scenario
}

fn changed(from: &str, to: &str) -> String {
    assert!(
        CONFIGURATION.contains(from),
        "{from} is part of the configuration"
    );
    CONFIGURATION.replace(from, to)
}

/// The configuration with more arguments or blocks.
fn with(more: &str) -> String {
    changed("  nodes = {", &format!("  {more}\n  nodes = {{"))
}

/// The configuration with a third node.
fn with_third_node() -> String {
    changed(
        "  nodes = {",
        "  nodes = {\n    \"node-3\" = { internal_ip = \"10.0.0.6\", pod_cidrs = [\"10.244.2.0/24\"] }",
    )
}

const NODE_3: [&str; 3] = ["blue.node-3_10.244.2.0_24", "10.244.2.0/24", "10.0.0.6"];

/// Runs a command of Terraform that must succeed.
#[track_caller]
fn run(scenario: &Scenario, arguments: &[&str]) {
    let run = scenario.terraform.succeed(arguments);
    let run = run.unwrap_or_else(|error| panic!("{error}"));
    println!("{}", run.transcript());
}

/// Terraform forgets the resource; Azure keeps its routes.
#[track_caller]
fn forget(scenario: &Scenario) {
    run(scenario, &["state", "rm", ADDRESS]);
    scenario.forget_calls();
}

/// The id of a route of the table.
fn route_id(scenario: &Scenario, name: &str) -> String {
    format!("{}/routes/{name}", scenario.table(TABLE))
}

fn body([_, prefix, next_hop]: [&str; 3]) -> Value {
    json!({"properties": {
        "addressPrefix": prefix, "nextHopType": "VirtualAppliance", "nextHopIpAddress": next_hop,
    }})
}

/// Somebody adds or changes a route.
#[track_caller]
fn somebody_puts(scenario: &Scenario, route: [&str; 3]) {
    scenario.somebody("PUT", &route_id(scenario, route[0]), &body(route));
}

/// Somebody deletes a route.
#[track_caller]
fn somebody_deletes(scenario: &Scenario, name: &str) {
    scenario.somebody("DELETE", &route_id(scenario, name), &Value::Null);
}

/// The table's routes as (name, prefix, next hop), in the order of their prefixes.
fn routes(scenario: &Scenario) -> Vec<[String; 3]> {
    let table = scenario.azure(&scenario.table(TABLE));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let routes = table["properties"]["routes"].as_array();
    let mut routes: Vec<_> = routes
        .into_iter()
        .flatten()
        .map(|route| {
            let properties = &route["properties"];
            [
                text(&route["name"]),
                text(&properties["addressPrefix"]),
                text(&properties["nextHopIpAddress"]),
            ]
        })
        .collect();
    routes.sort_by(|a, b| a[1].cmp(&b[1]));
    routes
}

/// The state's attribute `routes`, with a change that the plan shows.
fn shown<'a>(routes: &'a Value, [_, prefix, _]: [&str; 3]) -> &'a Value {
    &routes["routes"][prefix]
}

/// From the moment at which a prefix first led to its next hop it did so in every state that the table was in.
#[track_caller]
fn assert_never_interrupted(scenario: &Scenario, routes: &[[&str; 3]]) {
    let history = scenario.lab.azure().history(Some(&scenario.table(TABLE)));
    for [_, prefix, next_hop] in routes {
        let leads = |change: &Change| {
            let routes = change.state["routes"].as_array().into_iter().flatten();
            let mut hops = routes
                .filter(|route| route["addressPrefix"] == *prefix)
                .map(|route| &route["nextHopIpAddress"]);
            hops.next().is_some_and(|hop| hop == next_hop)
        };
        let mut since = history.iter().skip_while(|change| !leads(change));
        assert!(since.next().is_some(), "{prefix} led to {next_hop} once");
        let gap = since.find(|change| !leads(change));
        assert!(gap.is_none(), "{prefix} leads elsewhere in {gap:#?}");
    }
}

/// The statuses of the writes of the table, in order; none for a lost answer.
fn put_statuses(scenario: &Scenario) -> Vec<Option<u16>> {
    let journal = scenario.lab.journal();
    let puts = journal.iter().filter(|entry| entry.method == "PUT");
    puts.map(|entry| entry.status).collect()
}

/// A rerun that finds everything in place: no write, and the plan after it is empty.
#[track_caller]
fn assert_rerun_writes_nothing(scenario: &Scenario, arguments: &[&str]) {
    scenario.forget_calls();
    scenario.apply_with(arguments);
    let calls: Calls = scenario.calls();
    assert!(calls.writes().is_empty(), "{calls}");
    scenario.assert_nothing_to_do();
}
