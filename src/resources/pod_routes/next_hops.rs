//! Whether Azure can deliver to the next hops: it takes a route to any address, and drops in silence what it then
//! cannot send there.
//!
//! The address ranges that were seen are kept beside the object, so that nodes which come later cost no call as long as
//! they lie inside and the table serves subnets of the same virtual networks.

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
    new: BTreeMap<Ipv4Addr, String>,
    seen: Kept,
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
    /// The virtual networks of the table's subnets at the last look, by their ids without case.
    #[serde(default)]
    networks: Vec<String>,
    /// Address ranges that were reachable from there.
    #[serde(default)]
    reachable: Vec<Cidr>,
}

impl<'a> NextHops<'a> {
    /// Those of `nodes` that `prior` has no route to.
    pub(super) fn new(
        nodes: impl IntoIterator<Item = (Ipv4Addr, String)>,
        prior: Option<&Model>,
        memory: &'a Memory,
    ) -> NextHops<'a> {
        let routed: Vec<_> = prior.into_iter().flat_map(Model::next_hops).collect();
        let new = nodes.into_iter();
        NextHops {
            new: new
                .filter(|(address, _)| !routed.contains(address))
                .collect(),
            seen: Kept::in_memory(memory),
            memory,
        }
    }

    /// Whether all next hops lie in ranges that were seen, whatever the table serves by now.
    pub(super) fn are_seen(&self) -> bool {
        let mut new = self.new.keys();
        new.all(|address| self.seen.reaches(*address))
    }

    /// Whether nothing was ever seen: the object is new, was imported, or its table served no subnet so far.
    pub(super) fn is_first_look(&self) -> bool {
        self.seen.reachable.is_empty()
    }

    /// Looks at the virtual networks of the subnets that `table` serves. A table that serves none, or a virtual network
    /// that may not be read, says nothing about any next hop.
    pub(super) async fn check(
        &self,
        client: &Client,
        limits: &Limits,
        table: &RouteTable,
    ) -> Result<(), Outside> {
        let subnets = table.properties.subnets.iter();
        let mut networks: Vec<_> = subnets.map(|subnet| subnet.id.parent()).collect();
        networks.sort();
        networks.dedup();
        let names = networks.iter().map(|id| id.to_string().to_lowercase());
        let names: Vec<String> = names.collect();
        let mut next_hops = self.new.clone();
        next_hops.retain(|address, _| self.seen.networks != names || !self.seen.reaches(*address));
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
            let kept = Kept {
                networks: names,
                reachable: ranges,
            };
            kept.keep_in(self.memory);
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

    fn reaches(&self, address: Ipv4Addr) -> bool {
        let mut ranges = self.reachable.iter();
        ranges.any(|range| range.contains_address(address))
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
