//! How far a cloud is: in progress for a while after each write, then ready, or failed for a reason that Azure gives.
//!
//! The states are documented; what the controller looks at, and its words, are assumed. It is computed anew
//! whenever somebody asks, so that a cloud recovers as soon as its rights are there.

use serde_json::{Value, json};

use super::Core;
use super::call::Call;
use super::errors::Refusal;
use super::reads::Shape;
use super::store::{CLOUD, SE_GROUP, SERVICE_ENGINE, Stored, Type};

impl Core {
    /// `GET /api/cloud/<uuid>/status`.
    pub(super) fn get_cloud_status(&self, call: &Call, uuid: &str) -> Result<Value, Refusal> {
        Ok(self.cloud_status(self.visible(call, CLOUD, uuid)?))
    }

    /// `GET /api/cloud-inventory` and `GET /api/serviceenginegroup-inventory`.
    pub(super) fn list_inventory(&self, call: &Call, kind: Type) -> Result<Value, Refusal> {
        let found = self
            .store
            .of(kind)
            .filter(|object| call.tenant.sees(object) && call.query.admits(object, &self.store));
        let found: Vec<&Stored> = found.collect();
        self.paged(
            call,
            found.iter().map(|object| self.inventory(call, object)),
        )
    }

    /// One entry of an inventory.
    pub(super) fn get_inventory(
        &self,
        call: &Call,
        kind: Type,
        uuid: &str,
    ) -> Result<Value, Refusal> {
        Ok(self.inventory(call, self.visible(call, kind, uuid)?))
    }

    fn inventory(&self, call: &Call, object: &Stored) -> Value {
        let shape = Shape {
            names: call.query.asks("include_name"),
            skip_default: call.query.asks("skip_default"),
            leave_secrets_out: false,
            version: call.version,
        };
        let mut entry = json!({"uuid": object.uuid, "config": self.render(object, shape)});
        match object.kind {
            CLOUD => entry["status"] = self.cloud_status(object),
            SE_GROUP => {
                let group = object.reference();
                let engines = self.store.of(SERVICE_ENGINE);
                let engines = engines.filter(|engine| engine.text("se_group_ref") == group);
                let engines = engines.map(|it| format!("{}{}", self.base_url, it.reference()));
                entry["serviceengines"] = engines.collect();
            }
            _ => {}
        }
        entry
    }

    fn cloud_status(&self, cloud: &Stored) -> Value {
        let written = self.written_clouds.get(&cloud.uuid);
        let is_new = written.is_some_and(|at| at.elapsed() < self.settings.cloud_ready_after);
        let (state, reason) = match cloud.text("vtype") {
            "CLOUD_AZURE" if is_new => ("CLOUD_STATE_IN_PROGRESS", Some("Configuring".to_owned())),
            "CLOUD_AZURE" => match self.trouble_with(cloud) {
                Some(reason) => ("CLOUD_STATE_FAILED", Some(reason)),
                None => ("CLOUD_STATE_PLACEMENT_READY", None),
            },
            _ => ("CLOUD_STATE_PLACEMENT_READY", None),
        };
        let mut status = json!({"uuid": cloud.uuid, "state": state});
        if let Some(reason) = reason {
            status["reason"] = reason.into();
        }
        status
    }

    /// Why a cloud cannot place Service Engines, as its own credential sees Azure.
    fn trouble_with(&self, cloud: &Stored) -> Option<String> {
        let null = Value::Null;
        let azure = cloud.members.get("azure_configuration").unwrap_or(&null);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object_id = match self.signed_in(&azure["cloud_credentials_ref"]) {
            Ok(object_id) => object_id,
            Err(why) => return Some(why),
        };

        let network = &azure["network_info"][0];
        let network_id = text(&network["virtual_network_id"]);
        let group = format!(
            "/subscriptions/{}/resourceGroups/{}",
            text(&azure["subscription_id"]),
            text(&azure["resource_group"])
        );
        let mut needed = vec![group, network_id.clone()];
        for subnet in ["se_network_id", "management_network_id"] {
            if let Some(name) = network[subnet].as_str() {
                needed.push(format!("{network_id}/subnets/{name}"));
            }
        }
        for id in &needed {
            let (status, answer) = self.azure.request_as(&object_id, "GET", id, Value::Null);
            if status != 200 {
                let why = answer["error"]["message"].as_str().unwrap_or("no answer");
                return Some(format!("Azure refused to show {id}: {why}"));
            }
        }
        let join = "Microsoft.Network/virtualNetworks/subnets/join/action";
        let subnets = needed.iter().skip(2);
        let mut refused = subnets.filter(|id| !self.azure.allows(&object_id, join, id));
        refused.next().map(|id| {
            format!("The client '{object_id}' does not have authorization to perform action '{join}' over scope '{id}'")
        })
    }

    /// The object id by which Azure knows who holds the credential; without one, the controller's managed identity.
    fn signed_in(&self, credential: &Value) -> Result<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let Some(credential) = self.store.follow(&text(credential)) else {
            let identity = self.settings.managed_identity.clone();
            return identity.ok_or_else(|| "No cloud credentials are configured".to_owned());
        };
        let null = Value::Null;
        let principal = credential.members.get("azure_serviceprincipal");
        let principal = principal.unwrap_or(&null);
        let signed_in = self.azure.sign_in(
            &text(&principal["tenant_id"]),
            &text(&principal["application_id"]),
            &text(&principal["authentication_token"]),
        );
        signed_in.map_err(|why| format!("Azure login failed: {why}"))
    }
}
