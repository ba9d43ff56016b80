//! From the static routes that a VRF has and those that a cluster should have there to the list to write.
//!
//! Only routes labelled exactly with the cluster's name are touched. Every other one stays whole and in its place: other
//! clusters', those without a label, and those with another key, which AKO's own merge drops. A route of ours that
//! leads where it should stays whole too: its id and what else is in it are nobody's business.

use super::cidr::Cidr;
use super::node_routes::NodeRoutes;
use super::pod_routes::Prefix;
use super::route_merge::Occasion;
use super::vrf_routes::{VrfOwnership, VrfRoute};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The list of routes to write, and what changes by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VrfMerge {
    /// The whole new list.
    pub routes: Vec<VrfSlot>,
    /// What it does, in the order of the list; removals where the removed route stood.
    pub changes: Vec<VrfChange>,
}

/// One place of the new list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VrfSlot {
    /// The route at that position, as it is.
    Keep(usize),
    /// The route at that position with another next hop. It keeps its id: so do AKO's when a node's address changes.
    Redirect(usize, Ipv4Addr),
    /// A new route.
    Add(Cidr, Ipv4Addr),
}

/// One thing that a merge does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VrfChange {
    /// A route with the cluster's label that no state records is as planned: taken over without a write.
    Adopt {
        /// What it applies to.
        cidr: Cidr,
        /// Where it leads.
        next_hop: Ipv4Addr,
    },
    /// A route of ours gets another next hop.
    Redirect {
        /// What it applies to.
        cidr: Cidr,
    },
    /// A new route.
    Add {
        /// What it applies to.
        cidr: Cidr,
    },
    /// A route of ours goes: it is not wanted, or there is another one like it.
    Remove {
        /// What it applies to.
        prefix: Prefix,
    },
}

/// Why the routes cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VrfObstacle {
    /// A route with the cluster's label, which no state records, has a wanted prefix and leads elsewhere.
    Elsewhere {
        /// The prefix.
        cidr: Cidr,
        /// Where it leads.
        found: Option<Ipv4Addr>,
        /// Where it should lead.
        wanted: Ipv4Addr,
        /// The node with that address.
        node: String,
    },
    /// A route with the cluster's label, which no state records, has a prefix that is not planned.
    Unplanned {
        /// Its prefix.
        prefix: Prefix,
        /// Where it leads.
        next_hop: Option<Ipv4Addr>,
    },
    /// A route with the cluster's label leads where it should but may not be taken over.
    Remnant {
        /// Its prefix.
        cidr: Cidr,
        /// Where it leads.
        next_hop: Ipv4Addr,
    },
    /// A route was written by another resource of the same run.
    Claimed {
        /// Its prefix.
        prefix: Prefix,
    },
}

impl VrfMerge {
    /// Whether there is anything to write.
    pub fn writes(&self) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|change| !matches!(change, VrfChange::Adopt { .. }))
    }
}

/// The list to write so that the VRF holds what is desired of the cluster, or everything that stands in the way.
///
/// A route that `is_claimed` and that the state does not record belongs to another resource of the same run: each would
/// undo what the other has written.
pub fn merge_vrf_routes(
    ownership: &VrfOwnership<'_>,
    occasion: Occasion,
    desired: &NodeRoutes,
    routes: &[VrfRoute],
    is_claimed: impl Fn(&Prefix) -> bool,
) -> Result<VrfMerge, Vec<VrfObstacle>> {
    let own = || routes.iter().filter(|route| ownership.owns(route));
    let strangers = own().filter(|route| !ownership.records(route));
    let claimed = strangers.filter(|route| is_claimed(&route.prefix));
    let claimed: Vec<_> = claimed
        .map(|route| VrfObstacle::Claimed {
            prefix: route.prefix.clone(),
        })
        .collect();
    if !claimed.is_empty() {
        return Err(claimed);
    }
    let right = own().filter_map(|route| match route.prefix {
        Prefix::Cidr(cidr) if leads_right(desired, cidr, route) => Some(cidr),
        _ => None,
    });
    let mut merger = Merger {
        occasion,
        desired,
        right: right.collect(),
        settled: BTreeSet::new(),
        merge: VrfMerge::default(),
        obstacles: Vec::new(),
    };
    for (position, route) in routes.iter().enumerate() {
        match ownership.owns(route) {
            true => merger.settle(position, route),
            false => merger.merge.routes.push(VrfSlot::Keep(position)),
        }
    }
    merger.add_missing();
    match merger.obstacles.is_empty() {
        true => Ok(merger.merge),
        false => Err(merger.obstacles),
    }
}

/// The positions of the routes that remain when the recorded ones go; nothing if none of them is there.
pub fn vrf_routes_without_recorded(
    ownership: &VrfOwnership<'_>,
    routes: &[VrfRoute],
) -> Option<Vec<usize>> {
    let remaining: Vec<usize> = (0..routes.len())
        .filter(|&position| !ownership.records(&routes[position]))
        .collect();
    (remaining.len() < routes.len()).then_some(remaining)
}

struct Merger<'a> {
    occasion: Occasion,
    desired: &'a NodeRoutes,
    /// The prefixes that some route of ours leads right.
    right: BTreeSet<Cidr>,
    /// Those that are dealt with.
    settled: BTreeSet<Cidr>,
    merge: VrfMerge,
    obstacles: Vec<VrfObstacle>,
}

impl Merger<'_> {
    /// A route of ours.
    fn settle(&mut self, position: usize, route: &VrfRoute) {
        let cidr = match route.prefix {
            Prefix::Cidr(cidr) if self.desired.contains_key(&cidr) => cidr,
            _ => return self.remove_unplanned(route),
        };
        let right = leads_right(self.desired, cidr, route);
        match (right, self.settled.contains(&cidr)) {
            (true, true) => self.remove(route),
            (true, false) => self.keep(position, cidr),
            (false, _) => self.correct(position, cidr, route),
        }
    }

    fn keep(&mut self, position: usize, cidr: Cidr) {
        let next_hop = self.desired[&cidr].next_hop;
        self.settled.insert(cidr);
        self.merge.routes.push(VrfSlot::Keep(position));
        match self.occasion {
            Occasion::Update => {}
            Occasion::Create { adopt: true } => {
                self.merge.changes.push(VrfChange::Adopt { cidr, next_hop });
            }
            Occasion::Create { adopt: false } => {
                self.obstacles.push(VrfObstacle::Remnant { cidr, next_hop });
            }
        }
    }

    /// A route with a wanted prefix that leads elsewhere.
    fn correct(&mut self, position: usize, cidr: Cidr, route: &VrfRoute) {
        let wanted = &self.desired[&cidr];
        match self.occasion {
            Occasion::Create { .. } => self.obstacles.push(VrfObstacle::Elsewhere {
                cidr,
                found: route.next_hop,
                wanted: wanted.next_hop,
                node: wanted.node.clone(),
            }),
            // Another one leads right, or has been led right before this one came.
            Occasion::Update if self.right.contains(&cidr) || !self.settled.insert(cidr) => {
                self.remove(route);
            }
            Occasion::Update => {
                let slot = VrfSlot::Redirect(position, wanted.next_hop);
                self.merge.routes.push(slot);
                self.merge.changes.push(VrfChange::Redirect { cidr });
            }
        }
    }

    fn remove_unplanned(&mut self, route: &VrfRoute) {
        match self.occasion {
            Occasion::Update => self.remove(route),
            Occasion::Create { .. } => self.obstacles.push(VrfObstacle::Unplanned {
                prefix: route.prefix.clone(),
                next_hop: route.next_hop,
            }),
        }
    }

    fn remove(&mut self, route: &VrfRoute) {
        let prefix = route.prefix.clone();
        self.merge.changes.push(VrfChange::Remove { prefix });
    }

    fn add_missing(&mut self) {
        for (&cidr, wanted) in self.desired {
            if !self.right.contains(&cidr) && !self.settled.contains(&cidr) {
                let slot = VrfSlot::Add(cidr, wanted.next_hop);
                self.merge.routes.push(slot);
                self.merge.changes.push(VrfChange::Add { cidr });
            }
        }
    }
}

fn leads_right(desired: &NodeRoutes, cidr: Cidr, route: &VrfRoute) -> bool {
    let wanted = desired.get(&cidr);
    wanted.is_some_and(|wanted| route.next_hop == Some(wanted.next_hop))
}

#[cfg(test)]
mod tests;
