//! `ako_cluster_subnet`: the SE subnet of one cluster, its route table and their association.

use ako_lab::terraform::Action;
use serde_json::{Value, json};

use crate::harness::{Scenario, assert_changes, attribute};

const ADDRESS: &str = "ako_cluster_subnet.se";

const CONFIGURATION: &str = r#"
resource "ako_cluster_subnet" "se" {
  cluster_name       = "blue"
  virtual_network_id = var.virtual_network_id
  name               = "snet-se-blue"
  address_prefixes   = ["10.0.100.0/24"]
  route_table_name   = "rt-se-blue"
}
"#;

fn applied() -> Scenario {
    let scenario = Scenario::new(CONFIGURATION);
    scenario.apply();
    scenario.forget_calls();
    scenario
}

fn changed(from: &str, to: &str) -> String {
    assert!(CONFIGURATION.contains(from), "{from} is part of the configuration");
    CONFIGURATION.replace(from, to)
}

#[test]
fn creating_puts_the_table_first_and_then_the_subnet_together_with_it() {
    let scenario = Scenario::new(CONFIGURATION);
    scenario.apply();
    let calls = scenario.calls();
    let writes = calls.writes();
    assert_eq!(writes.len(), 2, "{calls}");
    assert_eq!(writes[0], "PUT routeTables/rt-se-blue");
    assert!(writes[1].starts_with("PUT ") && writes[1].ends_with("/subnets/snet-se-blue"), "{calls}");

    let subnet = scenario.resource(ADDRESS);
    assert_eq!(subnet["id"], scenario.subnet("snet-se-blue"));
    assert_eq!(subnet["route_table_id"], scenario.table("rt-se-blue"));
    assert_eq!(subnet["associated_route_table_id"], scenario.table("rt-se-blue"));
    assert_eq!(subnet["tags"], Value::Null);
    let azure = scenario.azure(&scenario.subnet("snet-se-blue"));
    assert_eq!(attribute(&azure, "properties.routeTable.id"), &json!(scenario.table("rt-se-blue")));
}

#[test]
fn the_second_plan_is_empty_and_writes_nothing() {
    let scenario = applied();
    scenario.assert_nothing_to_do();
    let calls = scenario.calls();
    assert!(calls.writes().is_empty() && calls.all().len() <= 2, "{calls}");
}

#[test]
fn another_prefix_is_an_update_in_place_that_keeps_the_association() {
    let scenario = applied();
    scenario.configure(&changed("10.0.100.0/24", "10.0.102.0/24"));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["address_prefixes"])]);
    scenario.apply_saved_plan();
    let azure = scenario.azure(&scenario.subnet("snet-se-blue"));
    assert_eq!(attribute(&azure, "properties.routeTable.id"), &json!(scenario.table("rt-se-blue")));
    scenario.assert_nothing_to_do();
}

#[test]
fn another_name_replaces_the_subnet() {
    let scenario = applied();
    scenario.configure(&changed("snet-se-blue", "snet-se-azure"));
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert_eq!(change.action(), Action::Replace);
    assert_eq!(change.replaced_because_of(), [json!(["name"])]);
    assert_eq!(change.unknown()["route_table_id"], true, "routes are planned anew");
    scenario.apply_saved_plan();
    assert_eq!(scenario.azure(&scenario.subnet("snet-se-blue")), Value::Null);
    scenario.assert_nothing_to_do();
}

#[test]
fn imported_by_command_it_plans_empty() {
    let scenario = applied();
    scenario.terraform.succeed(&["state", "rm", ADDRESS]).expect("the state can be changed");
    scenario.import(ADDRESS, &scenario.subnet("snet-se-blue"));
    scenario.assert_nothing_to_do();
    assert_eq!(scenario.resource(ADDRESS)["cluster_name"], "blue");
    scenario.destroy();
}

#[test]
fn imported_by_a_block_with_a_generated_configuration_it_plans_empty() {
    let scenario = applied();
    scenario.terraform.succeed(&["state", "rm", ADDRESS]).expect("the state can be changed");
    let id = scenario.subnet("snet-se-blue");
    scenario.configure(&format!("import {{\n  to = {ADDRESS}\n  id = \"{id}\"\n}}\n"));
    let plan = scenario.plan_with(&["-generate-config-out=generated.tf"]);
    let change = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert!(change.is_import(), "{change:?}");
    assert_eq!(change.action(), Action::None);
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();
}

#[test]
fn a_route_table_taken_off_the_subnet_is_seen_and_put_back() {
    let scenario = applied();
    scenario.somebody_edits(&scenario.subnet("snet-se-blue"), |properties| {
        properties["routeTable"] = Value::Null;
    });
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["associated_route_table_id"])]);
    assert_eq!(plan.resource(ADDRESS).unwrap().before()["associated_route_table_id"], Value::Null);
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();
}

#[test]
fn destroying_takes_the_subnet_first_and_leaves_nothing() {
    let scenario = applied();
    scenario.destroy();
    let calls = scenario.calls();
    let writes = calls.writes();
    assert_eq!(writes.len(), 2, "{calls}");
    assert!(writes[0].starts_with("DELETE ") && writes[0].ends_with("/subnets/snet-se-blue"), "{calls}");
    assert_eq!(writes[1], "DELETE routeTables/rt-se-blue");
    assert_eq!(scenario.azure(&scenario.table("rt-se-blue")), Value::Null);
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn destroying_refuses_before_its_first_step_while_the_table_serves_another_subnet() {
    let scenario = applied();
    let other = json!({"properties": {
        "addressPrefix": "10.0.110.0/24",
        "routeTable": {"id": scenario.table("rt-se-blue")},
    }});
    scenario.somebody("PUT", &scenario.subnet("snet-other"), &other);
    let run = scenario.destroy_fails();
    assert!(run.says("snet-other"));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
}
