//! Clouds, and the state they are in.

use super::objects::Object;
use super::{Client, Error, Marker};
use crate::clients::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// A cloud: where Service Engines are made, and with what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cloud {
    /// What the controller knows it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was last written.
    #[serde(rename = "_last_modified", skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Its name; empty in changes that keep it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The tenant to which it belongs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_ref: Option<String>,
    /// What it is made on: `CLOUD_AZURE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vtype: Option<String>,
    /// Where it is in Azure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure_configuration: Option<AzureConfiguration>,
    /// Whether addresses come by DHCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dhcp_enabled: Option<bool>,
    /// The largest packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<i64>,
    /// The kind of licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_tier: Option<String>,
    /// What a licence counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_type: Option<String>,
    /// How often scale sets are looked at, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoscale_polling_interval: Option<i64>,
    /// How often metrics are collected, in seconds. From 22.1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_polling_interval: Option<i64>,
    /// Whether names of virtual services that are down are taken out of DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_based_dns_registration: Option<bool>,
    /// Whether static routes come before connected networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer_static_routes: Option<bool>,
    /// Whether virtual addresses are reached by static routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_vip_static_routes: Option<bool>,
    /// Whether virtual addresses are on all interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_vip_on_all_interfaces: Option<bool>,
    /// Whether Service Engines resolve names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_resolution_on_se: Option<bool>,
    /// Whether it is in maintenance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance_mode: Option<bool>,
    /// Where addresses come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipam_provider_ref: Option<String>,
    /// Where names are registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_provider_ref: Option<String>,
    /// The SE group after which new ones are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se_group_template_ref: Option<String>,
    /// Tags of all that is made in Azure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_tags: Option<Vec<CustomTag>>,
    /// Its markers, which take part in access control. From 22.1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markers: Option<Vec<Marker>>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Object for Cloud {
    const TYPE: &'static str = "cloud";
    const NOUN: &'static str = "cloud";

    fn name(&self) -> &str {
        &self.name
    }

    fn uuid(&self) -> Option<&str> {
        self.uuid.as_deref()
    }

    fn last_modified(&self) -> Option<&str> {
        self.last_modified.as_deref()
    }
}

/// Where a cloud is in Azure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AzureConfiguration {
    /// The subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// The region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The resource group in which Service Engines are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<String>,
    /// The credential; without it the managed identity of the controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_credentials_ref: Option<String>,
    /// The virtual network, one at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_info: Option<Vec<AzureNetworkInfo>>,
    /// The availability zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zones: Option<Vec<String>>,
    /// The disk encryption set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub des_id: Option<String>,
    /// The storage account of the images: `<resource group> <account>`. From 22.1.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se_storage_account: Option<String>,
    /// Whether Azure's DNS is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_azure_dns: Option<bool>,
    /// Whether availability zones are used for high availability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_enhanced_ha: Option<bool>,
    /// Whether disks are managed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_managed_disks: Option<bool>,
    /// Whether load balancers of the standard kind are used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_standard_alb: Option<bool>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The network of a cloud in Azure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AzureNetworkInfo {
    /// The ARM id of the virtual network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_network_id: Option<String>,
    /// The subnet of the Service Engines, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se_network_id: Option<String>,
    /// The subnet for management, by its name; without it the management is in-band.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management_network_id: Option<String>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A tag of what is made in Azure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomTag {
    /// Its key.
    pub tag_key: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_val: Option<String>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What the controller says of a cloud's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudStatus {
    /// Its state.
    pub state: CloudState,
    /// Why it is in that state; empty where the controller does not say.
    pub reason: String,
}

/// The state of a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloudState {
    /// Virtual services can be placed: `CLOUD_STATE_PLACEMENT_READY`.
    PlacementReady,
    /// It is being set up.
    InProgress,
    /// It could not be set up.
    Failed,
    /// It is being deleted.
    Deleting,
    /// The controller cannot reach it.
    NotConnected,
    /// Another word of the controller, or none.
    Other(String),
}

impl CloudState {
    fn of_word(word: &str) -> CloudState {
        match word {
            "CLOUD_STATE_PLACEMENT_READY" => CloudState::PlacementReady,
            "CLOUD_STATE_IN_PROGRESS" => CloudState::InProgress,
            "CLOUD_STATE_FAILED" => CloudState::Failed,
            "CLOUD_STATE_DELETING" => CloudState::Deleting,
            "CLOUD_STATE_NOT_CONNECTED" => CloudState::NotConnected,
            other => CloudState::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for CloudState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CloudState::PlacementReady => "CLOUD_STATE_PLACEMENT_READY",
            CloudState::InProgress => "CLOUD_STATE_IN_PROGRESS",
            CloudState::Failed => "CLOUD_STATE_FAILED",
            CloudState::Deleting => "CLOUD_STATE_DELETING",
            CloudState::NotConnected => "CLOUD_STATE_NOT_CONNECTED",
            CloudState::Other(word) if word.is_empty() => "no state",
            CloudState::Other(word) => word,
        })
    }
}

impl Client {
    /// The state of the cloud with this uuid. One that the controller does not list yet has none.
    pub async fn cloud_status(&self, limits: &Limits, uuid: &str) -> Result<CloudStatus, Error> {
        let action = format!("reading the state of cloud {uuid:?}");
        let mut url = self.address.join("/api/cloud-inventory");
        url.query_pairs_mut().append_pair("uuid", uuid);
        let found: Vec<Inventory> = self.read_pages(limits, &action, url).await?;
        let inventory = found.into_iter().find(|inventory| inventory.uuid == uuid);
        let status = inventory.unwrap_or_default().status;
        Ok(CloudStatus {
            state: CloudState::of_word(status.state.as_deref().unwrap_or_default()),
            reason: status.reason.unwrap_or_default(),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inventory {
    uuid: String,
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    state: Option<String>,
    reason: Option<String>,
}
