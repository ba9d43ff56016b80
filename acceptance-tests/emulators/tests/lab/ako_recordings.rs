//! The emulated AKO does what the real AKO 2.2.1 was recorded to do: the same requests, in the same order.
//!
//! Each scenario sets the scene of its recording in a lab of its own, lets the actor live through the same steps, and
//! compares method, path, query, tenant, version, status and, in writes, members, labels and routes. Ids are compared
//! as far as they repeat. The recordings lie in the folder that `AKO_RECORDINGS_DIR` names; without it this test says so
//! and passes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::ako_stage::{Stage, replayed};
use crate::arm;

/// Every recorded scenario, by the name of its file.
const SCENARIOS: [&str; 50] = [
    "01_boot_empty_seg_label",
    "02_boot_right_seg_label",
    "03_boot_wrong_seg_label",
    "03b_boot_foreign_key_seg_label",
    "03c_boot_seg_missing",
    "03d_boot_cloud_missing",
    "03e_boot_vrf_global_missing",
    "04_boot_static_route_sync_disabled",
    "04b_boot_vip_network_list_empty",
    "04c_boot_bad_password",
    "05_node_events",
    "06_restart",
    "07_foreign_routes",
    "07b_route_label_without_value",
    "08_slow_400_then_ok",
    "08_slow_403_then_ok",
    "08_slow_404_then_ok",
    "08_slow_412_for_ever",
    "08_slow_500_then_ok",
    "08_vrf_put_400_cannot_modify",
    "08_vrf_put_400_once",
    "08_vrf_put_403_once",
    "08_vrf_put_404_once",
    "08_vrf_put_412_once",
    "08_vrf_put_500_once",
    "08_vrf_put_503_once",
    "09_delete_config",
    "09b_delete_config_window",
    "10_seg_label_drift",
    "11_seg_put_400",
    "11_seg_put_403",
    "11_seg_put_412",
    "11_seg_put_500",
    "12_session_expired_401",
    "12_session_expired_419",
    "13_tenant_team_a",
    "14_not_primary",
    "14b_nodeport",
    "15_aviinfrasetting",
    "16_two_clusters",
    "16b_prefix_names",
    "17_calico",
    "18_cilium",
    "19_ovn_kubernetes",
    "19b_openshift",
    "20_ip_family",
    "21_duplicate_cidr_at_boot",
    "22_authtoken",
    "23_cluster_rename",
    "24_checksum",
];

/// What is not compared, from which recorded request on, and why.
pub(crate) const LEFT_OUT: &[(&str, u64, &str)] = &[
    (
        "13_tenant_team_a",
        36,
        "the lab's controller lets that tenant not write the VRF, and AKO repeats it as admin",
    ),
    (
        "09b_delete_config_window",
        44,
        "AKO stopped to sync there, for a reason that the recording does not show",
    ),
    (
        "15_aviinfrasetting",
        37,
        "AviInfraSettings at run time are no part of the actor",
    ),
    (
        "16b_prefix_names",
        159,
        "writes of the two AKOs of another recording",
    ),
    (
        "22_authtoken",
        37,
        "the renewal of the token is no part of the actor",
    ),
];

#[tokio::test]
async fn a_running_ako_sends_what_the_real_one_sent() {
    let files = SCENARIOS.map(|name| format!("{name}.json"));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    arm::replay_each("ako", &files, replay).await;
    for (scenario, from, why) in LEFT_OUT {
        println!("{scenario}: requests from {from} on are left out: {why}");
    }
}

/// A folder with a scenario that this file does not know would be skipped in silence.
#[test]
fn no_recorded_scenario_is_unknown() {
    let Some(folder) = std::env::var_os("AKO_RECORDINGS_DIR") else {
        return;
    };
    for file in std::fs::read_dir(Path::new(&folder).join("ako")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".json");
        assert!(name == "index" || SCENARIOS.contains(&name), "{name}");
    }
}

async fn replay(file: &Path, differences: &mut Vec<String>) -> usize {
    let text = std::fs::read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let recording: Value = serde_json::from_slice(&text).unwrap();
    let name = recording["scenario"].as_str().unwrap();
    let mut stage = Stage::new(&recording).await;
    play(name, &mut stage).await;
    replayed(name, &recording, &stage.log(), differences)
}

/// The steps of each scenario.
async fn play(name: &str, stage: &mut Stage) {
    let code = name.rsplit('_').find_map(|part| part.parse::<u16>().ok());
    match name {
        "01_boot_empty_seg_label" | "04b_boot_vip_network_list_empty" | "14_not_primary" => {
            stage.options.primary_instance = name != "14_not_primary";
            if name.starts_with("04b") {
                stage.options.vip_networks.clear();
            }
            stage.unlabel("seg-prod-eu");
            stage.boot().await;
        }
        "03_boot_wrong_seg_label" | "03b_boot_foreign_key_seg_label" => {
            match name {
                "03_boot_wrong_seg_label" => stage.label("seg-prod-eu", "clustername", "other"),
                _ => stage.label("seg-prod-eu", "env", "x"),
            }
            stage.boot().await;
        }
        "03c_boot_seg_missing" => {
            stage.remove_group("seg-prod-eu");
            stage.boot().await;
        }
        "03d_boot_cloud_missing" => {
            stage.options.cloud = "nope".to_owned();
            stage.boot().await;
        }
        "03e_boot_vrf_global_missing" => {
            stage.unlabel("seg-prod-eu");
            stage.patch_vrf(&json!({"replace": {"name": "other"}}));
            stage.boot().await;
        }
        "04_boot_static_route_sync_disabled" => {
            stage.options.disable_static_route_sync = true;
            stage.unlabel("seg-prod-eu");
            stage.boot().await;
            stage.add("node4", "10.0.4.8", "10.244.4.0/24").await;
        }
        "14b_nodeport" => {
            stage.options.service_type = "NodePort".to_owned();
            stage.boot().await;
        }
        "04c_boot_bad_password" => {
            stage.options.username = "akouser".to_owned();
            stage.options.password = "wrong".to_owned();
            stage.boot().await;
        }
        "05_node_events" => node_events(stage).await,
        "06_restart" => restart(stage).await,
        "07_foreign_routes" => foreign_routes(stage).await,
        "07b_route_label_without_value" => {
            let mut route = route("1", "192.168.1.0", "10.0.0.1");
            route["labels"] = json!([{"key": "clustername"}]);
            stage.patch_vrf(&json!({"replace": {"static_routes": [route]}}));
            stage.boot().await;
        }
        "08_slow_412_for_ever" => {
            stage.refuse_writes("vrfcontext", 412, "Concurrent Update Error", None);
            stage.boot().await;
        }
        "08_vrf_put_400_cannot_modify" => {
            stage.refuse_writes("vrfcontext", 400, "Cannot modify VrfContext", Some(1));
            stage.boot().await;
            stage.add("node4", "10.0.4.8", "10.244.4.0/24").await;
        }
        _ if name.starts_with("08_") => refused_writes(name, stage).await,
        "09_delete_config" => {
            let other = stage.other_cluster_route();
            let routes = json!([route("1", "192.168.1.0", "10.0.0.1"), other]);
            stage.patch_vrf(&json!({"replace": {"static_routes": routes}}));
            stage.boot().await;
            stage.delete_config(true).await;
            stage.add("node4", "10.0.4.8", "10.244.4.0/24").await;
            stage.delete_config(false).await;
            stage.options.delete_config = true;
            stage.reboot().await;
        }
        "09b_delete_config_window" => {
            stage.boot().await;
            stage.delete_config(true).await;
        }
        "10_seg_label_drift" => {
            stage.boot().await;
            stage.unlabel("seg-prod-eu");
            stage.set_ip("node3", "10.0.4.70").await;
            stage.reboot().await;
        }
        _ if name.starts_with("11_") => {
            stage.unlabel("seg-prod-eu");
            let message = match code {
                Some(400) => "Cannot modify ServiceEngineGroup",
                _ => "Permission denied",
            };
            stage.refuse_writes("serviceenginegroup", code.unwrap(), message, Some(1));
            stage.boot().await;
        }
        _ if name.starts_with("12_") => {
            stage.boot().await;
            stage.refuse("GET", "vrfcontext", code.unwrap(), "error", Some(1));
            stage.add("node4", "10.0.4.8", "10.244.4.0/24").await;
        }
        "13_tenant_team_a" => {
            stage.options.tenant = "team-a".to_owned();
            stage.boot().await;
        }
        "16_two_clusters" => two_clusters(stage).await,
        "16b_prefix_names" => prefix_names(stage).await,
        "17_calico" => calico(stage).await,
        "18_cilium" => cilium(stage).await,
        "19_ovn_kubernetes" => ovn_kubernetes(stage).await,
        "19b_openshift" => {
            stage.options.cni_plugin = "openshift".to_owned();
            let subnet = |host: &str, subnet: &str| ako_lab::kubernetes::host_subnet(host, subnet);
            stage.set_resources(
                "hostsubnets",
                &[
                    subnet("node1", "10.130.0.0/23"),
                    subnet("node2", "10.130.2.0/23"),
                ],
            );
            stage.boot().await;
        }
        "20_ip_family" => {
            stage.set_nodes(&[
                ("node1", "10.0.4.5", &["10.244.1.0/24", "fd00:1::/64"]),
                ("node2", "fd00::6", &["fd00:2::/64"]),
                ("node3", "10.0.4.7", &["fd00:3::/64", "10.244.3.0/24"]),
            ]);
            stage.boot().await;
        }
        "21_duplicate_cidr_at_boot" => {
            stage.set_nodes(&[
                ("nodea", "10.0.4.5", &["10.244.1.0/24"]),
                ("nodeb", "10.0.4.6", &["10.244.1.0/24"]),
                ("nodec", "10.0.4.7", &["10.244.0.0/16"]),
                ("noded", "10.0.4.8", &["10.244.0.0/24"]),
            ]);
            stage.boot().await;
            stage.remove("nodea").await;
            stage.reboot().await;
        }
        "22_authtoken" => {
            stage.use_token().await;
            stage.boot().await;
        }
        "23_cluster_rename" => {
            stage.boot().await;
            stage.options.cluster_name = "prod-new".to_owned();
            stage.reboot().await;
            stage.make_group("seg-new");
            stage.options.se_group = "seg-new".to_owned();
            stage.reboot().await;
        }
        "24_checksum" => {
            stage.boot().await;
            stage.touch("node3").await;
            stage.lose_route("10.244.1.0");
            stage.touch("node3").await;
            stage.touch("node1").await;
        }
        // A boot with everything in place.
        "02_boot_right_seg_label" | "15_aviinfrasetting" => stage.boot().await,
        other => panic!("{other} has no steps"),
    }
}

async fn node_events(stage: &mut Stage) {
    stage.boot().await;
    stage.add("node4", "10.0.4.8", "10.244.4.0/24").await;
    stage.remove("node2").await;
    stage.set_ip("node3", "10.0.4.77").await;
    stage.add("node5", "10.0.4.9", "").await;
    stage.set_cidrs("node5", &["10.244.5.0/24"]).await;
    stage.touch("node1").await;
    stage.change("node1", |node| node.ready = false).await;
    stage.add("node6", "10.0.4.10", "10.244.1.0/24").await;
    stage.remove("node1").await;
    stage.touch("node6").await;
    stage
        .add_with_ips("node7", &["10.0.4.11", "10.0.9.11"], "10.244.7.0/24")
        .await;
    stage
        .add_with_ips("node7", &["10.0.9.11", "10.0.4.11"], "10.244.7.0/24")
        .await;
    stage.add("node8", "10.0.4.12", "10.244.8.0/24").await;
    stage.place("node9", "10.0.4.13", "10.244.9.0/24");
    stage
        .annotate("node9", Some("10.245.0.0/25,10.245.0.128/25"))
        .await;
    for annotated in ["10.245.0.0/24", "10.245.3.7/24", "nonsense"] {
        stage.annotate("node9", Some(annotated)).await;
    }
    stage.set_ip("node4", "10.0.4.88").await;
    stage.annotate("node9", Some("")).await;
    stage.annotate("node9", None).await;
    stage.change("node3", |node| node.internal_ip = None).await;
    stage.add("node10", "10.0.4.14", "10.244.0.0/20").await;
    stage.set_ip("node4", "10.0.4.89").await;
    stage.remove("node4").await;
    stage.add("node11", "10.0.4.89", "10.244.4.0/24").await;
}

async fn restart(stage: &mut Stage) {
    stage.boot().await;
    stage.reboot().await;
    stage.cluster().remove_node("node2");
    stage.place("node4", "10.0.4.8", "10.244.4.0/24");
    stage.reboot().await;
    stage.lose_route("10.244.1.0");
    stage.touch("node1").await;
    stage.set_ip("node4", "10.0.4.88").await;
}

async fn foreign_routes(stage: &mut Stage) {
    let before = stage.recording["routes_before"].clone();
    stage.patch_vrf(&json!({"replace": {"static_routes": before}}));
    stage.boot().await;
    let mut labelled = route("9", "192.168.9.0", "10.0.0.9");
    labelled["labels"] = json!([{"key": "managed-by", "value": "terraform"}]);
    stage.patch_vrf(&json!({"add": {"static_routes": [labelled]}}));
    stage.set_ip("node3", "10.0.4.70").await;
}

async fn refused_writes(name: &str, stage: &mut Stage) {
    let (code, message) = match name {
        _ if name.contains("400") => (400, "Field check for static_routes failed"),
        _ if name.contains("403") => (403, "Permission denied"),
        _ if name.contains("404") => (404, "VrfContext object not found!"),
        _ if name.contains("412") => (412, "Concurrent Update Error"),
        _ if name.contains("503") => (503, "busy"),
        _ => (500, "internal"),
    };
    stage.refuse_writes("vrfcontext", code, message, Some(1));
    if name == "08_slow_500_then_ok" {
        stage.options.slow_retry_ms = 1;
        stage.boot().await;
        stage.wait_for_writes(2).await;
        return;
    }
    stage.boot().await;
    if name.ends_with("_once") {
        stage.add("node4", "10.0.4.8", "10.244.4.0/24").await;
    }
}

async fn two_clusters(stage: &mut Stage) {
    stage.unlabel("seg-prod-eu");
    stage.boot().await;
    let mut other = stage.beside("cluster2", "prod-us", "seg-prod-us");
    other.set_nodes(&[
        ("node1", "10.1.4.5", &["10.244.1.0/24"]),
        ("node2", "10.1.4.6", &["10.244.2.0/24"]),
        ("node3", "10.1.4.7", &["10.244.3.0/24"]),
    ]);
    other.boot().await;
    stage.add("node4", "10.0.4.8", "10.244.4.0/24").await;
    other.remove("node1").await;
}

async fn prefix_names(stage: &mut Stage) {
    let other = stage.other_cluster_route();
    stage.patch_vrf(&json!({"replace": {"static_routes": [other]}}));
    stage.options.cluster_name = "prod".to_owned();
    stage.options.se_group = "seg-prod".to_owned();
    stage.make_group("seg-prod");
    stage.boot().await;
}

async fn calico(stage: &mut Stage) {
    let block =
        |name: &str, node: &str, cidr: &str| ako_lab::kubernetes::block_affinity(name, node, cidr);
    let mut blocks = BTreeMap::new();
    for (name, node, cidr) in [
        ("node1-a", "node1", "10.133.0.0/26"),
        ("node1-b", "node1", "10.133.0.64/26"),
        ("node2-a", "node2", "10.133.1.0/26"),
        ("node2-p", "node2", "10.133.9.0/26"),
        ("node3-a", "node3", "10.133.2.0/26"),
        ("node3-b", "node3", "10.133.8.0/26"),
    ] {
        blocks.insert(name.to_owned(), block(name, node, cidr));
    }
    let serve = |stage: &Stage, blocks: &BTreeMap<String, Value>| {
        let items: Vec<Value> = blocks.values().cloned().collect();
        stage.set_resources("blockaffinities", &items);
    };
    stage.options.cni_plugin = "Calico".to_owned();
    serve(stage, &blocks);
    let address = |address: &'static str| {
        move |node: &mut ako_lab::kubernetes::Node| {
            let name = "projectcalico.org/IPv4Address".to_owned();
            node.annotations.insert(name, address.to_owned());
        }
    };
    stage.cluster().update_node("node1", address("10.0.5.5/24"));
    stage.boot().await;
    blocks.insert(
        "node2-b".to_owned(),
        block("node2-b", "node2", "10.133.1.64/26"),
    );
    serve(stage, &blocks);
    stage.sync().await;
    blocks.remove("node1-a");
    serve(stage, &blocks);
    stage.sync().await;
    blocks.insert(
        "node2-p".to_owned(),
        block("node2-p", "node2", "10.133.7.0/26"),
    );
    serve(stage, &blocks);
    stage.sync().await;
    // What AKO does not look at by itself it would take in with the next event of that node; none came.
    blocks.insert(
        "node2-p".to_owned(),
        block("node2-p", "node2", "10.133.9.0/26"),
    );
    serve(stage, &blocks);
    stage.add("node4", "10.0.4.8", "").await;
    blocks.insert(
        "node4-a".to_owned(),
        block("node4-a", "node4", "10.133.3.0/26"),
    );
    serve(stage, &blocks);
    stage.sync().await;
    stage.change("node1", address("10.0.5.99/24")).await;
    stage.set_cidrs("node3", &["10.244.33.0/24"]).await;
}

async fn cilium(stage: &mut Stage) {
    let node = |name: &str, cidrs: &[&str]| ako_lab::kubernetes::cilium_node(name, cidrs);
    let bare = json!({"metadata": {"name": "node3"}, "spec": {"ipam": {}}});
    stage.options.cni_plugin = "cilium".to_owned();
    let (one, two) = (
        node("node1", &["10.128.0.0/24"]),
        node("node2", &["10.128.1.0/24"]),
    );
    stage.set_resources("ciliumnodes", &[one.clone(), two.clone(), bare]);
    stage.boot().await;
    let three = node("node3", &["10.128.2.0/24"]);
    stage.set_resources("ciliumnodes", &[one.clone(), two, three.clone()]);
    stage.sync().await;
    let two = node("node2", &["10.128.1.0/24", "10.128.9.0/24"]);
    stage.set_resources("ciliumnodes", &[one, two.clone(), three.clone()]);
    stage.sync().await;
    stage.set_resources("ciliumnodes", &[two, three]);
    stage.sync().await;
    stage.touch("node2").await;
}

async fn ovn_kubernetes(stage: &mut Stage) {
    stage.options.cni_plugin = "ovn-kubernetes".to_owned();
    stage.place("node4", "10.0.4.8", "");
    let annotated = |text: &'static str| {
        move |node: &mut ako_lab::kubernetes::Node| {
            let name = "k8s.ovn.org/node-subnets".to_owned();
            node.annotations.insert(name, text.to_owned());
        }
    };
    let cluster = stage.cluster();
    cluster.update_node("node1", annotated(r#"{"default":"10.128.0.0/23"}"#));
    cluster.update_node("node2", annotated(r#"{"default":["10.128.2.0/23"]}"#));
    cluster.update_node("node4", annotated(r#"{"default":["10.128.6.0/23"]}"#));
    stage.boot().await;
    stage
        .change("node3", annotated(r#"{"default":["10.128.4.0/23"]}"#))
        .await;
    stage.touch("node3").await;
    stage
        .change("node1", annotated(r#"{"default":["10.128.8.0/23"]}"#))
        .await;
    stage.touch("node2").await;
}

fn route(id: &str, address: &str, next_hop: &str) -> Value {
    json!({
        "route_id": id,
        "prefix": {"ip_addr": {"addr": address, "type": "V4"}, "mask": 24},
        "next_hop": {"addr": next_hop, "type": "V4"},
    })
}
