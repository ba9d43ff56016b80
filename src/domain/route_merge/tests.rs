//! What a merge makes of a table, case by case and for tables at random.

use super::*;
use crate::domain::pod_routes::plan_routes;
use crate::domain::route_names::ClusterName;
use proptest::prelude::*;

const CREATE: Occasion = Occasion::Create { adopt: true };

fn cluster() -> ClusterName {
    "prod".parse().unwrap()
}

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn cidr(third: u8) -> Cidr {
    Cidr::new(Ipv4Addr::new(10, 244, third, 0), 24).unwrap()
}

/// Routes to nodes `n<third>` with one CIDR each.
fn desired(nodes: &[(u8, u8)]) -> PodRoutes {
    let nodes = nodes
        .iter()
        .map(|&(third, last)| (format!("n{third}"), ip(last), vec![cidr(third)]));
    plan_routes(&cluster(), nodes).unwrap()
}

fn route(name: &str, prefix: &str, last: u8) -> TableRoute {
    TableRoute {
        name: name.into(),
        prefix: Prefix::read(prefix),
        next_hop: NextHop::Appliance(ip(last)),
    }
}

fn merge(
    occasion: Occasion,
    on_conflict: OnConflict,
    desired: &PodRoutes,
    table: &[TableRoute],
) -> Result<Merge, Vec<Obstacle>> {
    let cluster = cluster();
    let ownership = Ownership::new(&cluster, ["prod.n1_10.244.1.0_24"]);
    merge_routes(&ownership, occasion, on_conflict, desired, table)
}

/// The table after the merge was written.
fn written(merge: &Merge, table: &[TableRoute]) -> Vec<TableRoute> {
    let write = |slot: &Slot| match slot {
        Slot::Keep(position) => table[*position].clone(),
        Slot::Write(cidr, route) => TableRoute {
            name: route.name.clone(),
            prefix: Prefix::Cidr(*cidr),
            next_hop: NextHop::Appliance(route.next_hop),
        },
    };
    merge.routes.iter().map(write).collect()
}

const N1: &str = "prod.n1_10.244.1.0_24";

#[test]
fn what_is_as_planned_is_not_written() {
    let table = [
        route("corp", "172.16.0.0/12", 9),
        route(N1, "10.244.1.0/24", 4),
    ];
    let merge = merge(
        Occasion::Update,
        OnConflict::Error,
        &desired(&[(1, 4)]),
        &table,
    )
    .unwrap();
    assert!(!merge.writes());
    assert_eq!(merge.changes, []);
}

#[test]
fn marked_routes_that_are_as_planned_are_adopted_without_a_write() {
    let table = [route(N1, "10.244.1.0/24", 4)];
    let merge = merge(CREATE, OnConflict::Error, &desired(&[(1, 4)]), &table).unwrap();
    assert!(!merge.writes());
    assert_eq!(merge.changes, [Change::Adopt { name: N1.into() }]);
}

#[test]
fn marked_routes_are_left_alone_where_remnants_may_not_be_adopted() {
    let table = [route(N1, "10.244.1.0/24", 4)];
    let wanted = desired(&[(1, 4)]);
    for on_conflict in [OnConflict::Error, OnConflict::Replace] {
        let create = Occasion::Create { adopt: false };
        let obstacles = merge(create, on_conflict, &wanted, &table).unwrap_err();
        assert!(matches!(obstacles[..], [Obstacle::Remnant { .. }]));
    }
    assert!(merge(Occasion::Update, OnConflict::Error, &wanted, &table).is_ok());
}

#[test]
fn what_is_claimed_is_neither_taken_over_nor_removed_unless_the_state_records_it() {
    let table = [
        route(N1, "10.244.1.0/24", 4),
        route("avi-2", "10.244.2.0/24", 5),
        route("avi-3", "10.244.3.0/24", 9),
        route("next.n9_10.244.9.0_24", "10.244.9.0/24", 9),
        route("prod.n8_10.244.8.0_24", "10.244.8.0/24", 9),
    ];
    let wanted = desired(&[(1, 4), (2, 5), (3, 6), (4, 7)]);
    let cluster = cluster();
    for (occasion, table, recorded, claimed) in [
        (CREATE, &table[..4], "", &[N1, "avi-2", "avi-3"][..]),
        (
            Occasion::Update,
            &table,
            N1,
            &["avi-2", "avi-3", "prod.n8_10.244.8.0_24"],
        ),
    ] {
        let ownership = Ownership::new(&cluster, [recorded]);
        let merged = merge(occasion, OnConflict::Replace, &wanted, table).unwrap();
        let free = merged.clone().refuse_claimed(&ownership, table, |_| false);
        assert_eq!(free, Ok(merged.clone()));
        let refused = merged.refuse_claimed(&ownership, table, |_| true);
        let claimed = claimed
            .iter()
            .map(|&name| Obstacle::Claimed { found: name.into() });
        assert_eq!(refused, Err(claimed.collect()));
    }
}

#[test]
fn new_routes_follow_those_that_are_there() {
    let table = [route("corp", "172.16.0.0/12", 9)];
    let merge = merge(
        CREATE,
        OnConflict::Error,
        &desired(&[(2, 5), (1, 4)]),
        &table,
    )
    .unwrap();
    assert!(merge.writes());
    let names: Vec<_> = written(&merge, &table)
        .into_iter()
        .map(|r| r.name)
        .collect();
    assert_eq!(names, ["corp", N1, "prod.n2_10.244.2.0_24"]);
}

#[test]
fn a_changed_next_hop_is_put_right_in_place() {
    let table = [
        route(N1, "10.244.1.0/24", 99),
        route("corp", "172.16.0.0/12", 9),
    ];
    let merge = merge(
        Occasion::Update,
        OnConflict::Error,
        &desired(&[(1, 4)]),
        &table,
    )
    .unwrap();
    assert_eq!(
        written(&merge, &table),
        [route(N1, "10.244.1.0/24", 4), table[1].clone()]
    );
}

#[test]
fn a_prefix_that_moves_to_another_node_moves_in_one_write() {
    let table = [route("prod.n7_10.244.1.0_24", "10.244.1.0/24", 7)];
    let merge = merge(
        Occasion::Update,
        OnConflict::Error,
        &desired(&[(1, 4)]),
        &table,
    )
    .unwrap();
    assert_eq!(written(&merge, &table), [route(N1, "10.244.1.0/24", 4)]);
    assert_eq!(merge.changes.len(), 1);
}

#[test]
fn routes_not_wanted_any_more_go_and_foreign_ones_stay() {
    let table = [
        route("prod.n9_10.244.9.0_24", "10.244.9.0/24", 9),
        route("prod.made-by-hand", "10.99.0.0/24", 9),
        route("prod-eu.n1_10.245.1.0_24", "10.245.1.0/24", 9),
        route(N1, "10.244.1.0/24", 4),
    ];
    let merge = merge(
        Occasion::Update,
        OnConflict::Error,
        &desired(&[(1, 4)]),
        &table,
    )
    .unwrap();
    assert_eq!(written(&merge, &table), table[2..]);
}

#[test]
fn a_foreign_route_with_the_same_next_hop_gets_our_name() {
    let table = [route("avi-0", "10.244.1.0/24", 4)];
    for occasion in [CREATE, Occasion::Update] {
        let merge = merge(occasion, OnConflict::Error, &desired(&[(1, 4)]), &table).unwrap();
        assert_eq!(written(&merge, &table), [route(N1, "10.244.1.0/24", 4)]);
        let rename = Change::Rename {
            from: "avi-0".into(),
            to: N1.into(),
            foreign: true,
        };
        assert_eq!(merge.changes, [rename]);
    }
}

#[test]
fn a_foreign_route_with_another_next_hop_is_an_obstacle_unless_it_may_be_replaced() {
    let table = [route("avi-0", "10.244.1.0/24", 8)];
    let wanted = desired(&[(1, 4)]);
    for occasion in [CREATE, Occasion::Update] {
        let obstacles = merge(occasion, OnConflict::Error, &wanted, &table).unwrap_err();
        let Obstacle::Occupied {
            found,
            wanted,
            marked,
            ..
        } = &obstacles[0]
        else {
            panic!("{obstacles:?}")
        };
        assert_eq!((&**found, &*wanted.name, *marked), ("avi-0", N1, false));
    }
    let replaced = merge(CREATE, OnConflict::Replace, &wanted, &table).unwrap();
    assert_eq!(written(&replaced, &table), [route(N1, "10.244.1.0/24", 4)]);
}

#[test]
fn a_route_that_leads_to_no_appliance_is_never_taken_for_ours_in_disguise() {
    let mut table = [route("blackhole", "10.244.1.0/24", 4)];
    table[0].next_hop = NextHop::Other("None".into());
    assert!(
        merge(
            Occasion::Update,
            OnConflict::Error,
            &desired(&[(1, 4)]),
            &table
        )
        .is_err()
    );
}

#[test]
fn a_create_does_not_touch_marked_routes_that_differ_from_the_plan() {
    let unplanned = [route("prod.n9_10.244.9.0_24", "10.244.9.0/24", 9)];
    let obstacles = merge(CREATE, OnConflict::Replace, &desired(&[(1, 4)]), &unplanned);
    assert!(matches!(
        obstacles.unwrap_err()[..],
        [Obstacle::Unplanned { .. }]
    ));
    let elsewhere = [route(N1, "10.244.1.0/24", 99)];
    let obstacles = merge(CREATE, OnConflict::Error, &desired(&[(1, 4)]), &elsewhere);
    assert!(matches!(
        obstacles.unwrap_err()[..],
        [Obstacle::Occupied { marked: true, .. }]
    ));
}

#[test]
fn a_foreign_name_that_differs_in_case_only_is_an_obstacle() {
    let table = [route("PROD.n2_10.244.2.0_24", "10.99.0.0/24", 4)];
    let obstacles = merge(
        Occasion::Update,
        OnConflict::Replace,
        &desired(&[(2, 5)]),
        &table,
    );
    assert!(matches!(
        obstacles.unwrap_err()[..],
        [Obstacle::NameTaken { .. }]
    ));
}

#[test]
fn a_route_that_has_our_name_in_another_case_is_adopted_as_it_is() {
    let table = [route("PROD.n2_10.244.2.0_24", "10.244.2.0/24", 5)];
    let wanted = desired(&[(2, 5)]);
    for occasion in [CREATE, Occasion::Update] {
        let merge = merge(occasion, OnConflict::Error, &wanted, &table).unwrap();
        assert!(!merge.writes());
        let name = table[0].name.clone();
        assert_eq!(merge.changes, [Change::Adopt { name }]);
    }
    let create = Occasion::Create { adopt: false };
    let obstacles = merge(create, OnConflict::Replace, &wanted, &table).unwrap_err();
    assert!(matches!(obstacles[..], [Obstacle::Remnant { .. }]));
}

#[test]
fn a_recorded_route_in_another_case_is_ours_as_it_is() {
    let table = [route("PROD.N1_10.244.1.0_24", "10.244.1.0/24", 4)];
    let merge = merge(
        Occasion::Update,
        OnConflict::Error,
        &desired(&[(1, 4)]),
        &table,
    )
    .unwrap();
    assert!(!merge.writes());
}

#[test]
fn a_removal_takes_recorded_names_only() {
    let cluster = cluster();
    let ownership = Ownership::new(&cluster, [N1]);
    let table = [
        route("PROD.N1_10.244.1.0_24", "10.244.1.0/24", 4),
        route("prod.n2_10.244.2.0_24", "10.244.2.0/24", 5),
        route("next.n3_10.244.3.0_24", "10.244.3.0/24", 6),
    ];
    assert_eq!(
        routes_without_recorded(&ownership, &table),
        Some(vec![1, 2])
    );
    assert_eq!(routes_without_recorded(&ownership, &table[1..]), None);
}

/// Tables as Azure allows them: each prefix and each name once. The number says whose the route is.
fn tables() -> impl Strategy<Value = Vec<TableRoute>> {
    proptest::collection::btree_map(0u8..12, (0u8..4, 1u8..5), 0..10).prop_map(|routes| {
        let one = |(third, (kind, last)): (u8, (u8, u8))| {
            let name = match kind {
                0 => format!("prod.n{third}_10.244.{third}.0_24"),
                1 => format!("prod.other_10.244.{third}.0_24"),
                2 => format!("prod-eu.n{third}_10.244.{third}.0_24"),
                _ => format!("corp-{third}"),
            };
            route(&name, &cidr(third).to_string(), last)
        };
        routes.into_iter().map(one).collect()
    })
}

fn wishes() -> impl Strategy<Value = PodRoutes> {
    proptest::collection::btree_map(0u8..12, 1u8..5, 0..10)
        .prop_map(|nodes| desired(&nodes.into_iter().collect::<Vec<_>>()))
}

proptest! {
    #[test]
    fn a_merge_gives_every_wish_once_and_leaves_the_rest(table in tables(), wanted in wishes()) {
        let merged = merge(Occasion::Update, OnConflict::Replace, &wanted, &table).unwrap();
        let after = written(&merged, &table);
        for (cidr, wish) in &wanted {
            let there: Vec<_> = after.iter().filter(|r| r.prefix == Prefix::Cidr(*cidr)).collect();
            prop_assert_eq!(there.len(), 1);
            prop_assert_eq!(&there[0].name, &wish.name);
            prop_assert_eq!(there[0].next_hop.appliance(), Some(wish.next_hop));
        }
        let unwanted = |r: &&TableRoute| !wanted.contains_key(&match r.prefix { Prefix::Cidr(c) => c, _ => unreachable!() });
        let foreign = |r: &&TableRoute| !cluster().marks(&r.name);
        let before: Vec<_> = table.iter().filter(unwanted).filter(foreign).collect();
        prop_assert_eq!(before, after.iter().filter(unwanted).collect::<Vec<_>>());
    }

    #[test]
    fn a_second_merge_writes_nothing(table in tables(), wanted in wishes()) {
        let first = merge(Occasion::Update, OnConflict::Replace, &wanted, &table).unwrap();
        let after = written(&first, &table);
        for on_conflict in [OnConflict::Error, OnConflict::Replace] {
            let second = merge(Occasion::Update, on_conflict, &wanted, &after).unwrap();
            prop_assert!(!second.writes(), "{:?}", second.changes);
        }
        let again = merge(CREATE, OnConflict::Error, &wanted, &after).unwrap();
        prop_assert!(!again.writes());
    }

    #[test]
    fn a_foreign_route_with_another_next_hop_always_stops_the_write(table in tables(), wanted in wishes()) {
        let collides = table.iter().any(|r| {
            let Prefix::Cidr(cidr) = r.prefix else { return false };
            let elsewhere = |wish: &PodRoute| r.next_hop.appliance() != Some(wish.next_hop);
            !cluster().marks(&r.name) && wanted.get(&cidr).is_some_and(elsewhere)
        });
        let merged = merge(Occasion::Update, OnConflict::Error, &wanted, &table);
        prop_assert_eq!(merged.is_err(), collides);
    }
}
