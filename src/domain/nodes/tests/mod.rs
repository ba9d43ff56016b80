//! The rules in our own form, source by source. `recordings` holds them against the routes of a running AKO.

mod plugins;
mod recordings;

use super::*;

fn facts(name: &str, ip: &str, cidrs: &[&str]) -> NodeFacts {
    NodeFacts {
        name: name.into(),
        pod_cidrs: texts(cidrs),
        internal_ips: vec![ip.into()],
        ..NodeFacts::default()
    }
}

fn annotated(mut facts: NodeFacts, key: &str, value: &str) -> NodeFacts {
    facts.annotations.insert(key.into(), value.into());
    facts
}

/// What is selected of nodes whose plugin keeps pod CIDRs on them.
fn select(nodes: impl Into<Vec<NodeFacts>>, cni: CniPlugin) -> Selection {
    let cluster = ClusterFacts {
        nodes: nodes.into(),
        objects: None,
    };
    select_nodes(cluster, cni)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn cidrs_of(selection: &Selection, node: &str) -> Vec<String> {
    let cidrs = &selection.nodes[node].pod_cidrs;
    cidrs.iter().map(Cidr::to_string).collect()
}

/// Why the only node that is skipped is.
#[track_caller]
fn only_reason(selection: &Selection) -> &SkipReason {
    let [skipped] = &*selection.skipped_nodes else {
        panic!("one node should be skipped: {:?}", selection.skipped_nodes)
    };
    &skipped.reason
}

#[test]
fn a_node_has_the_cidrs_of_its_spec_and_its_first_internal_address_of_ipv4() {
    let mut node = facts("n1", "fd00::4", &["10.244.1.0/24", "10.245.1.0/24"]);
    node.internal_ips.extend(texts(&["10.0.0.4", "10.0.0.5"]));
    let selection = select([node], CniPlugin::Default);
    assert_eq!(
        cidrs_of(&selection, "n1"),
        ["10.244.1.0/24", "10.245.1.0/24"]
    );
    assert_eq!(
        selection.nodes["n1"].internal_ip,
        Ipv4Addr::new(10, 0, 0, 4)
    );
    assert_eq!(selection.skipped_nodes, []);
}

#[test]
fn the_annotation_wins_over_the_spec() {
    for (list, expected) in [
        (
            "10.9.1.0/24, 10.9.2.7/24",
            &["10.9.1.0/24", "10.9.2.0/24"][..],
        ),
        // AKO passes over entries without a character.
        (
            " 10.9.1.0/24,,10.9.2.0/24, ",
            &["10.9.1.0/24", "10.9.2.0/24"],
        ),
        ("", &[]),
        (" , ", &[]),
    ] {
        let node = facts("n1", "10.0.0.4", &["10.244.1.0/24"]);
        let node = annotated(node, POD_CIDRS_ANNOTATION, list);
        let selection = select([node], CniPlugin::Default);
        assert_eq!(selection.skipped_nodes, [], "{list:?}");
        assert_eq!(cidrs_of(&selection, "n1"), expected, "{list:?}");
    }
}

#[test]
fn one_bad_entry_in_the_annotation_skips_the_node_and_no_other() {
    for bad in [
        "10.9.1.0/24,nonsense",
        "10.9.1.0/24,fd00::/64",
        "10.9.1.0/24, ,10.9.2.0/24",
    ] {
        let node = facts("n1", "10.0.0.4", &["10.244.1.0/24"]);
        let other = facts("n2", "10.0.0.5", &["10.244.2.0/24"]);
        let nodes = [annotated(node, POD_CIDRS_ANNOTATION, bad), other];
        let selection = select(nodes, CniPlugin::Default);
        assert_eq!(selection.nodes.keys().collect::<Vec<_>>(), ["n2"]);
        let reason = only_reason(&selection);
        assert!(
            matches!(reason, SkipReason::BadAnnotation(_)),
            "{bad}: {reason}"
        );
    }
}

#[test]
fn nodes_without_cidr_or_address_are_skipped_with_the_reason() {
    let selection = select(
        [
            facts("no-cidr", "10.0.0.4", &[]),
            facts("empty-cidr", "10.0.0.5", &[""]),
            facts("no-address", "fd00::4", &["10.244.3.0/24"]),
            facts("neither", "", &[]),
        ],
        CniPlugin::Default,
    );
    let skipped = selection.skipped_nodes.iter();
    let reasons: Vec<_> = skipped
        .map(|node| (node.name.as_str(), node.reason.clone()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("empty-cidr", SkipReason::NoPodCidr),
            ("neither", SkipReason::NoInternalIp),
            ("no-address", SkipReason::NoInternalIp),
            ("no-cidr", SkipReason::NoPodCidr),
        ]
    );
}

#[test]
fn a_text_in_the_spec_that_ako_cannot_take_apart_skips_the_node_and_any_other_itself() {
    for bad in [
        "10.244.1.0",
        "10.244.1.0/x",
        "10.244.1.0/",
        "10.244.1.0/24/7",
        "fd00::/x",
    ] {
        let selection = select(
            [facts("n1", "10.0.0.4", &["10.245.1.0/24", bad])],
            CniPlugin::Default,
        );
        let reason = only_reason(&selection);
        assert!(
            matches!(reason, SkipReason::BadPodCidr { .. }),
            "{bad}: {reason}"
        );
        assert!(reason.to_string().contains("spec.podCIDRs"), "{reason}");
    }
    for left_out in [
        "300.244.1.0/24",
        "10.244.1.0/33",
        "10.244.1.0/-1",
        "pods/24",
    ] {
        let selection = select(
            [facts("n1", "10.0.0.4", &["10.245.1.0/24", left_out])],
            CniPlugin::Default,
        );
        assert_eq!(cidrs_of(&selection, "n1"), ["10.245.1.0/24"]);
        let skipped = &selection.skipped_cidrs[0];
        assert_eq!(skipped.cidr, left_out);
        assert!(
            matches!(skipped.reason, SkipReason::NotANetwork(_)),
            "{skipped:?}"
        );
    }
}

#[test]
fn of_a_dual_stack_node_the_ipv4_part_remains() {
    let node = facts("n1", "10.0.0.4", &["fd00:10:244:1::/64", "10.244.1.0/24"]);
    let selection = select([node], CniPlugin::Default);
    assert_eq!(cidrs_of(&selection, "n1"), ["10.244.1.0/24"]);
    assert_eq!(selection.skipped_cidrs[0].cidr, "fd00:10:244:1::/64");
    assert_eq!(selection.skipped_cidrs[0].reason, SkipReason::Ipv6);
}

#[test]
fn a_second_node_with_a_network_of_the_same_address_loses_all_its_networks() {
    let selection = select(
        [
            facts("n2", "10.0.0.5", &["10.244.0.0/24", "10.244.2.0/24"]),
            facts("n1", "10.0.0.4", &["10.244.0.0/16"]),
            facts("n3", "10.0.0.6", &["10.244.2.0/24"]),
        ],
        CniPlugin::Default,
    );
    assert_eq!(cidrs_of(&selection, "n1"), ["10.244.0.0/16"]);
    assert_eq!(cidrs_of(&selection, "n2"), [""; 0]);
    assert_eq!(
        cidrs_of(&selection, "n3"),
        ["10.244.2.0/24"],
        "what n2 has lost is free"
    );
    let [duplicate, beside] = &*selection.skipped_cidrs else {
        panic!("{:?}", selection.skipped_cidrs)
    };
    let reason = duplicate.reason.to_string();
    assert!(
        reason.contains("\"n1\"") && reason.contains("10.244.0.0/16"),
        "{reason}"
    );
    assert_eq!(beside.cidr, "10.244.2.0/24");
    assert!(
        beside.reason.to_string().contains("10.244.0.0/24"),
        "{beside:?}"
    );
}

#[test]
fn a_network_that_a_node_has_twice_is_taken_once() {
    let node = facts(
        "n1",
        "10.0.0.4",
        &["10.244.1.0/24", "10.244.1.9/24", "10.244.2.0/24"],
    );
    let selection = select([node], CniPlugin::Default);
    assert_eq!(
        cidrs_of(&selection, "n1"),
        ["10.244.1.0/24", "10.244.2.0/24"]
    );
    assert_eq!(selection.skipped_cidrs[0].cidr, "10.244.1.9/24");
}

#[test]
fn a_name_that_ako_does_not_know_reads_as_the_default_and_is_told_apart() {
    for name in ["", "canal", "flannel", "ncp", "weave", " calico"] {
        assert_eq!(CniPlugin::of_name(name), CniPlugin::Default);
    }
    assert_eq!(
        CniPlugin::of_name("OVN-Kubernetes"),
        CniPlugin::OvnKubernetes
    );
    assert_eq!(CniPlugin::of_name("Antrea"), CniPlugin::Antrea);
    for name in ["", "CALICO", "ncp", "ovn-kubernetes"] {
        assert!(is_known_plugin(name), "{name}");
    }
    for name in ["weave", "ovn", " calico"] {
        assert!(!is_known_plugin(name), "{name}");
    }
}
