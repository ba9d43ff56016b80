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

    /// The merge itself, unless it touches a route that `is_claimed` and that its state does not record: the owner of
    /// that is another resource of the same run, and each would undo what the other has written.
    pub fn refuse_claimed(
        self,
        ownership: &Ownership<'_>,
        table: &[TableRoute],
        is_claimed: impl Fn(&str) -> bool,
    ) -> Result<Merge, Vec<Obstacle>> {
        let taken: BTreeSet<&str> = self.changes.iter().filter_map(Change::taken).collect();
        let names = table.iter().map(|route| &route.name);
        let claimed: Vec<Obstacle> = names
            .filter(|name| ownership.owns(name) || taken.contains(name.as_str()))
            .filter(|name| !ownership.records(name) && is_claimed(name))
            .map(|found| Obstacle::Claimed {
                found: found.clone(),
            })
            .collect();
        match claimed.is_empty() {
            true => Ok(self),
            false => Err(claimed),
        }
    }
}

impl Change {
    /// The name of the route that becomes one of ours.
    fn taken(&self) -> Option<&str> {
        match self {
            Change::Adopt { name: found }
            | Change::Rename { from: found, .. }
            | Change::Redirect { from: found, .. } => Some(found),
            Change::Add { .. } | Change::Remove { .. } => None,
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
mod tests;
