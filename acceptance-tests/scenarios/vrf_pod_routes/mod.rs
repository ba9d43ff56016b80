//! `ako_vrf_pod_routes`: the labelled static routes of one cluster in an Avi VRF.

mod life;
mod others;
mod via_avi;
mod waiting;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::Scenario;

const ADDRESS: &str = "ako_vrf_pod_routes.blue";
const PUT: &str = "PUT vrfcontext";
/// The VRF for faults.
const ANY_VRF: &str = "*/vrfcontext/*";
/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIGURATION: &str = r#"
resource "ako_vrf_pod_routes" "blue" {
  cloud_ref    = "azure"
  cluster_name = "blue"
  nodes = {
    "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] }
    "node-2" = { internal_ip = "10.0.0.5", pod_cidrs = ["10.244.1.0/24"] }
  }
}
"#;

const NODE_1: [&str; 3] = ["blue", "10.244.0.0/24", "10.0.0.4"];
const NODE_2: [&str; 3] = ["blue", "10.244.1.0/24", "10.0.0.5"];
const NODE_3: [&str; 3] = ["blue", "10.244.2.0/24", "10.0.0.6"];

/// A cloud in the lab's virtual network, in whose VRF others have routes.
fn scenario() -> Scenario {
    with_configuration(CONFIGURATION)
}

fn with_configuration(configuration: &str) -> Scenario {
    let scenario = Scenario::new(configuration);
    let cloud = json!({"name": "azure", "vtype": "CLOUD_NONE"});
    scenario.avi("POST", "/api/cloud", cloud);
    let mut vrf = vrf(&scenario);
    vrf["static_routes"] = others();
    write_vrf(&scenario, &vrf);
    scenario
}

fn applied() -> Scenario {
    let scenario = scenario();
    scenario.apply();
    scenario.forget_calls();
    scenario
}

/// Routes without a label, of another cluster and with another key, with members that nobody knows.
fn others() -> Value {
    let mut plain = route("plain", "0.0.0.0/0", "10.0.0.1", Value::Null);
    plain["if_name"] = json!("eth1");
    let red = json!([{"key": "clustername", "value": "red"}]);
    let mut red = route("red-u-0", NODE_1[1], NODE_1[2], red);
    red["disable_gateway_monitor"] = json!(true);
    let keyed = json!([{"key": "team", "value": "net"}]);
    json!([
        plain,
        red,
        route("keyed", "10.99.0.0/24", "10.0.0.9", keyed)
    ])
}

fn route(id: &str, prefix: &str, hop: &str, labels: Value) -> Value {
    let (address, mask) = prefix.split_once('/').expect("a network");
    let mask: u8 = mask.parse().expect("a length");
    let mut route = json!({
        "route_id": id,
        "prefix": {"ip_addr": {"addr": address, "type": "V4"}, "mask": mask},
        "next_hop": {"addr": hop, "type": "V4"},
    });
    if !labels.is_null() {
        route["labels"] = labels;
    }
    route
}

/// A route as AKO of the cluster writes it.
fn route_of_blue(id: &str, [cluster, prefix, hop]: [&str; 3]) -> Value {
    let labels = json!([{"key": "clustername", "value": cluster}]);
    route(id, prefix, hop, labels)
}

fn vrf(scenario: &Scenario) -> Value {
    let path = "/api/vrfcontext?name=global&cloud_ref.name=azure";
    scenario.avi("GET", path, Value::Null)["results"][0].clone()
}

/// Somebody writes the VRF.
fn write_vrf(scenario: &Scenario, vrf: &Value) {
    let path = format!("/api/vrfcontext/{}", vrf["uuid"].as_str().expect("a uuid"));
    scenario.avi("PUT", &path, vrf.clone());
}

/// Somebody changes the routes of the VRF.
fn somebody_edits(scenario: &Scenario, edit: impl FnOnce(&mut Vec<Value>)) {
    let mut vrf = vrf(scenario);
    edit(vrf["static_routes"].as_array_mut().expect("routes"));
    write_vrf(scenario, &vrf);
}

fn all_routes(scenario: &Scenario) -> Vec<Value> {
    let routes = vrf(scenario)["static_routes"].as_array().cloned();
    routes.unwrap_or_default()
}

/// The routes of the cluster as (label, prefix, next hop), in the order of their prefixes.
fn routes(scenario: &Scenario) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = all_routes(scenario).into_iter();
    let own = all.filter(|route| route["labels"][0]["value"] == "blue");
    let mut own: Vec<_> = own
        .map(|route| {
            let prefix = &route["prefix"];
            let prefix = format!("{}/{}", text(&prefix["ip_addr"]["addr"]), prefix["mask"]);
            [
                text(&route["labels"][0]["value"]),
                prefix,
                text(&route["next_hop"]["addr"]),
            ]
        })
        .collect();
    own.sort();
    own
}

#[track_caller]
fn assert_others_untouched(scenario: &Scenario) {
    let all = all_routes(scenario).into_iter();
    let rest: Vec<_> = all
        .filter(|route| route["labels"][0]["value"] != "blue")
        .collect();
    assert_eq!(json!(rest), others());
}

fn changed(from: &str, to: &str) -> String {
    assert!(CONFIGURATION.contains(from), "{from} is part of it");
    CONFIGURATION.replace(from, to)
}

/// The configuration with more arguments or blocks.
fn with(more: &str) -> String {
    changed("  nodes = {", &format!("  {more}\n  nodes = {{"))
}

fn with_third_node() -> String {
    changed(
        "  nodes = {",
        "  nodes = {\n    \"node-3\" = { internal_ip = \"10.0.0.6\", pod_cidrs = [\"10.244.2.0/24\"] }",
    )
}
