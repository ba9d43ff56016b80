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
}

/// The address ranges of a virtual network.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressSpace {
    /// Each range as a CIDR.
    #[serde(default)]
    pub address_prefixes: Vec<String>,
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
