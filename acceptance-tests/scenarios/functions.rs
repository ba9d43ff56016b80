//! Provider functions: pure, offline, without credentials.

use crate::harness::Scenario;

#[test]
fn pod_routes_tells_names_and_next_hops_without_asking_anybody() {
    let scenario = Scenario::new(
        r#"
output "routes" {
  value = provider::ako::pod_routes("blue", {
    "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] }
  })
}
"#,
    );
    scenario.apply();
    let state = scenario.state();
    let route = &state.output("routes").expect("the output is there")["10.244.0.0/24"];
    assert_eq!(route["name"], "blue.node-1_10.244.0.0_24");
    assert_eq!(route["next_hop_ip_address"], "10.0.0.4");
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
}

#[test]
fn pod_routes_tells_what_the_resource_plans() {
    let scenario = Scenario::new(
        r#"
locals {
  nodes = {
    "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24", "10.244.8.0/24"] }
    "node-2" = { internal_ip = "10.0.0.5", pod_cidrs = [] }
  }
}

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-1"
  nodes          = local.nodes
}

output "same" {
  value = provider::ako::pod_routes("blue", local.nodes) == ako_pod_routes.blue.routes
}
"#,
    );
    let plan = scenario.plan();
    assert_eq!(plan.outputs["same"]["after"], true);
}

#[test]
fn pod_routes_refuses_what_the_resource_refuses() {
    let scenario = Scenario::new("");
    let refused = [
        ("\"blue.green\", {}", "The cluster name must consist of"),
        (
            r#""blue", { "n1" = { internal_ip = "nowhere", pod_cidrs = [] } }"#,
            "must be an IPv4 address such as \"10.0.0.4\", not \"nowhere\"",
        ),
        (
            r#""blue", {
    "n1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/16"] }
    "n2" = { internal_ip = "10.0.0.5", pod_cidrs = ["10.244.2.0/24"] }
  }"#,
            "Pod CIDRs overlap: 10.244.0.0/16 of node \"n1\" and 10.244.2.0/24 of node \"n2\"",
        ),
    ];
    for (arguments, reason) in refused {
        let call = format!("provider::ako::pod_routes({arguments})");
        scenario.configure(&format!("output \"routes\" {{\n  value = {call}\n}}\n"));
        let run = scenario.plan_fails();
        assert!(run.says(reason), "{reason}");
    }
}

#[test]
fn cidr_conflicts_names_every_pair_and_both_networks() {
    let scenario = Scenario::new(
        r#"
output "conflicts" {
  value = provider::ako::cidr_conflicts({
    blue  = ["10.244.0.0/16"]
    green = ["10.244.3.0/24", "10.3.0.0/16"]
    red   = ["10.4.0.0/16"]
    vnet  = ["10.3.128.0/17"]
  })
}
output "none" { value = provider::ako::cidr_conflicts({ blue = ["10.1.0.0/16"], red = ["10.2.0.0/16"] }) }
"#,
    );
    scenario.apply();
    let state = scenario.state();
    let conflict = |a: &str, b: &str, cidr_a: &str, cidr_b: &str| serde_json::json!({"a": a, "b": b, "cidr_a": cidr_a, "cidr_b": cidr_b});
    let conflicts = state.output("conflicts").and_then(|list| list.as_array());
    let conflicts = conflicts.expect("the output is a list");
    assert_eq!(conflicts.len(), 2, "{conflicts:?}");
    assert!(conflicts.contains(&conflict("blue", "green", "10.244.0.0/16", "10.244.3.0/24")));
    assert!(conflicts.contains(&conflict("green", "vnet", "10.3.0.0/16", "10.3.128.0/17")));
    assert_eq!(state.output("none"), Some(&serde_json::json!([])));
}
