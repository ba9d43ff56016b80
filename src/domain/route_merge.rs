//! From the routes that a table has and those that there should be to the list to write.
//!
//! Foreign routes stay, in place and untouched. The result is one list, because a prefix that moves from one node to
//! another must do so in one write: two would leave a gap, or be refused for two routes with one prefix.

use super::cidr::Cidr;
use super::pod_routes::{NextHop, Ownership, PodRoute, PodRoutes, Prefix, TableRoute, fold};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// What to do with a wanted prefix that a route of someone else has, with another next hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Refuse.
    Error,
    /// Put ours in its place.
    Replace,
}

/// Whether the state knows of routes already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// There is no state: routes with the cluster's mark come from an interrupted run, or belong to another one.
    Create {
        /// Whether those that lead where they should are taken over.
        adopt: bool,
    },
    /// There is: every marked route is ours to change and to remove.
    Update,
}

/// The list of routes to write, and what changes by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// The whole new list.
    pub routes: Vec<Slot>,
    /// What it does, in the order of the list; removals where the removed route stood.
    pub changes: Vec<Change>,
}

/// One place of the new list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The route at that position of the table, as it is.
    Keep(usize),
    /// A route of ours.
    Write(Cidr, PodRoute),
}

/// One thing that a merge does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A route that no state records is as planned, the case of its name apart: taken over without a write.
    Adopt {
        /// Its name.
        name: String,
    },
    /// A route of someone else, or of ours under another name, leads where it should: it gets our name.
    Rename {
        /// The name it has.
        from: String,
        /// The name it gets.
        to: String,
        /// Whether it was someone else's.
        foreign: bool,
    },
    /// A route gets another next hop, and our name if it was someone else's.
    Redirect {
        /// The name it has.
        from: String,
        /// The next hop it has.
        old: NextHop,
        /// The name it gets.
        to: String,
        /// The next hop it gets.
        new: Ipv4Addr,
        /// Whether it was someone else's.
        foreign: bool,
    },
    /// A new route.
    Add {
        /// Its name.
        name: String,
    },
    /// A route of ours that is not wanted any more.
    Remove {
        /// Its name.
        name: String,
    },
}

/// Why the routes cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Another route has a wanted prefix and leads elsewhere.
    Occupied {
        /// The prefix.
        cidr: Cidr,
        /// The route that there should be.
        wanted: PodRoute,
        /// The name of the route that there is.
        found: String,
        /// Its next hop.
        next_hop: NextHop,
        /// Whether the cluster's mark is on it, so that another state may manage it.
        marked: bool,
    },
    /// A route with the cluster's mark, which nothing records, leads where it should but may not be taken over.
    Remnant {
        /// Its name.
        found: String,
    },
    /// A route with the cluster's mark, which nothing records, has a prefix that is not planned.
    Unplanned {
        /// Its name.
        found: String,
        /// Its prefix.
        prefix: Prefix,
    },
    /// A route was written by another resource of the same run.
    Claimed {
        /// Its name.
        found: String,
    },
    /// A route with another prefix has the name of one of ours in another case; Azure takes them for one name.
    NameTaken {
        /// The name of the route that there is.
        found: String,
        /// Its prefix.
        prefix: Prefix,
    },
}

impl Merge {
    /// Whether there is anything to write.
    pub fn writes(&self) -> bool {
        self.changes
            .iter()
            .any(|change| !matches!(change, Change::Adopt { .. }))
    }

    /// The merge itself, unless a create takes over a route that `is_claimed`: its owner is another resource of the
    /// same run, and no remnant.
    pub fn refuse_claimed(
        self,
        occasion: Occasion,
        is_claimed: impl Fn(&str) -> bool,
    ) -> Result<Merge, Vec<Obstacle>> {
        let taken = self.changes.iter().filter_map(|change| match change {
            Change::Adopt { name: found }
            | Change::Rename { from: found, .. }
            | Change::Redirect { from: found, .. } => Some(found),
            Change::Add { .. } | Change::Remove { .. } => None,
        });
        let claimed: Vec<Obstacle> = match occasion {
            Occasion::Create { .. } => taken
                .filter(|found| is_claimed(found))
                .map(|found| Obstacle::Claimed {
                    found: found.clone(),
                })
                .collect(),
            Occasion::Update => Vec::new(),
        };
        match claimed.is_empty() {
            true => Ok(self),
            false => Err(claimed),
        }
    }
}

/// The list to write so that the table holds what is desired, or everything that stands in the way.
pub fn merge_routes(
    ownership: &Ownership<'_>,
    occasion: Occasion,
    on_conflict: OnConflict,
    desired: &PodRoutes,
    table: &[TableRoute],
) -> Result<Merge, Vec<Obstacle>> {
    let mut merger = Merger {
        ownership,
        occasion,
        on_conflict,
        missing: desired.iter().collect(),
        names: desired.values().map(|route| fold(&route.name)).collect(),
        merge: Merge::default(),
        obstacles: Vec::new(),
    };
    for (position, route) in table.iter().enumerate() {
        let wanted = match route.prefix {
            Prefix::Cidr(cidr) => merger.missing.remove_entry(&cidr),
            Prefix::Other(_) => None,
        };
        match wanted {
            Some((cidr, wanted)) => merger.settle(position, route, *cidr, wanted),
            None => merger.leave_or_remove(position, route),
        }
    }
    merger.add_missing();
    match merger.obstacles.is_empty() {
        true => Ok(merger.merge),
        false => Err(merger.obstacles),
    }
}

/// The positions of the routes that remain when the recorded ones go; nothing if none of them is there.
///
/// By name alone: what took a prefix over in the meantime has a name of its own and stays.
pub fn routes_without_recorded(
    ownership: &Ownership<'_>,
    table: &[TableRoute],
) -> Option<Vec<usize>> {
    let remaining: Vec<usize> = (0..table.len())
        .filter(|&position| !ownership.records(&table[position].name))
        .collect();
    (remaining.len() < table.len()).then_some(remaining)
}

struct Merger<'a> {
    ownership: &'a Ownership<'a>,
    occasion: Occasion,
    on_conflict: OnConflict,
    missing: BTreeMap<&'a Cidr, &'a PodRoute>,
    names: BTreeSet<String>,
    merge: Merge,
    obstacles: Vec<Obstacle>,
}

impl Merger<'_> {
    /// A route with a wanted prefix.
    fn settle(&mut self, position: usize, route: &TableRoute, cidr: Cidr, wanted: &PodRoute) {
        let owned = self.ownership.owns(&route.name);
        let recorded = owned && self.occasion == Occasion::Update;
        let same_hop = route.next_hop.appliance() == Some(wanted.next_hop);
        // Case does not count, whoever the route belongs to: Azure may hand back the case that was written first, and
        // a rename that does not show would be written again and again.
        let same_name = fold(&route.name) == fold(&wanted.name);
        let (from, to) = (route.name.clone(), wanted.name.clone());
        let foreign = !owned;
        let may_adopt = self.occasion != (Occasion::Create { adopt: false });
        if same_hop && (owned || same_name) && !may_adopt {
            self.obstacles.push(Obstacle::Remnant { found: from });
            return;
        }
        let change = match (same_hop, same_name) {
            (true, true) => {
                self.merge.routes.push(Slot::Keep(position));
                if !recorded {
                    self.merge.changes.push(Change::Adopt { name: from });
                }
                return;
            }
            (true, false) => Change::Rename { from, to, foreign },
            (false, _) if !recorded && self.on_conflict == OnConflict::Error => {
                self.obstacles.push(Obstacle::Occupied {
                    cidr,
                    wanted: wanted.clone(),
                    found: from,
                    next_hop: route.next_hop.clone(),
                    marked: owned,
                });
                return;
            }
            (false, _) => Change::Redirect {
                from,
                old: route.next_hop.clone(),
                to,
                new: wanted.next_hop,
                foreign,
            },
        };
        self.merge.changes.push(change);
        self.merge.routes.push(Slot::Write(cidr, wanted.clone()));
    }

    /// A route whose prefix is not wanted.
    fn leave_or_remove(&mut self, position: usize, route: &TableRoute) {
        let (found, prefix) = (route.name.clone(), route.prefix.clone());
        match (self.ownership.owns(&route.name), self.occasion) {
            (true, Occasion::Update) => self.merge.changes.push(Change::Remove { name: found }),
            (true, Occasion::Create { .. }) => {
                self.obstacles.push(Obstacle::Unplanned { found, prefix });
            }
            (false, _) if self.names.contains(&fold(&route.name)) => {
                self.obstacles.push(Obstacle::NameTaken { found, prefix });
            }
            (false, _) => self.merge.routes.push(Slot::Keep(position)),
        }
    }

    fn add_missing(&mut self) {
        for (cidr, wanted) in std::mem::take(&mut self.missing) {
            let name = wanted.name.clone();
            self.merge.changes.push(Change::Add { name });
            self.merge.routes.push(Slot::Write(*cidr, wanted.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
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
}
