//! `data "ako_cluster_nodes"` for each network plugin, and the routes that follow from it.

use std::collections::BTreeMap;

use ako_lab::kubernetes::{Cluster, CustomResource, block_affinity, cilium_node, host_subnet};
use ako_lab::terraform::{Action, Run};
use ako_lab::{Fault, faults};
use serde_json::{Value, json};

use crate::harness::{Scenario, assert_changes};

const CONFIGURATION: &str = r#"
data "ako_cluster_nodes" "blue" {
  config_path = var.kubeconfigs["cluster1"]
  cni_plugin  = "PLUGIN"
}

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-1"
  nodes          = data.ako_cluster_nodes.blue.nodes
}

output "blue" { value = data.ako_cluster_nodes.blue }
"#;

const ROUTES: &str = "ako_pod_routes.blue";
const BLOCKS: &str = "/apis/crd.projectcalico.org/v1/blockaffinities";
const GONE: &str = "All routes of the cluster are removed";

fn with_plugin(name: &str) -> String {
    CONFIGURATION.replace("PLUGIN", name)
}

/// An empty route table, and `cluster1` with three nodes at 10.1.0.4 to 10.1.0.6.
fn scenario(plugin: &str) -> Scenario {
    let scenario = Scenario::new(&with_plugin(plugin));
    let location = scenario.azure(&scenario.network())["location"].clone();
    let table = json!({"location": location, "properties": {"routes": []}});
    scenario.somebody("PUT", &scenario.table("rt-1"), &table);
    scenario
}

fn cluster(scenario: &Scenario) -> &Cluster {
    scenario.lab.cluster("cluster1").expect("the lab has it")
}

fn annotate(scenario: &Scenario, node: &str, key: &str, value: &str) {
    let annotation = (key.to_owned(), value.to_owned());
    let found = cluster(scenario).update_node(node, |node| node.annotations.extend([annotation]));
    assert!(found, "{node} is there");
}

/// The next hops in the route table, by prefix.
fn next_hops(scenario: &Scenario) -> BTreeMap<String, String> {
    let table = scenario.azure(&scenario.table("rt-1"));
    let routes = table["properties"]["routes"].as_array().expect("routes");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let routes = routes.iter().map(|route| &route["properties"]);
    routes
        .map(|route| {
            (
                text(&route["addressPrefix"]),
                text(&route["nextHopIpAddress"]),
            )
        })
        .collect()
}

#[track_caller]
fn assert_routes(scenario: &Scenario, expected: &[(&str, &str)]) {
    let expected = expected
        .iter()
        .map(|&(prefix, hop)| (prefix.to_owned(), hop.to_owned()));
    assert_eq!(next_hops(scenario), expected.collect());
}

/// A member of the data source, as the output has it.
fn read(scenario: &Scenario, member: &str) -> Value {
    scenario
        .state()
        .output("blue")
        .expect("the output is there")[member]
        .clone()
}

/// How many warnings have this headline.
fn warnings(run: &Run, summary: &str) -> usize {
    run.warnings()
        .filter(|warning| warning.summary == summary)
        .count()
}

#[test]
fn each_plugin_has_its_pod_cidrs_and_next_hops_from_its_own_source() {
    let scenario = scenario("calico");
    let cluster = cluster(&scenario);
    annotate(
        &scenario,
        "cluster1-node-0",
        "projectcalico.org/IPv4Address",
        "10.1.9.4/20",
    );
    // Two blocks of one node, one of no node that is there, and one of IPv6.
    let blocks = [
        block_affinity("a", "cluster1-node-0", "10.133.0.0/26"),
        block_affinity("b", "cluster1-node-0", "10.133.0.64/26"),
        block_affinity("c", "gone", "10.133.7.0/26"),
        block_affinity("d", "cluster1-node-1", "fd00:10:133::/122"),
        block_affinity("e", "cluster1-node-1", "10.133.1.0/26"),
    ];
    cluster.set_custom_resources(&CustomResource::block_affinities(), &blocks);
    scenario.apply();
    assert_routes(
        &scenario,
        &[
            ("10.133.0.0/26", "10.1.9.4"),
            ("10.133.0.64/26", "10.1.9.4"),
            ("10.133.1.0/26", "10.1.0.5"),
        ],
    );
    assert_eq!(
        read(&scenario, "skipped_nodes"),
        json!({}),
        "no block is no error"
    );
    assert_eq!(
        read(&scenario, "skipped_cidrs")[0]["cidr"],
        "fd00:10:133::/122"
    );
    scenario.assert_nothing_to_do();

    let nodes = [
        cilium_node("cluster1-node-0", &["10.128.0.0/24", "10.128.9.0/24"]),
        cilium_node("cluster1-node-1", &["10.128.1.0/24"]),
    ];
    cluster.set_custom_resources(&CustomResource::cilium_nodes(), &nodes);
    scenario.configure(&with_plugin("Cilium"));
    scenario.apply();
    assert_routes(
        &scenario,
        &[
            ("10.128.0.0/24", "10.1.0.4"),
            ("10.128.1.0/24", "10.1.0.5"),
            ("10.128.9.0/24", "10.1.0.4"),
        ],
    );

    let subnets = [host_subnet("cluster1-node-2", "10.130.2.0/23")];
    cluster.set_custom_resources(&CustomResource::host_subnets(), &subnets);
    scenario.configure(&with_plugin("openshift"));
    scenario.apply();
    assert_routes(&scenario, &[("10.130.2.0/23", "10.1.0.6")]);

    let subnets = "k8s.ovn.org/node-subnets";
    annotate(
        &scenario,
        "cluster1-node-0",
        subnets,
        r#"{"default": "10.131.0.0/23"}"#,
    );
    annotate(
        &scenario,
        "cluster1-node-1",
        subnets,
        r#"{"default": ["10.131.2.0/23", "fd01::/64"]}"#,
    );
    scenario.configure(&with_plugin("ovn-kubernetes"));
    scenario.apply();
    assert_routes(
        &scenario,
        &[("10.131.0.0/23", "10.1.0.4"), ("10.131.2.0/23", "10.1.0.5")],
    );
    let skipped = read(&scenario, "skipped_nodes")["cluster1-node-2"].to_string();
    assert!(skipped.contains("k8s.ovn.org/node-subnets"), "{skipped}");

    let addresses = "node.antrea.io/transport-addresses";
    annotate(&scenario, "cluster1-node-2", addresses, "fd00::9,10.1.9.6");
    scenario.configure(&with_plugin("antrea"));
    scenario.apply();
    assert_routes(
        &scenario,
        &[
            ("10.244.0.0/24", "10.1.0.4"),
            ("10.244.1.0/24", "10.1.0.5"),
            ("10.244.2.0/24", "10.1.9.6"),
        ],
    );
}

#[test]
fn objects_that_come_and_go_are_routes_that_come_and_go() {
    let scenario = scenario("calico");
    let blocks = CustomResource::block_affinities();
    let add = |name, cidr| {
        let block = block_affinity(name, "cluster1-node-0", cidr);
        cluster(&scenario).add_custom_resource(&blocks, &block);
    };
    add("a", "10.133.0.0/26");
    scenario.apply();
    add("b", "10.133.0.64/26");
    assert!(cluster(&scenario).remove_custom_resource(&blocks, "a"));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ROUTES, Action::Update, &["nodes", "routes"])]);
    assert_eq!(warnings(&plan.run, GONE), 0);
    scenario.apply_saved_plan();
    assert_routes(&scenario, &[("10.133.0.64/26", "10.1.0.4")]);

    assert!(cluster(&scenario).remove_custom_resource(&blocks, "b"));
    let plan = scenario.plan();
    assert_eq!(warnings(&plan.run, GONE), 1, "nodes without any pod CIDR");
    scenario.apply_saved_plan();
    assert_routes(&scenario, &[]);
    assert_eq!(warnings(&scenario.plan().run, GONE), 0);
}

#[test]
fn a_plugin_whose_objects_the_cluster_does_not_know_is_doubted_before_all_routes_go() {
    let scenario = scenario("");
    scenario.apply();
    assert_eq!(next_hops(&scenario).len(), 3);
    scenario.configure(&with_plugin("calico"));
    let unknown_resource = json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
        "status": "Failure", "message": "the server could not find the requested resource",
        "reason": "NotFound", "details": {}, "code": 404});
    // First the group is not known, then the group is known and the resource is not.
    for fault in [None, Some(faults::Action::respond(404, unknown_resource))] {
        if let Some(action) = fault {
            scenario.lab.add_fault(Fault::on("GET", BLOCKS, action));
        }
        let plan = scenario.plan();
        let headline = "The cluster has no blockaffinities.crd.projectcalico.org";
        assert_eq!(warnings(&plan.run, headline), 1);
        assert_eq!(warnings(&plan.run, GONE), 1);
        assert!(plan.run.says("3 nodes are skipped"));
    }
    scenario.apply_saved_plan();
    assert_routes(&scenario, &[]);
    let skipped = read(&scenario, "skipped_nodes")["cluster1-node-0"].to_string();
    assert!(
        skipped.contains("blockaffinities.crd.projectcalico.org"),
        "{skipped}"
    );

    scenario.configure(&with_plugin("").replace("rt-1\"", "rt-1\"\n  count = 0"));
    assert_eq!(
        warnings(&scenario.plan().run, GONE),
        0,
        "a destroy is no accident"
    );
}

#[test]
fn routes_that_all_go_in_an_apply_that_could_not_plan_them_are_told_there() {
    let scenario = scenario("");
    scenario.apply();
    let late = "resource \"terraform_data\" \"late\" { input = \"calico\" }";
    let plugin = with_plugin("").replace("\"\"\n}", "terraform_data.late.output\n}");
    scenario.configure(&format!("{plugin}\n{late}"));
    assert_eq!(warnings(&scenario.plan().run, GONE), 0, "nobody knows yet");
    let run = scenario.apply_saved_plan();
    assert_eq!(warnings(&run, GONE), 1);
    assert_routes(&scenario, &[]);
}

#[test]
fn a_proxy_that_knows_nothing_of_the_objects_is_an_error_and_no_route_goes() {
    let scenario = scenario("");
    scenario.apply();
    scenario.configure(&with_plugin("calico"));
    let page = faults::Action::respond(404, json!("<html>404 page not found</html>"));
    scenario.lab.add_fault(Fault::on("GET", BLOCKS, page));
    let run = scenario.plan_fails();
    assert!(run.says("Listing blockaffinities.crd.projectcalico.org"));
    assert!(run.says("not Kubernetes'"));
}

#[test]
fn who_may_list_nodes_alone_is_told_the_role_that_the_plugin_needs() {
    let scenario = scenario("cilium");
    let nodes = [cilium_node("cluster1-node-0", &["10.128.0.0/24"])];
    cluster(&scenario).set_custom_resources(&CustomResource::cilium_nodes(), &nodes);
    let limited = "cni_plugin  = \"cilium\"\n  config_context = \"cluster1-limited\"";
    scenario.configure(&with_plugin("cilium").replace("cni_plugin  = \"cilium\"", limited));
    let run = scenario.plan_fails();
    assert!(run.says("not allowed to list ciliumnodes.cilium.io"));
    assert!(run.says("cannot list resource \"ciliumnodes\" in API group \"cilium.io\""));
    assert!(run.says("{apiGroups: [\"\"], resources: [nodes], verbs: [list]}"));
    assert!(run.says("{apiGroups: [\"cilium.io\"], resources: [ciliumnodes], verbs: [list]}"));
    assert!(!run.says("blockaffinities"));
}

#[test]
fn a_label_selector_reads_fewer_nodes_than_ako_and_the_plan_says_so() {
    let scenario = scenario("");
    let selecting = |selector: &str| {
        let own = format!("cni_plugin  = \"\"\n  label_selector = {}", json!(selector));
        with_plugin("").replace("cni_plugin  = \"\"", &own)
    };
    scenario.configure(&selecting(
        "kubernetes.io/hostname in (cluster1-node-1),!virtual",
    ));
    let plan = scenario.plan();
    assert_eq!(warnings(&plan.run, "AKO has no label selector"), 1);
    scenario.apply_saved_plan();
    assert_routes(&scenario, &[("10.244.1.0/24", "10.1.0.5")]);

    scenario.configure(&selecting("a===b"));
    let run = scenario.plan_fails();
    assert!(run.says("The label selector cannot be read"));
    assert!(run.says("unable to parse requirement"));
}

#[test]
fn a_name_that_ako_does_not_know_is_a_warning_and_reads_as_none() {
    let scenario = scenario("weave");
    let run = scenario.apply();
    assert_eq!(warnings(&run, "AKO knows no network plugin \"weave\""), 1);
    assert!(run.says("antrea, calico, canal"));
    assert_eq!(next_hops(&scenario).len(), 3);
}

#[test]
fn what_is_malformed_is_named_and_the_rest_is_read() {
    let scenario = scenario("ovn-kubernetes");
    let subnets = "k8s.ovn.org/node-subnets";
    annotate(
        &scenario,
        "cluster1-node-0",
        subnets,
        "{\"default\": [\"10.131.0.0/23\"",
    );
    annotate(
        &scenario,
        "cluster1-node-1",
        subnets,
        r#"{"default": "10.131.2.0/23"}"#,
    );
    annotate(
        &scenario,
        "cluster1-node-2",
        subnets,
        r#"{"default": [""]}"#,
    );
    scenario.apply();
    assert_routes(&scenario, &[("10.131.2.0/23", "10.1.0.5")]);
    let skipped = read(&scenario, "skipped_nodes");
    assert!(
        skipped["cluster1-node-0"]
            .to_string()
            .contains("cannot be read")
    );
    assert!(
        skipped["cluster1-node-2"]
            .to_string()
            .contains("has no subnet")
    );

    let nameless = json!({"metadata": {"name": "stray"}, "spec": {"cidr": "10.133.9.0/26"}});
    let other =
        json!({"metadata": {"name": "odd"}, "spec": {"node": "cluster1-node-1", "cidr": 7}});
    let good = block_affinity("good", "cluster1-node-0", "10.133.0.0/26");
    let blocks = CustomResource::block_affinities();
    cluster(&scenario).set_custom_resources(&blocks, &[nameless, other, good]);
    scenario.configure(&with_plugin("calico"));
    let run = scenario.apply();
    assert_eq!(
        warnings(
            &run,
            "Some blockaffinities.crd.projectcalico.org name no node"
        ),
        1
    );
    assert!(run.says("stray"));
    assert_routes(&scenario, &[("10.133.0.0/26", "10.1.0.4")]);
    let skipped = read(&scenario, "skipped_nodes")["cluster1-node-1"].to_string();
    assert!(skipped.contains("odd"), "{skipped}");
}
