//! Whether Azure can deliver to the next hops: it takes a route to any address, and drops in silence what it then
//! cannot send there.
//!
//! The address ranges that were seen are kept beside the object, so that nodes which come later cost no call as long as
//! they lie inside. A create is looked at when it is applied, not when it is planned: each plan would cost the call.

use super::model::Model;
use crate::clients::Limits;
use crate::clients::azure::Client;
use crate::clients::azure::ids::VirtualNetworkId;
use crate::clients::azure::route_tables::RouteTable;
use crate::domain::cidr::Cidr;
use crate::framework::resource::Memory;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The next hops that nobody has looked at yet.
#[derive(Debug)]
pub(super) struct NextHops<'a> {
    /// The nodes by their addresses.
    unseen: BTreeMap<Ipv4Addr, String>,
    memory: &'a Memory,
}

/// Next hops to which Azure delivers nothing.
#[derive(Debug)]
pub(super) struct Outside {
    /// The nodes by their addresses.
    pub(super) next_hops: BTreeMap<Ipv4Addr, String>,
    /// The virtual networks of the subnets that the table serves.
    pub(super) networks: Vec<VirtualNetworkId>,
    /// Their address ranges and those of what they are peered with.
    pub(super) ranges: Vec<Cidr>,
}

/// What is kept beside the object.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// Address ranges that were reachable from the table's subnets when routes were written last.
    #[serde(default)]
    reachable: Vec<Cidr>,
}

impl<'a> NextHops<'a> {
    /// Those of `nodes` that `prior` has no route to, and that do not lie in ranges which were seen before.
    pub(super) fn new(
        nodes: impl IntoIterator<Item = (Ipv4Addr, String)>,
        prior: Option<&Model>,
        memory: &'a Memory,
    ) -> NextHops<'a> {
        let routed: Vec<_> = prior.into_iter().flat_map(Model::next_hops).collect();
        let seen = Kept::in_memory(memory).reachable;
        let is_unseen = |address: &Ipv4Addr| {
            !routed.contains(address) && !seen.iter().any(|range| range.contains_address(*address))
        };
        let unseen = nodes.into_iter().filter(|(address, _)| is_unseen(address));
        NextHops {
            unseen: unseen.collect(),
            memory,
        }
    }

    /// Whether all next hops lie in ranges that were seen.
    pub(super) fn is_empty(&self) -> bool {
        self.unseen.is_empty()
    }

    /// Whether nothing was ever seen: the object is new, was imported, or its table served no subnet so far.
    pub(super) fn is_first_look(&self) -> bool {
        Kept::in_memory(self.memory).reachable.is_empty()
    }

    /// Looks at the virtual networks of the subnets that `table` serves. A table that serves none, or a virtual network
    /// that may not be read, says nothing about any next hop.
    pub(super) async fn check(
        &self,
        client: &Client,
        limits: &Limits,
        table: &RouteTable,
    ) -> Result<(), Outside> {
        let mut next_hops = self.unseen.clone();
        let subnets = table.properties.subnets.iter();
        let mut networks: Vec<_> = subnets.map(|subnet| subnet.id.parent()).collect();
        networks.sort();
        networks.dedup();
        let mut ranges: Vec<Cidr> = Vec::new();
        for network in &networks {
            if next_hops.is_empty() {
                break;
            }
            match client.get_virtual_network(limits, network).await {
                Ok(Some(found)) => ranges.extend(
                    found
                        .reachable_ranges()
                        .filter_map(|range| range.parse::<Cidr>().ok()),
                ),
                Ok(None) => return Ok(()),
                Err(error) => {
                    tracing::debug!(virtual_network = %network, %error, "not comparing next hops with a virtual network that could not be read");
                    return Ok(());
                }
            }
            next_hops
                .retain(|address, _| !ranges.iter().any(|range| range.contains_address(*address)));
        }
        if networks.is_empty() || next_hops.is_empty() {
            Kept { reachable: ranges }.keep_in(self.memory);
            return Ok(());
        }
        Err(Outside {
            next_hops,
            networks,
            ranges,
        })
    }
}

impl Kept {
    fn in_memory(memory: &Memory) -> Kept {
        // Nothing, or what another version has kept: then there is a look more.
        serde_json::from_slice(&memory.recall()).unwrap_or_default()
    }

    fn keep_in(&self, memory: &Memory) {
        if self.reachable.is_empty() {
            return;
        }
        match serde_json::to_vec(self) {
            Ok(bytes) => memory.keep(bytes),
            Err(error) => tracing::debug!(%error, "keeping no address ranges"),
        }
    }
}
