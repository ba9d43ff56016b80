//! `ako_cluster_subnet`: the SE subnet of one cluster, its route table and their association.
//!
//! Here its life where nothing goes wrong; each module has one theme.

mod changes;
mod concurrency;
mod deadlines;
mod deletion;
mod drift;
mod import;
mod interruptions;
mod other_writers;
mod refusals;
mod replacement;
mod route_tables;
mod tags;

use serde_json::{Value, json};

use crate::harness::{Scenario, attribute};

const ADDRESS: &str = "ako_cluster_subnet.se";
const SUBNET: &str = "snet-se-blue";
const TABLE: &str = "rt-se-blue";

const CONFIGURATION: &str = r#"
resource "ako_cluster_subnet" "se" {
  cluster_name       = "blue"
  virtual_network_id = var.virtual_network_id
  name               = "snet-se-blue"
  address_prefixes   = ["10.0.100.0/24"]
  route_table_name   = "rt-se-blue"
}
"#;

const PUT_SUBNET: &str = "PUT virtualNetworks/vnet-ako-lab/subnets/snet-se-blue";
const DELETE_SUBNET: &str = "DELETE virtualNetworks/vnet-ako-lab/subnets/snet-se-blue";
const PUT_TABLE: &str = "PUT routeTables/rt-se-blue";
const PATCH_TABLE: &str = "PATCH routeTables/rt-se-blue";
const DELETE_TABLE: &str = "DELETE routeTables/rt-se-blue";

fn applied() -> Scenario {
    applied_with(CONFIGURATION)
}

/// A configuration applied, and its calls forgotten.
fn applied_with(configuration: &str) -> Scenario {
    let scenario = Scenario::new(configuration);
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

/// The configuration with more arguments.
fn with(arguments: &str) -> String {
    changed("\n}\n", &format!("\n  {arguments}\n}}\n"))
}

/// The configuration with a route table of somebody else's in place of its own.
fn with_existing(table: &str) -> String {
    let argument = format!("existing_route_table_id = \"{table}\"");
    changed("route_table_name   = \"rt-se-blue\"", &argument)
}

/// A route table of somebody else's, with one route and one tag of theirs; gives its id.
fn their_table(scenario: &Scenario, name: &str) -> String {
    let id = scenario.table(name);
    let table = json!({
        "location": "westeurope",
        "tags": {"owner": "network team"},
        "properties": {"routes": [their_route()]},
    });
    scenario.somebody("PUT", &id, &table);
    id
}

fn their_route() -> Value {
    json!({"name": "to-on-premises", "properties": {
        "addressPrefix": "192.168.0.0/16", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.99",
    }})
}

/// A network interface of a Service Engine in the SE subnet; gives its id.
fn service_engine(scenario: &Scenario) -> String {
    let id = format!(
        "{}/providers/Microsoft.Network/networkInterfaces/nic-se-1",
        scenario.group()
    );
    let configuration =
        json!({"name": "ipconfig1", "properties": {"subnet": {"id": scenario.subnet(SUBNET)}}});
    let body = json!({
        "location": "westeurope",
        "properties": {"ipConfigurations": [configuration]},
    });
    scenario.somebody("PUT", &id, &body);
    id
}

/// The id of a network security group; the seed has `nsg-nodes`.
fn security_group(scenario: &Scenario, name: &str) -> String {
    let network = scenario.group() + "/providers/Microsoft.Network";
    format!("{network}/networkSecurityGroups/{name}")
}

/// The mark on a route table; null where it bears none.
fn mark(scenario: &Scenario, table: &str) -> Value {
    scenario.azure(&scenario.table(table))["tags"]["ako-cluster-subnet"].clone()
}

#[test]
fn creating_puts_the_table_first_and_then_the_subnet_together_with_it() {
    let scenario = Scenario::new(CONFIGURATION);
    scenario.apply();
    let calls = scenario.calls();
    assert_eq!(calls.writes(), [PUT_TABLE, PUT_SUBNET], "{calls}");

    let subnet = scenario.resource(ADDRESS);
    assert_eq!(subnet["id"], scenario.subnet(SUBNET));
    assert_eq!(subnet["route_table_id"], scenario.table(TABLE));
    assert_eq!(subnet["associated_route_table_id"], scenario.table(TABLE));
    assert_eq!(subnet["tags"], Value::Null);
    let azure = scenario.azure(&scenario.subnet(SUBNET));
    assert_eq!(
        attribute(&azure, "properties.routeTable.id"),
        &json!(scenario.table(TABLE))
    );
    // A policy against subnets without a route table is content: there never was such a one.
    let states = scenario.lab.azure().history(Some(&scenario.network()));
    for state in states {
        let subnets = state.state["subnets"].as_array();
        let ours = subnets.and_then(|all| all.iter().find(|one| one["name"] == SUBNET));
        assert!(
            ours.is_none_or(|ours| ours["routeTable"].is_string()),
            "{ours:?}"
        );
    }
}

#[test]
fn the_second_plan_is_empty_and_writes_nothing() {
    let scenario = applied();
    scenario.assert_nothing_to_do();
    let calls = scenario.calls();
    assert!(
        calls.writes().is_empty() && calls.all().len() <= 2,
        "{calls}"
    );
}

#[test]
fn a_virtual_network_that_is_not_made_yet_leaves_the_ids_unknown_until_apply() {
    let unknown = changed("var.virtual_network_id", "terraform_data.network.output");
    let network = r#"
resource "terraform_data" "network" {
  input = var.virtual_network_id
}
"#;
    let scenario = Scenario::new(&(unknown + network));
    let plan = scenario.plan();
    let planned = plan.resource(ADDRESS).expect("the plan holds the subnet");
    for name in ["virtual_network_id", "id", "route_table_id"] {
        assert_eq!(planned.unknown()[name], true, "{name}");
    }
    assert_eq!(planned.after()["route_table_name"], TABLE);
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
    scenario.apply_saved_plan();
    assert_eq!(
        scenario.resource(ADDRESS)["route_table_id"],
        scenario.table(TABLE)
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn destroying_takes_the_subnet_first_and_leaves_nothing() {
    let scenario = applied();
    scenario.destroy();
    let calls = scenario.calls();
    assert_eq!(calls.writes(), [DELETE_SUBNET, DELETE_TABLE], "{calls}");
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
    assert!(scenario.state().addresses().is_empty());
}
