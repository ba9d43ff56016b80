//! The data source against the lab's clusters.

use super::*;
use crate::clients::{Clients, Settings, Variables, avi, azure, user_agent};
use crate::configured::Claims;
use crate::framework::diagnostics::{Diagnostic, Severity};
use crate::framework::value::Value;
use ako_lab::kubernetes::{self as lab_kubernetes, CustomResource};
use ako_lab::{Lab, Options};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What a read came to, and what it warned of.
struct Outcome {
    read: Result<Model, Diagnostics>,
    warnings: Vec<Diagnostic>,
}

impl Outcome {
    fn model(&self) -> &Model {
        self.read.as_ref().unwrap()
    }

    fn cidrs(&self, node: &str) -> &[String] {
        &self.model().nodes.as_ref().unwrap()[node].pod_cidrs
    }

    fn skipped(&self) -> &BTreeMap<String, String> {
        self.model().skipped_nodes.as_ref().unwrap()
    }

    /// The only error.
    fn error(&self) -> &Diagnostic {
        self.read.as_ref().unwrap_err().iter().next().unwrap()
    }
}

fn own_context() -> Model {
    Model {
        config_path: None,
        config_context: None,
        host: None,
        cluster_ca_certificate: None,
        cni_plugin: None,
        label_selector: None,
        nodes: None,
        skipped_nodes: None,
        skipped_cidrs: None,
    }
}

fn with_plugin(name: &str) -> Model {
    Model {
        cni_plugin: Some(name.to_owned()),
        ..own_context()
    }
}

async fn lab() -> Lab {
    Lab::start(Options::default()).await.unwrap()
}

async fn read(lab: &Lab, cluster: &str, config: Model) -> Outcome {
    let configured = Configured {
        clients: Clients::new(Settings {
            avi: avi::Settings::default(),
            azure: azure::Settings::default(),
            kubernetes: kubernetes::Settings::default(),
            variables: Variables::from_map(BTreeMap::new()),
            user_agent: user_agent("1.11.4"),
            request_timeout: Duration::from_secs(5),
        }),
        adopt_remnants: true,
        claims: Claims::default(),
        replaced: Claims::default(),
    };
    let mut clusters = lab.connection().kubernetes.iter();
    let cluster = clusters.find(|known| known.name == cluster).unwrap();
    let config = Model {
        config_path: Some(cluster.kubeconfig.display().to_string()),
        ..config
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let context = Context::new(deadline, CancellationToken::new(), Value::Null);
    let read = ClusterNodes::new(Arc::new(configured))
        .read(&context, config)
        .await;
    Outcome {
        read,
        warnings: context.take_warnings().into_iter().collect(),
    }
}

#[test]
fn only_internal_addresses_count() {
    let node = kubernetes::Node {
        name: "n1".into(),
        addresses: vec![
            ("ExternalIP".into(), "20.0.0.1".into()),
            ("InternalIP".into(), "10.0.0.4".into()),
            ("Hostname".into(), "n1".into()),
        ],
        ..kubernetes::Node::default()
    };
    assert_eq!(node_facts(node).internal_ips, ["10.0.0.4"]);
}

#[test]
fn the_client_and_the_rules_name_the_same_objects() {
    for name in [
        "",
        "antrea",
        "calico",
        "cilium",
        "openshift",
        "ovn-kubernetes",
    ] {
        let cni = CniPlugin::of_name(name);
        assert_eq!(
            objects_of(cni).map(PluginObjects::name),
            cni.objects(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn two_clusters_with_the_same_pod_cidrs_are_read_in_one_configuration() {
    let lab = lab().await;
    for (cluster, address) in [("cluster1", "10.1.0.4"), ("cluster2", "10.2.0.4")] {
        let outcome = read(&lab, cluster, own_context()).await;
        let nodes = outcome.model().nodes.as_ref().unwrap();
        assert_eq!(nodes.len(), 3);
        let node = &nodes[&format!("{cluster}-node-0")];
        assert_eq!(node.internal_ip.to_string(), address);
        assert_eq!(node.pod_cidrs, ["10.244.0.0/24"]);
        assert_eq!(outcome.warnings, []);
    }
}

#[tokio::test]
async fn what_has_no_route_is_named_with_its_reason() {
    let lab = lab().await;
    let cluster = lab.cluster("cluster1").unwrap();
    cluster.update_node("cluster1-node-0", |node| node.internal_ip = None);
    cluster.update_node("cluster1-node-1", |node| {
        node.pod_cidrs.push("fd00::/64".into())
    });
    cluster.update_node("cluster1-node-2", |node| {
        let annotation = ("ako.vmware.com/pod-cidrs".into(), "10.9.0.0/24".into());
        node.annotations.extend([annotation]);
        node.ready = false;
    });
    let outcome = read(&lab, "cluster1", own_context()).await;
    assert_eq!(outcome.cidrs("cluster1-node-2"), ["10.9.0.0/24"]);
    let reason = &outcome.skipped()["cluster1-node-0"];
    assert!(reason.contains("InternalIP"), "{reason}");
    let [cidr] = &**outcome.model().skipped_cidrs.as_ref().unwrap() else {
        panic!("one is skipped")
    };
    assert_eq!(
        (&*cidr.node_name, &*cidr.cidr),
        ("cluster1-node-1", "fd00::/64")
    );
    assert_eq!(
        outcome.warnings,
        [],
        "what stands in the data is no warning"
    );
}

#[tokio::test]
async fn a_cluster_that_does_not_serve_the_objects_of_the_plugin_is_doubted() {
    let lab = lab().await;
    for (plugin, resource) in [
        ("Calico", "blockaffinities.crd.projectcalico.org"),
        ("openshift", "hostsubnets.network.openshift.io"),
        ("cilium", "ciliumnodes.cilium.io"),
    ] {
        let outcome = read(&lab, "cluster1", with_plugin(plugin)).await;
        assert_eq!(outcome.skipped().len(), 3);
        let reason = &outcome.skipped()["cluster1-node-0"];
        assert!(reason.contains(resource), "{reason}");
        let [warning] = &*outcome.warnings else {
            panic!("one warning: {:?}", outcome.warnings)
        };
        assert!(warning.summary.contains(resource), "{}", warning.summary);
        assert_eq!(
            warning.attribute.as_ref().unwrap().to_string(),
            "cni_plugin"
        );
    }
}

#[tokio::test]
async fn objects_that_name_no_node_are_named_in_a_warning() {
    let lab = lab().await;
    let cluster = lab.cluster("cluster1").unwrap();
    let mut nameless = lab_kubernetes::block_affinity("stray", "", "10.133.9.0/26");
    nameless["spec"].as_object_mut().unwrap().remove("node");
    let good = lab_kubernetes::block_affinity("good", "cluster1-node-0", "10.133.0.0/26");
    cluster.set_custom_resources(&CustomResource::block_affinities(), &[nameless, good]);
    let outcome = read(&lab, "cluster1", with_plugin("calico")).await;
    assert_eq!(outcome.cidrs("cluster1-node-0"), ["10.133.0.0/26"]);
    let [warning] = &*outcome.warnings else {
        panic!("one warning: {:?}", outcome.warnings)
    };
    assert!(warning.detail.contains("stray") && !warning.detail.contains("good"));
}

#[tokio::test]
async fn a_cluster_in_which_every_node_is_skipped_is_doubted() {
    let lab = lab().await;
    let outcome = read(&lab, "cluster1", with_plugin("ovn-kubernetes")).await;
    let [warning] = &*outcome.warnings else {
        panic!("one warning: {:?}", outcome.warnings)
    };
    assert!(
        warning.detail.contains("k8s.ovn.org/node-subnets"),
        "{}",
        warning.detail
    );
}

#[tokio::test]
async fn a_cluster_of_which_no_route_follows_is_doubted() {
    let lab = lab().await;
    let cluster = lab.cluster("cluster1").unwrap();
    let block = lab_kubernetes::block_affinity("a", "gone", "10.133.0.0/26");
    cluster.set_custom_resources(&CustomResource::block_affinities(), &[block]);
    let nobody = Model {
        label_selector: Some("role=nobody".to_owned()),
        ..own_context()
    };
    for (config, summary) in [
        (
            with_plugin("calico"),
            "No node of the cluster has a pod CIDR",
        ),
        (nobody, "The label selector selects no node"),
    ] {
        let warnings = read(&lab, "cluster1", config).await.warnings;
        let warning = warnings.last().unwrap();
        assert_eq!(warning.summary, summary);
        assert!(warning.detail.contains("would all be removed"));
    }
    cluster.set_nodes(&[]);
    let warnings = read(&lab, "cluster1", own_context()).await.warnings;
    assert_eq!(warnings[0].summary, "The cluster has no nodes");
}

#[tokio::test]
async fn nodes_that_share_a_pod_cidr_are_named_in_a_warning() {
    let lab = lab().await;
    let cluster = lab.cluster("cluster1").unwrap();
    cluster.update_node("cluster1-node-1", |node| {
        node.pod_cidrs = vec!["10.244.0.0/25".into(), "10.9.0.0/24".into()];
    });
    let outcome = read(&lab, "cluster1", own_context()).await;
    assert_eq!(outcome.cidrs("cluster1-node-1"), [""; 0]);
    let [warning] = &*outcome.warnings else {
        panic!("one warning: {:?}", outcome.warnings)
    };
    let told = "10.244.0.0/25 of cluster1-node-1 (cluster1-node-0 has 10.244.0.0/24)";
    assert!(warning.detail.contains(told), "{}", warning.detail);

    // What a node has twice costs no traffic.
    cluster.update_node("cluster1-node-1", |node| {
        node.pod_cidrs = vec!["10.9.0.0/24".into(), "10.9.0.0/25".into()];
    });
    let outcome = read(&lab, "cluster1", own_context()).await;
    assert_eq!(outcome.warnings, []);
}

#[tokio::test]
async fn a_selector_reads_some_nodes_and_a_malformed_one_is_an_error_at_its_attribute() {
    let lab = lab().await;
    let selecting = |selector: &str| Model {
        label_selector: Some(selector.to_owned()),
        ..own_context()
    };
    let one = "kubernetes.io/hostname=cluster1-node-1";
    let outcome = read(&lab, "cluster1", selecting(one)).await;
    let nodes = outcome.model().nodes.as_ref().unwrap();
    assert_eq!(nodes.keys().collect::<Vec<_>>(), ["cluster1-node-1"]);
    let all = read(&lab, "cluster1", selecting(" ")).await;
    assert_eq!(all.model().nodes.as_ref().unwrap().len(), 3);

    let outcome = read(&lab, "cluster1", selecting("a===b")).await;
    let error = outcome.error();
    assert_eq!(
        error.attribute.as_ref().unwrap().to_string(),
        "label_selector"
    );
    assert!(
        error.detail.contains("unable to parse requirement"),
        "{}",
        error.detail
    );
}

#[test]
fn a_refusal_comes_with_the_least_role_for_the_plugin() {
    let error = Error::Forbidden {
        action: "listing nodes".into(),
        verb: "list",
        resource: "nodes",
        message: "forbidden".into(),
    };
    let rules = |name: &str| {
        let detail = messages::failed(&error, CniPlugin::of_name(name), None).detail;
        let rules = detail.lines().filter(|line| line.contains("apiGroups"));
        rules.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let nodes = "- {apiGroups: [\"\"], resources: [nodes], verbs: [list]}";
    assert_eq!(rules("ovn-kubernetes"), [nodes]);
    let blocks =
        "- {apiGroups: [\"crd.projectcalico.org\"], resources: [blockaffinities], verbs: [list]}";
    assert_eq!(rules("calico"), [nodes, blocks]);
}

#[test]
fn names_that_ako_does_not_know_and_selectors_are_warned_of_at_their_attributes() {
    let warned = |config: Model| {
        let warnings = messages::unlike_ako(&config).into_iter();
        let path = |warning: Diagnostic| {
            assert_eq!(warning.severity, Severity::Warning);
            warning.attribute.unwrap().to_string()
        };
        warnings.map(path).collect::<Vec<_>>()
    };
    for known in ["", "calico", "CILIUM", "flannel"] {
        assert_eq!(warned(with_plugin(known)), [""; 0], "{known}");
    }
    assert_eq!(warned(own_context()), [""; 0]);
    let both = Model {
        label_selector: Some("role=worker".to_owned()),
        ..with_plugin("ovn")
    };
    assert_eq!(warned(both), ["cni_plugin", "label_selector"]);
}
