//! Ctrl-C and killed processes: nothing that exists is lost, and the next run goes on.

use std::time::Duration;

use ako_lab::faults::{Action, Fault};
use ako_lab::terraform::Running;

use super::*;

/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Arms a hold, starts something and waits until the lab holds its request.
///
/// A request that is held before the lab acts is lost when it is let go, as if it had died with its sender.
fn held(scenario: &Scenario, fault: Fault, start: impl FnOnce() -> Running) -> Running {
    let lost = Fault {
        action: Action::Reset,
        ..fault.clone()
    };
    let hold = scenario.lab.add_fault(fault);
    scenario.lab.add_fault(lost);
    let running = start();
    assert!(
        scenario.lab.wait_until_held(hold, PATIENCE),
        "the request arrives"
    );
    running
}

fn start_destroy(scenario: &Scenario) -> Running {
    let started = scenario.terraform.start_destroy(&["-lock=false"]);
    started.unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn ctrl_c_during_an_update_keeps_what_was_known_and_the_next_apply_finishes() {
    let scenario = applied();
    scenario.configure(&changed("10.0.100.0/24", "10.0.102.0/24"));
    let fault = Fault::on("PUT", &scenario.subnet(SUBNET), Action::Hold);
    let apply = held(&scenario, fault, || scenario.start_apply());
    apply.interrupt().expect("terraform can be interrupted");
    let run = scenario.wait(apply);
    assert!(!run.succeeded(), "an interrupted apply fails");
    assert!(!scenario.state().is_tainted(ADDRESS));
    assert_eq!(
        scenario.resource(ADDRESS)["address_prefixes"],
        json!(["10.0.100.0/24"])
    );
    scenario.lab.clear_faults();
    scenario.apply();
    let subnet = scenario.azure(&scenario.subnet(SUBNET));
    assert_eq!(subnet["properties"]["addressPrefix"], "10.0.102.0/24");
    scenario.assert_nothing_to_do();
}

#[test]
fn ctrl_c_between_the_two_deletes_keeps_the_table_in_the_state() {
    let scenario = applied();
    let fault = Fault::on("DELETE", &scenario.table(TABLE), Action::Hold);
    let destroy = held(&scenario, fault, || start_destroy(&scenario));
    destroy.interrupt().expect("terraform can be interrupted");
    let run = scenario.wait(destroy);
    assert!(!run.succeeded(), "an interrupted destroy fails");
    let left = scenario.resource(ADDRESS);
    assert_eq!(left["route_table_id"], scenario.table(TABLE));
    assert_eq!(left["address_prefixes"], Value::Null);
    scenario.lab.clear_faults();
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
}

#[test]
fn ctrl_c_while_service_engines_are_awaited_ends_the_wait_at_once() {
    let scenario = applied();
    let engine = service_engine(&scenario);
    // After the refused deletion it is asked what is in there; then the wait begins.
    let asks = Fault::on("GET", &scenario.subnet(SUBNET), Action::Hold).nth(2);
    let destroy = held(&scenario, asks, || start_destroy(&scenario));
    destroy.interrupt().expect("terraform can be interrupted");
    let run = scenario.wait(destroy);
    assert!(!run.succeeded(), "an interrupted destroy fails");
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
    scenario.lab.clear_faults();
    assert_eq!(scenario.calls().writes(), [DELETE_SUBNET]);
    scenario.somebody("DELETE", &engine, &Value::Null);
    scenario.destroy();
}

#[test]
fn killed_between_the_two_deletes_the_next_destroy_finishes() {
    let scenario = applied();
    let fault = Fault::on("DELETE", &scenario.table(TABLE), Action::Hold);
    let destroy = held(&scenario, fault, || start_destroy(&scenario));
    destroy.kill_everything().expect("terraform can be killed");
    scenario.wait(destroy);
    scenario.lab.clear_faults();
    assert_eq!(scenario.azure(&scenario.subnet(SUBNET)), Value::Null);
    assert_ne!(scenario.azure(&scenario.table(TABLE)), Value::Null);
    assert_eq!(scenario.state().addresses(), [ADDRESS]);

    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn the_remnant_of_a_killed_create_is_told_at_plan_and_adopted_unless_that_is_forbidden() {
    let scenario = Scenario::new(CONFIGURATION);
    let fault = Fault::on("PUT", &scenario.subnet(SUBNET), Action::Hold);
    let apply = held(&scenario, fault, || scenario.start_apply());
    apply.kill_everything().expect("terraform can be killed");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    assert!(mark(&scenario, TABLE).is_string());
    assert_eq!(scenario.azure(&scenario.subnet(SUBNET)), Value::Null);
    assert!(scenario.state().addresses().is_empty());

    scenario.configure_provider("azure = {}\n  adopt_remnants = false");
    scenario.forget_calls();
    let run = scenario.apply_fails();
    assert!(run.says("adopt_remnants = false"), "{}", run.transcript());
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());

    scenario.configure_provider("azure = {}");
    let plan = scenario.plan();
    assert!(
        plan.run
            .says("Route table \"rt-se-blue\" exists with our mark; apply adopts it"),
        "{}",
        plan.run.transcript()
    );
    let run = scenario.apply_saved_plan();
    assert!(run.says("it was adopted"), "{}", run.transcript());
    assert_eq!(scenario.calls().writes(), [PUT_SUBNET]);
    scenario.assert_nothing_to_do();
}

#[test]
fn the_provider_of_a_killed_terraform_ends_and_the_next_run_goes_on() {
    let scenario = Scenario::new(CONFIGURATION);
    let fault = Fault::on("PUT", &scenario.subnet(SUBNET), Action::Hold).after();
    let apply = held(&scenario, fault, || scenario.start_apply());
    apply.kill_terraform().expect("terraform can be killed");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    let run = scenario.apply_with(&["-lock=false"]);
    assert!(run.says("it was adopted"), "{}", run.transcript());
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
}

#[test]
fn a_lost_answer_to_the_creating_write_is_looked_up_and_not_repeated() {
    let scenario = Scenario::new(CONFIGURATION);
    for (method, id) in [
        ("PUT", scenario.table(TABLE)),
        ("PUT", scenario.subnet(SUBNET)),
    ] {
        scenario
            .lab
            .add_fault(Fault::on(method, &id, Action::Reset).after());
    }
    scenario.apply();
    assert_eq!(
        scenario.calls().writes(),
        [PUT_TABLE, PUT_SUBNET],
        "{}",
        scenario.calls()
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn ctrl_c_during_the_very_first_write_loses_nothing_whether_or_not_azure_acted() {
    for acted in [false, true] {
        let scenario = Scenario::new(CONFIGURATION);
        let fault = Fault::on("PUT", &scenario.table(TABLE), Action::Hold);
        let fault = if acted { fault.after() } else { fault };
        let apply = held(&scenario, fault, || scenario.start_apply());
        apply.interrupt().expect("terraform can be interrupted");
        let run = scenario.wait(apply);
        assert!(!run.succeeded(), "an interrupted apply fails");
        assert!(scenario.state().is_tainted(ADDRESS));
        scenario.lab.clear_faults();
        scenario.apply();
        scenario.assert_nothing_to_do();
    }
}

#[test]
fn killed_before_the_old_table_is_gone_the_next_apply_removes_it() {
    let scenario = applied();
    scenario.configure(&changed("rt-se-blue", "rt-se-new"));
    let fault = Fault::on("DELETE", &scenario.table(TABLE), Action::Hold);
    let apply = held(&scenario, fault, || scenario.start_apply());
    apply.kill_everything().expect("terraform can be killed");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    assert_ne!(scenario.azure(&scenario.table(TABLE)), Value::Null);

    scenario.forget_calls();
    let run = scenario.apply_with(&["-lock=false"]);
    assert_eq!(
        scenario.calls().writes(),
        [DELETE_TABLE],
        "{}",
        run.transcript()
    );
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table("rt-se-new")), Value::Null);
}
