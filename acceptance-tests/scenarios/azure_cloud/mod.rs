//! `ako_azure_cloud`: a cloud of the controller in Azure.
//!
//! Here its life where nothing goes wrong; each module has one theme.

mod endings;
mod existing;
mod failures;
mod unset;

use ako_lab::terraform::Action;
use serde_json::{Value, json};

use crate::harness::{Scenario, assert_changes, attribute};

const ADDRESS: &str = "ako_azure_cloud.azure";
const CLOUDS: &str = "/api/cloud";

const CONFIGURATION: &str = r#"
resource "ako_cloud_credential" "azure" {
  name                     = "azure"
  application_id           = var.avi_principal.client_id
  tenant_id                = var.avi_principal.tenant_id
  client_secret_wo         = var.avi_principal.client_secret
  client_secret_wo_version = 1
}

resource "ako_azure_cloud" "azure" {
  name                 = "azure"
  subscription_id      = var.avi_principal.subscription_id
  location             = "westeurope"
  resource_group       = split("/", var.resource_group_id)[4]
  virtual_network_id   = var.virtual_network_id
  se_network_id        = "snet-cluster1-nodes"
  cloud_credential_ref = ako_cloud_credential.azure.ref
}
"#;

fn changed(from: &str, to: &str) -> String {
    assert!(CONFIGURATION.contains(from), "{from} is in it");
    CONFIGURATION.replace(from, to)
}

/// The configuration with more arguments for the cloud.
fn with(arguments: &str) -> String {
    let last = "cloud_credential_ref = ako_cloud_credential.azure.ref";
    changed(last, &format!("{last}\n  {arguments}"))
}

fn applied() -> Scenario {
    applied_with(CONFIGURATION)
}

fn applied_with(configuration: &str) -> Scenario {
    let scenario = Scenario::new(configuration);
    scenario.apply();
    scenario.forget_calls();
    scenario
}

fn cloud(scenario: &Scenario) -> Value {
    scenario.avi_object("cloud", "azure")
}

/// Changes the cloud as somebody else does.
fn somebody_changes(scenario: &Scenario, change: Value) {
    let uuid = cloud(scenario)["uuid"].as_str().unwrap().to_owned();
    scenario.avi("PATCH", &format!("{CLOUDS}/{uuid}"), change);
}

/// The writes to the controller, sign-in and sign-out apart.
fn writes(scenario: &Scenario) -> Vec<String> {
    let calls = scenario.avi_calls();
    let writes = calls.writes().into_iter();
    let writes = writes.filter(|call| !call.ends_with("login") && !call.ends_with("logout"));
    writes.map(str::to_owned).collect()
}

#[test]
fn it_is_made_by_one_request_and_ready_when_the_apply_ends() {
    let scenario = Scenario::new(CONFIGURATION);
    scenario.apply();
    assert_eq!(writes(&scenario), ["POST cloudconnectoruser", "POST cloud"]);
    let logins = scenario.avi_calls();
    let logins = logins.all().iter().filter(|call| call.ends_with("login"));
    assert!(logins.count() <= 2, "one for the plan, one for the apply");
    let state = scenario.resource(ADDRESS);
    assert_eq!(state["adopted"], false);
    let cloud = cloud(&scenario);
    assert_eq!(state["uuid"], cloud["uuid"]);
    assert_eq!(state["ref"], cloud["url"]);
    assert_eq!(cloud["vtype"], "CLOUD_AZURE");
    assert_eq!(cloud["dhcp_enabled"], true);
    assert_eq!(attribute(&cloud, "markers.0.key"), "ako-terraform");

    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    let calls = scenario.avi_calls();
    let reads = calls
        .all()
        .iter()
        .filter(|call| call.starts_with("GET cloud"));
    assert_eq!(reads.count(), 2, "one for each object: {calls}");

    scenario.destroy();
    assert_eq!(scenario.avi_object("cloud", "azure"), Value::Null);
}

#[test]
fn an_update_writes_what_changes_once_and_once_more_what_it_takes_away() {
    let scenario = applied();
    // Members that this resource does not know, and somebody's markers.
    somebody_changes(
        &scenario,
        json!({"add": {"markers": [{"key": "team", "values": ["a"]}]}}),
    );
    somebody_changes(
        &scenario,
        json!({"replace": {"prefer_static_routes": true}}),
    );
    scenario.assert_nothing_to_do();
    for (configuration, attributes, patches) in [
        (with("mtu = 1400"), &["mtu"][..], 1),
        (with("use_azure_dns = true"), &["mtu", "use_azure_dns"], 1),
        (
            with("availability_zones = [\"1\", \"2\"]\n  use_azure_dns = true"),
            &["availability_zones"],
            1,
        ),
        (
            with("mark_enabled = false"),
            &["availability_zones", "mark_enabled", "use_azure_dns"],
            // The mark is deleted, the rest replaced.
            2,
        ),
        (
            changed(
                "= \"azure\"\n  subscription_id",
                "= \"renamed\"\n  subscription_id",
            ),
            &["mark_enabled", "name"],
            1,
        ),
    ] {
        scenario.configure(&configuration);
        let plan = scenario.plan();
        assert_changes(&plan, &[(ADDRESS, Action::Update, attributes)]);
        scenario.forget_calls();
        scenario.apply_saved_plan();
        assert_eq!(writes(&scenario), vec!["PATCH cloud"; patches]);
    }
    scenario.assert_nothing_to_do();
    let cloud = scenario.avi_object("cloud", "renamed");
    assert_eq!(cloud["prefer_static_routes"], true);
    let markers = cloud["markers"].as_array().unwrap();
    let keys: Vec<_> = markers
        .iter()
        .map(|marker| marker["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["team", "ako-terraform"]);
    assert_eq!(
        attribute(&cloud, "azure_configuration.availability_zones"),
        &Value::Null
    );
}

#[test]
fn every_spelling_of_the_same_plans_nothing() {
    let scenario = applied();
    let uuid = scenario.resource("ako_cloud_credential.azure")["uuid"].clone();
    let uuid = uuid.as_str().unwrap();
    for (from, to) in [
        ("\"westeurope\"", "\"West Europe\"".to_owned()),
        (
            "= var.virtual_network_id",
            "= upper(var.virtual_network_id)".to_owned(),
        ),
        (
            "\"snet-cluster1-nodes\"",
            "\"${var.virtual_network_id}/subnets/SNET-cluster1-nodes\"".to_owned(),
        ),
        ("= ako_cloud_credential.azure.ref", format!("= \"{uuid}\"")),
        (
            "= ako_cloud_credential.azure.ref",
            format!("= \"/api/cloudconnectoruser/{uuid}\""),
        ),
    ] {
        scenario.configure(&changed(from, &to));
        scenario.assert_nothing_to_do();
    }
    // A name says the same only once it has been looked up.
    scenario.configure(&changed(
        "= ako_cloud_credential.azure.ref",
        "= ako_cloud_credential.azure.name",
    ));
    scenario.forget_calls();
    scenario.apply();
    assert!(writes(&scenario).is_empty(), "{}", scenario.avi_calls());
    scenario.assert_nothing_to_do();
}

#[test]
fn drift_is_repaired_by_one_write_and_a_lost_mark_is_none() {
    let scenario = applied();
    somebody_changes(&scenario, json!({"replace": {"markers": []}}));
    scenario.assert_nothing_to_do();
    somebody_changes(
        &scenario,
        json!({"replace": {"mtu": 9000, "dhcp_enabled": false}}),
    );
    let mut azure = cloud(&scenario)["azure_configuration"].clone();
    azure["use_azure_dns"] = json!(true);
    azure["network_info"][0]["se_network_id"] = json!("snet-cluster2-nodes");
    somebody_changes(
        &scenario,
        json!({"replace": {"azure_configuration": azure}}),
    );
    let plan = scenario.plan();
    let attributes: &[&str] = &["dhcp_enabled", "mtu", "se_network_id", "use_azure_dns"];
    assert_changes(&plan, &[(ADDRESS, Action::Update, attributes)]);
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(writes(&scenario), ["PATCH cloud"]);
    scenario.assert_nothing_to_do();
}

#[test]
fn one_that_is_gone_is_planned_to_be_made_again() {
    let scenario = applied();
    let uuid = cloud(&scenario)["uuid"].as_str().unwrap().to_owned();
    scenario.avi("DELETE", &format!("{CLOUDS}/{uuid}"), Value::Null);
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Create, &[])]);
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();
}

#[test]
fn it_is_imported_by_name_and_by_uuid() {
    let scenario = applied();
    let before = scenario.resource(ADDRESS);
    let uuid = before["uuid"].as_str().unwrap().to_owned();
    for id in ["azure", &uuid] {
        scenario
            .terraform
            .succeed(&["state", "rm", ADDRESS])
            .unwrap();
        scenario.import(ADDRESS, id);
        scenario.assert_nothing_to_do();
        assert_eq!(scenario.resource(ADDRESS), before);
    }
    scenario
        .terraform
        .succeed(&["state", "rm", ADDRESS])
        .unwrap();
    let run = scenario.import_fails(ADDRESS, "Default-Cloud");
    assert!(run.says("Cloud \"Default-Cloud\" is not in Azure"));
    let run = scenario.import_fails(ADDRESS, "nothing");
    assert!(run.says("Cloud \"nothing\" does not exist"));
}

#[test]
fn another_network_means_another_cloud() {
    let scenario = applied();
    scenario.configure(&changed("\"westeurope\"", "\"northeurope\""));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Replace, &[])]);
    let run = &plan.run;
    assert!(
        !run.says("exists"),
        "its own cloud is no stranger: {}",
        run.transcript()
    );
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(writes(&scenario), ["DELETE cloud", "POST cloud"]);
    scenario.assert_nothing_to_do();
}

#[test]
fn the_data_source_tells_its_state_and_why() {
    let look = "\ndata \"ako_azure_cloud\" \"look\" {\n  name = ako_azure_cloud.azure.name\n}\noutput \"cloud\" { value = data.ako_azure_cloud.look }\n";
    let scenario = applied_with(&(CONFIGURATION.to_owned() + look));
    let output = scenario.resource("data.ako_azure_cloud.look");
    assert_eq!(output["state"], "CLOUD_STATE_PLACEMENT_READY");
    assert_eq!(output["virtual_network_id"], scenario.network());
    assert_eq!(output["uuid"], scenario.resource(ADDRESS)["uuid"]);

    let by = |arguments: &str| format!("data \"ako_azure_cloud\" \"look\" {{\n  {arguments}\n}}\n");
    let scenario = Scenario::new(&by("name = \"nothing\""));
    assert!(
        scenario
            .plan_fails()
            .says("Cloud \"nothing\" does not exist")
    );
    scenario.configure(&by("name = \"Default-Cloud\""));
    assert!(scenario.plan_fails().says("is not in Azure"));
    scenario.configure(&by(""));
    assert!(
        scenario
            .plan_fails()
            .says("Either name or uuid must be set")
    );
}
