//! Service Engines: virtual machines that the controller makes for virtual services, and that stand in the way.
//!
//! Each has a network interface in its SE subnet, so that Azure does not delete the subnet, and names its SE group, so
//! that the controller does not delete that. They keep the label and subnet that the group had when they were made
//! (AKO's documentation of `AviInfraSetting`; the Avi documentation of SE groups). Without a virtual service the
//! controller removes them after the group's `se_deprovision_delay`.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::cloud_connector::{subnet_id, uuid_of};
use crate::avi::Avi;
use crate::azure::Azure;
use crate::sync::lock;

/// What can be set while the lab runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSettings {
    /// Milliseconds that stand for one minute of `se_deprovision_delay`.
    pub minute_ms: u64,
    /// They stay whatever the delay says, as those with virtual services do.
    pub never_leave: bool,
}

impl Default for EngineSettings {
    fn default() -> EngineSettings {
        EngineSettings {
            minute_ms: 60_000,
            never_leave: false,
        }
    }
}

/// Why there is no Service Engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No SE group has that name or uuid.
    #[error("there is no SE group {0:?}")]
    NoSuchGroup(String),
    /// Azure refused its network interface.
    #[error("making the network interface of a Service Engine was refused with {status}: {body}")]
    Refused {
        /// The status.
        status: u16,
        /// The refusal.
        body: Value,
    },
}

/// The Service Engines of one lab.
pub struct ServiceEngines {
    avi: Arc<Avi>,
    azure: Arc<Azure>,
    settings: Mutex<EngineSettings>,
    engines: Mutex<Vec<Engine>>,
    /// Wakes the task that lets them leave.
    placed: Arc<Notify>,
}

/// One engine, with what the group was like when it was made.
struct Engine {
    uuid: String,
    group: String,
    interface: String,
    idle_since: Instant,
    birth: Value,
}

impl ServiceEngines {
    /// None yet. Those that come leave when their time has come, as long as the lab lives.
    pub(super) fn start(
        avi: Arc<Avi>,
        azure: Arc<Azure>,
        stop: CancellationToken,
    ) -> Arc<ServiceEngines> {
        let engines = Arc::new(ServiceEngines {
            avi,
            azure,
            settings: Mutex::default(),
            engines: Mutex::default(),
            placed: Arc::default(),
        });
        let all = Arc::downgrade(&engines);
        let placed = Arc::clone(&engines.placed);
        tokio::spawn(async move {
            // Nobody tells of a delay that was shortened, so it looks again and again while there is one.
            const LOOK: Duration = Duration::from_millis(50);
            while let Some(engines) = all.upgrade() {
                engines.leave_when_due();
                let is_empty = lock(&engines.engines).is_empty();
                drop(engines);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = placed.notified(), if is_empty => {}
                    () = tokio::time::sleep(LOOK), if !is_empty => {}
                }
            }
        });
        engines
    }

    /// Makes one in an SE group, named by its name or uuid: a network interface in Azure, and the object on the
    /// controller. Returns the object's uuid.
    pub fn place(&self, se_group: &str, name: &str) -> Result<String, Error> {
        let group = self.group(se_group)?;
        let cloud_uuid = uuid_of(&group["cloud_ref"]);
        let (_, cloud) = self
            .avi
            .request("GET", &format!("/api/cloud/{cloud_uuid}"), Value::Null);
        let azure = &cloud["azure_configuration"];
        let network = &azure["network_info"][0];
        let subnet = group["data_network_id"]
            .as_str()
            .or(network["se_network_id"].as_str());
        let subnet = subnet_id(
            network["virtual_network_id"].as_str().unwrap_or_default(),
            subnet.unwrap_or_default(),
        );
        let interface = format!(
            "/resourceGroups/{}/providers/Microsoft.Network/networkInterfaces/{name}-data",
            azure["resource_group"].as_str().unwrap_or_default()
        );
        let body = json!({"location": azure["location"], "properties": {
            "ipConfigurations": [{"name": "ipconfig1", "properties": {"subnet": {"id": subnet}}}],
        }});
        let (status, made) = self.azure.request("PUT", &interface, body);
        if status >= 300 {
            return Err(Error::Refused { status, body: made });
        }
        let address = &made["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"];

        let vnics = json!({"data_vnics": [{"if_name": "eth1", "enabled": true, "vnic_networks": [{
            "ip": {"ip_addr": {"addr": address, "type": "V4"}, "mask": self.mask_of(&subnet)},
            "mode": "DHCP",
        }]}]});
        let group_uuid = group["uuid"].as_str().unwrap_or_default().to_owned();
        let Some(uuid) = self.avi.place_service_engine(&group_uuid, name, vnics) else {
            self.azure.request("DELETE", &interface, Value::Null);
            return Err(Error::NoSuchGroup(se_group.to_owned()));
        };
        lock(&self.engines).push(Engine {
            uuid: uuid.clone(),
            group: group_uuid,
            interface,
            idle_since: Instant::now(),
            birth: json!({"labels": group["labels"], "data_network_id": group["data_network_id"]}),
        });
        self.placed.notify_one();
        Ok(uuid)
    }

    /// Removes all, or those of one group, named by its uuid.
    pub fn remove(&self, se_group: Option<&str>) {
        self.remove_where(|engine| se_group.is_none_or(|uuid| uuid == engine.group));
    }

    /// Lets those leave whose time has come. The lab does so by itself, many times a second.
    pub fn leave_when_due(&self) {
        let settings = self.settings();
        if settings.never_leave || lock(&self.engines).is_empty() {
            return;
        }
        self.remove_where(|engine| {
            let path = format!("/api/serviceenginegroup/{}", engine.group);
            let (_, group) = self.avi.request("GET", &path, Value::Null);
            let minutes = group["se_deprovision_delay"].as_u64().unwrap_or(120);
            let delay = Duration::from_millis(minutes.saturating_mul(settings.minute_ms));
            engine.idle_since.elapsed() >= delay
        });
    }

    /// The settings.
    pub fn settings(&self) -> EngineSettings {
        *lock(&self.settings)
    }

    /// Changes the settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut EngineSettings)) {
        change(&mut lock(&self.settings));
    }

    /// Label and `data_network_id` of a group as its engines know them; empty where it has none.
    pub(super) fn births(&self, se_group: &str) -> Vec<Value> {
        let engines = lock(&self.engines);
        let mine = engines.iter().filter(|engine| engine.group == se_group);
        mine.map(|engine| engine.birth.clone()).collect()
    }

    fn remove_where(&self, leaves: impl Fn(&Engine) -> bool) {
        let mut engines = lock(&self.engines);
        let (leaving, staying) = std::mem::take(&mut *engines).into_iter().partition(leaves);
        *engines = staying;
        let leaving: Vec<Engine> = leaving;
        for engine in leaving {
            self.avi.remove_service_engine(&engine.uuid);
            self.azure.request("DELETE", &engine.interface, Value::Null);
        }
    }

    fn group(&self, name: &str) -> Result<Value, Error> {
        let mut groups = self.avi.all("serviceenginegroup").into_iter();
        let group = groups.find(|group| group["name"] == name || group["uuid"] == name);
        group.ok_or_else(|| Error::NoSuchGroup(name.to_owned()))
    }

    fn mask_of(&self, subnet: &str) -> u8 {
        let (_, subnet) = self.azure.request("GET", subnet, Value::Null);
        let properties = &subnet["properties"];
        let prefix = properties["addressPrefix"].as_str();
        let prefix = prefix.or(properties["addressPrefixes"][0].as_str());
        let mask = prefix.and_then(|prefix| prefix.split_once('/')?.1.parse().ok());
        mask.unwrap_or(32)
    }
}
