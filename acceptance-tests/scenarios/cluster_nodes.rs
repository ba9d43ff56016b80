//! `data "ako_cluster_nodes"`: the nodes of a cluster and their pod CIDRs.

use crate::harness::Scenario;

const CONFIGURATION: &str = r#"
data "ako_cluster_nodes" "one" {
  config_path = var.kubeconfigs["cluster1"]
}

data "ako_cluster_nodes" "two" {
  config_path = var.kubeconfigs["cluster2"]
}

output "one" { value = data.ako_cluster_nodes.one.nodes }
output "two" { value = data.ako_cluster_nodes.two.nodes }
"#;

#[test]
fn one_configuration_reads_two_clusters_with_the_same_pod_cidrs() {
    let scenario = Scenario::new(CONFIGURATION);
    scenario.apply();
    let state = scenario.state();
    let facts = |output: &str, member: &str| {
        let nodes = state.output(output).and_then(|nodes| nodes.as_object()).expect("the output is a map");
        let mut facts: Vec<_> = nodes.values().map(|node| node[member].to_string()).collect();
        facts.sort();
        facts
    };
    assert!(!facts("one", "pod_cidrs").is_empty());
    assert_eq!(facts("one", "pod_cidrs"), facts("two", "pod_cidrs"));
    assert_ne!(facts("one", "internal_ip"), facts("two", "internal_ip"));
}
