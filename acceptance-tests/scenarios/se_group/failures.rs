//! What stands in the way of a create, lost answers, interrupts and killed runs.

use ako_lab::faults::{Action, Fault};
use std::time::Duration;

use super::*;

const POST_PATH: &str = "*/api/serviceenginegroup";

/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn error(status: u16) -> Action {
    Action::respond(status, json!({"error": "No."}))
}

#[test]
fn an_se_group_of_somebody_else_is_never_taken_over_and_can_be_imported() {
    let scenario = prepared(CONFIGURATION);
    let cloud = scenario.avi_object("cloud", "azure")["url"].clone();
    let theirs = json!({
        "name": "seg-blue", "cloud_ref": cloud, "data_network_id": "snet-se-blue", "max_se": 4,
        "labels": [{"key": "clustername", "value": "blue"}],
    });
    scenario.avi("POST", "/api/serviceenginegroup", theirs);
    let plan = scenario.plan();
    let says = "SE group \"seg-blue\" exists already";
    assert!(plan.run.says(says), "{}", plan.run.transcript());
    let run = scenario.apply_fails();
    for says in [
        says,
        "terraform import 'ako_se_group.NAME' 'azure/seg-blue'",
    ] {
        assert!(run.says(says), "{says}: {}", run.transcript());
    }
    assert_eq!(writes(&scenario), [""; 0]);
    scenario.import(ADDRESS, "azure/seg-blue");
    scenario.assert_nothing_to_do();
}

#[test]
fn a_cloud_that_does_not_exist_is_told_before_the_first_write() {
    let scenario = prepared(&changed("\"azure\"", "\"azur\""));
    let run = scenario.apply_fails();
    assert!(
        run.says("Cloud \"azur\" does not exist"),
        "{}",
        run.transcript()
    );
    assert_eq!(writes(&scenario), [""; 0]);
}

#[test]
fn a_create_whose_answer_is_lost_is_looked_for_and_not_sent_again() {
    let scenario = prepared(CONFIGURATION);
    for fault in [
        Fault::on("POST", POST_PATH, Action::Reset).after(),
        Fault::on("POST", POST_PATH, Action::Truncate { bytes: 40 }).after(),
        Fault::on("POST", POST_PATH, error(500)).after(),
    ] {
        scenario.forget_calls();
        scenario.lab.add_fault(fault);
        scenario.apply();
        assert_eq!(writes(&scenario), [CREATE], "{}", scenario.avi_calls());
        scenario.assert_nothing_to_do();
        scenario.destroy();
    }
}

#[test]
fn a_create_without_a_mark_whose_answer_is_lost_is_found_by_its_name() {
    let scenario = prepared(&with("mark_enabled = false"));
    scenario
        .lab
        .add_fault(Fault::on("POST", POST_PATH, Action::Reset).after());
    scenario.apply();
    assert_eq!(writes(&scenario), [CREATE], "{}", scenario.avi_calls());
    assert_eq!(group(&scenario)["markers"], Value::Null);
}

#[test]
fn what_somebody_else_makes_while_our_create_is_lost_is_not_taken_for_ours() {
    let scenario = prepared(CONFIGURATION);
    let cloud = scenario.avi_object("cloud", "azure")["url"].clone();
    let theirs = json!({
        "name": "seg-blue", "cloud_ref": cloud, "data_network_id": "snet-se-blue", "max_se": 4,
        "labels": [{"key": "clustername", "value": "blue"}],
    });
    let write = Action::Write {
        method: "POST".into(),
        path: "/api/serviceenginegroup".into(),
        body: theirs,
    };
    scenario.lab.add_fault(Fault::on("POST", POST_PATH, write));
    scenario
        .lab
        .add_fault(Fault::on("POST", POST_PATH, Action::Reset));
    let run = scenario.apply_fails();
    assert!(run.says("exists already"), "{}", run.transcript());
    assert!(scenario.state().addresses().is_empty());
    assert_eq!(group(&scenario)["markers"], Value::Null);
}

#[test]
fn a_create_that_never_reached_the_controller_is_sent_again_after_a_look() {
    let scenario = prepared(CONFIGURATION);
    scenario
        .lab
        .add_fault(Fault::on("POST", POST_PATH, Action::Reset));
    scenario.apply();
    assert_eq!(
        writes(&scenario),
        [CREATE, CREATE],
        "{}",
        scenario.avi_calls()
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn a_change_is_tried_again_after_412_and_after_a_broken_answer() {
    let scenario = applied();
    for (max_se, fault) in [
        (
            5,
            Fault::on("PATCH", "*/serviceenginegroup/*", error(412)).times(3),
        ),
        (
            6,
            Fault::on("PATCH", "*/serviceenginegroup/*", error(503)).times(2),
        ),
        (
            7,
            Fault::on("PATCH", "*/serviceenginegroup/*", Action::Reset).after(),
        ),
    ] {
        scenario.lab.add_fault(fault);
        scenario.configure(&changed("= 4", &format!("= {max_se}")));
        scenario.apply();
        assert_eq!(group(&scenario)["max_se"], max_se);
    }
    scenario.assert_nothing_to_do();
}

#[test]
fn the_remnant_of_a_killed_create_is_told_at_plan_and_adopted_unless_that_is_forbidden() {
    let scenario = prepared(CONFIGURATION);
    let hold = scenario
        .lab
        .add_fault(Fault::on("POST", POST_PATH, Action::Hold).after());
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(hold, PATIENCE));
    apply.kill_everything().expect("terraform can be killed");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    assert!(scenario.state().addresses().is_empty());
    let made = group(&scenario)["uuid"].clone();
    assert!(made.is_string());

    scenario.configure_provider("azure = {}\n  adopt_remnants = false");
    let run = scenario.apply_fails();
    assert!(run.says("adopt_remnants = false"), "{}", run.transcript());
    scenario.configure_provider("azure = {}");
    // Another plan than the one that made it is no remnant.
    scenario.configure(&changed("= 4", "= 5"));
    let run = scenario.apply_fails();
    assert!(
        run.says("max_se: 5 is planned, the controller has 4"),
        "{}",
        run.transcript()
    );

    scenario.configure(CONFIGURATION);
    let plan = scenario.plan();
    assert!(
        plan.run.says("apply adopts it"),
        "{}",
        plan.run.transcript()
    );
    scenario.forget_calls();
    let run = scenario.apply_saved_plan();
    assert!(run.says("it was adopted"), "{}", run.transcript());
    assert_eq!(writes(&scenario), [""; 0]);
    assert_eq!(scenario.resource(ADDRESS)["uuid"], made);
    scenario.assert_nothing_to_do();
}

#[test]
fn ctrl_c_during_a_create_loses_nothing() {
    let scenario = prepared(CONFIGURATION);
    let hold = scenario
        .lab
        .add_fault(Fault::on("POST", POST_PATH, Action::Hold).after());
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(hold, PATIENCE));
    apply.interrupt().expect("terraform can be interrupted");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    scenario.apply();
    let all = scenario.avi("GET", "/api/serviceenginegroup?name=seg-blue", Value::Null);
    assert_eq!(all["count"], 1);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_label_that_comes_before_our_write_is_kept_whosever_it_is() {
    let unlabelled = changed("  cluster_name    = \"blue\"\n", "");
    for cluster in ["blue", "green"] {
        let scenario = applied_with(&unlabelled);
        let theirs = json!([{"key": "clustername", "value": cluster}]);
        let write = Action::Write {
            method: "PATCH".into(),
            path: path(&group(&scenario)),
            body: json!({"replace": {"labels": theirs.clone()}}),
        };
        let fault = Fault::on("PATCH", "*/serviceenginegroup/*", write);
        scenario.lab.add_fault(fault);
        scenario.configure(&changed("= 4", "= 5"));
        match cluster {
            "blue" => drop(scenario.apply()),
            _ => {
                let run = scenario.apply_fails();
                let says = "belongs to cluster \"green\"";
                assert!(run.says(says), "{}", run.transcript());
            }
        }
        assert_eq!(group(&scenario)["labels"], theirs);
    }
}

#[test]
fn a_version_without_markers_gets_none_and_one_without_a_member_is_told() {
    let mut scenario = prepared(CONFIGURATION);
    scenario.terraform.set_environment("AVI_VERSION", "20.1.6");
    scenario.apply();
    assert_eq!(group(&scenario)["markers"], Value::Null);
    scenario.assert_nothing_to_do();
    scenario.configure(&with("ntp_sync_status_interval = 300"));
    let run = scenario.apply_fails();
    assert!(run.says("ntp_sync_status_interval"), "{}", run.transcript());
}
