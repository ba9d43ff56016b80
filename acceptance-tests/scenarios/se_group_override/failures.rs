//! Lost answers, other writers in between, interrupts, killed runs and missing rights.

use ako_lab::avi::{Access, Denial};
use ako_lab::faults::{Action, Fault};
use std::time::Duration;

use super::*;

const PATH: &str = "*/serviceenginegroup/*";

/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn error(status: u16) -> Action {
    Action::respond(status, json!({"error": "No."}))
}

#[test]
fn a_refused_or_lost_change_is_looked_at_and_what_was_there_before_is_not_forgotten() {
    for fault in [
        Fault::on("PATCH", PATH, error(412)).times(4),
        Fault::on("PATCH", PATH, error(503)).times(2),
        Fault::on("PATCH", PATH, Action::Reset),
        Fault::on("PATCH", PATH, Action::Reset).after(),
        Fault::on("PATCH", PATH, Action::Truncate { bytes: 40 }).after(),
        Fault::on("PATCH", PATH, error(500)).after(),
    ] {
        let scenario = prepared(&with("cluster_name = \"blue\""));
        let old = json!({"replace": {"data_network_id": "snet-old"}});
        somebody_patches(&scenario, old);
        scenario.lab.add_fault(fault.clone());
        scenario.apply();
        assert_eq!(network(&scenario), "snet-se-blue");
        let state = scenario.resource(ADDRESS);
        assert_eq!(state["previous_data_network_id"], "snet-old", "{fault:?}");
        assert_eq!(state["label_added"], true, "{fault:?}");
        scenario.assert_nothing_to_do();

        scenario.lab.clear_faults();
        scenario.lab.add_fault(fault);
        let run = scenario.destroy();
        assert!(!run.says("keeps its"), "{}", run.transcript());
        assert_eq!(network(&scenario), "snet-old");
        assert_eq!(group(&scenario)["labels"], Value::Null);
    }
}

#[test]
fn what_another_writer_sets_before_our_change_is_what_comes_back() {
    let scenario = prepared(&with("cluster_name = \"blue\""));
    let theirs = Action::Write {
        method: "PATCH".into(),
        path: path(&scenario),
        body: json!({"replace": {
            "data_network_id": "snet-theirs", "labels": [{"key": "clustername", "value": "blue"}],
        }}),
    };
    scenario.lab.add_fault(Fault::on("PATCH", PATH, theirs));
    scenario.apply();
    let state = scenario.resource(ADDRESS);
    assert_eq!(state["previous_data_network_id"], "snet-theirs");
    assert_eq!(state["label_added"], false);
    scenario.destroy();
    assert_eq!(network(&scenario), "snet-theirs");
    assert_eq!(group(&scenario)["labels"][0]["value"], "blue");
}

#[test]
fn ctrl_c_during_the_first_change_keeps_what_was_there_before() {
    let scenario = prepared(CONFIGURATION);
    let old = json!({"replace": {"data_network_id": "snet-old"}});
    somebody_patches(&scenario, old);
    let held = Fault::on("PATCH", PATH, Action::Hold).after();
    let hold = scenario.lab.add_fault(held);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(hold, PATIENCE));
    apply.interrupt().expect("terraform can be interrupted");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
    scenario.apply();
    assert_eq!(network(&scenario), "snet-se-blue");
    let state = scenario.resource(ADDRESS);
    assert_eq!(state["previous_data_network_id"], "snet-old");
    scenario.destroy();
    assert_eq!(network(&scenario), "snet-old");
}

#[test]
fn a_killed_first_change_leaves_a_value_that_the_next_run_takes_for_its_own() {
    let scenario = prepared(CONFIGURATION);
    let held = Fault::on("PATCH", PATH, Action::Hold).after();
    let hold = scenario.lab.add_fault(held);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(hold, PATIENCE));
    apply.kill_everything().expect("terraform can be killed");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(writes(&scenario), [""; 0]);
    let state = scenario.resource(ADDRESS);
    assert_eq!(state["previous_data_network_id"], Value::Null);
    scenario.assert_nothing_to_do();
    // What to put back can be told afterwards, without a call.
    scenario.configure(&with("previous_data_network_id = \"\""));
    scenario.apply();
    assert_eq!(writes(&scenario), [""; 0]);
    scenario.destroy();
    assert_eq!(network(&scenario), Value::Null);
}

#[test]
fn missing_rights_change_nothing_and_a_refused_end_keeps_the_state() {
    let scenario = prepared(CONFIGURATION);
    let denial = || Denial {
        object: "serviceenginegroup".into(),
        access: Access::Write,
        user: None,
    };
    scenario.lab.avi().deny(denial());
    let run = scenario.apply_fails();
    assert!(run.says("403"), "{}", run.transcript());
    assert!(scenario.state().addresses().is_empty());
    assert_eq!(network(&scenario), Value::Null);
    scenario.lab.avi().allow_all();
    scenario.apply();
    scenario.lab.avi().deny(denial());
    let run = scenario.destroy_fails();
    assert!(run.says("403"), "{}", run.transcript());
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
    assert_eq!(network(&scenario), "snet-se-blue");
    scenario.lab.avi().allow_all();
    scenario.destroy();
    assert_eq!(network(&scenario), Value::Null);
}
