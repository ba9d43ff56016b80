//! SE groups.

use super::objects::Object;
use super::{KeyValue, Marker};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An SE group: how the Service Engines of a part of a cloud are made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SeGroup {
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
    /// The cloud in which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_ref: Option<String>,
    /// What people say of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The subnet of the Service Engines' data, by its name; without it the cloud's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_network_id: Option<String>,
    /// The network for management.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mgmt_network_ref: Option<String>,
    /// Its labels, one at most; AKO writes the name of its cluster here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<KeyValue>>,
    /// Its markers, which take part in access control. From 20.1.7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markers: Option<Vec<Marker>>,
    /// How many Service Engines there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_se: Option<i64>,
    /// How many Service Engines there are at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_se: Option<i64>,
    /// How many Service Engines are kept ready beyond the need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer_se: Option<i64>,
    /// How a virtual service survives the loss of a Service Engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ha_mode: Option<String>,
    /// How virtual services are placed on Service Engines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algo: Option<String>,
    /// Whether virtual services are placed by themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement_mode: Option<String>,
    /// Whether Service Engines stand by for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_standby: Option<bool>,
    /// How many virtual services one Service Engine may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_vs_per_se: Option<i64>,
    /// On how many Service Engines a virtual service is at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_scaleout_per_vs: Option<i64>,
    /// On how many Service Engines a virtual service may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_scaleout_per_vs: Option<i64>,
    /// What the names of its Service Engines begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se_name_prefix: Option<String>,
    /// How many minutes an unused Service Engine stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se_deprovision_delay: Option<i64>,
    /// The size of the virtual machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_flavor: Option<String>,
    /// Virtual CPUs of a Service Engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcpus_per_se: Option<i64>,
    /// Memory of a Service Engine in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_per_se: Option<i64>,
    /// Disk of a Service Engine in GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_per_se: Option<i64>,
    /// The availability zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone_refs: Option<Vec<String>>,
    /// Whether load balancers of the standard kind are used; without it as the cloud does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_standard_alb: Option<bool>,
    /// Whether the virtual machines have accelerated networking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerated_networking: Option<bool>,
    /// Whether gateways are watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_gateway_monitor: Option<bool>,
    /// Whether the Service Engines of a virtual service are on different hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vs_host_redundancy: Option<bool>,
    /// Whether the controller leaves security groups alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_avi_securitygroups: Option<bool>,
    /// Security groups of the data interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_securitygroups_data: Option<Vec<String>>,
    /// Security groups of the management interfaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_securitygroups_mgmt: Option<Vec<String>>,
    /// How many public addresses one load balancer may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_public_ips_per_lb: Option<i64>,
    /// How many rules one load balancer may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rules_per_lb: Option<i64>,
    /// Whether Service Engines that stand by watch the health, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hm_on_standby: Option<bool>,
    /// Whether virtual services move by themselves for balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_rebalance: Option<bool>,
    /// The load in percent above which Service Engines are added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cpu_usage: Option<i64>,
    /// The load in percent below which Service Engines are taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_cpu_usage: Option<i64>,
    /// How often, in seconds, Service Engines report whether their clocks agree; 0 is never. From 22.1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntp_sync_status_interval: Option<i64>,
    /// How often, in seconds, packet capture is begun anew; 0 is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se_pcap_reinit_frequency: Option<i64>,
    /// The kind of licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_tier: Option<String>,
    /// What a licence counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license_type: Option<String>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Object for SeGroup {
    const TYPE: &'static str = "serviceenginegroup";
    const NOUN: &'static str = "SE group";

    fn name(&self) -> &str {
        &self.name
    }

    fn uuid(&self) -> Option<&str> {
        self.uuid.as_deref()
    }

    fn last_modified(&self) -> Option<&str> {
        self.last_modified.as_deref()
    }

    fn cloud_ref(&self) -> Option<&str> {
        self.cloud_ref.as_deref()
    }
}
