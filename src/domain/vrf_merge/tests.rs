//! What a merge makes of a VRF's routes, case by case and for lists at random.

use super::*;
use crate::domain::node_routes::route_nodes;
use crate::domain::vrf_routes::{ClusterLabel, find_own_vrf_routes, nodes_of_vrf_routes};
use proptest::prelude::*;

const CREATE: Occasion = Occasion::Create { adopt: true };

fn cluster() -> ClusterLabel {
    "prod".parse().unwrap()
}

fn hop(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn route(label: &str, prefix: &str, last: u8) -> VrfRoute {
    let labels = match label.split_once('=') {
        Some((key, value)) => vec![(key.to_owned(), Some(value.to_owned()))],
        None if label.is_empty() => Vec::new(),
        None => vec![("clustername".to_owned(), Some(label.to_owned()))],
    };
    VrfRoute {
        labels,
        prefix: Prefix::read(prefix),
        next_hop: Some(hop(last)),
    }
}

/// Nodes n1, n2, … at 10.0.0.4, 10.0.0.5, …, each with one CIDR.
fn desired(cidrs: &[&str]) -> NodeRoutes {
    let nodes = cidrs.iter().zip(4u8..).map(|(cidr, last)| {
        let cidrs = vec![cidr.parse().unwrap()];
        (format!("n{}", last - 3), hop(last), cidrs)
    });
    route_nodes(nodes).unwrap()
}

fn merge(
    occasion: Occasion,
    wanted: &[&str],
    routes: &[VrfRoute],
) -> Result<VrfMerge, Vec<VrfObstacle>> {
    let cluster = cluster();
    let recorded = match occasion {
        Occasion::Update => routes
            .iter()
            .map(|route| (route.prefix.to_string(), route.next_hop))
            .collect(),
        Occasion::Create { .. } => Vec::new(),
    };
    let ownership = VrfOwnership::new(&cluster, recorded);
    merge_vrf_routes(&ownership, occasion, &desired(wanted), routes, |_| false)
}

const A: &str = "10.244.1.0/24";
const B: &str = "10.244.2.0/24";

#[test]
fn routes_of_all_others_stay_in_place_and_ours_come_after_them() {
    let mut without_value = route("prod", A, 4);
    without_value.labels[0].1 = None;
    let mut two_labels = route("prod", A, 4);
    two_labels.labels.push(("team".into(), Some("net".into())));
    let others = [
        route("", A, 4),
        route("prod-eu", A, 4),
        route("Prod", A, 4),
        route("managed-by=prod", A, 4),
        without_value,
        two_labels,
        route("pro", "0.0.0.0/0", 9),
    ];
    let merged = merge(CREATE, &[A], &others).unwrap();
    let mut wanted: Vec<_> = (0..others.len()).map(VrfSlot::Keep).collect();
    wanted.push(VrfSlot::Add(A.parse().unwrap(), hop(4)));
    assert_eq!(merged.routes, wanted);
}

#[test]
fn a_route_of_ours_that_leads_right_is_kept_whole_and_makes_no_write() {
    let held = [route("prod", "10.244.1.7/24", 4), route("", B, 9)];
    for occasion in [CREATE, Occasion::Update] {
        let merged = merge(occasion, &[A], &held).unwrap();
        assert!(!merged.writes());
        assert_eq!(merged.routes, [VrfSlot::Keep(0), VrfSlot::Keep(1)]);
        let adopts = merged.changes.len();
        assert_eq!(adopts, usize::from(occasion == CREATE));
    }
}

#[test]
fn an_update_redirects_in_place_removes_what_is_not_wanted_and_appends_what_is_new() {
    let held = [
        route("prod", "10.244.9.0/24", 4),
        route("prod", A, 9),
        route("east", A, 9),
    ];
    let merged = merge(Occasion::Update, &[A, B], &held).unwrap();
    assert_eq!(
        merged.routes,
        [
            VrfSlot::Redirect(1, hop(4)),
            VrfSlot::Keep(2),
            VrfSlot::Add(B.parse().unwrap(), hop(5)),
        ]
    );
    assert!(merged.writes());
}

#[test]
fn duplicates_of_ours_become_one_and_the_right_one_stays() {
    let held = [
        route("prod", A, 9),
        route("prod", A, 4),
        route("prod", A, 4),
    ];
    let merged = merge(Occasion::Update, &[A], &held).unwrap();
    assert_eq!(merged.routes, [VrfSlot::Keep(1)]);
    let held = [route("prod", A, 9), route("prod", A, 8)];
    let merged = merge(Occasion::Update, &[A], &held).unwrap();
    assert_eq!(merged.routes, [VrfSlot::Redirect(0, hop(4))]);
    let held = [route("prod", A, 4), route("prod", A, 4)];
    let merged = merge(CREATE, &[A], &held).unwrap();
    assert_eq!(merged.routes, [VrfSlot::Keep(0)]);
    assert!(merged.writes());
}

#[test]
fn a_create_refuses_routes_of_the_cluster_that_are_not_as_planned() {
    let mut wide = route("prod", "fd00::/64", 4);
    wide.next_hop = None;
    let held = [route("prod", A, 9), route("prod", "10.9.0.0/24", 4), wide];
    let obstacles = merge(CREATE, &[A], &held).unwrap_err();
    assert!(matches!(
        &obstacles[..],
        [
            VrfObstacle::Elsewhere { .. },
            VrfObstacle::Unplanned { .. },
            VrfObstacle::Unplanned { next_hop: None, .. },
        ]
    ));
    let right = [route("prod", A, 4)];
    let obstacles = merge(Occasion::Create { adopt: false }, &[A], &right).unwrap_err();
    assert!(matches!(&obstacles[..], [VrfObstacle::Remnant { .. }]));
}

#[test]
fn what_another_resource_of_the_run_has_written_is_refused_unless_the_state_records_it() {
    let cluster = cluster();
    let held = [route("prod", A, 4)];
    let recorded = |last| vec![(A.to_owned(), Some(hop(last)))];
    for (recorded, refused) in [(vec![], true), (recorded(9), true), (recorded(4), false)] {
        let ownership = VrfOwnership::new(&cluster, recorded);
        let merged = merge_vrf_routes(&ownership, Occasion::Update, &desired(&[A]), &held, |_| {
            true
        });
        assert_eq!(merged.is_err(), refused);
    }
}

#[test]
fn a_removal_takes_the_recorded_routes_of_the_cluster_alone() {
    let cluster = cluster();
    let held = [
        route("prod", A, 9),
        route("prod", B, 5),
        route("east", A, 9),
        route("", A, 9),
        route("prod", A, 4),
    ];
    let ownership = VrfOwnership::new(&cluster, [(A.to_owned(), Some(hop(4)))]);
    let remaining = vrf_routes_without_recorded(&ownership, &held);
    assert_eq!(remaining, Some(vec![0, 1, 2, 3]));
    assert_eq!(ownership.led_elsewhere(&held), [A]);
    let both = [4, 9].map(|last| (A.to_owned(), Some(hop(last))));
    let ownership = VrfOwnership::new(&cluster, both);
    let remaining = vrf_routes_without_recorded(&ownership, &held);
    assert_eq!(remaining, Some(vec![1, 2, 3]));
    assert_eq!(ownership.led_elsewhere(&held), [""; 0]);
    assert_eq!(vrf_routes_without_recorded(&ownership, &held[1..4]), None);
}

#[test]
fn what_is_found_has_the_node_of_its_next_hop_and_shows_the_wrong_one_of_two() {
    let known = [
        (A.to_owned(), hop(4), "n1".to_owned()),
        (B.to_owned(), hop(5), "n2".to_owned()),
    ];
    let held = [
        route("prod", A, 9),
        route("prod", A, 4),
        route("prod", B, 5),
        route("prod", "10.244.3.0/24", 5),
        route("east", "10.244.4.0/24", 5),
    ];
    let found = find_own_vrf_routes(&cluster(), &known, &held);
    let told: Vec<_> = found
        .iter()
        .map(|(prefix, route)| (prefix.as_str(), route.next_hop, route.node.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (A, Some(hop(9)), None),
            (B, Some(hop(5)), Some("n2")),
            ("10.244.3.0/24", Some(hop(5)), Some("n2")),
        ]
    );
    let nodes = nodes_of_vrf_routes(&cluster(), &held);
    assert_eq!(nodes.keys().copied().collect::<Vec<_>>(), [hop(5), hop(9)]);
}

#[test]
fn names_that_begin_with_one_another_are_alike_in_both_directions() {
    let held = [
        route("prod-eu", A, 4),
        route("pro", A, 4),
        route("prod", A, 4),
        route("east", A, 4),
        route("team=production", A, 4),
    ];
    let alike = cluster().names_alike(&held);
    assert_eq!(alike.into_iter().collect::<Vec<_>>(), ["pro", "prod-eu"]);
}

#[test]
fn new_ids_look_like_those_of_ako_and_are_never_given_twice() {
    let taken = ["prod-u-0".to_owned(), "prod-u-2".to_owned()].into();
    let cluster = cluster();
    let ids: Vec<_> = cluster.route_ids("u", &taken).take(2).collect();
    assert_eq!(ids, ["prod-u-1", "prod-u-3"]);
}

#[test]
fn a_label_is_what_ako_takes_as_the_name_of_a_cluster() {
    for right in ["prod", "_prod", "-p", "Prod_eu-1"] {
        assert!(right.parse::<ClusterLabel>().is_ok(), "{right}");
    }
    for wrong in ["", "prod.eu", "prod eu", &"a".repeat(65)] {
        assert!(wrong.parse::<ClusterLabel>().is_err(), "{wrong}");
    }
}

/// The list that a merge describes.
fn written(merge: &VrfMerge, held: &[VrfRoute]) -> Vec<VrfRoute> {
    let slots = merge.routes.iter().map(|slot| match *slot {
        VrfSlot::Keep(position) => held[position].clone(),
        VrfSlot::Redirect(position, next_hop) => VrfRoute {
            next_hop: Some(next_hop),
            ..held[position].clone()
        },
        VrfSlot::Add(cidr, next_hop) => VrfRoute {
            labels: vec![("clustername".into(), Some("prod".into()))],
            prefix: Prefix::Cidr(cidr),
            next_hop: Some(next_hop),
        },
    });
    slots.collect()
}

proptest! {
    #[test]
    fn an_update_of_any_list_ends_with_what_is_desired_and_what_others_have(
        held in proptest::collection::vec((0usize..5, 0u8..4, 4u8..8), 0..12),
        wanted in proptest::collection::btree_set(0u8..4, 0..4),
    ) {
        let labels = ["prod", "", "prod-eu", "team=x", "prod"];
        let held: Vec<_> = held
            .into_iter()
            .map(|(label, net, last)| route(labels[label], &format!("10.244.{net}.0/24"), last))
            .collect();
        let texts: Vec<String> = wanted.iter().map(|net| format!("10.244.{net}.0/24")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let merged = merge(Occasion::Update, &texts, &held).unwrap();
        let after = written(&merged, &held);
        let is_ours = |route: &&VrfRoute| cluster().is_on(&route.labels);
        let others = |routes: &[VrfRoute]| -> Vec<VrfRoute> {
            routes.iter().filter(|route| !is_ours(route)).cloned().collect()
        };
        prop_assert_eq!(others(&after), others(&held));
        let ours = after.iter().filter(is_ours);
        let mut ours: Vec<_> = ours
            .map(|route| (route.prefix.to_string(), route.next_hop))
            .collect();
        ours.sort();
        let wanted = desired(&texts);
        let wanted = wanted.iter().map(|(cidr, to)| (cidr.to_string(), Some(to.next_hop)));
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort();
        prop_assert_eq!(ours, wanted);
        prop_assert!(!merge(Occasion::Update, &texts, &after).unwrap().writes());
        prop_assert_eq!(merged.writes(), after != held);
    }
}
