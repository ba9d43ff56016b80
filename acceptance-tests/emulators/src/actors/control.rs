//! The actors behind the control API: `POST /actors/ako`, `/actors/cloud-connector`, `/actors/service-engines`.

use serde_json::{Value, json};

use super::cloud_connector::ConnectorSettings;
use super::service_engines::EngineSettings;
use super::{Actors, AkoOptions};

impl Actors {
    /// Carries out what a person asked; the answer, or why not. None where there is no such actor.
    pub(crate) async fn control(
        &self,
        actor: &str,
        asked: &Value,
    ) -> Option<Result<Value, String>> {
        match actor {
            "ako" => Some(self.control_ako(asked).await),
            "cloud-connector" => Some(self.control_connector(asked).await),
            "service-engines" => Some(self.control_engines(asked)),
            _ => None,
        }
    }

    async fn control_ako(&self, asked: &Value) -> Result<Value, String> {
        let (action, options) = action_of(asked);
        if action == "start" {
            let options: AkoOptions = read(options)?;
            let outcome = self.start_ako(options).await;
            return outcome
                .map(|outcome| json!(outcome))
                .map_err(|why| why.to_string());
        }
        let cluster = asked["cluster"].as_str().unwrap_or_default();
        let ako = self.ako(cluster);
        let ako = ako.ok_or_else(|| format!("no AKO was started in cluster {cluster:?}"))?;
        match action.as_str() {
            "restart" => Ok(json!(ako.start().await)),
            "sync" => Ok(json!(ako.sync().await)),
            "delete_config" => {
                let delete = asked["value"].as_bool().unwrap_or(true);
                Ok(json!(ako.set_delete_config(delete).await))
            }
            "stop" => {
                ako.stop().await;
                Ok(json!({"status": ako.status().await}))
            }
            "status" => Ok(json!({"status": ako.status().await, "options": ako.options().shown()})),
            "sent" => Ok(json!(ako.sent())),
            other => Err(format!("AKO has no action {other:?}")),
        }
    }

    async fn control_connector(&self, asked: &Value) -> Result<Value, String> {
        let (action, changes) = action_of(asked);
        let changed: ConnectorSettings = merged(json!(self.connector.settings()), &changes)?;
        if changed != self.connector.settings() {
            self.connector
                .change_settings(|settings| *settings = changed);
        }
        if action == "settle" {
            self.connector.settled().await;
        }
        Ok(json!(changed))
    }

    fn control_engines(&self, asked: &Value) -> Result<Value, String> {
        let (action, rest) = action_of(asked);
        let text = |name: &str| asked[name].as_str();
        match action.as_str() {
            "place" => {
                let (group, name) = (text("se_group"), text("name"));
                let placed = self
                    .engines
                    .place(group.unwrap_or_default(), name.unwrap_or("se-1"));
                placed
                    .map(|uuid| json!({"uuid": uuid}))
                    .map_err(|why| why.to_string())
            }
            "remove" => {
                self.engines.remove(text("se_group"));
                Ok(Value::Null)
            }
            _ => {
                let changed: EngineSettings = merged(json!(self.engines.settings()), &rest)?;
                self.engines.change_settings(|settings| *settings = changed);
                Ok(json!(changed))
            }
        }
    }
}

/// The action, and the other members.
fn action_of(asked: &Value) -> (String, Value) {
    let mut rest = asked.clone();
    if let Some(members) = rest.as_object_mut() {
        members.shift_remove("action");
    }
    let action = asked["action"].as_str().unwrap_or_default();
    (action.to_owned(), rest)
}

fn merged<T: serde::de::DeserializeOwned>(
    mut settings: Value,
    changes: &Value,
) -> Result<T, String> {
    if let (Value::Object(settings), Value::Object(changes)) = (&mut settings, changes) {
        settings.extend(changes.clone());
    }
    read(settings)
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}
