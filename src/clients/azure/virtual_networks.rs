//! Virtual networks, which this client only reads.
//!
//! A write of a virtual network can delete subnets that it does not list (azure-quickstart-templates#2786), so
//! there is none.

use super::ids::VirtualNetworkId;
use super::requests::Object;
use super::subnets::Subnet;
use super::{Client, Error};
use crate::clients::Limits;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A virtual network with its subnets.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct VirtualNetwork {
    /// Its id.
    #[serde(default)]
    pub id: Option<VirtualNetworkId>,
    /// The region.
    pub location: String,
    /// The tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Everything else that is known of it.
    #[serde(default)]
    pub properties: VirtualNetworkProperties,
}

/// What a virtual network is made of.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNetworkProperties {
    /// Its address ranges.
    #[serde(default)]
    pub address_space: AddressSpace,
    /// Its subnets, whole.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
    /// Its DNS servers.
    #[serde(default)]
    pub dhcp_options: DhcpOptions,
    /// Its peerings with other virtual networks.
    #[serde(default)]
    pub virtual_network_peerings: Vec<Peering>,
}

/// The address ranges of a virtual network.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressSpace {
    /// Each range as a CIDR.
    #[serde(default)]
    pub address_prefixes: Vec<String>,
}

/// A peering with another virtual network.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Peering {
    /// What is known of it.
    #[serde(default)]
    pub properties: PeeringProperties,
}

/// What a peering says of the other virtual network.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeeringProperties {
    /// The other's address ranges that are peered.
    #[serde(default)]
    pub remote_address_space: AddressSpace,
    /// The other's address ranges now, which are peered with the next synchronisation.
    #[serde(default)]
    pub remote_virtual_network_address_space: AddressSpace,
}

/// The DNS servers of a virtual network.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DhcpOptions {
    /// Their addresses; empty means Azure's own.
    #[serde(default)]
    pub dns_servers: Vec<String>,
}

impl VirtualNetwork {
    /// The address ranges of the network itself and of those it is peered with: what is reached without a gateway.
    pub fn reachable_ranges(&self) -> impl Iterator<Item = &str> {
        let properties = &self.properties;
        let peered = properties
            .virtual_network_peerings
            .iter()
            .flat_map(|peering| {
                let other = &peering.properties;
                [
                    &other.remote_address_space,
                    &other.remote_virtual_network_address_space,
                ]
            });
        let spaces = [&properties.address_space].into_iter().chain(peered);
        spaces.flat_map(|space| space.address_prefixes.iter().map(String::as_str))
    }

    /// The subnet `name`, compared without case.
    pub fn subnet(&self, name: &str) -> Option<&Subnet> {
        let mut subnets = self.properties.subnets.iter();
        subnets.find(|subnet| {
            subnet
                .id
                .as_ref()
                .is_some_and(|id| id.name().eq_ignore_ascii_case(name))
        })
    }
}

impl Client {
    /// The virtual network with its subnets, or none if it does not exist.
    pub async fn get_virtual_network(
        &self,
        limits: &Limits,
        id: &VirtualNetworkId,
    ) -> Result<Option<VirtualNetwork>, Error> {
        self.get(limits, &Object::virtual_network(id)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_reached_is_the_network_and_its_peers_old_and_new() {
        let space = |prefix: &str| json!({"addressPrefixes": [prefix]});
        let network: VirtualNetwork = serde_json::from_value(json!({
            "location": "westeurope",
            "properties": {
                "addressSpace": space("10.0.0.0/16"),
                "virtualNetworkPeerings": [
                    {"name": "hub", "properties": {
                        "peeringState": "Connected",
                        "remoteAddressSpace": space("10.1.0.0/16"),
                        "remoteVirtualNetworkAddressSpace": space("10.1.0.0/15")}},
                    {"name": "bare", "properties": {}},
                ],
            },
        }))
        .unwrap();
        let ranges: Vec<_> = network.reachable_ranges().collect();
        assert_eq!(ranges, ["10.0.0.0/16", "10.1.0.0/16", "10.1.0.0/15"]);
    }
}
