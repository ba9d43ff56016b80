//! What is not known while planning: nodes, the table, and the provider's own configuration.

use ako_lab::terraform::{Action, Plan};
use serde_json::json;

use super::*;
use crate::harness::assert_changes;

/// Nodes of which something is the output of another resource.
fn configuration(internal_ip: &str, pod_cidrs: &str) -> String {
    let made = r#"
variable "node" {
  type    = object({ ip = string, cidr = string })
  default = { ip = "10.0.0.4", cidr = "10.244.0.0/24" }
}

resource "terraform_data" "node" {
  input = var.node
}
"#;
    let nodes = changed("\"10.0.0.4\"", internal_ip).replace("[\"10.244.0.0/24\"]", pod_cidrs);
    format!("{made}{nodes}")
}

const MADE_IP: &str = "terraform_data.node.output.ip";
const MADE_CIDR: &str = "[terraform_data.node.output.cidr]";
const KNOWN_CIDR: &str = "[\"10.244.0.0/24\"]";

/// Applies what is planned; the result is what known values would have made.
fn applied_as_known(scenario: &Scenario) {
    scenario.apply_saved_plan();
    assert_eq!(routes(scenario), [NODE_1, NODE_2, FOREIGN]);
    scenario.assert_nothing_to_do();
}

/// What the plan does not know of the routes.
fn unknown(plan: &Plan) -> &Value {
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    &change.unknown()["routes"]
}

#[test]
fn an_unknown_address_leaves_every_route_in_the_plan_but_its_next_hop() {
    let scenario = on_table_of_others(&configuration(MADE_IP, KNOWN_CIDR));
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    assert_eq!(shown(change.after(), NODE_1)["name"], NODE_1[0]);
    assert_eq!(
        unknown(&plan)[NODE_1[1]],
        json!({"next_hop_ip_address": true})
    );
    assert_eq!(unknown(&plan)[NODE_2[1]], json!({}));
    applied_as_known(&scenario);
}

#[test]
fn an_unknown_cidr_makes_all_routes_unknown() {
    let scenario = on_table_of_others(&configuration("\"10.0.0.4\"", MADE_CIDR));
    let plan = scenario.plan();
    assert_eq!(*unknown(&plan), json!(true));
    applied_as_known(&scenario);
}

#[test]
fn wholly_unknown_nodes_and_an_unknown_table_are_planned_and_applied() {
    let made = r#"
resource "terraform_data" "made" {
  input = {
    table = var.route_table_id
    nodes = {
      "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] }
      "node-2" = { internal_ip = "10.0.0.5", pod_cidrs = ["10.244.1.0/24"] }
    }
  }
}

variable "route_table_id" { type = string }

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = terraform_data.made.output.table
  nodes          = terraform_data.made.output.nodes
}
"#;
    let scenario = on_table_of_others(made);
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    assert_eq!(change.unknown()["id"], true);
    assert_eq!(change.unknown()["nodes"], true);
    assert_eq!(*unknown(&plan), json!(true));
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
    applied_as_known(&scenario);
}

#[test]
fn an_update_whose_address_is_made_anew_names_the_one_next_hop_that_may_change() {
    let mut scenario = on_table_of_others(&configuration(MADE_IP, KNOWN_CIDR));
    scenario.apply();
    scenario.set_variable("node", &json!({"ip": "10.0.0.44", "cidr": "10.244.0.0/24"}));
    let plan = scenario.plan();
    let changes: [(&str, Action, &[&str]); 2] = [
        ("terraform_data.node", Action::Update, &["input", "output"]),
        (ADDRESS, Action::Update, &["nodes", "routes"]),
    ];
    assert_changes(&plan, &changes);
    assert_eq!(
        unknown(&plan)[NODE_1[1]],
        json!({"next_hop_ip_address": true})
    );
    scenario.apply_saved_plan();
    let moved = [NODE_1[0], NODE_1[1], "10.0.0.44"];
    assert_eq!(routes(&scenario), [moved, NODE_2, FOREIGN]);
    assert_never_interrupted(&scenario, &[NODE_2, FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn cidrs_that_turn_out_to_overlap_are_refused_at_apply_before_the_first_write() {
    let mut scenario = on_table_of_others(&configuration("\"10.0.0.4\"", MADE_CIDR));
    scenario.set_variable(
        "node",
        &json!({"ip": "10.0.0.4", "cidr": "10.244.1.128/25"}),
    );
    scenario.plan();
    let run = scenario.apply_fails();
    assert!(run.says("node-1") && run.says("node-2"));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
}

/// A tenant that is known only once something else is made.
const TENANT: &str = r#"
variable "tenant" { type = string }

resource "terraform_data" "tenant" {
  input = var.tenant
}
"#;

#[test]
fn an_unknown_provider_configuration_lets_a_create_be_planned_and_a_refresh_fail_by_name() {
    let mut scenario = on_table_of_others(CONFIGURATION);
    let tenant = scenario.lab.connection().azure.tenant_id.clone();
    scenario.write("tenant.tf", TENANT);
    scenario.set_variable("tenant", &tenant.clone().into());
    scenario.configure_provider("azure = { tenant_id = terraform_data.tenant.output }");
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    assert_eq!(change.action(), Action::Create);
    assert!(scenario.lab.journal().is_empty(), "nobody can be asked");
    applied_as_known(&scenario);

    // The same tenant made anew: for this plan it is unknown again.
    run(&scenario, &["taint", "terraform_data.tenant"]);
    let run = scenario.plan_fails();
    assert!(run.says("azure.tenant_id"));
    let state = scenario.state();
    assert!(state.addresses().contains(&ADDRESS), "the state is kept");
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
}
