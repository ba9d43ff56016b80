//! Destroying: what is refused, what is waited for, and what an interrupted run leaves to the next.

use ako_lab::faults::{Action, Fault};

use super::*;

fn in_use(code: &str) -> Action {
    Action::respond(
        400,
        json!({"error": {"code": code, "message": "It is in use."}}),
    )
}

#[test]
fn a_network_interface_that_stays_is_named_and_nothing_is_deleted() {
    let scenario = applied_with(&with("timeouts {\n    delete = \"1s\"\n  }"));
    let interface = service_engine(&scenario);
    let run = scenario.destroy_fails();
    assert!(run.says(&interface), "{}", run.transcript());
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
    assert_ne!(scenario.azure(&scenario.table(TABLE)), Value::Null);
    scenario.assert_nothing_to_do();

    scenario.somebody("DELETE", &interface, &Value::Null);
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
}

#[test]
fn a_network_interface_that_leaves_while_destroy_waits_lets_it_go_on() {
    let scenario = applied();
    let interface = service_engine(&scenario);
    let leave = Action::Write {
        method: "DELETE".to_owned(),
        path: interface,
        body: Value::Null,
    };
    scenario
        .lab
        .add_fault(Fault::on("DELETE", &scenario.subnet(SUBNET), leave).nth(2));
    scenario.destroy();
    assert_eq!(
        scenario.calls().writes(),
        [DELETE_SUBNET, DELETE_SUBNET, DELETE_TABLE]
    );
}

#[test]
fn what_azure_calls_in_use_for_a_while_is_tried_again() {
    let scenario = applied();
    let table = in_use("InUseRouteTableCannotBeDeleted");
    scenario
        .lab
        .add_fault(Fault::on("DELETE", &scenario.table(TABLE), table));
    let subnet = in_use("InUseSubnetCannotBeDeleted");
    scenario
        .lab
        .add_fault(Fault::on("DELETE", &scenario.subnet(SUBNET), subnet));
    scenario.destroy();
    assert_eq!(
        scenario.calls().writes(),
        [DELETE_SUBNET, DELETE_SUBNET, DELETE_TABLE, DELETE_TABLE]
    );
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
}

#[test]
fn an_old_table_that_azure_calls_in_use_after_the_subnet_has_moved_is_tried_until_it_goes() {
    let scenario = applied();
    scenario.configure(&changed("rt-se-blue", "rt-se-new"));
    // The association is gone at once, its trace some time later (azurerm#4834).
    let lingering = in_use("InUseRouteTableCannotBeDeleted");
    let fault = Fault::on("DELETE", &scenario.table(TABLE), lingering).times(3);
    scenario.lab.add_fault(fault);
    scenario.apply();
    let calls = scenario.calls();
    let writes = calls.writes().into_iter();
    let deletions = writes.filter(|write| *write == DELETE_TABLE);
    assert_eq!(deletions.count(), 4, "{calls}");
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
    scenario.assert_nothing_to_do();
}

#[test]
fn destroying_refuses_before_its_first_step_while_the_table_serves_another_subnet() {
    let scenario = applied();
    let other = json!({"properties": {
        "addressPrefix": "10.0.110.0/24",
        "routeTable": {"id": scenario.table(TABLE)},
    }});
    scenario.somebody("PUT", &scenario.subnet("snet-other"), &other);
    let run = scenario.destroy_fails();
    assert!(run.says("snet-other"));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
}

#[test]
fn a_table_that_azure_does_not_let_go_stays_in_the_state_and_goes_with_the_next_destroy() {
    let scenario = applied();
    let locked = Action::respond(
        409,
        json!({"error": {"code": "ScopeLocked", "message": "There is a lock."}}),
    );
    scenario
        .lab
        .add_fault(Fault::on("DELETE", &scenario.table(TABLE), locked));
    let run = scenario.destroy_fails();
    assert!(run.says("The SE subnet is deleted") && run.says("There is a lock."));
    let left = scenario.resource(ADDRESS);
    assert_eq!(left["address_prefixes"], Value::Null);
    assert_eq!(left["route_table_id"], scenario.table(TABLE));
    scenario.forget_calls();
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn a_subnet_that_was_deleted_half_way_is_made_whole_by_an_apply() {
    let scenario = applied();
    let locked = Action::respond(
        409,
        json!({"error": {"code": "ScopeLocked", "message": "There is a lock."}}),
    );
    scenario
        .lab
        .add_fault(Fault::on("DELETE", &scenario.table(TABLE), locked));
    scenario.destroy_fails();
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(scenario.calls().writes(), [PUT_SUBNET]);
    scenario.assert_nothing_to_do();
}

#[test]
fn what_is_gone_already_is_destroyed_without_an_error() {
    let scenario = applied();
    scenario.somebody("DELETE", &scenario.subnet(SUBNET), &Value::Null);
    scenario.somebody("DELETE", &scenario.table(TABLE), &Value::Null);
    // Without a refresh Terraform does not know and asks for the deletion.
    scenario
        .terraform
        .destroy(&["-refresh=false"])
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn with_its_resource_group_gone_it_is_destroyed_without_an_error() {
    let scenario = applied();
    scenario.somebody("DELETE", &scenario.group(), &Value::Null);
    scenario
        .terraform
        .destroy(&["-refresh=false"])
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(scenario.state().addresses().is_empty());
}
