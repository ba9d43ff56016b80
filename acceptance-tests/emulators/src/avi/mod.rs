//! The Avi controller's REST API, as far as the provider, AKO and the vendor's SDKs use it.
//!
//! A pure answering machine that never waits. Where no other source is named, behaviour follows the vendor's API
//! guide, recordings of controllers 17.1 to 20.1 in its SDK, and what AKO expects of it. Cloud connector, AKO and
//! Service Engines are actors of their own, which write here like anybody else.

mod call;
mod check;
mod clouds;
pub(crate) mod connection;
mod errors;
mod events;
mod models;
mod patch;
mod query;
mod reads;
mod refs;
mod rules;
mod sessions;
mod singles;
mod store;
mod version;
mod writes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

pub use self::connection::{AviConnection, Options};

use self::call::{Call, clean, header as sent};
use self::errors::Refusal;
use self::sessions::{Caller, Sessions, session_cookies};
use self::store::{CLOUD, SE_GROUP, Store, Stored, type_of_path};
use crate::azure::{Azure, Principal};
use crate::faults::glob_matches;
use crate::front::Service;
use crate::http::{Request, Response};
use crate::sync::lock;

/// Who the controller lets in, and whom its cloud credentials name.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
    /// The service principal at the emulated Azure for cloud credentials.
    pub principal: Principal,
}

impl Default for Identity {
    fn default() -> Identity {
        Identity {
            username: "admin".to_owned(),
            password: "lab-avi-password".to_owned(),
            principal: Principal {
                client_id: "0a0b0000-0000-4000-8000-0000000000a1".to_owned(),
                client_secret: "lab-avi-client-secret".to_owned(),
                object_id: "0a0b0000-0000-4000-8000-0000000000a2".to_owned(),
            },
        }
    }
}

/// What can be set while the lab runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The controller's version, and with it the newest that requests may ask for.
    pub version: String,
    /// How long a session lives without a request.
    pub idle_expiry: Duration,
    /// How long a session lives at most.
    pub session_lifetime: Duration,
    /// What an ended session is answered with: 419, as recorded, or 401.
    pub expired_status: u16,
    /// How long a cloud is in progress after each write.
    pub cloud_ready_after: Duration,
    /// The object id of the controller's managed identity, with which clouds without a credential sign in to Azure.
    pub managed_identity: Option<String>,
    /// Whether the controller still starts and answers 503.
    pub initializing: bool,
    /// `portal_configuration.allow_basic_authentication`.
    pub allow_basic_authentication: bool,
    /// What the delete of a referred object is answered with: 400, as recorded for clouds, or 403, as for newer types.
    pub refused_delete_status: u16,
    /// How many objects a page has at most, whatever is asked for.
    pub largest_page: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            version: "30.2.1".to_owned(),
            idle_expiry: Duration::from_secs(15 * 60),
            session_lifetime: Duration::from_secs(24 * 60 * 60),
            expired_status: 419,
            cloud_ready_after: Duration::ZERO,
            managed_identity: None,
            initializing: false,
            allow_basic_authentication: false,
            refused_delete_status: 400,
            largest_page: 200,
        }
    }
}

/// A right that users lack. Everything else is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// The type as paths name it, such as `serviceenginegroup`; `*` stands for any text.
    pub object: String,
    /// What is denied of it.
    pub access: Access,
    /// Who lacks it; everybody where there is none.
    #[serde(default)]
    pub user: Option<String>,
}

/// A kind of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// GET.
    Read,
    /// Everything else.
    Write,
}

/// A delete that is refused as if others referred to the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteRefusal {
    /// The type as paths name it; `*` stands for any text.
    pub object: String,
    /// The object's name; all of the type where there is none.
    #[serde(default)]
    pub name: Option<String>,
    /// The status: 400 or 403.
    pub status: u16,
    /// Who refers to it, such as `VirtualService shop`.
    #[serde(default)]
    pub referrers: Vec<String>,
}

impl DeleteRefusal {
    fn meets(&self, object: &Stored) -> bool {
        let name = self.name.as_ref();
        glob_matches(&self.object, object.kind.path)
            && name.is_none_or(|name| name == object.name())
    }
}

/// The emulated controller of one lab.
pub struct Avi {
    core: Mutex<Core>,
}

impl Avi {
    /// A controller as it is after its setup: tenants `admin` and `team-a`, Default-Cloud with its SE group and VRFs.
    /// The base URL has no slash at its end.
    pub fn new(identity: &Identity, settings: Settings, base_url: &str, azure: Arc<Azure>) -> Avi {
        let mut sessions = Sessions::default();
        sessions.add_user(&identity.username, &identity.password);
        let core = Core {
            base_url: base_url.to_owned(),
            settings,
            sessions,
            store: Store::default(),
            denials: Vec::new(),
            refusals: Vec::new(),
            events: Vec::new(),
            written_clouds: BTreeMap::new(),
            changes: watch::Sender::new(0),
            azure,
        };
        let avi = Avi {
            core: Mutex::new(core),
        };
        for (slug, name) in [(call::ADMIN, "admin"), (TEAM_A, "team-a")] {
            avi.plant("/api/tenant", slug, &json!({"name": name, "local": true}));
        }
        // Recorded: dhcp_enabled is true there alone.
        let cloud = json!({"name": "Default-Cloud", "vtype": "CLOUD_NONE", "dhcp_enabled": true});
        avi.plant("/api/cloud", DEFAULT_CLOUD, &cloud);
        avi
    }

    /// Acts as another writer with all rights, in all tenants and the controller's version: no session, no journal,
    /// no delay. The path may carry a query.
    pub fn request(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.inside(method, path, HeaderMap::new(), &body)
    }

    /// Everything that exists, as GET would answer it, by type.
    pub fn state(&self) -> Value {
        let core = lock(&self.core);
        let mut state = json!({"sessions": core.sessions.count(), "logins": core.sessions.logins});
        for object in core.store.all() {
            let shown = core.render(object, core.plain_shape());
            match &mut state[object.kind.path] {
                Value::Array(objects) => objects.push(shown),
                none => *none = json!([shown]),
            }
        }
        state["events"] = json!(core.events);
        state
    }

    /// Every object of one type, as a single GET would answer it; none of a type that paths do not name.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        let core = lock(&self.core);
        let objects = type_of_path(kind).map(|kind| core.store.of(kind));
        let objects = objects.into_iter().flatten();
        let shown = objects.map(|object| core.render(object, core.plain_shape()));
        shown.collect()
    }

    /// The number of changes to clouds, SE groups, VRFs and Service Engines so far; wakes when it grows.
    pub fn changes(&self) -> watch::Receiver<u64> {
        lock(&self.core).changes.subscribe()
    }

    /// Lets another user sign in.
    pub fn add_user(&self, name: &str, password: &str) {
        lock(&self.core).sessions.add_user(name, password);
    }

    /// Lets every session have ended just now.
    pub fn expire_sessions(&self) {
        lock(&self.core).sessions.expire();
    }

    /// Takes a right from users.
    pub fn deny(&self, denial: Denial) {
        lock(&self.core).denials.push(denial);
    }

    /// Refuses deletes as if others referred to the objects.
    pub fn refuse_deletes(&self, refusal: DeleteRefusal) {
        lock(&self.core).refusals.push(refusal);
    }

    /// Gives all rights back and refuses no more deletes than references do.
    pub fn allow_all(&self) {
        let mut core = lock(&self.core);
        core.denials.clear();
        core.refusals.clear();
    }

    /// Notes an event: its `event_id`, and what else the event says; the time of its report is now.
    pub fn add_event(&self, event: Value) {
        lock(&self.core).add_event(event);
    }

    /// Puts a Service Engine into an SE group, named by uuid; its uuid, none where there is no such group. The group
    /// and its cloud cannot be deleted as long as it is there. `members` are its other members, such as `data_vnics`.
    pub fn place_service_engine(&self, group: &str, name: &str, members: Value) -> Option<String> {
        let (status, group) = self.request(
            "GET",
            &format!("/api/serviceenginegroup/{group}"),
            Value::Null,
        );
        if status != 200 {
            return None;
        }
        let mut body = members;
        if !body.is_object() {
            body = json!({});
        }
        body["name"] = name.into();
        for (member, of) in [
            ("cloud_ref", "cloud_ref"),
            ("tenant_ref", "tenant_ref"),
            ("se_group_ref", "url"),
        ] {
            body[member] = group[of].clone();
        }
        let (_, engine) = self.request("POST", "/api/serviceengine", body);
        engine["uuid"].as_str().map(str::to_owned)
    }

    /// Takes a Service Engine away; false where there is none with that uuid.
    pub fn remove_service_engine(&self, uuid: &str) -> bool {
        let path = format!("/api/serviceengine/{uuid}");
        self.request("DELETE", &path, Value::Null).0 == 204
    }

    /// The secret that a credential holds, which no answer shows.
    pub fn credential_secret(&self, uuid: &str) -> Option<String> {
        let core = lock(&self.core);
        let credential = core.store.get(store::CREDENTIAL, uuid)?;
        let principal = credential.members.get("azure_serviceprincipal")?;
        principal["authentication_token"]
            .as_str()
            .map(str::to_owned)
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        lock(&self.core).settings.clone()
    }

    /// Changes settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.core).settings);
    }

    fn plant(&self, path: &str, slug: &str, body: &Value) {
        let mut headers = HeaderMap::new();
        if let Ok(slug) = HeaderValue::from_str(slug) {
            headers.insert("slug", slug);
        }
        self.inside("POST", path, headers, body);
    }

    fn inside(&self, method: &str, path: &str, headers: HeaderMap, body: &Value) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = match body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        let request = Request {
            method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body,
            client_certificate: None,
        };
        let mut core = lock(&self.core);
        let answered = core.answer(&request, Caller::Inside);
        let response = answered.unwrap_or_else(Refusal::response);
        let body = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        (response.status.as_u16(), body)
    }
}

impl Service for Avi {
    fn label(&self, request: &Request) -> String {
        let by = sent(&request.headers, "x-avi-useragent");
        let label = if by == Some("AKO") { "ako" } else { "avi" };
        label.to_owned()
    }

    fn handle(&self, request: &Request) -> Response {
        let mut core = lock(&self.core);
        let answered = core.open(request);
        let mut response = answered.unwrap_or_else(Refusal::response);
        // Recorded on all answers.
        let version = sent(&request.headers, "x-avi-version").unwrap_or("16_4_2");
        if let Ok(version) = HeaderValue::from_str(version) {
            response.headers.insert("avi_api_version", version);
        }
        response
    }
}

struct Core {
    base_url: String,
    settings: Settings,
    sessions: Sessions,
    store: Store,
    denials: Vec<Denial>,
    refusals: Vec<DeleteRefusal>,
    events: Vec<Value>,
    /// When each cloud was last written.
    written_clouds: BTreeMap<String, Instant>,
    changes: watch::Sender<u64>,
    azure: Arc<Azure>,
}

impl Core {
    /// Everything that needs no session, and the check of the session for the rest.
    fn open(&mut self, request: &Request) -> Result<Response, Refusal> {
        let path = clean(&request.path);
        if self.settings.initializing && path != "/api/cluster/status" {
            return Err(Refusal::initializing());
        }
        match (request.method.as_str(), path.as_str()) {
            ("GET", "/api/cluster/status") => return Ok(ok(&self.cluster_runtime())),
            ("GET", "/api/initial-data") => return Ok(ok(&self.initial_data())),
            ("POST", "/login") => return self.login(request),
            ("POST", "/logout") => return self.logout(request),
            _ => {}
        }
        let caller = self.sessions.authenticate(request, &self.settings)?;
        let session = match &caller {
            Caller::User(_, session) => session.clone(),
            Caller::Inside => None,
        };
        let answered = self.answer(request, caller);
        let mut response = answered.unwrap_or_else(Refusal::response);
        for cookie in session.iter().flat_map(|it| session_cookies(it)).flatten() {
            response.headers.append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    fn answer(&mut self, request: &Request, caller: Caller) -> Result<Response, Refusal> {
        let call = Call::read(request, caller, &self.store, &self.settings.version)?;
        let steps = call.steps();
        if let Some(object) = steps.first() {
            self.authorize(&call, object.trim_end_matches("-inventory"))?;
        }
        match (call.method.as_str(), steps.as_slice()) {
            ("GET", ["cluster", "runtime" | "status"]) => Ok(ok(&self.cluster_runtime())),
            ("GET", ["initial-data"]) => Ok(ok(&self.initial_data())),
            ("POST", ["user-token"]) => self.create_token(&call),
            ("GET", ["user-token"]) => Ok(ok(&self.list_tokens())),
            ("GET", ["ipamdnsproviderprofiledomainlist"]) => {
                Ok(ok(&json!({"count": 0, "results": []})))
            }
            ("GET", ["analytics", "logs"]) => Ok(ok(&self.list_events(&call)?)),
            ("GET", ["cloud", uuid, "status"]) => Ok(ok(&self.get_cloud_status(&call, uuid)?)),
            (
                "GET",
                [
                    inventory @ ("cloud-inventory" | "serviceenginegroup-inventory"),
                    rest @ ..,
                ],
            ) => {
                let cloud = inventory.starts_with("cloud-");
                let kind = if cloud { CLOUD } else { SE_GROUP };
                match rest {
                    [] => Ok(ok(&self.list_inventory(&call, kind)?)),
                    [uuid, ..] => Ok(ok(&self.get_inventory(&call, kind, uuid)?)),
                }
            }
            (method, [path]) => {
                if let Some(found) = self.single(path) {
                    let read = (method == "GET").then(|| ok(&found));
                    return read.ok_or_else(|| Refusal::method(method));
                }
                let kind = type_of_path(path).ok_or_else(Refusal::unknown_path)?;
                match method {
                    "GET" => Ok(ok(&self.list(&call, kind)?)),
                    "POST" => self.create(&call, kind),
                    method => Err(Refusal::method(method)),
                }
            }
            (method, [path, uuid]) => {
                let kind = type_of_path(path).ok_or_else(Refusal::unknown_path)?;
                match method {
                    "GET" => Ok(ok(&self.get(&call, kind, uuid)?)),
                    "PUT" => self.replace(&call, kind, uuid),
                    "PATCH" => self.patch(&call, kind, uuid),
                    "DELETE" => self.delete(&call, kind, uuid),
                    method => Err(Refusal::method(method)),
                }
            }
            _ => Err(Refusal::unknown_path()),
        }
    }

    /// How a plain GET in the controller's version shows objects.
    fn plain_shape(&self) -> reads::Shape {
        reads::Shape {
            names: false,
            skip_default: false,
            leave_secrets_out: false,
            version: call::newest(&self.settings.version),
        }
    }

    fn authorize(&self, call: &Call, object: &str) -> Result<(), Refusal> {
        let Caller::User(user, _) = &call.caller else {
            return Ok(());
        };
        let access = match call.method.as_str() {
            "GET" => Access::Read,
            _ => Access::Write,
        };
        let denied = self.denials.iter().any(|denial| {
            denial.access == access
                && glob_matches(&denial.object, object)
                && denial.user.as_ref().is_none_or(|denied| denied == user)
        });
        if denied {
            let access = if access == Access::Read {
                "read"
            } else {
                "write"
            };
            return Err(Refusal::permission(access, object));
        }
        Ok(())
    }
}

fn ok(body: &Value) -> Response {
    errors::json(StatusCode::OK, body)
}

/// Leaves of the secrets in a body only that they were there; the mask itself stays what it is.
pub(crate) fn mask_secrets(body: &mut Value) {
    match body {
        Value::Array(items) => items.iter_mut().for_each(mask_secrets),
        Value::Object(members) => {
            // An operation of `json_patch` names the member in its path.
            let path = members.get("path").and_then(Value::as_str);
            let sets_secret = path.is_some_and(is_secret);
            for (name, value) in members {
                if is_secret(name) || (sets_secret && name == "value") {
                    if value.as_str() != Some(SENSITIVE) {
                        *value = "<secret>".into();
                    }
                } else {
                    mask_secrets(value);
                }
            }
        }
        _ => {}
    }
}

fn is_secret(member: &str) -> bool {
    let name = member.rsplit('/').next();
    ["authentication_token", "password", "private_key", "token"]
        .iter()
        .any(|secret| Some(*secret) == name)
}

/// What a secret reads back as (recorded).
const SENSITIVE: &str = "<sensitive>";

const TEAM_A: &str = "tenant-0a0b0000-0000-4000-8000-00000000000a";
const DEFAULT_CLOUD: &str = "cloud-0a0b0000-0000-4000-8000-000000000001";
