//! Route tables and the routes in them.

use super::ids::{RouteTableId, SubnetId};
use super::requests::Object;
use super::{Client, Error, Reference, WriteState};
use crate::clients::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a table that serves no subnet may still count as used.
const LINGERING_USE: Duration = Duration::from_secs(300);

/// The repetition from which on the looks at a table that Azure is at work on come no further apart: 4 to 8 s.
const LONGEST_BACK_OFF: u32 = 5;

/// A route table as Azure holds it, or as it shall be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its id; none for a table that is to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RouteTableId>,
    /// The state that was read; a write is refused if Azure's differs. None for a table that is to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The region.
    pub location: String,
    /// The tags; none and empty mean the same to Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Everything else that is known of it.
    #[serde(default)]
    pub properties: RouteTableProperties,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What a route table holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteTableProperties {
    /// Whether routes learned by BGP are kept out of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_bgp_route_propagation: Option<bool>,
    /// The routes. Always sent: a write without the member would empty the table all the same (recorded:
    /// azure-libraries-for-net), so that what is meant is said.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// The subnets that use the table; Azure ignores it in a write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<Reference<SubnetId>>,
    /// `Succeeded`, `Updating`, `Deleting` or `Failed`, newer ones also `Creating` and `Canceled`; Azure ignores it in
    /// a write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioning_state: Option<String>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// One route of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Its name, unique in the table without case.
    pub name: String,
    /// Where it leads.
    pub properties: RouteProperties,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteProperties {
    /// A CIDR, or a service tag such as `Storage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_prefix: Option<String>,
    /// `VirtualAppliance`, `VnetLocal`, `Internet`, `VirtualNetworkGateway`, `None` or something newer.
    pub next_hop_type: String,
    /// The next hop of a `VirtualAppliance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop_ip_address: Option<String>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl RouteTable {
    /// Whether Azure has not carried out the last write: it shows what was written, but it may not be in force.
    pub fn is_failed(&self) -> bool {
        is_not_carried_out(self.properties.provisioning_state.as_deref())
    }

    /// Whether Azure is still carrying out a write. Unlike in a poll, a word that is not known does not count: here
    /// it would hold up an operation that has nothing to do.
    pub fn is_at_work(&self) -> bool {
        let state = self.properties.provisioning_state.as_deref();
        matches!(state, Some("Updating" | "Creating" | "Deleting"))
    }
}

impl Route {
    /// A route that sends `address_prefix` to the address `next_hop`, as pod routes do.
    pub fn to_address(name: String, address_prefix: String, next_hop: String) -> Route {
        Route {
            name,
            properties: RouteProperties {
                address_prefix: Some(address_prefix),
                next_hop_type: "VirtualAppliance".to_owned(),
                next_hop_ip_address: Some(next_hop),
                rest: Map::new(),
            },
            rest: Map::new(),
        }
    }

    /// Whether Azure has not carried out the last write of the route, as [`RouteTable::is_failed`].
    pub fn is_failed(&self) -> bool {
        let state = self.properties.rest.get("provisioningState");
        is_not_carried_out(state.and_then(Value::as_str))
    }
}

/// The states of a write that was given up; newer API versions know the second, in either spelling.
fn is_not_carried_out(state: Option<&str>) -> bool {
    matches!(state, Some("Failed" | "Canceled" | "Cancelled"))
}

impl Client {
    /// The route table, or none if it does not exist.
    pub async fn get_route_table(
        &self,
        limits: &Limits,
        id: &RouteTableId,
    ) -> Result<Option<RouteTable>, Error> {
        self.get(limits, &Object::route_table(id)).await
    }

    /// Waits until Azure is no longer at work on the table, whoever has written it; gone is over, too.
    pub async fn wait_for_route_table(
        &self,
        limits: &Limits,
        id: &RouteTableId,
    ) -> Result<(), Error> {
        let object = Object::route_table(id);
        let started = Instant::now();
        for attempt in 1.. {
            match self.get_route_table(limits, id).await? {
                Some(table) if table.is_at_work() => {
                    let attempt = attempt.min(LONGEST_BACK_OFF);
                    limits.pause(attempt).await.map_err(|cause| {
                        let action = object.action("waiting for");
                        let waiting_for = "Azure to finish what is under way";
                        let known = format!(
                            "the route table is {} since {} s or longer",
                            table
                                .properties
                                .provisioning_state
                                .as_deref()
                                .unwrap_or_default(),
                            started.elapsed().as_secs()
                        );
                        let write = WriteState::Unclear;
                        Error::interrupted(cause, &action, waiting_for, &known, write)
                    })?;
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Makes the table `table`, waits for it and gives what Azure holds then.
    ///
    /// With an etag the write counts only if the table is still as it was read, else it fails with
    /// [`Error::PreconditionFailed`]. Without one the table is made: look first, because Azure documents no
    /// `If-None-Match` for it. Take the table's lock first.
    pub async fn put_route_table(
        &self,
        limits: &Limits,
        id: &RouteTableId,
        table: &RouteTable,
    ) -> Result<RouteTable, Error> {
        let etag = table.etag.as_deref();
        self.put(limits, &Object::route_table(id), etag, table)
            .await
    }

    /// Replaces all tags of the table, routes untouched, and gives what Azure holds then.
    pub async fn patch_route_table_tags(
        &self,
        limits: &Limits,
        id: &RouteTableId,
        tags: &BTreeMap<String, String>,
        etag: Option<&str>,
    ) -> Result<RouteTable, Error> {
        let body = serde_json::json!({ "tags": tags });
        self.patch(limits, &Object::route_table(id), etag, &body)
            .await
    }

    /// Deletes the table and waits until it is gone; already gone is success.
    ///
    /// Azure refuses while a subnet uses the table, and for some time after the last one has gone
    /// (azurerm#4834): only that is waited out.
    pub async fn delete_route_table(
        &self,
        limits: &Limits,
        id: &RouteTableId,
    ) -> Result<(), Error> {
        let object = Object::route_table(id);
        let started = Instant::now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.delete(limits, &object).await {
                Err(error) if error.is_in_use() && started.elapsed() < LINGERING_USE => {
                    match self.get_route_table(limits, id).await? {
                        None => return Ok(()),
                        Some(table) if !table.properties.subnets.is_empty() => return Err(error),
                        Some(_) => {
                            let (action, known) = (error.action(), error.to_string());
                            self.pause(limits, action, attempt, &known).await?;
                        }
                    }
                }
                outcome => return outcome,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_client_does_not_know_goes_back_as_it_came() {
        let text = r#"{"etag":"W/\"1\"","extra":{"deep":[1,2.5,null]},"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t","location":"westeurope","name":"t","properties":{"disableBgpRoutePropagation":false,"disablePeeringRoute":"None","resourceGuid":"x","routes":[{"etag":"W/\"1\"","id":"r","name":"ecmp","properties":{"addressPrefix":"10.0.0.0/24","hasBgpOverride":false,"nextHop":{"nextHopIpAddresses":["10.1.0.4","10.1.0.5"]},"nextHopType":"VirtualApplianceEcmp"},"type":"Microsoft.Network/routeTables/routes"}]},"tags":{"a":"b"},"type":"Microsoft.Network/routeTables"}"#;
        let table: RouteTable = serde_json::from_str(text).unwrap();
        let before: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_value(&table).unwrap(), before);
    }

    #[test]
    fn an_empty_table_says_so() {
        let json = serde_json::to_value(RouteTable::default()).unwrap();
        assert_eq!(json["properties"]["routes"], serde_json::json!([]));
    }
}
