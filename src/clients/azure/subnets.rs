//! Subnets of a virtual network.

use super::ids::{NetworkSecurityGroupId, RouteTableId, SubnetId};
use super::requests::Object;
use super::{Client, Error, Reference};
use crate::clients::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A subnet as Azure holds it, or as it shall be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its id; none for a subnet that is to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<SubnetId>,
    /// The state that was read; a write is refused if Azure's differs. None for a subnet that is to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Everything else that is known of it.
    #[serde(default)]
    pub properties: SubnetProperties,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What a subnet is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubnetProperties {
    /// Its one address range; Azure uses either this or `address_prefixes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_prefix: Option<String>,
    /// Its address ranges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_prefixes: Option<Vec<String>>,
    /// The route table it uses; a write without it detaches the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_table: Option<Reference<RouteTableId>>,
    /// The network security group it uses; a write without it detaches the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_security_group: Option<Reference<NetworkSecurityGroupId>>,
    /// `Succeeded`, `Updating`, `Deleting` or `Failed`; Azure ignores it in a write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,
    /// What this client does not know (delegations, service endpoints, …); it goes back as it came.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Subnet {
    /// Whether Azure has not carried out the last write: it shows what was written, but it may not be in force.
    pub fn is_failed(&self) -> bool {
        self.properties.provisioning_state.as_deref() == Some("Failed")
    }
}

impl SubnetProperties {
    /// The address ranges, in whichever of its two members Azure keeps them.
    pub fn prefixes(&self) -> Vec<&str> {
        match (&self.address_prefixes, &self.address_prefix) {
            (Some(prefixes), _) if !prefixes.is_empty() => {
                prefixes.iter().map(String::as_str).collect()
            }
            (_, Some(prefix)) => vec![prefix],
            _ => Vec::new(),
        }
    }

    /// The ids of what has an address in the subnet: the IP configurations of network interfaces and the like.
    pub fn used_by(&self) -> Vec<&str> {
        let references = self.rest.get("ipConfigurations").and_then(Value::as_array);
        references
            .into_iter()
            .flatten()
            .filter_map(|reference| reference.get("id")?.as_str())
            .collect()
    }
}

impl Client {
    /// The subnet, or none if it does not exist.
    pub async fn get_subnet(
        &self,
        limits: &Limits,
        id: &SubnetId,
    ) -> Result<Option<Subnet>, Error> {
        self.get(limits, &Object::subnet(id)).await
    }

    /// Makes the subnet `subnet`, waits for it and gives what Azure holds then.
    ///
    /// With an etag the write counts only if the subnet is still as it was read, else it fails with
    /// [`Error::PreconditionFailed`]. Without one the subnet is made: look first. Take the lock of the virtual
    /// network and of the subnet first: Azure refuses two writes in one virtual network at a time (azurerm#3780).
    pub async fn put_subnet(
        &self,
        limits: &Limits,
        id: &SubnetId,
        subnet: &Subnet,
    ) -> Result<Subnet, Error> {
        let etag = subnet.etag.as_deref();
        self.put(limits, &Object::subnet(id), etag, subnet).await
    }

    /// Deletes the subnet and waits until it is gone; already gone is success.
    pub async fn delete_subnet(&self, limits: &Limits, id: &SubnetId) -> Result<(), Error> {
        self.delete(limits, &Object::subnet(id)).await
    }
}
