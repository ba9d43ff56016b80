//! Another name: another subnet, in either order.

use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

#[test]
fn another_name_with_the_same_prefix_replaces_the_subnet_and_keeps_the_name_of_the_table() {
    let scenario = applied();
    scenario.configure(&changed("snet-se-blue", "snet-se-azure"));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Replace, &[])]);
    let change = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert_eq!(change.replaced_because_of(), [json!(["name"])]);
    for name in ["id", "route_table_id"] {
        assert_eq!(
            change.unknown()[name],
            true,
            "{name}: routes are planned anew"
        );
    }
    // Its own predecessor is no stranger.
    assert_eq!(plan.run.warnings().count(), 0, "{}", plan.run.transcript());
    scenario.apply_saved_plan();
    assert_eq!(
        scenario.calls().writes(),
        [
            DELETE_SUBNET,
            DELETE_TABLE,
            PUT_TABLE,
            "PUT virtualNetworks/vnet-ako-lab/subnets/snet-se-azure"
        ]
    );
    assert_eq!(scenario.azure(&scenario.subnet(SUBNET)), Value::Null);
    scenario.assert_nothing_to_do();
}

#[test]
fn with_create_before_destroy_the_new_subnet_stands_before_the_old_one_goes() {
    // The tables are named after the subnets, so that they do not meet either.
    let scenario = applied_with(&changed("route_table_name   = \"rt-se-blue\"", ""));
    let renamed = with("lifecycle {\n    create_before_destroy = true\n  }")
        .replace("route_table_name   = \"rt-se-blue\"", "")
        .replace("-blue\"", "-azure\"")
        .replace("10.0.100.0/24", "10.0.102.0/24");
    scenario.configure(&renamed);
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::ReplaceCreateFirst, &[])]);
    scenario.apply_saved_plan();
    assert_eq!(
        scenario.calls().writes(),
        [
            "PUT routeTables/snet-se-azure-routes",
            "PUT virtualNetworks/vnet-ako-lab/subnets/snet-se-azure",
            DELETE_SUBNET,
            "DELETE routeTables/snet-se-blue-routes"
        ]
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn with_create_before_destroy_the_old_table_is_not_taken_from_under_the_old_subnet() {
    let scenario = applied();
    let renamed = with("lifecycle {\n    create_before_destroy = true\n  }")
        .replace("snet-se-blue", "snet-se-azure")
        .replace("10.0.100.0/24", "10.0.102.0/24");
    scenario.configure(&renamed);
    let run = scenario.apply_fails();
    assert!(run.says("Route table \"rt-se-blue\" exists already"));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    let subnet = scenario.azure(&scenario.subnet(SUBNET));
    assert_eq!(
        attribute(&subnet, "properties.routeTable.id"),
        &json!(scenario.table(TABLE))
    );
}

#[test]
fn a_tainted_object_is_deleted_and_made_again_under_the_same_names() {
    let scenario = applied();
    scenario
        .terraform
        .succeed(&["taint", ADDRESS])
        .expect("the object can be tainted");
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Replace, &[])]);
    let change = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert_eq!(
        change.action_reason.as_deref(),
        Some("replace_because_tainted")
    );
    // What is there under these names is the object itself.
    assert_eq!(plan.run.warnings().count(), 0, "{}", plan.run.transcript());
    scenario.apply_saved_plan();
    assert_eq!(
        scenario.calls().writes(),
        [DELETE_SUBNET, DELETE_TABLE, PUT_TABLE, PUT_SUBNET]
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn a_create_that_fails_half_way_is_tainted_and_the_next_apply_recovers() {
    use ako_lab::faults::{Action, Fault};

    let scenario = Scenario::new(CONFIGURATION);
    let refusal = Action::respond(
        403,
        json!({"error": {"code": "RequestDisallowedByPolicy", "message": "Not on a Monday."}}),
    );
    scenario
        .lab
        .add_fault(Fault::on("PUT", &scenario.subnet(SUBNET), refusal));
    let run = scenario.apply_fails();
    assert!(run.says("Not on a Monday.") && run.says("marked as tainted"));
    assert!(scenario.state().is_tainted(ADDRESS));
    assert_eq!(scenario.resource(ADDRESS)["id"], scenario.subnet(SUBNET));
    assert!(mark(&scenario, TABLE).is_string());

    scenario.forget_calls();
    scenario.apply();
    assert!(!scenario.state().is_tainted(ADDRESS));
    assert_eq!(
        scenario.calls().writes(),
        [DELETE_SUBNET, DELETE_TABLE, PUT_TABLE, PUT_SUBNET]
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn a_create_whose_operation_fails_in_azure_is_tainted_and_can_be_destroyed() {
    use ako_lab::faults::{Action, Fault};

    let scenario = Scenario::new(CONFIGURATION);
    let failure = Action::FailOperation {
        code: "NetworkingInternalOperationError".to_owned(),
        message: "Something went wrong over there.".to_owned(),
    };
    scenario
        .lab
        .add_fault(Fault::on("PUT", &scenario.subnet(SUBNET), failure).always());
    let short = with("timeouts {\n    create = \"1s\"\n  }");
    scenario.configure(&short);
    let run = scenario.apply_fails();
    assert!(run.says("Something went wrong over there."));
    assert!(scenario.state().is_tainted(ADDRESS));
    scenario.lab.clear_faults();
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
    assert_eq!(scenario.azure(&scenario.subnet(SUBNET)), Value::Null);
}
