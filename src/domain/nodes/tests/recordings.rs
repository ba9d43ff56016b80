//! The routes that a running AKO 2.2.1 programmed, against what is selected from the same nodes and objects.
//!
//! The recordings hold AKO's routes; the nodes and objects that were there are written here, after the titles of the
//! steps. They lie in the folder that `AKO_RECORDINGS_DIR` names; without it this test says so and passes. A step at
//! which AKO knew less than a fresh look would (an event that it does not listen to) is not compared.

use super::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// A prefix and a next hop.
type Routes = BTreeSet<(String, String)>;

/// A step of a recording, and what was there.
struct Step {
    file: &'static str,
    /// The beginning of its title; of recordings without steps the last write counts.
    title: &'static str,
    cni: CniPlugin,
    cluster: ClusterFacts,
}

#[test]
fn the_routes_are_those_of_a_running_ako() {
    let steps = steps();
    let Some(folder) = std::env::var_os("AKO_RECORDINGS_DIR") else {
        println!(
            "recordings: 0 replayed, {} skipped (AKO_RECORDINGS_DIR is not set)",
            steps.len()
        );
        return;
    };
    let count = steps.len();
    for Step {
        file,
        title,
        cni,
        cluster,
    } in steps
    {
        let path = Path::new(&folder).join("ako").join(file);
        let recording = std::fs::read(path).unwrap();
        let recording: Value = serde_json::from_slice(&recording).unwrap();
        let selection = select_nodes(cluster, cni);
        assert_eq!(
            routes_of(&selection),
            recorded(&recording, title),
            "{file}: {title}"
        );
    }
    println!("recordings: {count} replayed, 0 skipped");
}

fn routes_of(selection: &Selection) -> Routes {
    let nodes = selection.nodes.values();
    let routes = nodes.flat_map(|node| {
        let next_hop = node.internal_ip.to_string();
        let cidrs = node.pod_cidrs.iter();
        cidrs.map(move |cidr| (cidr.to_string(), next_hop.clone()))
    });
    routes.collect()
}

fn recorded(recording: &Value, title: &str) -> Routes {
    let step = recording["steps"].as_array().map(|steps| {
        let step = steps
            .iter()
            .find(|step| step["step"].as_str().unwrap().starts_with(title));
        step.unwrap_or_else(|| panic!("no step {title:?}"))
    });
    match step.unwrap_or(recording)["routes_after"].as_array() {
        Some(routes) => routes
            .iter()
            .map(|route| {
                let text = |index: usize| route[index].as_str().unwrap().to_owned();
                (text(0), text(1))
            })
            .collect(),
        None => last_write(recording),
    }
}

fn last_write(recording: &Value) -> Routes {
    let requests = recording["requests"].as_array().unwrap();
    let mut writes = requests.iter().filter(|request| request["method"] == "PUT");
    let write = writes.next_back().unwrap();
    let body = ["body", "request"].map(|member| &write[member]);
    let body = body.into_iter().find(|body| body.is_object()).unwrap();
    let routes = body["static_routes"].as_array().unwrap().iter();
    let routes = routes.map(|route| {
        let prefix = &route["prefix"];
        let address = prefix["ip_addr"]["addr"].as_str().unwrap();
        let next_hop = route["next_hop"]["addr"].as_str().unwrap();
        (format!("{address}/{}", prefix["mask"]), next_hop.to_owned())
    });
    routes.collect()
}

fn steps() -> Vec<Step> {
    [
        node_events(),
        calico(),
        cilium(),
        ovn_kubernetes(),
        openshift(),
        families(),
        duplicates(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn node(number: u8) -> NodeFacts {
    facts(
        &format!("node{number}"),
        &format!("10.0.4.{}", number + 4),
        &[],
    )
}

fn objects(objects: &[(&str, &str, &[&str])]) -> Option<Vec<PluginObject>> {
    let objects = objects.iter().map(|(name, node, cidrs)| PluginObject {
        name: (*name).to_owned(),
        node: Some((*node).to_owned()),
        pod_cidrs: Some(texts(cidrs)),
    });
    Some(objects.collect())
}

/// Nodes that come, go and change on a cluster whose plugin has no source of its own. The steps at which AKO keeps what
/// it had programmed for a node that it can no longer read, or has not seen a change, are left out.
fn node_events() -> Vec<Step> {
    let of = |number: u8, cidr: &str| {
        facts(
            &format!("node{number}"),
            &format!("10.0.4.{}", number + 4),
            &[cidr],
        )
    };
    let step = |title, nodes: &[NodeFacts]| Step {
        file: "05_node_events.json",
        title,
        cni: CniPlugin::Default,
        cluster: ClusterFacts {
            nodes: nodes.to_vec(),
            objects: None,
        },
    };
    let mut nodes = vec![
        of(1, "10.244.1.0/24"),
        of(3, "10.244.3.0/24"),
        of(4, "10.244.4.0/24"),
    ];
    let mut steps = vec![step("delete node2", &nodes)];
    nodes[1].internal_ips = texts(&["10.0.4.77"]);
    steps.push(step("node3 InternalIP", &nodes));
    nodes.push(node(5));
    steps.push(step("node5 without podCIDR", &nodes));
    nodes[3].pod_cidrs = texts(&["10.244.5.0/24"]);
    steps.push(step("node5 gets podCIDR", &nodes));
    steps.push(step("node1 NotReady", &nodes));
    nodes.push(of(6, "10.244.1.0/24"));
    steps.push(step("node6 with the podCIDR of node1", &nodes));
    nodes.remove(0);
    steps.push(step("label change on node6", &nodes));
    let mut seventh = of(7, "10.244.7.0/24");
    seventh.internal_ips.push("10.0.9.11".to_owned());
    nodes.push(seventh);
    steps.push(step("node7 with two InternalIPs", &nodes));
    nodes[4].internal_ips.reverse();
    steps.push(step("node7 InternalIP order swapped", &nodes));
    let mut eighth = of(8, "10.244.8.0/24");
    eighth.internal_ips.push("fd00::c".to_owned());
    eighth.pod_cidrs.push("fd00:8::/64".to_owned());
    nodes.push(eighth);
    steps.push(step("node8 dual stack", &nodes));
    nodes.push(of(9, "10.244.9.0/24"));
    for (title, list) in [
        (
            "node9 annotation ako.vmware.com/pod-cidrs",
            "10.245.0.0/25,10.245.0.128/25",
        ),
        ("node9 annotation changed to 10.245.0.0/24", "10.245.0.0/24"),
    ] {
        nodes[6] = annotated(of(9, "10.244.9.0/24"), POD_CIDRS_ANNOTATION, list);
        steps.push(step(title, &nodes));
    }
    nodes[1].internal_ips = texts(&["10.0.4.88"]);
    nodes[6] = annotated(of(9, "10.244.9.0/24"), POD_CIDRS_ANNOTATION, "");
    steps.push(step("node9 annotation empty", &nodes));
    nodes[6] = of(9, "10.244.9.0/24");
    steps.push(step("node9 annotation removed", &nodes));
    steps
}

/// Two blocks for each node, one of them pending (-p) or deleted (-d); node1 has an address of Calico's own.
fn calico() -> Vec<Step> {
    let first = |address: &str| annotated(node(1), "projectcalico.org/IPv4Address", address);
    let at_boot: &[(&str, &str, &[&str])] = &[
        ("node1-b", "node1", &["10.133.0.64/26"]),
        ("node2-a", "node2", &["10.133.1.0/26"]),
        ("node2-p", "node2", &["10.133.9.0/26"]),
        ("node3-a", "node3", &["10.133.2.0/26"]),
        ("node3-d", "node3", &["10.133.8.0/26"]),
    ];
    let with = |more: &[(&'static str, &'static str, &'static [&'static str])]| {
        objects(&[at_boot, more].concat())
    };
    let node1_a: (&str, &str, &[&str]) = ("node1-a", "node1", &["10.133.0.0/26"]);
    let added: (&str, &str, &[&str]) = ("node2-b", "node2", &["10.133.1.64/26"]);
    let for_node4: (&str, &str, &[&str]) = ("node4-a", "node4", &["10.133.3.0/26"]);
    let old = "10.0.5.5/24";
    let mut third = node(3);
    third.pod_cidrs = texts(&["10.244.3.0/24"]);
    let step = |title, nodes: Vec<NodeFacts>, objects| Step {
        file: "17_calico.json",
        title,
        cni: CniPlugin::Calico,
        cluster: ClusterFacts { nodes, objects },
    };
    vec![
        step("boot", vec![first(old), node(2), node(3)], with(&[node1_a])),
        step(
            "block 10.133.1.64/26 added",
            vec![first(old), node(2), node(3)],
            with(&[node1_a, added]),
        ),
        step(
            "block node1-a deleted",
            vec![first(old), node(2), node(3)],
            with(&[added]),
        ),
        step(
            "node4 without any block",
            vec![first(old), node(2), node(3), node(4)],
            with(&[added]),
        ),
        step(
            "block for node4",
            vec![first(old), node(2), node(3), node(4)],
            with(&[added, for_node4]),
        ),
        step(
            "node1 annotation",
            vec![first("10.0.5.99/24"), node(2), node(3), node(4)],
            with(&[added, for_node4]),
        ),
        step(
            "node3 has podCIDR too",
            vec![first("10.0.5.99/24"), node(2), third, node(4)],
            with(&[added, for_node4]),
        ),
    ]
}

fn cilium() -> Vec<Step> {
    let (one, two): (&[&str], &[&str]) = (&["10.128.0.0/24"], &["10.128.1.0/24"]);
    let (three, both): (&[&str], &[&str]) =
        (&["10.128.2.0/24"], &["10.128.1.0/24", "10.128.9.0/24"]);
    let mut at_boot = objects(&[
        ("node1", "node1", one),
        ("node2", "node2", two),
        ("node3", "node3", &[]),
    ]);
    at_boot.iter_mut().flatten().last().unwrap().pod_cidrs = None;
    let step = |title, objects| Step {
        file: "18_cilium.json",
        title,
        cni: CniPlugin::Cilium,
        cluster: ClusterFacts {
            nodes: vec![node(1), node(2), node(3)],
            objects,
        },
    };
    let third = ("node3", "node3", three);
    vec![
        step("boot", at_boot),
        step(
            "CiliumNode node3",
            objects(&[("node1", "node1", one), ("node2", "node2", two), third]),
        ),
        step(
            "CiliumNode node2",
            objects(&[("node1", "node1", one), ("node2", "node2", both), third]),
        ),
        step(
            "CiliumNode node1 deleted",
            objects(&[("node2", "node2", both), third]),
        ),
    ]
}

/// At the other steps AKO has not seen a changed annotation yet.
fn ovn_kubernetes() -> Vec<Step> {
    let with = |number, subnet: &str| NodeFacts {
        node_subnets: NodeSubnets::Default(texts(&[subnet])),
        ..node(number)
    };
    let others = || {
        vec![
            with(1, "10.128.0.0/23"),
            with(2, "10.128.2.0/23"),
            with(4, "10.128.6.0/23"),
        ]
    };
    let step = |title, third| Step {
        file: "19_ovn_kubernetes.json",
        title,
        cni: CniPlugin::OvnKubernetes,
        cluster: ClusterFacts {
            nodes: [others(), vec![third]].concat(),
            objects: None,
        },
    };
    vec![
        step("boot", node(3)),
        step("label change on node3", with(3, "10.128.4.0/23")),
    ]
}

fn openshift() -> Vec<Step> {
    let subnets = objects(&[
        ("node1", "node1", &["10.130.0.0/23"]),
        ("node2", "node2", &["10.130.2.0/23"]),
    ]);
    vec![Step {
        file: "19b_openshift.json",
        title: "",
        cni: CniPlugin::OpenShift,
        cluster: ClusterFacts {
            nodes: vec![node(1), node(2)],
            objects: subnets,
        },
    }]
}

/// Dual stack, IPv6 alone, and IPv6 first.
fn families() -> Vec<Step> {
    let of = |number, ips: &[&str], cidrs: &[&str]| NodeFacts {
        internal_ips: texts(ips),
        pod_cidrs: texts(cidrs),
        ..node(number)
    };
    let nodes = vec![
        of(
            1,
            &["10.0.4.5", "fd00::5"],
            &["10.244.1.0/24", "fd00:1::/64"],
        ),
        of(2, &["fd00::6"], &["fd00:2::/64"]),
        of(
            3,
            &["fd00::7", "10.0.4.7"],
            &["fd00:3::/64", "10.244.3.0/24"],
        ),
    ];
    vec![Step {
        file: "20_ip_family.json",
        title: "",
        cni: CniPlugin::Default,
        cluster: ClusterFacts {
            nodes,
            objects: None,
        },
    }]
}

/// A node that goes leaves its network to the second one at AKO's next start only.
fn duplicates() -> Vec<Step> {
    let all = [
        facts("nodea", "10.0.4.5", &["10.244.1.0/24"]),
        facts("nodeb", "10.0.4.6", &["10.244.1.0/24"]),
        facts("nodec", "10.0.4.7", &["10.244.0.0/16"]),
        facts("noded", "10.0.4.8", &["10.244.0.0/24"]),
    ];
    let step = |title, nodes: &[NodeFacts]| Step {
        file: "21_duplicate_cidr_at_boot.json",
        title,
        cni: CniPlugin::Default,
        cluster: ClusterFacts {
            nodes: nodes.to_vec(),
            objects: None,
        },
    };
    vec![step("boot", &all), step("AKO restarted", &all[1..])]
}
