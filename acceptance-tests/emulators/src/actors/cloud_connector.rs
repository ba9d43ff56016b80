//! The cloud connector of the controller: it copies labelled routes of the VRF `global` into Azure's route tables.
//!
//! The real one is closed source. Known are its rights (AKO's role file: it reads tables and reads, writes and deletes
//! single routes, and never writes a table) and its events. All else is assumed, and errs on the unkind side:
//! random route names, one route at a time, removals first (a changed next hop leaves a gap), no look at what became of a route that it made, and no second
//! attempt at a refused one before the VRF changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::azure_account::Account;
use super::door::Door;
use super::service_engines::ServiceEngines;
use crate::avi::Avi;
use crate::sync::lock;

/// What can be set while the lab runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectorSettings {
    /// Whether it does anything.
    pub running: bool,
    /// Milliseconds from a change of the VRF or of an SE group to the first route.
    pub delay_ms: u64,
}

impl Default for ConnectorSettings {
    fn default() -> ConnectorSettings {
        ConnectorSettings {
            running: true,
            delay_ms: 0,
        }
    }
}

/// The connector of one lab.
pub struct CloudConnector {
    inner: Arc<Inner>,
}

struct Inner {
    avi: Arc<Avi>,
    azure: Arc<dyn Door>,
    engines: Arc<ServiceEngines>,
    settings: Mutex<ConnectorSettings>,
    asked: watch::Sender<u64>,
    done: watch::Sender<u64>,
    stop: CancellationToken,
}

/// What it remembers from one pass to the next.
#[derive(Default)]
struct Memory {
    made: Vec<Made>,
    /// What was refused, and the state of the VRF at that time.
    refused: BTreeMap<Wanted, String>,
}

/// A route that shall be in a subnet's table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    cloud: String,
    subnet: String,
    /// The subnet's route table; empty where it has none.
    table: String,
    prefix: String,
    next_hop: String,
}

/// A route that it made.
#[derive(Clone, Debug)]
struct Made {
    name: String,
    wanted: Wanted,
}

/// An Azure cloud with what the pass needs of it.
struct Cloud {
    uuid: String,
    name: String,
    account: Account,
    vrf_state: String,
    targets: Vec<Target>,
}

/// The labelled routes that belong into one subnet's table.
struct Target {
    subnet: String,
    routes: Vec<(String, String)>,
}

impl CloudConnector {
    /// Starts it; it ends with the lab.
    pub(super) fn start(
        avi: Arc<Avi>,
        azure: Arc<dyn Door>,
        engines: Arc<ServiceEngines>,
        stop: CancellationToken,
    ) -> CloudConnector {
        let inner = Arc::new(Inner {
            avi,
            azure,
            engines,
            settings: Mutex::default(),
            asked: watch::Sender::new(0),
            done: watch::Sender::new(0),
            stop,
        });
        // Before the task runs for the first time somebody may have asked already.
        let (asked, changes) = (inner.asked.subscribe(), inner.avi.changes());
        tokio::spawn(Arc::clone(&inner).run(asked, changes));
        CloudConnector { inner }
    }

    /// The settings.
    pub fn settings(&self) -> ConnectorSettings {
        *lock(&self.inner.settings)
    }

    /// Changes the settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut ConnectorSettings)) {
        change(&mut lock(&self.inner.settings));
        self.inner.asked.send_modify(|asked| *asked += 1);
    }

    /// Waits until everything that is asked for by now is done, or was refused.
    pub async fn settled(&self) {
        let mut done = self.inner.done.subscribe();
        self.inner.asked.send_modify(|asked| *asked += 1);
        let wanted = *self.inner.asked.borrow();
        tokio::select! {
            () = self.inner.stop.cancelled() => {}
            _ = done.wait_for(|done| *done >= wanted) => {}
        }
    }
}

impl Inner {
    async fn run(
        self: Arc<Self>,
        mut asked: watch::Receiver<u64>,
        mut changes: watch::Receiver<u64>,
    ) {
        let mut memory = Memory::default();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = changes.changed() => {}
                _ = asked.changed() => {}
            }
            let now = *asked.borrow_and_update();
            let settings = *lock(&self.settings);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(settings.delay_ms)) => {}
            }
            if settings.running {
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    () = self.pass(&mut memory) => {}
                }
            }
            self.done.send_replace(now);
        }
    }

    async fn pass(&self, memory: &mut Memory) {
        let clouds = self.clouds();
        // Assumed: of a cloud that is gone it forgets its routes, which stay in Azure.
        memory
            .made
            .retain(|made| clouds.iter().any(|cloud| cloud.uuid == made.wanted.cloud));
        for cloud in &clouds {
            let has_made = memory
                .made
                .iter()
                .any(|made| made.wanted.cloud == cloud.uuid);
            if cloud.targets.is_empty() && !has_made {
                continue;
            }
            // Without a token nothing can be read; the cloud's own state tells of that.
            if let Some(token) = cloud.account.token(self.azure.as_ref()).await {
                self.bring_about(cloud, &token, memory).await;
            }
        }
    }

    async fn bring_about(&self, cloud: &Cloud, token: &str, memory: &mut Memory) {
        let Some(wanted) = self.wanted(cloud, token).await else {
            return;
        };
        let (made, gone): (Vec<Made>, Vec<Made>) = std::mem::take(&mut memory.made)
            .into_iter()
            .partition(|made| made.wanted.cloud != cloud.uuid || wanted.contains(&made.wanted));
        memory.made = made;
        for made in gone {
            if !self.remove(cloud, token, &made).await {
                memory.made.push(made);
            }
        }
        memory
            .refused
            .retain(|route, state| route.cloud != cloud.uuid || *state == cloud.vrf_state);
        for route in wanted {
            let is_made = memory.made.iter().any(|made| made.wanted == route);
            if is_made || memory.refused.contains_key(&route) {
                continue;
            }
            match self.create(cloud, token, &route).await {
                Some(name) => memory.made.push(Made {
                    name,
                    wanted: route,
                }),
                None => {
                    memory.refused.insert(route, cloud.vrf_state.clone());
                }
            }
        }
    }

    /// What shall be in which table; none where a subnet could not be read, so that nothing is removed blindly.
    async fn wanted(&self, cloud: &Cloud, token: &str) -> Option<Vec<Wanted>> {
        let mut wanted = Vec::new();
        for target in &cloud.targets {
            let (status, subnet) = cloud
                .account
                .get(self.azure.as_ref(), token, &target.subnet)
                .await;
            let table = match status {
                200..300 => subnet["properties"]["routeTable"]["id"]
                    .as_str()
                    .unwrap_or_default(),
                404 => "",
                _ => return None,
            };
            for (prefix, next_hop) in &target.routes {
                let route = Wanted {
                    cloud: cloud.uuid.clone(),
                    subnet: target.subnet.clone(),
                    table: table.to_owned(),
                    prefix: prefix.clone(),
                    next_hop: next_hop.clone(),
                };
                // Two groups with one subnet are one table.
                if !wanted.contains(&route) {
                    wanted.push(route);
                }
            }
        }
        Some(wanted)
    }

    /// Makes a route; its name if Azure took it.
    async fn create(&self, cloud: &Cloud, token: &str, route: &Wanted) -> Option<String> {
        if route.table.is_empty() {
            let reason = format!("subnet {} has no route table", route.subnet);
            self.tell(cloud, "CLOUD_ROUTE_CREATION_FAILURE", route, "", &reason);
            return None;
        }
        let name = Uuid::new_v4().simple().to_string();
        let body = json!({"properties": {
            "addressPrefix": route.prefix,
            "nextHopType": "VirtualAppliance",
            "nextHopIpAddress": route.next_hop,
        }});
        let path = format!("{}/routes/{name}", route.table);
        let written = cloud
            .account
            .write(self.azure.as_ref(), token, "PUT", &path, &body)
            .await;
        match written {
            Ok(()) => {
                self.tell(cloud, "CLOUD_ROUTE_CREATION_SUCCESS", route, &name, "");
                Some(name)
            }
            Err(reason) => {
                self.tell(cloud, "CLOUD_ROUTE_CREATION_FAILURE", route, &name, &reason);
                None
            }
        }
    }

    /// Removes a route that it made; true if it is gone.
    async fn remove(&self, cloud: &Cloud, token: &str, made: &Made) -> bool {
        let path = format!("{}/routes/{}", made.wanted.table, made.name);
        let azure = self.azure.as_ref();
        let removed = cloud
            .account
            .write(azure, token, "DELETE", &path, &Value::Null)
            .await;
        let (event, reason) = match &removed {
            Ok(()) => ("CLOUD_ROUTE_REMOVE_SUCCESS", ""),
            Err(reason) => ("CLOUD_ROUTE_REMOVE_FAILURE", reason.as_str()),
        };
        self.tell(cloud, event, &made.wanted, &made.name, reason);
        removed.is_ok()
    }

    fn tell(&self, cloud: &Cloud, event: &str, route: &Wanted, name: &str, reason: &str) {
        let table = route.table.rsplit('/').next().unwrap_or_default();
        let routes: Vec<&str> = [name].into_iter().filter(|name| !name.is_empty()).collect();
        let details = json!({"cloud_route_notif_details": {
            "cc_id": cloud.uuid, "reason": reason, "route_table": table, "routes": routes,
        }});
        self.avi.add_event(json!({
            "event_id": event,
            "obj_name": cloud.name,
            "obj_uuid": cloud.uuid,
            "event_details": details,
        }));
    }

    fn clouds(&self) -> Vec<Cloud> {
        let list = self.avi.all("cloud");
        let azure = list.iter().filter(|cloud| cloud["vtype"] == "CLOUD_AZURE");
        azure.filter_map(|cloud| self.cloud(cloud)).collect()
    }

    fn cloud(&self, cloud: &Value) -> Option<Cloud> {
        let uuid = cloud["uuid"].as_str()?.to_owned();
        let is_of = |object: &&Value| uuid_of(&object["cloud_ref"]) == uuid;
        let vrfs = self.avi.all("vrfcontext");
        let vrf = vrfs
            .iter()
            .filter(is_of)
            .find(|vrf| vrf["name"] == "global");
        let vrf = vrf.cloned().unwrap_or_default();
        let configuration = &cloud["azure_configuration"];
        let network = &configuration["network_info"][0];
        let groups = self.avi.all("serviceenginegroup");
        let targets = groups.iter().filter(is_of).flat_map(|group| {
            let mut seen = self.seen(group, network);
            seen.retain_mut(|(label, target)| {
                target.routes = routes_labelled(&vrf, label);
                !target.routes.is_empty()
            });
            seen.into_iter().map(|(_, target)| target)
        });
        Some(Cloud {
            name: cloud["name"].as_str()?.to_owned(),
            account: self.account(&uuid_of(&configuration["cloud_credentials_ref"]))?,
            vrf_state: vrf["_last_modified"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            targets: targets.collect(),
            uuid,
        })
    }

    /// The service principal of a credential.
    fn account(&self, credential: &str) -> Option<Account> {
        let path = format!("/api/cloudconnectoruser/{credential}");
        let (_, shown) = self.avi.request("GET", &path, Value::Null);
        let principal = &shown["azure_serviceprincipal"];
        Some(Account {
            tenant_id: principal["tenant_id"].as_str()?.to_owned(),
            client_id: principal["application_id"].as_str()?.to_owned(),
            client_secret: self.avi.credential_secret(credential)?,
        })
    }

    /// The label and subnet of a group as its Service Engines were made with them; those of the group itself where there
    /// is none. A label that comes after the engines has no effect on them (AKO's documentation of `AviInfraSetting`).
    fn seen(&self, group: &Value, network: &Value) -> Vec<(Value, Target)> {
        let virtual_network = network["virtual_network_id"].as_str().unwrap_or_default();
        let default = &network["se_network_id"];
        let of = |holder: &Value| {
            let own = &holder["data_network_id"];
            let name = own.as_str().or(default.as_str()).unwrap_or_default();
            let target = Target {
                subnet: subnet_id(virtual_network, name),
                routes: Vec::new(),
            };
            (holder["labels"][0].clone(), target)
        };
        let uuid = group["uuid"].as_str().unwrap_or_default();
        let births = self.engines.births(uuid);
        match births.is_empty() {
            true => vec![of(group)],
            false => births.iter().map(of).collect(),
        }
    }
}

/// Prefix and next hop of the routes of a VRF with that label.
fn routes_labelled(vrf: &Value, label: &Value) -> Vec<(String, String)> {
    if label.is_null() {
        return Vec::new();
    }
    let routes = vrf["static_routes"].as_array().into_iter().flatten();
    let mine = routes.filter(|route| {
        let of = &route["labels"][0];
        of["key"] == label["key"] && of["value"] == label["value"]
    });
    mine.filter_map(|route| {
        let address = route["prefix"]["ip_addr"]["addr"].as_str()?;
        let next_hop = route["next_hop"]["addr"].as_str()?;
        Some((
            format!("{address}/{}", route["prefix"]["mask"]),
            next_hop.to_owned(),
        ))
    })
    .collect()
}

/// The uuid in a reference, whatever its form.
pub(super) fn uuid_of(reference: &Value) -> String {
    let text = reference.as_str().unwrap_or_default();
    let text = text.split('#').next().unwrap_or_default();
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A subnet by its name in the cloud's virtual network; an id stays as it is.
pub(super) fn subnet_id(virtual_network: &str, name: &str) -> String {
    match name.starts_with('/') {
        true => name.to_owned(),
        false => format!("{virtual_network}/subnets/{name}"),
    }
}
