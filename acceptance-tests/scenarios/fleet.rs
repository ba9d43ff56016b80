//! Many clusters in one configuration, from their nodes to their routes: how much is asked of whom.

use ako_lab::{Options, Seed};
use serde_json::Value;

use crate::harness::Scenario;

const FLEET: &str = r#"
data "ako_cluster_nodes" "of" {
  for_each    = var.kubeconfigs
  config_path = each.value
}

resource "ako_pod_routes" "of" {
  for_each       = var.kubeconfigs
  cluster_name   = each.key
  route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-${each.key}"
  route_limit    = 1000
  nodes          = data.ako_cluster_nodes.of[each.key].nodes
}
"#;

fn fleet(clusters: u8, nodes: usize) -> Scenario {
    let mut options = Options {
        seed: Seed::fleet(clusters, nodes),
        ..Options::default()
    };
    options.settings.route_limit = 1_000;
    Scenario::with(options, FLEET)
}

/// How many pages of nodes were asked of each cluster.
fn pages(scenario: &Scenario) -> Vec<usize> {
    let journal = scenario.lab.journal();
    let clusters = scenario.lab.connection().kubernetes.iter();
    clusters
        .map(|cluster| {
            let service = format!("kubernetes/{}", cluster.name);
            let asked = journal.iter().filter(|entry| entry.service == service);
            asked.filter(|entry| entry.path == "/api/v1/nodes").count()
        })
        .collect()
}

fn routes(scenario: &Scenario, cluster: usize) -> usize {
    let table = scenario.azure(&scenario.table(&format!("rt-cluster{cluster}")));
    let routes = table["properties"]["routes"].as_array();
    routes.map_or(0, Vec::len)
}

#[test]
fn ten_clusters_in_one_configuration_take_one_write_for_each_table_and_one_read_when_nothing_changes()
 {
    let scenario = fleet(10, 20);
    scenario.apply_with(&["-parallelism=50"]);
    let writes = scenario.calls().writes().len();
    assert_eq!(writes, 10, "{}", scenario.calls());
    assert!((1..=10).all(|cluster| routes(&scenario, cluster) == 20));

    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    let mut calls = scenario.calls().all().to_vec();
    calls.sort();
    let mut expected: Vec<_> = (1..=10)
        .map(|cluster| format!("GET routeTables/rt-cluster{cluster}"))
        .collect();
    expected.sort();
    assert_eq!(calls, expected);
    assert_eq!(pages(&scenario), [1; 10]);

    let cluster = scenario.lab.cluster("cluster7").expect("the lab has it");
    cluster.remove_node("cluster7-node-3");
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(scenario.calls().writes(), ["PUT routeTables/rt-cluster7"]);
    assert_eq!(routes(&scenario, 7), 19);

    scenario.destroy();
    assert!((1..=10).all(|cluster| routes(&scenario, cluster) == 0));
    assert_ne!(scenario.azure(&scenario.table("rt-cluster1")), Value::Null);
}

#[test]
fn nodes_are_read_in_pages_of_500() {
    for (nodes, expected) in [(500, 1), (501, 2)] {
        let scenario = fleet(1, nodes);
        scenario.plan();
        assert_eq!(pages(&scenario), [expected], "{nodes} nodes");
    }
}
