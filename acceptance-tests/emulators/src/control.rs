//! The control API: what tests do through [`Lab`](crate::Lab), over plain HTTP for everybody else.
//!
//! | request | does |
//! |---|---|
//! | `GET /journal`, `DELETE /journal` | every request so far; forget them |
//! | `GET /state` | everything that exists |
//! | `GET /history?id=…` | the states that a route table or virtual network was in |
//! | `GET /latency`, `POST /latency` | `{"profile": "realistic"}` (or `none`, or milliseconds), or `{"call_ms", "operation_ms"}` |
//! | `GET /faults`, `POST /faults`, `DELETE /faults` | list; arm one ([`Fault`]), answers `{"id": n}`; disarm all |
//! | `POST /release` | `{"fault": n}`, or `{}` for all that is held |
//! | `GET /settings`, `POST /settings` | [`Settings`]; members that are left out keep their value |
//! | `POST /denials`, `DELETE /denials` | deny an action ([`Denial`]); allow everything again |
//! | `POST /custom-resources` | `{"cluster", "resource", "items"}`: serve `blockaffinities`, `hostsubnets` or `ciliumnodes` with these items |
//! | `POST /azure` | `{"method", "path", "body"}`: write as somebody else, without token, journal or delay |
//! | `POST /avi` | the same at the Avi controller, without session |
//! | `GET /avi/settings`, `POST /avi/settings` | [`avi::Settings`]; members that are left out keep their value |
//! | `POST /avi/denials`, `POST /avi/refusals`, `DELETE /avi/denials` | take a right from users ([`avi::Denial`]); refuse deletes ([`avi::DeleteRefusal`]); end both |
//! | `POST /avi/events` | note an event |
//! | `POST /avi/service-engines` | `{"se_group": uuid, "name", "members"}`: place a Service Engine |
//! | `POST /avi/expire-sessions` | what it says |
//! | `POST /actors/ako` | `{"action": "start"}` with [`AkoOptions`](crate::actors::AkoOptions); `restart`, `sync`, `stop`, `delete_config`, `status`, `sent` with `cluster` |
//! | `POST /actors/cloud-connector` | `{"running", "delay_ms"}`; `{"action": "settle"}` waits until it is done |
//! | `POST /actors/service-engines` | `{"action": "place", "se_group", "name"}`, `{"action": "remove"}`, `{"minute_ms", "never_leave"}` |
//! | `POST /finish-operations`, `POST /revoke-tokens` | what they say |

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::avi;
use crate::azure::{Denial, Settings};
use crate::faults::Fault;
use crate::http::{Request, Response};
use crate::kubernetes::CustomResource;
use crate::lab::Handles;
use crate::latency::Latency;
use crate::listener::{Answer, Serve};
use crate::sync::lock;

/// The control API of one lab.
pub(crate) struct Control(pub(crate) Arc<Handles>);

impl Serve for Control {
    async fn serve(&self, request: Request) -> Answer {
        let answered = match request.path.strip_prefix("/actors/") {
            Some(actor) if request.method == http::Method::POST => self.act(actor, &request).await,
            _ => self.route(&request),
        };
        Answer::Whole(answered.unwrap_or_else(|refusal| {
            Response::json(StatusCode::BAD_REQUEST, &json!({"error": refusal.0}))
        }))
    }
}

/// Why a request was refused, for the person who typed it.
struct Refusal(String);

impl Control {
    /// What an actor is asked for may take time, as what it asks of others does.
    async fn act(&self, actor: &str, request: &Request) -> Result<Response, Refusal> {
        let asked: Value = read(request)?;
        match self.0.actors.control(actor, &asked).await {
            Some(Ok(answer)) => Ok(Response::json(StatusCode::OK, &answer)),
            Some(Err(why)) => Err(Refusal(why)),
            None => {
                let error = json!({"error": format!("the lab has no actor {actor}")});
                Ok(Response::json(StatusCode::NOT_FOUND, &error))
            }
        }
    }

    fn route(&self, request: &Request) -> Result<Response, Refusal> {
        let shared = &self.0.shared;
        let azure = &shared.azure;
        let answer = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/journal") => json!(shared.journal.entries()),
            ("DELETE", "/journal") => {
                shared.journal.clear();
                Value::Null
            }
            ("GET", "/state") => self.state(),
            ("GET", "/history") => json!(azure.history(request.parameter("id").as_deref())),
            ("GET", "/latency") => json!(*lock(&shared.latency)),
            ("POST", "/latency") => {
                self.0.set_latency(latency(&read(request)?)?);
                Value::Null
            }
            ("GET", "/faults") => json!(shared.faults.list()),
            ("POST", "/faults") => json!({"id": shared.faults.add(read::<Fault>(request)?)}),
            ("DELETE", "/faults") => {
                shared.faults.clear();
                Value::Null
            }
            ("POST", "/release") => {
                let asked: Value = read(request)?;
                shared.faults.release(asked["fault"].as_u64());
                Value::Null
            }
            ("GET", "/settings") => json!(azure.settings()),
            ("POST", "/settings") => self.change_settings(&read(request)?)?,
            ("POST", "/denials") => {
                azure.deny(read::<Denial>(request)?);
                Value::Null
            }
            ("DELETE", "/denials") => {
                azure.allow_all();
                Value::Null
            }
            ("POST", "/custom-resources") => {
                self.set_custom_resources(&read(request)?)?;
                Value::Null
            }
            ("POST", "/azure") => self.write(&read(request)?),
            ("POST", "/avi") => self.write_avi(&read(request)?),
            ("POST", "/finish-operations") => {
                azure.finish_operations();
                Value::Null
            }
            ("POST", "/revoke-tokens") => {
                azure.revoke_tokens();
                Value::Null
            }
            (method, path) if path.starts_with("/avi/") => {
                return self.avi(method, path, request);
            }
            (method, path) => {
                let error = json!({"error": format!("the control API has no {method} {path}")});
                return Ok(Response::json(StatusCode::NOT_FOUND, &error));
            }
        };
        Ok(answered(&answer))
    }

    fn avi(&self, method: &str, path: &str, request: &Request) -> Result<Response, Refusal> {
        let avi = &self.0.shared.avi;
        let mut answer = Value::Null;
        match (method, path) {
            ("GET", "/avi/settings") => answer = json!(avi.settings()),
            ("POST", "/avi/settings") => {
                let (changed, shown) = merged(&avi.settings(), &read(request)?)?;
                avi.change_settings(|settings| *settings = changed);
                answer = shown;
            }
            ("POST", "/avi/denials") => avi.deny(read::<avi::Denial>(request)?),
            ("POST", "/avi/refusals") => avi.refuse_deletes(read::<avi::DeleteRefusal>(request)?),
            ("DELETE", "/avi/denials") => avi.allow_all(),
            ("POST", "/avi/events") => avi.add_event(read(request)?),
            ("POST", "/avi/service-engines") => {
                let asked: Value = read(request)?;
                let text = |name: &str| asked[name].as_str().unwrap_or_default();
                let members = asked["members"].clone();
                let placed = avi.place_service_engine(text("se_group"), text("name"), members);
                let uuid = placed.ok_or_else(|| Refusal("no such SE group".to_owned()))?;
                answer = json!({"uuid": uuid});
            }
            ("POST", "/avi/expire-sessions") => avi.expire_sessions(),
            (method, path) => {
                let error = json!({"error": format!("the control API has no {method} {path}")});
                return Ok(Response::json(StatusCode::NOT_FOUND, &error));
            }
        }
        Ok(answered(&answer))
    }

    fn state(&self) -> Value {
        let clusters = self.0.clusters.iter().map(|service| {
            let nodes = service.0.nodes();
            let nodes = nodes.into_iter().map(|node| {
                json!({
                    "name": node.name,
                    "internal_ip": node.internal_ip,
                    "pod_cidrs": node.pod_cidrs,
                })
            });
            json!({
                "name": service.0.name(),
                "nodes": nodes.collect::<Value>(),
                "custom_resources": service.0.custom_resources(),
            })
        });
        json!({
            "azure": self.0.shared.azure.state(),
            "avi": self.0.shared.avi.state(),
            "kubernetes": clusters.collect::<Value>(),
        })
    }

    fn change_settings(&self, changes: &Value) -> Result<Value, Refusal> {
        let azure = &self.0.shared.azure;
        let (changed, shown): (Settings, Value) = merged(&azure.settings(), changes)?;
        azure.change_settings(|settings| *settings = changed);
        Ok(shown)
    }

    fn set_custom_resources(&self, asked: &Value) -> Result<(), Refusal> {
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let mut clusters = self.0.clusters.iter();
        let cluster = clusters.find(|service| service.0.name() == text("cluster"));
        let cluster = cluster.ok_or_else(|| Refusal("no such cluster".to_owned()))?;
        let resource = CustomResource::of_plural(text("resource"));
        let resource = resource.ok_or_else(|| Refusal("no such resource".to_owned()))?;
        let items = asked["items"].as_array();
        let items = items.ok_or_else(|| Refusal("items must be a list".to_owned()))?;
        cluster.0.set_custom_resources(&resource, items);
        Ok(())
    }

    fn write_avi(&self, asked: &Value) -> Value {
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let avi = &self.0.shared.avi;
        let (status, body) = avi.request(text("method"), text("path"), asked["body"].clone());
        json!({"status": status, "body": body})
    }

    fn write(&self, asked: &Value) -> Value {
        let text = |name: &str| asked[name].as_str().unwrap_or_default();
        let azure = &self.0.shared.azure;
        let (status, body) = azure.request(text("method"), text("path"), asked["body"].clone());
        json!({"status": status, "body": body})
    }
}

fn answered(answer: &Value) -> Response {
    match answer {
        Value::Null => Response::empty(StatusCode::NO_CONTENT),
        answer => Response::json(StatusCode::OK, answer),
    }
}

/// Settings with changes made to them, also as they are shown.
fn merged<T: Serialize + DeserializeOwned>(
    settings: &T,
    changes: &Value,
) -> Result<(T, Value), Refusal> {
    let mut shown = json!(settings);
    if let (Value::Object(shown), Value::Object(changes)) = (&mut shown, changes) {
        shown.extend(changes.clone());
    }
    let changed = serde_json::from_value(shown.clone());
    let changed = changed.map_err(|error| Refusal(format!("settings: {error}")))?;
    Ok((changed, shown))
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    let body: &[u8] = match &request.body {
        empty if empty.is_empty() => b"{}",
        body => body,
    };
    serde_json::from_slice(body).map_err(|error| Refusal(error.to_string()))
}

fn latency(asked: &Value) -> Result<Latency, Refusal> {
    let milliseconds = |name: &str| asked[name].as_u64().map(Duration::from_millis);
    match &asked["profile"] {
        Value::String(profile) => Latency::parse(profile),
        Value::Number(number) => Latency::parse(&number.to_string()),
        _ => {
            let call = milliseconds("call_ms").unwrap_or_default();
            let operation = milliseconds("operation_ms").unwrap_or_default();
            return Ok(Latency::fixed(call, operation));
        }
    }
    .map_err(|error| Refusal(error.to_string()))
}
