//! `ako_se_group_override`: the subnet of an SE group that something else owns.
//!
//! Here its life where nothing goes wrong; each module has one theme.

mod failures;
mod others;

use serde_json::{Value, json};

use super::se_group::{prepared, writes};
use crate::harness::Scenario;

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
    scenario.avi("PATCH", &path(scenario), patch);
}

/// Where the controller has the SE group.
fn path(scenario: &Scenario) -> String {
    let group = group(scenario);
    let uuid = group["uuid"].as_str().expect("the SE group has a uuid");
    format!("/api/serviceenginegroup/{uuid}")
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
fn a_plan_names_the_service_engines_that_keep_the_old_subnet_and_who_shares_the_new_one() {
    let scenario = prepared(CONFIGURATION);
    let uuid = group(&scenario)["uuid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    scenario
        .lab
        .avi()
        .place_service_engine(&uuid, "Avi-se-1", Value::Null);
    let cloud = scenario.avi_object("cloud", "azure")["url"].clone();
    let other = json!({"name": "seg-x", "cloud_ref": cloud, "data_network_id": "SNET-SE-BLUE"});
    scenario.avi("POST", "/api/serviceenginegroup", other);
    let plan = scenario.plan();
    for says in [
        "These run: Avi-se-1",
        "have the same `data_network_id`: seg-x",
    ] {
        assert!(plan.run.says(says), "{says}: {}", plan.run.transcript());
    }
}
