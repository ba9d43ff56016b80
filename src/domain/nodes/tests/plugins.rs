//! The plugins with a source of their own.

use super::*;

fn object(name: &str, node: &str, cidrs: &[&str]) -> PluginObject {
    PluginObject {
        name: name.into(),
        node: Some(node.into()),
        pod_cidrs: Some(texts(cidrs)),
    }
}

fn two_nodes() -> Vec<NodeFacts> {
    // The spec and the annotation for pod CIDRs are not looked at.
    let one = facts("n1", "10.0.0.4", &["10.99.1.0/24"]);
    let one = annotated(one, POD_CIDRS_ANNOTATION, "10.98.1.0/24");
    vec![one, facts("n2", "10.0.0.5", &["10.99.2.0/24"])]
}

fn select_with(cni: CniPlugin, objects: impl Into<Vec<PluginObject>>) -> Selection {
    let cluster = ClusterFacts {
        nodes: two_nodes(),
        objects: Some(objects.into()),
    };
    select_nodes(cluster, cni)
}

const WITH_OBJECTS: [CniPlugin; 3] = [CniPlugin::Calico, CniPlugin::OpenShift, CniPlugin::Cilium];

#[test]
fn the_objects_of_a_plugin_name_the_cidrs_of_their_nodes_in_their_order() {
    for cni in WITH_OBJECTS {
        let selection = select_with(
            cni,
            [
                object("b", "n1", &["10.133.9.0/26"]),
                object("c", "gone", &["10.133.7.0/26"]),
                object("d", "n1", &["10.133.1.5/26", "fd00::/122"]),
                object("e", "n1", &["10.133.9.0/26"]),
            ],
        );
        assert_eq!(
            cidrs_of(&selection, "n1"),
            ["10.133.9.0/26", "10.133.1.0/26"],
            "{cni:?}"
        );
        assert_eq!(cidrs_of(&selection, "n2"), [""; 0], "no object is no error");
        assert_eq!(selection.skipped_nodes, []);
        let [ipv6] = &*selection.skipped_cidrs else {
            panic!(
                "a block listed twice is one block: {:?}",
                selection.skipped_cidrs
            )
        };
        assert_eq!(ipv6.reason, SkipReason::Ipv6);
    }
}

#[test]
fn a_cluster_without_such_objects_has_all_nodes_skipped_with_their_name() {
    for (cni, resource) in [
        (CniPlugin::Calico, "blockaffinities.crd.projectcalico.org"),
        (CniPlugin::OpenShift, "hostsubnets.network.openshift.io"),
        (CniPlugin::Cilium, "ciliumnodes.cilium.io"),
    ] {
        let selection = select(two_nodes(), cni);
        assert!(selection.nodes.is_empty());
        assert_eq!(selection.skipped_nodes.len(), 2);
        let reason = selection.skipped_nodes[0].reason.to_string();
        assert!(reason.contains(resource), "{reason}");
    }
}

#[test]
fn an_object_that_lacks_its_cidrs_skips_its_node_and_no_other() {
    for cni in WITH_OBJECTS {
        for lacking in [None, Some(texts(&[""])), Some(texts(&["10.133.1.0"]))] {
            let broken = PluginObject {
                pod_cidrs: lacking,
                ..object("broken", "n1", &[])
            };
            let good = object("good", "n1", &["10.133.1.0/26"]);
            let other = object("other", "n2", &["10.133.2.0/26"]);
            let selection = select_with(cni, [good, broken, other]);
            let reason = only_reason(&selection).to_string();
            assert!(reason.contains(cni.source_of_cidrs()), "{reason}");
            assert_eq!(cidrs_of(&selection, "n2"), ["10.133.2.0/26"]);
        }
    }
    // A CiliumNode with an empty list has given none of its addresses away yet.
    let selection = select_with(CniPlugin::Cilium, [object("n1", "n1", &[])]);
    assert_eq!(cidrs_of(&selection, "n1"), [""; 0]);
}

#[test]
fn an_object_that_names_no_node_is_named_and_costs_no_node_its_routes() {
    let nameless = PluginObject {
        node: None,
        ..object("nameless", "", &["10.133.1.0/26"])
    };
    let other = object("other", "n2", &["10.133.2.0/26"]);
    for cni in WITH_OBJECTS {
        let selection = select_with(cni, [nameless.clone(), other.clone()]);
        assert_eq!(selection.objects_without_node, ["nameless"]);
        assert_eq!(cidrs_of(&selection, "n2"), ["10.133.2.0/26"]);
        assert_eq!(selection.skipped_nodes, []);
    }
}

#[test]
fn ovn_kubernetes_names_the_subnets_on_the_node() {
    let select_one = |node_subnets| {
        let mut node = two_nodes().remove(0);
        node.node_subnets = node_subnets;
        select([node], CniPlugin::OvnKubernetes)
    };
    let subnets = |list: &[&str]| NodeSubnets::Default(texts(list));
    let selection = select_one(subnets(&["10.128.0.0/23", "fd01:0:0:1::/64"]));
    assert_eq!(cidrs_of(&selection, "n1"), ["10.128.0.0/23"]);
    assert_eq!(selection.skipped_cidrs[0].reason, SkipReason::Ipv6);
    let selection = select_one(NodeSubnets::NoDefault);
    assert_eq!(cidrs_of(&selection, "n1"), [""; 0]);
    for (wrong, part) in [
        (NodeSubnets::Absent, "lacks the annotation"),
        (
            NodeSubnets::Unreadable("it is a list".into()),
            "cannot be read: it is a list",
        ),
        (subnets(&[]), "has no subnet"),
        (subnets(&["10.128.0.0/23", ""]), "has no subnet"),
        (
            subnets(&["10.128.0.0"]),
            "k8s.ovn.org/node-subnets is wrong",
        ),
    ] {
        let selection = select_one(wrong);
        let reason = only_reason(&selection).to_string();
        assert!(reason.contains(part), "{reason}");
    }
}

#[test]
fn calico_and_antrea_may_name_the_next_hop_on_the_node() {
    const CALICO: &str = "projectcalico.org/IPv4Address";
    const ANTREA: &str = "node.antrea.io/transport-addresses";
    for (cni, annotation, text, expected) in [
        (CniPlugin::Calico, CALICO, "10.0.9.9/24", "10.0.9.9"),
        (CniPlugin::Calico, CALICO, "10.0.9.9", "10.0.9.9"),
        (CniPlugin::Calico, CALICO, "", "10.0.0.4"),
        (CniPlugin::Antrea, ANTREA, "fd00::9,10.0.9.9", "10.0.9.9"),
        (CniPlugin::Antrea, ANTREA, "10.0.9.8,10.0.9.9", "10.0.9.9"),
        (CniPlugin::Antrea, ANTREA, "fd00::9", "10.0.0.4"),
        (CniPlugin::Default, ANTREA, "10.0.9.9", "10.0.0.4"),
        (CniPlugin::Cilium, CALICO, "10.0.9.9/24", "10.0.0.4"),
        (CniPlugin::OpenShift, ANTREA, "10.0.9.9", "10.0.0.4"),
    ] {
        let node = facts("n1", "10.0.0.4", &["10.244.1.0/24"]);
        let cluster = ClusterFacts {
            nodes: vec![annotated(node, annotation, text)],
            objects: Some(Vec::new()),
        };
        let found = select_nodes(cluster, cni).nodes["n1"].internal_ip;
        assert_eq!(found.to_string(), expected, "{cni:?} {text:?}");
    }
    let node = annotated(facts("n1", "10.0.0.4", &[]), CALICO, "autodetect");
    let selection = select([node], CniPlugin::Calico);
    let reason = only_reason(&selection).to_string();
    assert!(
        reason.contains(CALICO) && reason.contains("autodetect"),
        "{reason}"
    );
}
