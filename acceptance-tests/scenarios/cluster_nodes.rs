//! `data "ako_cluster_nodes"`: the nodes of a cluster and their pod CIDRs.

use std::time::Duration;

use ako_lab::terraform::{Action, State};
use ako_lab::{Fault, Options, Seed, faults};
use serde_json::{Value, json};

use crate::harness::Scenario;

const CONFIGURATION: &str = r#"
data "ako_cluster_nodes" "one" {
  config_path = var.kubeconfigs["cluster1"]
}

output "one" { value = data.ako_cluster_nodes.one }
"#;

const SECOND: &str = r#"
data "ako_cluster_nodes" "two" {
  config_path = var.kubeconfigs["cluster2"]
}

output "two" { value = data.ako_cluster_nodes.two }
"#;

const NODES: &str = "/api/v1/nodes";

/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn changed(arguments: &str) -> String {
    CONFIGURATION.replace("config_path = var.kubeconfigs[\"cluster1\"]", arguments)
}

/// A member of the data source in the output `one`.
fn one<'a>(state: &'a State, member: &str) -> &'a Value {
    &state.output("one").expect("the output is there")[member]
}

/// The statuses of the lists that were asked for.
fn lists(scenario: &Scenario) -> Vec<Option<u16>> {
    let journal = scenario.lab.journal();
    let lists = journal.iter().filter(|entry| entry.path == NODES);
    lists.map(|entry| entry.status).collect()
}

#[test]
fn one_configuration_reads_two_clusters_with_the_same_pod_cidrs() {
    let scenario = Scenario::new(&format!("{CONFIGURATION}{SECOND}"));
    scenario.apply();
    let state = scenario.state();
    let facts = |output: &str, member: &str| {
        let nodes = state
            .output(output)
            .and_then(|cluster| cluster["nodes"].as_object())
            .expect("the output has nodes");
        let mut facts: Vec<_> = nodes
            .values()
            .map(|node| node[member].to_string())
            .collect();
        facts.sort();
        facts
    };
    assert!(!facts("one", "pod_cidrs").is_empty());
    assert_eq!(facts("one", "pod_cidrs"), facts("two", "pod_cidrs"));
    assert_ne!(facts("one", "internal_ip"), facts("two", "internal_ip"));
    let journal = scenario.lab.journal();
    let mut services = journal.iter().map(|entry| entry.service.as_str());
    assert!(services.all(|service| service.starts_with("kubernetes/")));
}

#[test]
fn the_annotation_for_pod_cidrs_wins_and_what_has_no_route_is_named() {
    let scenario = Scenario::new(CONFIGURATION);
    let cluster = scenario.lab.cluster("cluster1").expect("the lab has it");
    cluster.update_node("cluster1-node-0", |node| {
        let annotation = ("ako.vmware.com/pod-cidrs", "10.9.0.0/24,10.9.1.0/24");
        let annotation = (annotation.0.to_owned(), annotation.1.to_owned());
        node.annotations.extend([annotation]);
    });
    cluster.update_node("cluster1-node-1", |node| {
        node.pod_cidrs.push("fd00::/64".into())
    });
    cluster.update_node("cluster1-node-2", |node| node.internal_ip = None);
    scenario.apply();
    let state = scenario.state();
    assert_eq!(
        one(&state, "nodes")["cluster1-node-0"]["pod_cidrs"],
        json!(["10.9.0.0/24", "10.9.1.0/24"])
    );
    assert_eq!(one(&state, "nodes")["cluster1-node-2"], Value::Null);
    let skipped = one(&state, "skipped_nodes")["cluster1-node-2"].to_string();
    assert!(skipped.contains("InternalIP"), "{skipped}");
    let cidr = &one(&state, "skipped_cidrs")[0];
    assert_eq!(cidr["node_name"], "cluster1-node-1");
    assert_eq!(cidr["cidr"], "fd00::/64");
}

fn with_nodes(nodes: usize) -> Scenario {
    let options = Options {
        seed: Seed::two_clusters(nodes),
        ..Options::default()
    };
    Scenario::with(options, CONFIGURATION)
}

#[test]
fn more_nodes_than_one_page_are_all_read() {
    let scenario = with_nodes(1_001);
    scenario.apply();
    assert_eq!(lists(&scenario), [Some(200); 3]);
    let state = scenario.state();
    let nodes = one(&state, "nodes").as_object().map(serde_json::Map::len);
    assert_eq!(nodes, Some(1_001));
}

#[test]
fn a_list_that_expires_between_two_pages_is_begun_again() {
    let scenario = with_nodes(501);
    let second_page = Fault::on("GET", NODES, faults::Action::Hold).nth(2);
    let second_page = scenario.lab.add_fault(second_page);
    let apply = scenario.start_apply();
    assert!(
        scenario.lab.wait_until_held(second_page, PATIENCE),
        "a second page"
    );
    let cluster = scenario.lab.cluster("cluster1").expect("the lab has it");
    cluster.expire_continue_tokens();
    // Gone meanwhile: it must not be among the nodes of the list that is begun again.
    cluster.remove_node("cluster1-node-0");
    scenario.lab.release(second_page);
    let run = scenario.wait(apply);
    assert!(run.succeeded());
    assert_eq!(lists(&scenario)[..3], [Some(200), Some(410), Some(200)]);
    let state = scenario.state();
    let nodes = one(&state, "nodes").as_object().expect("nodes");
    assert_eq!(nodes.len(), 500);
    assert!(!nodes.contains_key("cluster1-node-0"));
}

/// Lets the data source read a kubeconfig that differs from the lab's in its credentials.
fn with_credentials(credentials: &str) -> Scenario {
    let scenario = Scenario::new(&changed(
        "config_path = \"${path.module}/other.kubeconfig\"",
    ));
    let own = &scenario.lab.connection().kubernetes[0].kubeconfig;
    let text = std::fs::read_to_string(own).expect("the lab has written it");
    let lines = text
        .lines()
        .map(|line| match line.trim_start().starts_with("token:") {
            true => credentials,
            false => line,
        });
    let text: Vec<&str> = lines.collect();
    scenario.write("other.kubeconfig", &text.join("\n"));
    scenario
}

#[test]
fn who_may_not_list_nodes_is_told_the_least_role_that_suffices() {
    let scenario =
        with_credentials("    client-certificate: nobody.pem\n    client-key: nobody.key");
    let nobody = scenario.lab.client_certificate("nobody", None);
    let nobody = nobody.expect("the lab signs");
    scenario.write("nobody.pem", &nobody.certificate_pem);
    scenario.write("nobody.key", &nobody.key_pem);
    let run = scenario.plan_fails();
    assert!(run.says("User \"nobody\" cannot list resource \"nodes\""));
    assert!(run.says("ClusterRole") && run.says("verbs: [list]"));
    assert_eq!(lists(&scenario), [Some(403)], "it is not asked again");
}

#[test]
fn a_token_that_is_not_accepted_is_told_and_never_printed() {
    let scenario = with_credentials("    token: not-a-token");
    let run = scenario.plan_fails();
    assert!(run.says("does not accept the credentials") && run.says("Check the token"));
    assert!(!run.says("not-a-token"));
    assert_eq!(lists(&scenario), [Some(401)], "it is not asked again");
}

#[test]
fn a_cluster_that_cannot_be_reached_is_named_with_what_to_check() {
    // The port of a server that is not there: nothing listens on the reserved port 1.
    let scenario = Scenario::new(&changed("host = \"https://127.0.0.1:1\""));
    let run = scenario.plan_fails();
    assert!(run.says("cannot reach https://127.0.0.1:1"));
    assert!(run.says("Check the address and the network"));
}

#[test]
fn a_context_that_the_kubeconfig_lacks_is_told_with_those_it_has() {
    let own = "config_path = var.kubeconfigs[\"cluster1\"]\n  config_context = \"nope\"";
    let scenario = Scenario::new(&changed(own));
    let run = scenario.plan_fails();
    assert!(run.says("has no context \"nope\"; it has cluster1, cluster1-limited"));
    scenario.configure(&changed(&own.replace("nope", "cluster1-limited")));
    scenario.apply();
}

#[test]
fn a_kubeconfig_that_is_not_there_or_not_named_is_told() {
    let scenario = Scenario::new(&changed("config_path = \"/nowhere/kubeconfig\""));
    assert!(scenario.plan_fails().says("/nowhere/kubeconfig"));
    scenario.configure(&changed(""));
    let run = scenario.plan_fails();
    assert!(run.says("kubernetes.config_path") && run.says("KUBE_CONFIG_PATH"));
}

#[test]
fn a_server_that_is_busy_for_a_moment_is_asked_again() {
    let scenario = Scenario::new(CONFIGURATION);
    let busy = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
        "message": "too many requests", "reason": "TooManyRequests", "code": 429});
    let busy = faults::Action::respond(429, busy);
    scenario.lab.add_fault(Fault::on("GET", NODES, busy));
    scenario.plan();
    assert_eq!(lists(&scenario), [Some(429), Some(200)]);
}

#[test]
fn an_interrupt_ends_the_read_of_a_cluster_that_does_not_answer() {
    let scenario = Scenario::new(CONFIGURATION);
    let list = Fault::on("GET", NODES, faults::Action::Hold);
    let list = scenario.lab.add_fault(list);
    // A plan: while an apply plans, Terraform 1.11 tells its providers nothing of an interrupt.
    let plan = scenario.terraform.start(&["plan", "-json", "-input=false"]);
    let plan = plan.expect("terraform starts");
    assert!(scenario.lab.wait_until_held(list, PATIENCE), "a list comes");
    plan.interrupt().expect("terraform can be interrupted");
    // The lab never answers: only the interrupt can end it before the request's own limit.
    let run = scenario.wait(plan);
    assert!(!run.succeeded());
    assert!(run.took < Duration::from_secs(25), "it did not wait");
    assert_eq!(lists(&scenario).len(), 1, "it is not asked again");
}

/// A value that is known only once something else is made.
const MADE: &str = r#"
resource "terraform_data" "made" {
  input = var.kubeconfigs["cluster1"]
}
"#;

#[test]
fn an_unknown_provider_configuration_fails_the_read_with_its_argument_and_advice() {
    let scenario = Scenario::new(&changed(""));
    scenario.write("made.tf", MADE);
    scenario.configure_provider("kubernetes = { config_path = terraform_data.made.output }");
    let run = scenario.plan_fails();
    assert!(run.says("kubernetes.config_path"));
    assert!(run.says("Apply that first"));
    scenario.apply_with(&["-target=terraform_data.made"]);
    scenario.apply();
    assert!(!one(&scenario.state(), "nodes").is_null());
}

#[test]
fn an_unknown_argument_of_its_own_puts_the_read_off_to_the_apply() {
    let scenario = Scenario::new(&changed("config_path = terraform_data.made.output"));
    scenario.write("made.tf", MADE);
    let plan = scenario.plan();
    let read = plan.resource("data.ako_cluster_nodes.one");
    assert_eq!(read.map(|change| change.action()), Some(Action::Read));
    scenario.apply_saved_plan();
    assert!(one(&scenario.state(), "nodes")["cluster1-node-0"].is_object());
}
