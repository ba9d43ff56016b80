//! `ako_pod_routes`: the routes of one cluster in one Azure route table.

use ako_lab::terraform::Action;
use serde_json::{Value, json};

use crate::harness::{Scenario, assert_changes};

const ADDRESS: &str = "ako_pod_routes.blue";
const TABLE: &str = "rt-1";

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

/// A route table of somebody else's, with one route of theirs.
fn scenario() -> Scenario {
    let mut scenario = Scenario::new(CONFIGURATION);
    let location = scenario.azure(&scenario.network())["location"].clone();
    let table = json!({"location": location, "properties": {"routes": [foreign_route()]}});
    scenario.somebody("PUT", &scenario.table(TABLE), Some(&table));
    scenario.set_variable("route_table_id", &scenario.table(TABLE));
    scenario
}

fn applied() -> Scenario {
    let scenario = scenario();
    scenario.apply();
    scenario.forget_calls();
    scenario
}

fn foreign_route() -> Value {
    json!({"name": "to-on-premises", "properties": {
        "addressPrefix": "192.168.0.0/16", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.99",
    }})
}

fn changed(from: &str, to: &str) -> String {
    assert!(CONFIGURATION.contains(from), "{from} is part of the configuration");
    CONFIGURATION.replace(from, to)
}

/// The table's routes as (name, prefix, next hop), in the order of their prefixes.
fn routes(scenario: &Scenario) -> Vec<[String; 3]> {
    let table = scenario.azure(&scenario.table(TABLE));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let routes = table["properties"]["routes"].as_array().cloned().unwrap_or_default();
    let mut routes: Vec<_> = routes
        .iter()
        .map(|route| {
            let properties = &route["properties"];
            [text(&route["name"]), text(&properties["addressPrefix"]), text(&properties["nextHopIpAddress"])]
        })
        .collect();
    routes.sort_by(|a, b| a[1].cmp(&b[1]));
    routes
}

fn foreign() -> [String; 3] {
    ["to-on-premises", "192.168.0.0/16", "10.0.0.99"].map(str::to_owned)
}

fn route(name: &str, prefix: &str, next_hop: &str) -> [String; 3] {
    [name, prefix, next_hop].map(str::to_owned)
}

const PUT: &str = "PUT routeTables/rt-1";

#[test]
fn creating_writes_all_routes_in_one_put_beside_the_foreign_one() {
    let scenario = scenario();
    scenario.apply();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert!(scenario.calls().all().len() <= 6, "{}", scenario.calls());
    assert_eq!(
        routes(&scenario),
        [
            route("blue.node-1_10.244.0.0_24", "10.244.0.0/24", "10.0.0.4"),
            route("blue.node-2_10.244.1.0_24", "10.244.1.0/24", "10.0.0.5"),
            foreign(),
        ]
    );
    assert_eq!(
        scenario.resource(ADDRESS)["routes"]["10.244.1.0/24"],
        json!({
            "name": "blue.node-2_10.244.1.0_24",
            "next_hop_ip_address": "10.0.0.5",
            "node_name": "node-2",
        })
    );
}

#[test]
fn the_plan_of_a_create_shows_every_route() {
    let plan = scenario().plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    assert_eq!(change.action(), Action::Create);
    assert_eq!(change.after()["routes"]["10.244.0.0/24"]["next_hop_ip_address"], "10.0.0.4");
}

#[test]
fn the_second_plan_is_empty_and_takes_one_call() {
    let scenario = applied();
    scenario.assert_nothing_to_do();
    assert_eq!(scenario.calls().all(), ["GET routeTables/rt-1"]);
}

#[test]
fn a_node_that_comes_is_an_update_in_place_with_one_put() {
    let scenario = applied();
    let node = "\"node-3\" = { internal_ip = \"10.0.0.6\", pod_cidrs = [\"10.244.2.0/24\"] }\n  }\n}";
    scenario.configure(&changed("  }\n}", node));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["nodes", "routes"])]);
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario).len(), 4);
    scenario.assert_nothing_to_do();
}

#[test]
fn another_cluster_name_replaces_the_routes() {
    let scenario = applied();
    scenario.configure(&changed("= \"blue\"", "= \"green\""));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Replace, &[])]);
    assert!(plan.run.says("create_before_destroy"), "{}", plan.run.transcript());
    scenario.apply_saved_plan();
    assert_eq!(routes(&scenario)[0], route("green.node-1_10.244.0.0_24", "10.244.0.0/24", "10.0.0.4"));
    assert_eq!(routes(&scenario).len(), 3);
    scenario.assert_nothing_to_do();
}

#[test]
fn imported_by_command_they_plan_empty() {
    let scenario = applied();
    scenario.terraform.succeed(&["state", "rm", ADDRESS]).expect("the state can be changed");
    scenario.import(ADDRESS, &format!("{},blue", scenario.table(TABLE)));
    scenario.assert_nothing_to_do();
}

#[test]
fn imported_by_a_block_with_a_generated_configuration_they_plan_empty() {
    let scenario = applied();
    scenario.terraform.succeed(&["state", "rm", ADDRESS]).expect("the state can be changed");
    let id = format!("{},blue", scenario.table(TABLE));
    scenario.configure(&format!("import {{\n  to = {ADDRESS}\n  id = \"{id}\"\n}}\n"));
    let plan = scenario.plan_with(&["-generate-config-out=generated.tf"]);
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    assert!(change.is_import(), "{change:?}");
    assert_eq!(change.action(), Action::None);
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();
}

#[test]
fn a_next_hop_changed_by_somebody_is_seen_and_changed_back() {
    let scenario = applied();
    let before = routes(&scenario);
    scenario.somebody_edits(&scenario.table(TABLE), |properties| {
        for route in properties["routes"].as_array_mut().expect("the table has routes") {
            if route["name"] == "blue.node-1_10.244.0.0_24" {
                route["properties"]["nextHopIpAddress"] = json!("10.0.0.77");
            }
        }
    });
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["routes"])]);
    let seen = plan.resource(ADDRESS).expect("the plan holds the routes").before();
    assert_eq!(seen["routes"]["10.244.0.0/24"]["next_hop_ip_address"], "10.0.0.77");
    scenario.apply_saved_plan();
    assert_eq!(routes(&scenario), before);
    scenario.assert_nothing_to_do();
}

#[test]
fn destroying_leaves_the_table_and_the_foreign_route() {
    let scenario = applied();
    scenario.destroy();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario), [foreign()]);
}

#[test]
fn overlapping_pod_cidrs_are_refused_at_plan_with_both_nodes_named() {
    let scenario = scenario();
    scenario.configure(&changed("10.244.1.0/24", "10.244.0.128/25"));
    let run = scenario.plan_fails();
    assert!(run.says("node-1") && run.says("node-2"));
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
}

#[test]
fn importing_a_table_without_a_route_of_the_cluster_fails_and_says_that_applying_takes_over() {
    let scenario = scenario();
    let run = scenario.import_fails(ADDRESS, &format!("{},blue", scenario.table(TABLE)));
    assert!(run.says("takes over"));
}

#[test]
fn a_foreign_route_to_another_next_hop_stops_the_create_before_the_first_write() {
    let scenario = scenario();
    scenario.somebody_edits(&scenario.table(TABLE), |properties| {
        properties["routes"][0]["properties"]["addressPrefix"] = json!("10.244.0.0/24");
    });
    let run = scenario.apply_fails();
    assert!(run.says("to-on-premises") && run.says("node-1"));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
}
