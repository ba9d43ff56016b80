//! The API server of one Kubernetes cluster, as far as readers of nodes, config maps and CNI resources need it.
//!
//! What it does is recorded from kube-apiserver 1.36 with curl, kubectl 1.20 and 1.32 and the Python client; what
//! no recording shows is marked "assumed" where it is coded. Deliberately absent: watches (405), pods and all other
//! resources (404 as for unknown ones, and not in discovery), subresources, API descriptions, strategic merge
//! patches and server-side apply (415), protobuf (but for reviews, which kubectl sends so), gzip, admission and
//! defaulting.

mod access;
mod discovery;
mod edits;
mod kubeconfig;
mod list;
mod objects;
mod protobuf;
mod query;
mod reviews;
mod route;
mod selector;
mod status;
mod store;
mod table;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::access::LIMITED_USER;
pub use self::objects::{CustomResource, Node, block_affinity, cilium_node, host_subnet};

use self::access::{Action, User};
use self::list::ListOptions;
use self::query::Query;
use self::route::{ResourceRequest, Target};
use self::status::Failure;
use self::store::{Key, Kind, ResourceId, Store};
use crate::http::{Request, Response};

/// How a cluster is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the cluster, and of its contexts in the kubeconfig.
    pub name: String,
    /// The token of the administrator.
    pub token: String,
    /// The token of [`LIMITED_USER`], who may get and list nodes and nothing else.
    pub limited_token: String,
    /// A certificate for the kubeconfig; what its user may do follows from its subject.
    pub client_certificate: Option<ClientCertificate>,
}

/// A client certificate: the common name is the user, the organizations are the groups.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate; `O=system:masters` makes an administrator.
    pub certificate_pem: String,
    /// Its key.
    pub private_key_pem: String,
}

/// One cluster. Changes are seen by the next request.
pub struct Cluster {
    options: Options,
    store: Mutex<Store>,
}

impl Options {
    /// Random tokens and no client certificate.
    pub fn new(name: &str) -> Options {
        Options {
            name: name.to_owned(),
            token: Uuid::new_v4().to_string(),
            limited_token: Uuid::new_v4().to_string(),
            client_certificate: None,
        }
    }
}

impl Cluster {
    /// A cluster without nodes and config maps.
    pub fn new(options: Options) -> Cluster {
        let mut store = Store::new();
        store.add_kind(objects::config_map_kind());
        store.add_kind(objects::node_kind());
        Cluster {
            options,
            store: Mutex::new(store),
        }
    }

    /// The name of the cluster.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// A kubeconfig for the server at `server_url`: contexts `<name>`, `<name>-limited` and, where the options
    /// carry a certificate, `<name>-certificate`.
    pub fn kubeconfig(&self, server_url: &str, ca_pem: &str) -> String {
        kubeconfig::render(&self.options, server_url, ca_pem)
    }

    /// Answers one request.
    pub fn handle(&self, request: &Request) -> Response {
        let query = Query::parse(&request.query);
        let response = match access::authenticate(request, &self.options) {
            Ok(user) => {
                let answer = self.answer(request, &query, &user);
                let mut response = answer.unwrap_or_else(|failure| failure.response());
                add_flow_headers(&mut response);
                response
            }
            Err(failure) => failure.response(),
        };
        finish(request, response)
    }

    /// The nodes, sorted by name.
    pub fn nodes(&self) -> Vec<Node> {
        let store = self.store();
        let nodes = store.list(&objects::node_kind().id, None, store.revision());
        nodes
            .iter()
            .map(|node| Node::from_object(&node.object))
            .collect()
    }

    /// The nodes as the API shows them, sorted by name.
    pub fn node_objects(&self) -> Vec<Value> {
        let store = self.store();
        let nodes = store.list(&objects::node_kind().id, None, store.revision());
        let objects = nodes.iter().map(|node| Value::clone(&node.object));
        objects.collect()
    }

    /// Adds a node as the API would show it, or replaces the one of that name.
    pub fn add_node_object(&self, object: &Value) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let key = Key::new(None, name);
        self.store()
            .put(&objects::node_kind().id, &key, object.clone());
    }

    /// Makes these the nodes of the cluster; nodes that stay keep their identity.
    pub fn set_nodes(&self, nodes: &[Node]) {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        for node in self.nodes() {
            if !names.contains(&node.name.as_str()) {
                self.remove_node(&node.name);
            }
        }
        for node in nodes {
            self.add_node(node);
        }
    }

    /// Adds a node, or replaces the one of that name.
    pub fn add_node(&self, node: &Node) {
        let key = Key::new(None, &node.name);
        self.store()
            .put(&objects::node_kind().id, &key, node.to_object());
    }

    /// Removes a node; false where there is none of that name.
    pub fn remove_node(&self, name: &str) -> bool {
        self.store()
            .remove(&objects::node_kind().id, &Key::new(None, name))
            .is_some()
    }

    /// Changes a node, pod CIDRs included, which the API would not; false where there is none of that name.
    pub fn update_node(&self, name: &str, change: impl FnOnce(&mut Node)) -> bool {
        let Some(mut node) = self.nodes().into_iter().find(|node| node.name == name) else {
            return false;
        };
        change(&mut node);
        self.add_node(&node);
        true
    }

    /// Creates or replaces a config map.
    pub fn set_config_map(&self, namespace: &str, name: &str, data: &BTreeMap<String, String>) {
        let object = objects::config_map(namespace, name, data);
        let key = Key::new(Some(namespace), name);
        self.store()
            .put(&objects::config_map_kind().id, &key, object);
    }

    /// Serves a custom resource with these items; before the first call its group is unknown (404).
    ///
    /// An item is an object with `metadata.name`; kind and version are filled in.
    pub fn set_custom_resources(&self, resource: &CustomResource, items: &[Value]) {
        let kind = resource.to_kind();
        let id = kind.id.clone();
        let mut store = self.store();
        store.add_kind(kind);
        let objects: Vec<Value> = items.iter().map(|item| resource.to_object(item)).collect();
        let revision = store.revision();
        for entry in store.list(&id, None, revision) {
            if objects
                .iter()
                .all(|object| object["metadata"]["name"] != entry.place.as_str())
            {
                store.remove(&id, &Key::new(None, &entry.place));
            }
        }
        for object in objects {
            put_custom_resource(&mut store, &id, object);
        }
    }

    /// The items of every custom resource that is served, under its name in paths.
    pub fn custom_resources(&self) -> BTreeMap<String, Vec<Value>> {
        let store = self.store();
        let items = |kind: &Kind| {
            let entries = store.list(&kind.id, None, store.revision()).into_iter();
            entries.map(|entry| Value::clone(&entry.object)).collect()
        };
        let kinds = store.kinds().filter(|kind| kind.is_custom());
        kinds
            .map(|kind| (kind.id.plural.clone(), items(kind)))
            .collect()
    }

    /// Adds one item of a custom resource, or replaces the one of that name; the resource is served from then on.
    pub fn add_custom_resource(&self, resource: &CustomResource, item: &Value) {
        let kind = resource.to_kind();
        let id = kind.id.clone();
        let mut store = self.store();
        store.add_kind(kind);
        put_custom_resource(&mut store, &id, resource.to_object(item));
    }

    /// Removes one item of a custom resource; false where there is none of that name.
    pub fn remove_custom_resource(&self, resource: &CustomResource, name: &str) -> bool {
        let id = resource.to_kind().id;
        self.store().remove(&id, &Key::new(None, name)).is_some()
    }

    /// Lets every continue token and every exact version given out so far expire, as a compaction of etcd does.
    pub fn expire_continue_tokens(&self) {
        self.store().compact();
    }

    fn answer(&self, request: &Request, query: &Query, user: &User) -> Result<Response, Failure> {
        let target = Target::parse(&request.path);
        let action = Action::of(&request.method, &target, query);
        access::authorize(user, &target, &action)?;
        let mut store = self.store();
        match &target {
            Target::Path(_) if request.method != Method::GET => Err(Failure::MethodNotAllowed),
            Target::Path(_) => discovery::answer(request, &store),
            Target::Resource(target) => {
                if let Some(review) = reviews::answer(request, target, user) {
                    return review;
                }
                let kind = served_kind(&store, target)?;
                match request.method {
                    // Assumed: 405. A real server would keep the answer open.
                    Method::GET if query.is_on("watch") => Err(Failure::MethodNotAllowed),
                    Method::GET => read(&store, request, query, target, &kind),
                    _ => edits::apply(request, target, &kind, &mut store),
                }
            }
        }
    }

    // A panic while the lock was held cannot have left a half-made change: each one is a single call.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put_custom_resource(store: &mut Store, id: &ResourceId, object: Value) {
    let name = object["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    store.put(id, &Key::new(None, &name), object);
}

/// The kind that a path means. Recorded: an unknown group is no page, an unknown core resource a `Status`.
fn served_kind(store: &Store, target: &ResourceRequest) -> Result<Kind, Failure> {
    if !discovery::serves(store, &target.id.group, &target.version) {
        return Err(Failure::NoSuchPath);
    }
    let kind = store
        .kind(&target.id)
        .filter(|kind| kind.version == target.version);
    let kind = kind.ok_or_else(|| no_such_resource(store, &target.id))?;
    let misplaced = target.namespace.is_some() && !kind.namespaced
        || target.namespace.is_none() && kind.namespaced && target.name.is_some();
    if target.subresource.is_some() || misplaced {
        return Err(Failure::NoSuchResource);
    }
    Ok(kind.clone())
}

// Recorded for the core group. Assumed: a group of custom resources hands unknown ones on until no page is found.
fn no_such_resource(store: &Store, id: &ResourceId) -> Failure {
    let is_custom = |kind: &Kind| kind.is_custom() && kind.id.group == id.group;
    if store.kinds().any(is_custom) {
        Failure::NoSuchPath
    } else {
        Failure::NoSuchResource
    }
}

fn read(
    store: &Store,
    request: &Request,
    query: &Query,
    target: &ResourceRequest,
    kind: &Kind,
) -> Result<Response, Failure> {
    let view = table::requested_view(&request.headers, target.name.is_none())?;
    let namespace = target.namespace.as_deref();
    let body = if let Some(name) = &target.name {
        let object = store.get(&kind.id, &Key::new(namespace, name));
        let object = object.ok_or_else(|| Failure::NotFound {
            resource: kind.id.clone(),
            name: name.clone(),
        })?;
        table::show_object(kind, &object, view)
    } else {
        let page = list::page(store, kind, namespace, &ListOptions::parse(query, kind)?)?;
        let items: Vec<&Value> = page.items.iter().map(AsRef::as_ref).collect();
        table::show_list(kind, &items, page.metadata(kind, view), view)
    };
    Ok(status::json(StatusCode::OK, &body))
}

/// Members that every answer to a known user has: the names of its flow control.
fn add_flow_headers(response: &mut Response) {
    for (name, uid) in [
        (
            "x-kubernetes-pf-flowschema-uid",
            "6f0c1c1e-3a5f-4d0e-8f2e-000000000001",
        ),
        (
            "x-kubernetes-pf-prioritylevel-uid",
            "6f0c1c1e-3a5f-4d0e-8f2e-000000000002",
        ),
    ] {
        response
            .headers
            .insert(HeaderName::from_static(name), HeaderValue::from_static(uid));
    }
}

fn finish(request: &Request, mut response: Response) -> Response {
    let no_cache = HeaderValue::from_static("no-cache, private");
    response
        .headers
        .entry(header::CACHE_CONTROL)
        .or_insert(no_cache);
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response
            .headers
            .insert(HeaderName::from_static("audit-id"), id);
    }
    let agent = request
        .headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    if agent.is_some_and(|agent| agent.starts_with("curl") || agent.starts_with("Wget")) {
        indent(&mut response);
    }
    if request.method == Method::HEAD {
        response.body = Bytes::new();
    }
    response
}

// Recorded: people with curl get indented JSON.
fn indent(response: &mut Response) {
    let indented = serde_json::from_slice::<Value>(&response.body)
        .ok()
        .filter(Value::is_object)
        .and_then(|body| serde_json::to_string_pretty(&body).ok());
    if let Some(indented) = indented {
        response.body = Bytes::from(indented + "\n");
    }
}

impl list::Page {
    /// The metadata of the list. Recorded: a custom resource's last page has an empty `continue`, others have none.
    fn metadata(&self, kind: &Kind, view: table::View) -> Value {
        let mut metadata = json!({ "resourceVersion": self.revision.to_string() });
        match &self.next {
            Some(token) => metadata["continue"] = json!(token),
            None if kind.is_custom() && view == table::View::Whole => {
                metadata["continue"] = json!("");
            }
            None => {}
        }
        if let Some(remaining) = self.remaining {
            metadata["remainingItemCount"] = json!(remaining);
        }
        metadata
    }
}

#[cfg(test)]
mod tests;
