//! Operations that never end: the error says what is known, the state holds what exists, the next run recovers.

use std::time::Duration;

use ako_lab::Latency;
use ako_lab::faults::{Action, Fault};
use ako_lab::terraform::Run;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

const SHORT: &str =
    "timeouts {\n    create = \"3s\"\n    update = \"3s\"\n    delete = \"3s\"\n  }";

fn never_ending(scenario: &Scenario) {
    let latency = Latency::fixed(Duration::ZERO, HOUR);
    scenario.lab.set_latency(latency);
}

/// Operations end at once again, also those that are under way.
fn healed(scenario: &Scenario) {
    scenario.lab.clear_faults();
    scenario.lab.set_latency(Latency::NONE);
    scenario.lab.azure().finish_operations();
}

/// The error tells how far the operation on the object has come.
#[track_caller]
fn assert_says_what_is_known(run: &Run, action: &str, state: &str) {
    let parts = [
        action,
        "time is up while waiting for Azure to finish the operation",
        "the operation is InProgress",
        "s after Azure took the request (request id",
        state,
        "`timeouts` block",
    ];
    for part in parts {
        assert!(run.says(part), "{part}: {}", run.transcript());
    }
}

#[test]
fn a_create_whose_table_never_gets_ready_leaves_it_in_the_state_and_the_next_apply_recovers() {
    let scenario = Scenario::new(&with(SHORT));
    never_ending(&scenario);
    let run = scenario.apply_fails();
    let action = "Writing route table \"rt-se-blue\"";
    assert_says_what_is_known(&run, action, "the object is Updating");
    assert!(scenario.state().is_tainted(ADDRESS));
    assert_eq!(
        scenario.resource(ADDRESS)["route_table_id"],
        scenario.table(TABLE)
    );
    assert_eq!(scenario.calls().writes(), [PUT_TABLE]);
    healed(&scenario);
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn a_create_whose_subnet_never_gets_ready_leaves_both_in_the_state_and_the_next_apply_recovers() {
    let scenario = Scenario::new(&with(SHORT));
    let put = Fault::on("PUT", &scenario.subnet(SUBNET), Action::Hold);
    let put = scenario.lab.add_fault(put);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(put, PATIENCE), "the PUT comes");
    never_ending(&scenario);
    scenario.lab.release(put);
    let run = scenario.wait(apply);
    assert!(!run.succeeded());
    let action = "Writing subnet \"snet-se-blue\"";
    assert_says_what_is_known(&run, action, "the object is Updating");
    assert!(scenario.state().is_tainted(ADDRESS));
    assert_eq!(scenario.resource(ADDRESS)["id"], scenario.subnet(SUBNET));
    healed(&scenario);
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn an_update_that_never_ends_keeps_the_prior_state_and_the_next_apply_finishes() {
    let scenario = applied_with(&with(SHORT));
    never_ending(&scenario);
    scenario.configure(&with(SHORT).replace("10.0.100.0/24", "10.0.102.0/24"));
    let run = scenario.apply_fails();
    let action = "Writing subnet \"snet-se-blue\"";
    assert_says_what_is_known(&run, action, "the object is Updating");
    assert!(!scenario.state().is_tainted(ADDRESS));
    let prior = &scenario.resource(ADDRESS)["address_prefixes"];
    assert_eq!(prior, &json!(["10.0.100.0/24"]));
    healed(&scenario);
    scenario.forget_calls();
    scenario.apply();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    let subnet = scenario.azure(&scenario.subnet(SUBNET));
    assert_eq!(subnet["properties"]["addressPrefix"], "10.0.102.0/24");
    scenario.assert_nothing_to_do();
}

#[test]
fn a_delete_that_never_ends_keeps_the_object_in_the_state_and_the_next_destroy_finishes() {
    let scenario = applied_with(&with(SHORT));
    never_ending(&scenario);
    let run = scenario.destroy_fails();
    let action = "Deleting subnet \"snet-se-blue\"";
    assert_says_what_is_known(&run, action, "the object is Deleting");
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
    healed(&scenario);
    scenario.forget_calls();
    scenario.destroy();
    let writes = scenario.calls();
    assert_eq!(writes.writes().last(), Some(&DELETE_TABLE), "{writes}");
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
    assert!(scenario.state().addresses().is_empty());
}
