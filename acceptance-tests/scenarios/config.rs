//! `data "ako_config"`: what AKO in a cluster is configured with.

use std::collections::BTreeMap;

use ako_lab::BlockingLab;
use serde_json::json;

use crate::harness::Scenario;

const CONFIGURATION: &str = r#"
data "ako_config" "one" {
  config_path = var.kubeconfigs["cluster1"]
}

output "one" { value = data.ako_config.one }
"#;

fn configure_ako(lab: &BlockingLab, entries: &[(&str, &str)]) {
    let entries = entries.iter();
    let data: BTreeMap<String, String> = entries
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let cluster = lab.cluster("cluster1").expect("the lab has it");
    cluster.set_config_map("avi-system", "avi-k8s-config", &data);
}

#[test]
fn the_configuration_of_ako_is_read_with_one_request() {
    let scenario = Scenario::new(CONFIGURATION);
    configure_ako(
        &scenario.lab,
        &[
            ("clusterName", "cluster1"),
            ("cloudName", "azure"),
            ("serviceEngineGroupName", "seg-cluster1"),
            ("cniPlugin", "calico"),
            ("disableStaticRouteSync", "true"),
            ("serviceType", "ClusterIP"),
            ("tenantName", "admin"),
            ("controllerIP", "10.0.0.4"),
            ("vipNetworkList", r#"[{"networkName": "vip-subnet"}]"#),
            ("deleteConfig", "false"),
        ],
    );
    scenario.apply();
    let state = scenario.state();
    let one = state.output("one").expect("the output is there");
    assert_eq!(one["cluster_name"], "cluster1");
    assert_eq!(one["se_group_name"], "seg-cluster1");
    assert_eq!(one["static_route_sync_enabled"], json!(false));
    assert_eq!(one["delete_config"], json!(false));
    assert_eq!(one["primary_instance"], json!(null));
    assert_eq!(one["vip_networks"][0]["network_name"], "vip-subnet");
    assert_eq!(one["data"]["cniPlugin"], "calico");
    scenario.lab.clear_journal();
    scenario.assert_nothing_to_do();
    let journal = scenario.lab.journal();
    let paths: Vec<&str> = journal.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/api/v1/namespaces/avi-system/configmaps/avi-k8s-config"]
    );
}

#[test]
fn a_change_of_the_configuration_shows_in_the_next_plan() {
    let scenario = Scenario::new(CONFIGURATION);
    configure_ako(&scenario.lab, &[("clusterName", "cluster1")]);
    scenario.apply();
    configure_ako(&scenario.lab, &[("clusterName", "renamed")]);
    scenario.apply();
    let state = scenario.state();
    assert_eq!(
        state.output("one").expect("the output is there")["cluster_name"],
        "renamed"
    );
}

#[test]
fn a_cluster_without_ako_is_an_error_that_names_the_namespace() {
    let scenario = Scenario::new(CONFIGURATION);
    let run = scenario.plan_fails();
    let told = run.transcript();
    for part in [
        "AKO is not configured in this cluster",
        "avi-system",
        "argument namespace",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
