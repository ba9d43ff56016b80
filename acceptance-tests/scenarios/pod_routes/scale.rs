//! Many routes, limits on them, and nodes that come and go in Kubernetes.

use ako_lab::kubernetes::Node;
use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

/// As many nodes as the variable says, each with one pod CIDR.
const MANY: &str = r#"
variable "route_table_id" { type = string }
variable "nodes" { type = number }
variable "route_limit" {
  type    = number
  default = null
}

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = var.route_table_id
  route_limit    = var.route_limit
  nodes = {
    for node in range(var.nodes) : "node-${node}" => {
      internal_ip = "10.1.${floor(node / 200)}.${node % 200 + 4}"
      pod_cidrs   = ["10.${100 + floor(node / 256)}.${node % 256}.0/24"]
    }
  }
}
"#;

fn many(nodes: usize) -> Scenario {
    let mut scenario = on_table_of_others(MANY);
    scenario.set_variable("nodes", &nodes.into());
    scenario
}

#[test]
fn the_number_of_calls_does_not_depend_on_the_number_of_routes() {
    let mut scenario = many(350);
    scenario.forget_calls();
    scenario.apply();
    assert!(scenario.calls().all().len() <= 6, "{}", scenario.calls());
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario).len(), 351);

    for nodes in [399, 1] {
        scenario.set_variable("nodes", &nodes.into());
        scenario.forget_calls();
        scenario.apply();
        assert!(scenario.calls().all().len() <= 4, "{}", scenario.calls());
        assert_eq!(scenario.calls().writes(), [PUT]);
        assert_eq!(routes(&scenario).len(), nodes + 1);
    }
    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    assert_eq!(scenario.calls().all(), ["GET routeTables/rt-1"]);
}

#[test]
fn more_routes_than_the_limit_are_a_warning_only_where_routes_change() {
    let mut scenario = many(3);
    scenario.set_variable("route_limit", &2.into());
    let warning = "The route table gets more than 2 routes";
    assert!(scenario.plan().run.says(warning));
    assert!(scenario.apply_saved_plan().says(warning));
    let plan = scenario.plan();
    assert!(plan.is_empty() && !plan.run.says(warning));
    scenario.set_variable("nodes", &4.into());
    assert!(scenario.plan().run.says(warning));
    scenario.set_variable("route_limit", &5.into());
    assert!(!scenario.apply().says("The route table gets more than"));
}

#[test]
fn a_table_that_azure_finds_full_is_left_as_it_was_with_azures_own_words() {
    let mut scenario = many(3);
    scenario
        .lab
        .azure()
        .change_settings(|settings| settings.route_limit = 3);
    let run = scenario.apply_fails();
    assert!(run.says("No route was changed"));
    assert!(run.says("RouteTableRouteLimitReached"));
    assert_eq!(routes(&scenario), [FOREIGN]);
    scenario.set_variable("nodes", &2.into());
    scenario.apply();
    assert_eq!(routes(&scenario).len(), 3);
}

/// The nodes as Kubernetes has them.
const OF_CLUSTER: &str = r#"
variable "route_table_id" { type = string }

data "ako_cluster_nodes" "blue" {
  config_path = var.kubeconfigs["cluster1"]
}

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = var.route_table_id
  nodes          = data.ako_cluster_nodes.blue.nodes
}
"#;

#[test]
fn nodes_that_come_and_go_in_kubernetes_are_followed_without_a_gap_for_the_others() {
    let scenario = on_table_of_others(OF_CLUSTER);
    scenario.apply();
    let of_node = |node: usize| {
        let name = format!("blue.cluster1-node-{node}_10.244.{node}.0_24");
        let prefix = format!("10.244.{node}.0/24");
        [name, prefix, format!("10.1.0.{}", node + 4)]
    };
    let with_foreign = |nodes: &[usize]| {
        let mut routes: Vec<_> = nodes.iter().map(|node| of_node(*node)).collect();
        routes.push(FOREIGN.map(str::to_owned));
        routes
    };
    assert_eq!(routes(&scenario), with_foreign(&[0, 1, 2]));
    scenario.assert_nothing_to_do();

    let cluster = scenario.lab.cluster("cluster1").expect("the lab has it");
    cluster.add_node(&Node::ready("cluster1-node-3", "10.1.0.7", "10.244.3.0/24"));
    cluster.remove_node("cluster1-node-1");
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["nodes", "routes"])]);
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario), with_foreign(&[0, 2, 3]));

    // The cluster has given the CIDR of a node that is gone to a new one.
    cluster.add_node(&Node::ready("cluster1-node-4", "10.1.0.8", "10.244.1.0/24"));
    cluster.update_node("cluster1-node-0", |node| node.ready = false);
    scenario.apply();
    let routes = routes(&scenario);
    assert_eq!(routes[1][0], "blue.cluster1-node-4_10.244.1.0_24");
    assert_eq!(routes.len(), 5, "a node that is not ready keeps its route");
    let [first, third] = [of_node(0), of_node(2)];
    let stayed = [&first, &third].map(|route| route.each_ref().map(String::as_str));
    assert_never_interrupted(&scenario, &stayed);
    scenario.assert_nothing_to_do();
}
