//! Which calls of Azure each command takes, polls of operations apart: the whole list, so that one call more fails.
//!
//! `terraform apply` plans twice, the second time just before it writes: what the plan of a create reads counts double.
//! Azure answers a write before it is done; the GET after it tells what was made of it.

use serde_json::json;

use crate::harness::Scenario;

const ROUTES: &str = r#"
variable "node_count" { type = number }
variable "node_network" { type = string }

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-1"
  nodes = {
    for index in range(var.node_count) : format("node-%03d", index) => {
      internal_ip = cidrhost(var.node_network, index + 4)
      pod_cidrs   = [cidrsubnet("100.64.0.0/10", 14, index)]
    }
  }
}
"#;

const SUBNET: &str = r#"
variable "prefix" { type = string }

locals {
  route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-1"
}

resource "ako_cluster_subnet" "se" {
  cluster_name       = "blue"
  virtual_network_id = var.virtual_network_id
  name               = "snet-se-blue"
  address_prefixes   = [var.prefix]
  TABLE
}
"#;

const GET_TABLE: &str = "GET routeTables/rt-1";
const PUT_TABLE: &str = "PUT routeTables/rt-1";
const DELETE_TABLE: &str = "DELETE routeTables/rt-1";
const GET_NETWORK: &str = "GET virtualNetworks/vnet-ako-lab";
const GET_SUBNET: &str = "GET virtualNetworks/vnet-ako-lab/subnets/snet-se-blue";
const PUT_SUBNET: &str = "PUT virtualNetworks/vnet-ako-lab/subnets/snet-se-blue";
const DELETE_SUBNET: &str = "DELETE virtualNetworks/vnet-ako-lab/subnets/snet-se-blue";

#[test]
fn pod_routes_take_5_calls_to_create_1_unchanged_4_to_change_and_4_to_remove() {
    assert_calls_of_pod_routes(2);
}

#[test]
fn pod_routes_take_as_many_calls_for_300_nodes_as_for_2() {
    assert_calls_of_pod_routes(300);
}

#[track_caller]
fn assert_calls_of_pod_routes(count: usize) {
    let mut scenario = Scenario::new(ROUTES);
    table_of_somebody(&scenario);
    scenario.set_variable("node_count", &json!(count));
    scenario.set_variable("node_network", &json!("10.0.0.0/13"));

    scenario.apply();
    let (plan, apply) = ([GET_TABLE], [GET_TABLE, PUT_TABLE, GET_TABLE]);
    assert_calls(&scenario, &[&plan, &plan, &apply]);

    scenario.apply();
    let read = [GET_TABLE];
    assert_calls(&scenario, &[&read]);

    scenario.set_variable("node_network", &json!("10.8.0.0/13"));
    scenario.apply();
    assert_calls(&scenario, &[&read, &apply]);

    scenario.destroy();
    assert_calls(&scenario, &[&read, &apply]);
}

#[test]
fn pod_routes_of_a_table_in_use_take_7_calls_to_create_and_4_to_change_within_the_virtual_network()
{
    let mut scenario = Scenario::new(ROUTES);
    table_of_somebody(&scenario);
    let subnet = json!({"properties": {
        "addressPrefix": "10.127.1.0/24", "routeTable": {"id": scenario.table("rt-1")},
    }});
    scenario.somebody("PUT", &scenario.subnet("snet-se-blue"), &subnet);
    scenario.set_variable("node_count", &json!(2));
    scenario.set_variable("node_network", &json!("10.0.0.0/13"));

    scenario.apply();
    // Whether Azure can deliver to the next hops is foretold; what the plan has seen the apply need not look at.
    let plan = [GET_TABLE, GET_NETWORK];
    let apply = [GET_TABLE, PUT_TABLE, GET_TABLE];
    assert_calls(&scenario, &[&plan, &plan, &apply]);

    scenario.apply();
    let read = [GET_TABLE];
    assert_calls(&scenario, &[&read]);

    // The address ranges are remembered: other next hops inside them cost no call.
    scenario.set_variable("node_network", &json!("10.8.0.0/13"));
    scenario.apply();
    assert_calls(&scenario, &[&read, &[GET_TABLE, PUT_TABLE, GET_TABLE]]);
}

#[test]
fn a_cluster_subnet_on_an_existing_table_takes_8_calls_to_create_1_unchanged_4_to_change_and_2_to_remove()
 {
    let mut scenario = subnet("existing_route_table_id = local.route_table_id");
    table_of_somebody(&scenario);

    scenario.apply();
    // The virtual network holds the subnet: no read of its own. The table is looked at for its region.
    let (look, write) = ([GET_NETWORK, GET_TABLE], [PUT_SUBNET, GET_SUBNET]);
    assert_calls(&scenario, &[&look, &look, &look, &write]);

    scenario.apply();
    let read = [GET_SUBNET];
    assert_calls(&scenario, &[&read]);

    scenario.set_variable("prefix", &json!("10.0.102.0/24"));
    scenario.apply();
    assert_calls(&scenario, &[&read, &[GET_SUBNET, PUT_SUBNET, GET_SUBNET]]);

    scenario.destroy();
    assert_calls(&scenario, &[&read, &[DELETE_SUBNET]]);
}

#[test]
fn a_cluster_subnet_with_its_own_table_takes_10_calls_to_create_2_unchanged_5_to_change_and_5_to_remove()
 {
    let mut scenario = subnet("route_table_name = \"rt-1\"");

    scenario.apply();
    let plan = [GET_NETWORK, GET_TABLE];
    let table = [PUT_TABLE, GET_TABLE];
    let associated_subnet = [PUT_SUBNET, GET_SUBNET];
    assert_calls(
        &scenario,
        &[&plan, &plan, &plan, &table, &associated_subnet],
    );

    scenario.apply();
    let read = [GET_SUBNET, GET_TABLE];
    assert_calls(&scenario, &[&read]);

    scenario.set_variable("prefix", &json!("10.0.102.0/24"));
    scenario.apply();
    assert_calls(&scenario, &[&read, &[GET_SUBNET, PUT_SUBNET, GET_SUBNET]]);

    scenario.destroy();
    // Whether the table serves another subnet is read in the lock.
    let delete = [GET_TABLE, DELETE_SUBNET, DELETE_TABLE];
    assert_calls(&scenario, &[&read, &delete]);
}

fn subnet(table: &str) -> Scenario {
    let mut scenario = Scenario::new(&SUBNET.replace("TABLE", table));
    scenario.set_variable("prefix", &json!("10.0.100.0/24"));
    scenario
}

fn table_of_somebody(scenario: &Scenario) {
    let location = scenario.azure(&scenario.network())["location"].clone();
    let table = json!({"location": location, "properties": {}});
    scenario.somebody("PUT", &scenario.table("rt-1"), &table);
}

/// Exactly these calls since the last time, phase by phase; reads of one phase may go out at the same time.
#[track_caller]
fn assert_calls(scenario: &Scenario, phases: &[&[&str]]) {
    let calls = scenario.calls();
    scenario.forget_calls();
    let mut rest = calls.all();
    for phase in phases {
        let (of_phase, others) = rest.split_at(rest.len().min(phase.len()));
        assert_eq!(
            in_any_order_of_reads(of_phase),
            in_any_order_of_reads(phase),
            "{calls}"
        );
        rest = others;
    }
    assert!(rest.is_empty(), "{calls}");
}

fn in_any_order_of_reads(calls: &[impl AsRef<str>]) -> Vec<&str> {
    let mut calls: Vec<_> = calls.iter().map(AsRef::as_ref).collect();
    if calls.iter().all(|call| call.starts_with("GET ")) {
        calls.sort_unstable();
    }
    calls
}
