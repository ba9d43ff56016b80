//! `ako_se_group`: the SE group of one cluster, its label and its subnet.
//!
//! Here its life where nothing goes wrong; each module has one theme.

mod changes;
mod deletion;
mod failures;

use serde_json::{Value, json};

use crate::harness::Scenario;

const ADDRESS: &str = "ako_se_group.blue";

const CONFIGURATION: &str = r#"
resource "ako_se_group" "blue" {
  name            = "seg-blue"
  cloud_ref       = "azure"
  cluster_name    = "blue"
  data_network_id = "snet-se-blue"
  max_se          = 4
}
"#;

const CREATE: &str = "POST serviceenginegroup";
const CHANGE: &str = "PATCH serviceenginegroup";

/// A lab with a cloud in the lab's virtual network and two subnets for Service Engines.
pub(super) fn prepared(configuration: &str) -> Scenario {
    let scenario = Scenario::new(configuration);
    for (name, prefix) in [
        ("snet-se-blue", "10.0.100.0/24"),
        ("snet-se-green", "10.0.101.0/24"),
    ] {
        let subnet = json!({"properties": {"addressPrefix": prefix}});
        scenario.somebody("PUT", &scenario.subnet(name), &subnet);
    }
    make_cloud(&scenario, "azure");
    scenario
}

/// A cloud of somebody else's.
pub(super) fn make_cloud(scenario: &Scenario, name: &str) -> Value {
    let network = json!({"virtual_network_id": scenario.network(), "se_network_id": "default"});
    let azure = json!({
        "subscription_id": scenario.lab.connection().azure.subscription_id,
        "location": "westeurope",
        "resource_group": scenario.lab.connection().azure.resource_group,
        "network_info": [network],
    });
    let cloud = json!({"name": name, "vtype": "CLOUD_AZURE", "azure_configuration": azure});
    scenario.avi("POST", "/api/cloud", cloud)
}

fn applied() -> Scenario {
    applied_with(CONFIGURATION)
}

/// A configuration applied, and its calls forgotten.
fn applied_with(configuration: &str) -> Scenario {
    let scenario = prepared(configuration);
    scenario.apply();
    scenario.forget_calls();
    scenario
}

/// The configuration with this in place of that.
fn changed(from: &str, to: &str) -> String {
    assert!(
        CONFIGURATION.contains(from),
        "{from} is part of the configuration"
    );
    CONFIGURATION.replace(from, to)
}

/// The configuration with more arguments.
fn with(arguments: &str) -> String {
    changed("\n}\n", &format!("\n  {arguments}\n}}\n"))
}

/// The SE group as the controller holds it.
fn group(scenario: &Scenario) -> Value {
    scenario.avi_object("serviceenginegroup", "seg-blue")
}

fn path(group: &Value) -> String {
    let uuid = group["uuid"].as_str().expect("the SE group has a uuid");
    format!("/api/serviceenginegroup/{uuid}")
}

/// Changes the SE group as another writer does.
fn somebody_patches(scenario: &Scenario, patch: Value) {
    scenario.avi("PATCH", &path(&group(scenario)), patch);
}

/// The writes of the provider but for those of its session.
pub(super) fn writes(scenario: &Scenario) -> Vec<String> {
    let calls = scenario.avi_calls();
    let writes = calls.writes().into_iter();
    let of_session = ["POST login", "POST logout"];
    writes
        .map(|call| call.to_string())
        .filter(|call| !of_session.contains(&call.as_str()))
        .collect()
}

#[test]
fn one_request_makes_the_se_group_with_its_label_its_subnet_and_its_mark() {
    let scenario = prepared(CONFIGURATION);
    scenario.apply();
    assert_eq!(writes(&scenario), [CREATE], "{}", scenario.avi_calls());
    let made = group(&scenario);
    let label = json!([{"key": "clustername", "value": "blue"}]);
    assert_eq!(made["labels"], label);
    assert_eq!(made["data_network_id"], "snet-se-blue");
    assert_eq!(made["max_se"], 4);
    assert_eq!(made["markers"][0]["key"], "ako-terraform");
    let state = scenario.resource(ADDRESS);
    assert_eq!(state["uuid"], made["uuid"]);
    // What is not configured is shown as the controller has it.
    assert_eq!(
        (&state["buffer_se"], &state["se_deprovision_delay"]),
        (&json!(1), &json!(120))
    );
    let reference = state["ref"].as_str().expect("it has a reference");
    assert!(reference.ends_with(&path(&made)), "{reference}");

    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    let calls = scenario.avi_calls();
    let reads: Vec<_> = calls
        .all()
        .iter()
        .filter(|c| c.starts_with("GET"))
        .collect();
    assert_eq!(reads, ["GET serviceenginegroup"], "{calls}");
    assert_eq!(writes(&scenario), [""; 0], "{calls}");
}

#[test]
fn a_cloud_in_another_spelling_is_the_same_and_another_cloud_means_another_se_group() {
    let scenario = applied();
    let cloud = scenario.avi_object("cloud", "azure");
    let url = cloud["url"].as_str().expect("the cloud has an address");
    scenario.configure(&changed("\"azure\"", &format!("\"{url}#azure\"")));
    scenario.assert_nothing_to_do();

    make_cloud(&scenario, "azure2");
    scenario.configure(&changed("\"azure\"", "\"azure2\""));
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds it");
    assert_eq!(change.replaced_because_of(), [json!(["cloud_ref"])]);
    scenario.apply_saved_plan();
    let there = scenario.avi(
        "GET",
        "/api/serviceenginegroup?cloud_ref.name=azure2",
        Value::Null,
    );
    assert_eq!(there["count"], 2, "Default-Group and ours");
    scenario.assert_nothing_to_do();
}

#[test]
fn an_import_by_cloud_and_name_or_by_uuid_plans_empty() {
    let scenario = applied();
    let uuid = group(&scenario)["uuid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    for id in ["azure/seg-blue", &uuid] {
        scenario
            .terraform
            .succeed(&["state", "rm", ADDRESS])
            .expect("it can be forgotten");
        scenario.import(ADDRESS, id);
        scenario.assert_nothing_to_do();
    }
    let run = scenario.terraform.succeed(&["state", "rm", ADDRESS]);
    run.expect("it can be forgotten");
    for (id, says) in [
        ("azure/missing", "does not exist"),
        ("seg-blue", "<cloud>/<name>"),
    ] {
        let run = scenario.import_fails(ADDRESS, id);
        assert!(run.says(says), "{}", run.transcript());
    }
}

#[test]
fn the_data_source_finds_it_with_its_service_engines() {
    let lookup = r#"
data "ako_se_group" "blue" {
  cloud_ref = "azure"
  name      = "seg-blue"
}

output "blue" {
  value = data.ako_se_group.blue
}
"#;
    let scenario = applied();
    let uuid = group(&scenario)["uuid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    scenario
        .lab
        .avi()
        .place_service_engine(&uuid, "blue-se-1", Value::Null);
    scenario.configure(&format!("{CONFIGURATION}{lookup}"));
    scenario.apply();
    let state = scenario.state();
    let found = state.output("blue").expect("there is an output");
    assert_eq!(found["uuid"], json!(uuid));
    assert_eq!(found["cluster_name"], "blue");
    assert_eq!(found["service_engines"], json!(["blue-se-1"]));

    scenario.configure(&lookup.replace("\"seg-blue\"", "\"seg-none\""));
    let run = scenario.plan_fails();
    assert!(
        run.says("SE group \"seg-none\" does not exist"),
        "{}",
        run.transcript()
    );
}
