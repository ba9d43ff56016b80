//! Import: by command, by block, with a generated configuration.

use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

/// Forgets the object, as somebody does who lost the state.
fn forget(scenario: &Scenario) {
    scenario
        .terraform
        .succeed(&["state", "rm", ADDRESS])
        .expect("the state can be changed");
}

fn import_block(id: &str) -> String {
    format!("import {{\n  to = {ADDRESS}\n  id = \"{id}\"\n}}\n")
}

/// Imports by a block with a generated configuration, which must plan empty; gives that configuration.
fn generated(scenario: &Scenario) -> String {
    scenario.configure(&import_block(&scenario.subnet(SUBNET)));
    let plan = scenario.plan_with(&["-generate-config-out=generated.tf"]);
    let change = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert!(change.is_import(), "{change:?}");
    assert_eq!(change.action(), Action::None, "{change:?}");
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    scenario
        .terraform
        .read("generated.tf")
        .expect("there is a generated configuration")
}

#[test]
fn an_owned_table_is_imported_by_command_with_all_that_describes_it() {
    let full = with("tags = { team = \"platform\" }\n  bgp_route_propagation_enabled = false");
    let scenario = applied_with(&full);
    let before = scenario.resource(ADDRESS);
    forget(&scenario);
    scenario.import(ADDRESS, &scenario.subnet(SUBNET));
    scenario.assert_nothing_to_do();
    assert_eq!(scenario.resource(ADDRESS), before);
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
}

#[test]
fn an_owned_table_is_imported_by_a_block_whatever_the_case_of_the_id() {
    let scenario = applied();
    forget(&scenario);
    let id = scenario.subnet(SUBNET).to_uppercase();
    scenario.configure(&(import_block(&id) + CONFIGURATION));
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert!(
        change.is_import() && change.action() == Action::None,
        "{change:?}"
    );
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();
    assert_eq!(scenario.resource(ADDRESS)["id"], scenario.subnet(SUBNET));
}

#[test]
fn an_owned_table_is_in_the_generated_configuration() {
    let scenario = applied_with(&with("tags = { team = \"platform\" }"));
    forget(&scenario);
    scenario.forget_calls();
    let configuration = generated(&scenario);
    assert!(configuration.contains("\"rt-se-blue\""), "{configuration}");
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
}

#[test]
fn a_table_without_our_mark_is_imported_as_an_existing_one() {
    let scenario = Scenario::new(CONFIGURATION);
    let table = their_table(&scenario, "rt-theirs");
    let subnet = json!({"properties": {
        "addressPrefix": "10.0.100.0/24",
        "routeTable": {"id": table},
    }});
    scenario.somebody("PUT", &scenario.subnet(SUBNET), &subnet);
    let argument = "cluster_name       = \"blue\"";
    scenario.configure(&with_existing(&table).replace(argument, ""));
    scenario.import(ADDRESS, &scenario.subnet(SUBNET));
    scenario.assert_nothing_to_do();

    forget(&scenario);
    let configuration = generated(&scenario);
    assert!(configuration.contains(&table), "{configuration}");
    let state = scenario.resource(ADDRESS);
    assert_eq!(state["existing_route_table_id"], table);
    for name in ["route_table_name", "cluster_name", "tags"] {
        assert_eq!(state[name], Value::Null, "{name}");
    }
    scenario.destroy();
    assert_ne!(scenario.azure(&table), Value::Null);
}

#[test]
fn a_subnet_without_a_table_is_imported_and_the_next_apply_gives_it_one() {
    let scenario = Scenario::new(CONFIGURATION);
    let subnet = json!({"properties": {"addressPrefix": "10.0.100.0/24"}});
    scenario.somebody("PUT", &scenario.subnet(SUBNET), &subnet);
    scenario.import(ADDRESS, &scenario.subnet(SUBNET));
    let state = scenario.resource(ADDRESS);
    for name in [
        "route_table_id",
        "existing_route_table_id",
        "route_table_name",
    ] {
        assert_eq!(state[name], Value::Null, "{name}");
    }
    forget(&scenario);
    let block = import_block(&scenario.subnet(SUBNET));
    scenario.configure(&(block + CONFIGURATION));
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert!(change.is_import(), "{change:?}");
    assert_eq!(change.action(), Action::Update);
    assert_eq!(change.after()["route_table_id"], scenario.table(TABLE));
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT_TABLE, PUT_SUBNET]);
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
}

#[test]
fn an_imported_security_group_that_is_not_configured_is_let_go_without_a_write() {
    let scenario = applied();
    let group = security_group(&scenario, "nsg-nodes");
    scenario.somebody_edits(&scenario.subnet(SUBNET), |properties| {
        properties["networkSecurityGroup"] = json!({"id": group});
    });
    forget(&scenario);
    scenario.import(ADDRESS, &scenario.subnet(SUBNET));
    let plan = scenario.plan();
    assert_changes(
        &plan,
        &[(ADDRESS, Action::Update, &["network_security_group_id"])],
    );
    scenario.apply_saved_plan();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    let subnet = scenario.azure(&scenario.subnet(SUBNET));
    assert_eq!(
        attribute(&subnet, "properties.networkSecurityGroup.id"),
        &json!(group)
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn what_is_no_subnet_or_not_there_is_not_imported() {
    let scenario = Scenario::new(CONFIGURATION);
    let missing = scenario.subnet(SUBNET);
    let run = scenario.import_fails(ADDRESS, &missing);
    assert!(run.says("Subnet \"snet-se-blue\" does not exist"));
    let run = scenario.import_fails(ADDRESS, &scenario.table(TABLE));
    assert!(run.says("is not the import id of an SE subnet"));
    assert!(scenario.state().addresses().is_empty());
}
