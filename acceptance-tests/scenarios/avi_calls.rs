//! What the Avi half costs in requests: each object is read once by a plan and written once by a change, whatever the
//! number of objects, in one session per command.

use serde_json::json;

use crate::harness::{Calls, Scenario};

const EVERYTHING: &str = r#"
variable "max_se" { type = number }
variable "node_network" { type = string }

resource "ako_cloud_credential" "one" {
  name                     = "credential"
  tenant_id                = var.avi_principal.tenant_id
  application_id           = var.avi_principal.client_id
  client_secret_wo         = var.avi_principal.client_secret
  client_secret_wo_version = var.max_se
}

resource "ako_azure_cloud" "one" {
  name                 = "azure"
  cloud_credential_ref = ako_cloud_credential.one.ref
  subscription_id      = var.avi_principal.subscription_id
  location             = "westeurope"
  resource_group       = split("/", var.virtual_network_id)[4]
  virtual_network_id   = var.virtual_network_id
  se_network_id        = "snet-se-blue"
  mtu                  = 1500 - var.max_se
}

resource "ako_se_group" "of" {
  for_each        = toset(["blue", "green"])
  name            = "seg-${each.key}"
  cloud_ref       = ako_azure_cloud.one.ref
  cluster_name    = each.key
  data_network_id = "snet-se-${each.key}"
  max_se          = var.max_se
}

resource "ako_vrf_pod_routes" "of" {
  for_each     = ako_se_group.of
  cloud_ref    = ako_azure_cloud.one.ref
  cluster_name = each.value.cluster_name
  nodes = {
    for index in range(3) : "node-${index}" => {
      internal_ip = cidrhost(var.node_network, index + 4)
      pod_cidrs   = [cidrsubnet("10.244.0.0/16", 8, index)]
    }
  }
}
"#;

#[test]
fn the_avi_half_takes_one_session_per_command_one_read_per_object_and_one_write_per_change() {
    let mut scenario = Scenario::new(EVERYTHING);
    for (name, prefix) in [("blue", "10.0.100.0/24"), ("green", "10.0.101.0/24")] {
        let subnet = json!({"properties": {"addressPrefix": prefix}});
        scenario.somebody("PUT", &scenario.subnet(&format!("snet-se-{name}")), &subnet);
    }
    scenario.set_variable("max_se", &json!(4));
    scenario.set_variable("node_network", &json!("10.1.0.0/16"));

    scenario.apply();
    assert_writes(
        &scenario.avi_calls(),
        &[
            ("POST cloudconnectoruser", 1),
            ("POST cloud", 1),
            ("POST serviceenginegroup", 2),
            ("PUT vrfcontext", 2),
        ],
    );

    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    let calls = scenario.avi_calls();
    let mut calls: Vec<_> = calls.all().iter().map(String::as_str).collect();
    assert_eq!(
        (calls.remove(0), calls.pop()),
        ("POST login", Some("POST logout"))
    );
    calls.sort_unstable();
    assert_eq!(
        calls,
        [
            "GET cloud",
            "GET cloudconnectoruser",
            "GET serviceenginegroup",
            "GET serviceenginegroup",
            "GET vrfcontext",
            "GET vrfcontext",
        ]
    );

    scenario.forget_calls();
    scenario.set_variable("max_se", &json!(6));
    scenario.set_variable("node_network", &json!("10.2.0.0/16"));
    scenario.apply();
    assert_writes(
        &scenario.avi_calls(),
        &[
            ("PATCH cloudconnectoruser", 1),
            ("PATCH cloud", 1),
            ("PATCH serviceenginegroup", 2),
            ("PUT vrfcontext", 2),
        ],
    );

    scenario.forget_calls();
    scenario.destroy();
    assert_writes(
        &scenario.avi_calls(),
        &[
            ("PUT vrfcontext", 2),
            ("DELETE serviceenginegroup", 2),
            ("DELETE cloud", 1),
            ("DELETE cloudconnectoruser", 1),
        ],
    );
}

/// Exactly these writes, and one session for each of the two processes of an apply: the plan's and the apply's.
#[track_caller]
fn assert_writes(calls: &Calls, expected: &[(&str, usize)]) {
    let mut expected = expected.to_vec();
    expected.extend([("POST login", 2), ("POST logout", 2)]);
    for (write, count) in &expected {
        let found = calls.writes().iter().filter(|call| *call == write).count();
        assert_eq!(found, *count, "{write} among\n{calls}");
    }
    let total: usize = expected.iter().map(|(_, count)| count).sum();
    assert_eq!(calls.writes().len(), total, "{calls}");
}
