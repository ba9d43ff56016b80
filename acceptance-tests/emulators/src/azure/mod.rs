//! Azure: login, metadata and Resource Manager with the network types that the provider touches.
//!
//! A pure answering machine that never waits. Operations that take time are finished when
//! the next request finds them due, so that a lab without latency has no timers at all.

mod access;
mod authorization;
mod call;
mod child_writes;
mod completion;
mod errors;
mod federation;
mod groups;
mod guards;
mod history;
mod in_process;
mod login;
pub(crate) mod managed_identity;
mod metadata;
mod names;
mod network_interfaces;
mod operations;
pub(crate) mod pipelines;
mod polls;
mod reads;
mod resource_types;
mod route_tables;
mod security_groups;
mod store;
mod target;
mod virtual_networks;
mod writes;

use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::access::{Denial, Principal};
pub use self::federation::FederatedToken;
pub use self::history::Change;

use self::access::{Access, Caller};
use self::authorization::Roles;
use self::call::Call;
use self::errors::ArmError;
use self::federation::Federation;
use self::history::History;
use self::operations::Operations;
use self::store::Store;
use self::target::Target;
use crate::front::Service;
use crate::http::{Request, Response};
use crate::latency::Latency;
use crate::sync::lock;

/// Who and what the emulated Azure is for.
#[derive(Clone, Debug, Serialize)]
pub struct Identity {
    /// The one subscription.
    pub subscription_id: String,
    /// The one tenant.
    pub tenant_id: String,
    /// The principal that the connection names.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Its object id.
    pub object_id: String,
}

impl Default for Identity {
    fn default() -> Identity {
        Identity {
            subscription_id: "0a0b0000-0000-4000-8000-00000000000a".to_owned(),
            tenant_id: "0a0b0000-0000-4000-8000-00000000000b".to_owned(),
            client_id: "0a0b0000-0000-4000-8000-00000000000c".to_owned(),
            client_secret: "lab-client-secret".to_owned(),
            object_id: "0a0b0000-0000-4000-8000-00000000000d".to_owned(),
        }
    }
}

/// What can be set while the lab runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Routes per table: 400 for years, 600 and 1,000 during 2026 (azure-docs).
    pub route_limit: usize,
    /// Seconds of `Retry-After` on accepted writes and unfinished polls; the service sends none since 2024.
    pub retry_after: Option<u32>,
    /// What happens to a write of a resource whose last operation is unfinished.
    pub busy: Busy,
    /// How long tokens are valid.
    pub token_lifetime: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            route_limit: 400,
            retry_after: None,
            busy: Busy::Queue,
            token_lifetime: Duration::from_secs(3_599),
        }
    }
}

/// What happens to a write of a resource whose last operation is unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Busy {
    /// It is accepted and carried out afterwards, as recorded for routes.
    #[default]
    Queue,
    /// 409 `AnotherOperationInProgress`, as users report.
    Conflict,
    /// 429 `RetryableError`, as users report; also for a subnet that names an unfinished table.
    Retryable,
}

/// The emulated Azure of one lab.
pub struct Azure {
    core: Mutex<Core>,
}

impl Azure {
    /// An empty subscription whose endpoints are all at the base URL (no slash at its end).
    pub fn new(identity: Identity, settings: Settings, base_url: &str) -> Azure {
        let principal = Principal {
            client_id: identity.client_id.clone(),
            client_secret: identity.client_secret.clone(),
            object_id: identity.object_id.clone(),
        };
        let authority = format!("{base_url}/{}", identity.tenant_id);
        let core = Core {
            access: Access::new(principal, authority),
            federation: Federation::new(&identity.client_id, base_url),
            base_url: base_url.to_owned(),
            identity,
            settings,
            latency: Latency::NONE,
            store: Store::default(),
            operations: Operations::new(),
            roles: Roles::new(),
            history: History::new(),
        };
        Azure {
            core: Mutex::new(core),
        }
    }

    /// The ids of the subscription, the tenant and the principal.
    pub fn identity(&self) -> Identity {
        lock(&self.core).identity.clone()
    }

    /// Acts as another writer inside the lab: no token, no journal, no delay, and the operation is finished when
    /// this returns. The path may leave out `/subscriptions/<id>` and the api-version.
    pub fn request(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.request_by(Caller::Inside, method, path, &body)
    }

    fn request_by(&self, caller: Caller, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut core = lock(&self.core);
        let request = core.inside(method, path, body);
        core.settle();
        let before = core.operations.count();
        let response = core.arm(&request, Some(caller));
        if core.operations.count() > before {
            core.finish_last();
        }
        let body = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        (response.status.as_u16(), body)
    }

    /// The states that a route table or virtual network was in, or all of them, in order.
    pub fn history(&self, id: Option<&str>) -> Vec<Change> {
        let mut core = lock(&self.core);
        core.settle();
        core.history.of(id)
    }

    /// Everything that exists, as GET would answer it.
    pub fn state(&self) -> Value {
        let mut core = lock(&self.core);
        core.settle();
        let groups = core.store.groups.values().map(store::Group::render);
        let resources = core.store.resources.values();
        let resources = resources.map(|resource| resource.render(&core.store));
        json!({
            "resource_groups": groups.collect::<Value>(),
            "resources": resources.collect::<Value>(),
            "authorization": core.roles.state(),
            "unfinished_operations": core.operations.pending().count(),
        })
    }

    /// Finishes every operation that is still running.
    pub fn finish_operations(&self) {
        let mut core = lock(&self.core);
        core.operations.hurry(None);
        core.settle();
    }

    /// Lets another principal sign in.
    pub fn add_principal(&self, principal: Principal) {
        lock(&self.core).access.principals.push(principal);
    }

    /// A token of another identity provider, which the lab's application trusts for one subject and audience.
    pub fn federated_token(&self, token: &FederatedToken) -> String {
        lock(&self.core).federation.issue(token)
    }

    /// Denies an action.
    pub fn deny(&self, denial: Denial) {
        lock(&self.core).access.denials.push(denial);
    }

    /// Allows everything again.
    pub fn allow_all(&self) {
        lock(&self.core).access.denials.clear();
    }

    /// Makes every token that was handed out invalid.
    pub fn revoke_tokens(&self) {
        lock(&self.core).access.revoke_tokens();
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        lock(&self.core).settings.clone()
    }

    /// Changes settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.core).settings);
    }

    /// Sets how long operations take from now on.
    pub(crate) fn set_latency(&self, latency: Latency) {
        lock(&self.core).latency = latency;
    }
}

impl Service for Azure {
    fn label(&self, request: &Request) -> String {
        let agent = request.headers.get(http::header::USER_AGENT);
        let label = match request.path.as_str() {
            _ if agent.is_some_and(|agent| agent == CONNECTOR_AGENT) => "connector",
            path if metadata::is_metadata(path) => "metadata",
            path if login::is_login(path) => "login",
            path if pipelines::is_pipeline(path) => "pipelines",
            _ => "arm",
        };
        label.to_owned()
    }

    fn handle(&self, request: &Request) -> Response {
        let mut core = lock(&self.core);
        core.settle();
        match request.path.as_str() {
            path if metadata::is_metadata(path) => metadata::document(&core),
            path if login::is_login(path) => login::handle(&mut core, request),
            path if pipelines::is_pipeline(path) => pipelines::handle(&mut core, request),
            _ => core.arm(request, None),
        }
    }
}

/// The header by which a fault tells the write that it meets how its operation shall end.
pub(crate) const FAIL_OPERATION: &str = "x-lab-fail-operation";

/// The api-version of writers inside the lab: the one of the recordings.
const INSIDE_API_VERSION: &str = "2025-05-01";

/// The User-Agent of the controller's cloud connector, by which the journal tells its requests from others.
pub(crate) const CONNECTOR_AGENT: &str = "avi-cloud-connector";

struct Core {
    identity: Identity,
    settings: Settings,
    base_url: String,
    latency: Latency,
    access: Access,
    federation: Federation,
    store: Store,
    operations: Operations,
    roles: Roles,
    history: History,
}

impl Core {
    fn arm(&mut self, request: &Request, caller: Option<Caller>) -> Response {
        let answered = match caller {
            Some(caller) => self.call(request, caller),
            None => self
                .access
                .authenticate(&request.headers)
                .and_then(|caller| self.call(request, caller)),
        };
        let mut response = answered.unwrap_or_else(|error| error.response());
        self.stamp(request, &mut response.headers);
        response
    }

    fn call(&mut self, request: &Request, caller: Caller) -> Result<Response, ArmError> {
        let call = Call::read(request, caller)?;
        if let Some(subscription) = &call.subscription
            && !subscription.eq_ignore_ascii_case(&self.identity.subscription_id)
        {
            return Err(ArmError::subscription_not_found(subscription));
        }
        if let Some(action) = call.action() {
            self.access.authorize(&call.caller, &action, &call.path)?;
        }
        self.route(&call)
    }

    fn route(&mut self, call: &Call) -> Result<Response, ArmError> {
        let method = call.method.as_str();
        match (method, &call.target) {
            ("GET", Target::Subscriptions) => Ok(self.list_subscriptions()),
            ("GET", Target::Subscription) => Ok(self.get_subscription()),
            ("GET", Target::Providers) => Ok(self.list_providers()),
            ("GET", Target::Groups) => Ok(self.list_groups()),
            ("GET" | "HEAD", Target::Group(name)) => self.get_group(call, name),
            ("PUT", Target::Group(name)) => self.put_group(call, name),
            ("PATCH", Target::Group(name)) => self.patch_group(call, name),
            ("DELETE", Target::Group(name)) => self.delete_group(call, name),
            ("GET", Target::GroupResources(name)) => self.list_group_resources(name),
            ("GET", Target::Everywhere(kind)) => self.list_everywhere(call, kind),
            ("GET", Target::List(group, kind)) => self.list_resources(call, group, kind),
            ("GET", Target::Resource(name)) => self.get_resource(call, name),
            ("PUT", Target::Resource(name)) => self.put_resource(call, name),
            ("PATCH", Target::Resource(name)) => self.patch_resource(call, name),
            ("DELETE", Target::Resource(name)) => self.delete_resource(call, name),
            ("GET", Target::Children(name, kind)) => self.list_children(call, name, kind),
            ("GET", Target::Child(name, kind, child)) => self.get_child(call, name, kind, child),
            ("PUT", Target::Child(name, kind, child)) => self.put_child(call, name, kind, child),
            ("DELETE", Target::Child(name, kind, child)) => {
                self.delete_child(call, name, kind, child)
            }
            ("GET", Target::Operation(id)) => self.get_operation(call, id),
            ("GET", Target::OperationResult(id)) => self.get_operation_result(call, id),
            ("GET", Target::GroupOperationResult(id)) => self.get_group_result(call, id),
            (_, Target::Authorization(scope, rest)) => self.authorization(call, scope, rest),
            (_, Target::Unknown) => Err(ArmError::unknown_type(&call.path)),
            _ => Err(ArmError::method_not_allowed(method)),
        }
    }

    /// The headers of every answer.
    fn stamp(&self, request: &Request, headers: &mut HeaderMap) {
        let request_id = Uuid::new_v4().to_string();
        let correlation = request.headers.get("x-ms-correlation-request-id").cloned();
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert("x-ms-request-id", value.clone());
            headers.insert("x-ms-correlation-request-id", correlation.unwrap_or(value));
        }
        if headers.contains_key("x-ms-failure-cause") {
            return;
        }
        // Buckets of the subscription; the recorded ones are as good as full.
        let bucket = match request.method {
            Method::PUT | Method::PATCH | Method::POST => "writes",
            Method::DELETE => "deletes",
            _ => "reads",
        };
        let name = format!("x-ms-ratelimit-remaining-subscription-global-{bucket}");
        if let Ok(name) = http::HeaderName::try_from(name) {
            headers.insert(name, HeaderValue::from_static("11999"));
        }
    }

    fn inside(&self, method: &str, path: &str, body: &Value) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = if path.to_lowercase().starts_with("/subscriptions") {
            path.to_owned()
        } else {
            format!("/subscriptions/{}{path}", self.identity.subscription_id)
        };
        let query = match query {
            "" => format!("api-version={INSIDE_API_VERSION}"),
            query => query.to_owned(),
        };
        let body = match body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        Request {
            method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET),
            path,
            query,
            headers: HeaderMap::new(),
            body,
            client_certificate: None,
        }
    }
}

/// 200 with a body.
fn ok(body: &Value) -> Response {
    Response::json(StatusCode::OK, body)
}
