//! `ako_se_group_override`: the subnet of an SE group that something else owns.

use ako_lab::faults::{self, Fault};
use ako_lab::terraform::Action;
use serde_json::{Value, json};

use super::se_group::{prepared, writes};
use crate::harness::{Scenario, assert_changes};

const ADDRESS: &str = "ako_se_group_override.default";

const CONFIGURATION: &str = r#"
resource "ako_se_group_override" "default" {
  cloud_ref       = "azure"
  se_group_name   = "Default-Group"
  data_network_id = "snet-se-blue"
}
"#;

const CHANGE: &str = "PATCH serviceenginegroup";

fn with(arguments: &str) -> String {
    CONFIGURATION.replace("\n}\n", &format!("\n  {arguments}\n}}\n"))
}

/// The Default-Group of the cloud; each cloud has one.
fn group(scenario: &Scenario) -> Value {
    let path = "/api/serviceenginegroup?name=Default-Group&cloud_ref.name=azure";
    scenario.avi("GET", path, Value::Null)["results"][0].clone()
}

fn somebody_patches(scenario: &Scenario, patch: Value) {
    let uuid = group(scenario)["uuid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    scenario.avi("PATCH", &format!("/api/serviceenginegroup/{uuid}"), patch);
}

fn network(scenario: &Scenario) -> Value {
    group(scenario)["data_network_id"].clone()
}

/// The lab with this value in place before the first apply; nothing where it is null.
fn applied_over(before: &Value, configuration: &str) -> Scenario {
    let scenario = prepared(configuration);
    if !before.is_null() {
        somebody_patches(&scenario, json!({"replace": {"data_network_id": before}}));
    }
    scenario.apply();
    scenario
}

#[test]
fn one_request_sets_the_subnet_and_one_puts_back_what_was_there() {
    for (before, previous) in [(Value::Null, ""), (json!("snet-old"), "snet-old")] {
        let scenario = applied_over(&before, CONFIGURATION);
        assert_eq!(writes(&scenario), [CHANGE], "{}", scenario.avi_calls());
        assert_eq!(network(&scenario), "snet-se-blue");
        assert_eq!(
            scenario.resource(ADDRESS)["previous_data_network_id"],
            previous
        );
        scenario.forget_calls();
        scenario.assert_nothing_to_do();
        let calls = scenario.avi_calls();
        let reads = calls.all().iter().filter(|call| call.starts_with("GET"));
        assert_eq!(reads.count(), 1, "{calls}");

        scenario.configure(&CONFIGURATION.replace("snet-se-blue", "snet-se-green"));
        scenario.apply();
        assert_eq!(network(&scenario), "snet-se-green");
        assert_eq!(
            scenario.resource(ADDRESS)["previous_data_network_id"],
            previous
        );
        scenario.forget_calls();
        scenario.destroy();
        assert_eq!(writes(&scenario), [CHANGE]);
        assert_eq!(network(&scenario), before);
    }
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
        path: format!(
            "/api/serviceenginegroup/{}",
            group(&scenario)["uuid"].as_str().unwrap_or_default()
        ),
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
fn what_a_destroy_does_can_be_chosen() {
    let previous = "previous_data_network_id = \"snet-se-green\"";
    for (arguments, left) in [
        ("on_destroy = \"clear\"", Value::Null),
        ("on_destroy = \"keep\"", json!("snet-se-blue")),
        (previous, json!("snet-se-green")),
    ] {
        let scenario = applied_over(&json!("snet-old"), &with(arguments));
        scenario.assert_nothing_to_do();
        scenario.destroy();
        assert_eq!(network(&scenario), left, "{arguments}");
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
fn an_import_plans_empty_and_its_destroy_leaves_the_value_with_a_warning() {
    let scenario = prepared(CONFIGURATION);
    let run = scenario.import_fails(ADDRESS, "azure/Default-Group");
    assert!(run.says("has no data_network_id"), "{}", run.transcript());
    somebody_patches(
        &scenario,
        json!({"replace": {"data_network_id": "snet-se-blue"}}),
    );
    scenario.import(ADDRESS, "azure/Default-Group");
    scenario.assert_nothing_to_do();
    let run = scenario.destroy();
    assert!(
        run.says("what was there before is not known"),
        "{}",
        run.transcript()
    );
    assert_eq!(network(&scenario), "snet-se-blue");
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

#[test]
fn a_plan_names_the_service_engines_that_keep_the_old_subnet() {
    let scenario = prepared(CONFIGURATION);
    let uuid = group(&scenario)["uuid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    scenario
        .lab
        .avi()
        .place_service_engine(&uuid, "Avi-se-1", Value::Null);
    let plan = scenario.plan();
    assert!(
        plan.run.says("These run: Avi-se-1"),
        "{}",
        plan.run.transcript()
    );
}
