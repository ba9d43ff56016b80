//! Other writers: drift, values and labels of others, SE groups that others delete, AKO.

use ako_lab::actors::AkoOptions;
use ako_lab::faults::{self, Fault};
use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

fn label_of(cluster: &str) -> Value {
    json!([{"key": "clustername", "value": cluster}])
}

#[test]
fn drift_is_planned_back_and_a_value_of_somebody_else_is_not_undone() {
    let scenario = applied_over(&json!("snet-old"), CONFIGURATION);
    somebody_patches(
        &scenario,
        json!({"delete": {"data_network_id": "snet-se-blue"}}),
    );
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["data_network_id"])]);
    scenario.apply_saved_plan();
    assert_eq!(network(&scenario), "snet-se-blue");

    let theirs = faults::Action::Write {
        method: "PATCH".into(),
        path: path(&scenario),
        body: json!({"replace": {"data_network_id": "snet-theirs"}}),
    };
    // After the refresh of the destroy, before its own read.
    let fault = Fault::on("GET", "*/serviceenginegroup/*", theirs).nth(2);
    scenario.lab.add_fault(fault);
    let run = scenario.destroy();
    assert!(
        run.says("keeps its data_network_id"),
        "{}",
        run.transcript()
    );
    assert_eq!(network(&scenario), "snet-theirs");
}

#[test]
fn a_value_of_somebody_else_stays_when_the_destroy_itself_has_read_it() {
    for on_destroy in ["restore", "clear"] {
        let arguments = format!("on_destroy = \"{on_destroy}\"");
        let scenario = applied_over(&json!("snet-old"), &with(&arguments));
        let theirs = json!({"replace": {"data_network_id": "snet-theirs"}});
        somebody_patches(&scenario, theirs);
        let run = scenario.destroy();
        for says in ["\"snet-theirs\" by now", "(\"snet-se-blue\")"] {
            assert!(run.says(says), "{says}: {}", run.transcript());
        }
        assert_eq!(network(&scenario), "snet-theirs");
    }
}

#[test]
fn the_label_is_taken_away_only_if_it_was_added_here() {
    let labelled = with("cluster_name = \"blue\"");
    let label = json!([{"key": "clustername", "value": "blue"}]);
    let scenario = applied_over(&Value::Null, &labelled);
    assert_eq!(group(&scenario)["labels"], label);
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(group(&scenario)["labels"], Value::Null);

    somebody_patches(&scenario, json!({"add": {"labels": label}}));
    scenario.apply();
    scenario.destroy();
    assert_eq!(group(&scenario)["labels"], label);

    scenario.configure(&with("cluster_name = \"green\""));
    scenario.forget_calls();
    let run = scenario.apply_fails();
    let says = "SE group \"Default-Group\" belongs to cluster \"blue\"";
    assert!(run.says(says), "{}", run.transcript());
    assert_eq!(writes(&scenario), [""; 0]);
}

#[test]
fn the_label_of_another_cluster_in_place_of_ours_is_neither_replaced_nor_taken_away() {
    let labelled = with("cluster_name = \"blue\"");
    let scenario = applied_over(&Value::Null, &labelled);
    let green = json!({"replace": {"labels": label_of("green")}});
    somebody_patches(&scenario, green);
    let says = "SE group \"Default-Group\" belongs to cluster \"green\"";
    let plan = scenario.plan();
    assert!(plan.run.says(says), "{}", plan.run.transcript());
    scenario.forget_calls();
    let run = scenario.apply_fails();
    assert!(run.says(says), "{}", run.transcript());
    assert_eq!(writes(&scenario), [""; 0]);
    scenario.destroy();
    assert_eq!(group(&scenario)["labels"], label_of("green"));
    assert_eq!(network(&scenario), Value::Null);
}

#[test]
fn a_renamed_cluster_takes_its_own_label_along_in_one_write_and_a_given_up_label_stays() {
    let scenario = applied_over(&Value::Null, &with("cluster_name = \"blue\""));
    scenario.configure(&with("cluster_name = \"green\""));
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(writes(&scenario), [CHANGE]);
    assert_eq!(group(&scenario)["labels"], label_of("green"));
    scenario.assert_nothing_to_do();
    // AKO may have come to rely on it.
    scenario.configure(CONFIGURATION);
    scenario.apply();
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(group(&scenario)["labels"], label_of("green"));
}

#[test]
fn the_label_that_ako_puts_on_is_no_difference_and_outlives_the_override() {
    let scenario = applied_over(&Value::Null, CONFIGURATION);
    let ako = AkoOptions::of("cluster1", "azure", "Default-Group");
    let outcome = scenario.lab.wait_for(scenario.lab.start_ako(ako));
    outcome.expect("the lab has the cluster");
    assert_eq!(group(&scenario)["labels"], label_of("cluster1"));
    assert_eq!(network(&scenario), "snet-se-blue");
    scenario.assert_nothing_to_do();
    scenario.configure(&with("cluster_name = \"cluster1\""));
    scenario.apply();
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(group(&scenario)["labels"], label_of("cluster1"));
    assert_eq!(network(&scenario), Value::Null);
}

#[test]
fn an_se_group_that_is_missing_is_told_and_one_that_goes_away_is_planned_anew() {
    let scenario = prepared(&CONFIGURATION.replace("Default-Group", "seg-x"));
    let run = scenario.apply_fails();
    let says = "SE group \"seg-x\" does not exist";
    assert!(run.says(says), "{}", run.transcript());
    let cloud = scenario.avi_object("cloud", "azure")["url"].clone();
    let make = || json!({"name": "seg-x", "cloud_ref": cloud.clone()});
    let made = scenario.avi("POST", "/api/serviceenginegroup", make());
    scenario.apply();
    let uuid = made["uuid"].as_str().unwrap_or_default();
    scenario.avi(
        "DELETE",
        &format!("/api/serviceenginegroup/{uuid}"),
        Value::Null,
    );
    assert_changes(&scenario.plan(), &[(ADDRESS, Action::Create, &[])]);
    // Gone with its SE group: nothing to end.
    scenario.destroy();
    assert!(scenario.state().addresses().is_empty());
}
