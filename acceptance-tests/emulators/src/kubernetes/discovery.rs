//! Which groups, versions and resources there are: one document per group, and all of them at once.
//!
//! Recorded: kube-apiserver 1.36. Only what the emulator serves is listed, so no client is led to Pods. The verbs
//! are the recorded ones although `watch` and `deletecollection` are refused with 405: clients choose by `list`.

use std::fmt::Write as _;

use ::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use super::status::{Failure, json as json_response, text};
use super::store::{Kind, Store};
use crate::http::{Request, Response};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

const ALL_VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// A group that stores nothing: its one resource is posted to and answers.
struct ReviewGroup {
    name: &'static str,
    plural: &'static str,
    kind: &'static str,
}

const REVIEW_GROUPS: [ReviewGroup; 2] = [
    ReviewGroup {
        name: "authentication.k8s.io",
        plural: "selfsubjectreviews",
        kind: "SelfSubjectReview",
    },
    ReviewGroup {
        name: "authorization.k8s.io",
        plural: "selfsubjectaccessreviews",
        kind: "SelfSubjectAccessReview",
    },
];

/// Answers a path that is no resource: discovery, version, health.
pub(super) fn answer(request: &Request, store: &Store) -> Result<Response, Failure> {
    let segments: Vec<&str> = request
        .path
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let body = match segments.as_slice() {
        [] => json!({ "paths": paths(store) }),
        ["version"] => version(),
        ["healthz" | "livez" | "readyz"] => return Ok(health(segments[0], &request.query)),
        ["api"] if wants_aggregated(&request.headers) => {
            return Ok(aggregated(request, vec![aggregated_group("", store)]));
        }
        ["apis"] if wants_aggregated(&request.headers) => {
            let groups = groups(store);
            let items = groups
                .iter()
                .map(|(group, _)| aggregated_group(group, store))
                .collect();
            return Ok(aggregated(request, items));
        }
        ["api"] => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{
                "clientCIDR": "0.0.0.0/0",
                "serverAddress": host(&request.headers),
            }],
        }),
        ["api", "v1"] => resource_list("", "v1", store),
        ["apis"] => {
            let groups = groups(store);
            let groups: Vec<Value> = groups
                .iter()
                .map(|(group, version)| api_group(group, version))
                .collect();
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
        }
        ["apis", group] => {
            let groups = groups(store);
            let (group, version) = groups
                .iter()
                .find(|(name, _)| name == group)
                .ok_or(Failure::NoSuchPath)?;
            let mut body = json!({ "kind": "APIGroup", "apiVersion": "v1" });
            merge(&mut body, &api_group(group, version));
            body
        }
        ["apis", group, version] if serves(store, group, version) => {
            resource_list(group, version, store)
        }
        _ => return Err(Failure::NoSuchPath),
    };
    Ok(json_response(StatusCode::OK, &body))
}

/// Whether the group has this version; the core group's name is empty.
pub(super) fn serves(store: &Store, group: &str, version: &str) -> bool {
    (group.is_empty() && version == "v1")
        || groups(store)
            .iter()
            .any(|(name, served)| name == group && served == version)
}

/// The named groups with their version, in order of installation.
fn groups(store: &Store) -> Vec<(String, String)> {
    let mut groups: Vec<(String, String)> = Vec::new();
    for review in &REVIEW_GROUPS {
        groups.push((review.name.to_owned(), "v1".to_owned()));
    }
    for kind in store.kinds().filter(|kind| kind.is_custom()) {
        let group = (kind.id.group.clone(), kind.version.clone());
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

fn paths(store: &Store) -> Vec<String> {
    let mut paths: Vec<String> = [
        "/api", "/api/v1", "/apis", "/apis/", "/healthz", "/livez", "/readyz", "/version",
    ]
    .map(str::to_owned)
    .into();
    for (group, version) in groups(store) {
        paths.push(format!("/apis/{group}/{version}"));
        paths.push(format!("/apis/{group}"));
    }
    paths.sort();
    paths
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36",
        "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        "gitVersion": "v1.36.2", "gitCommit": "$Format:%H$", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "go1.27.3", "compiler": "gc", "platform": "linux/amd64",
    })
}

fn health(name: &str, query: &str) -> Response {
    let body = if super::query::Query::parse(query).has("verbose") {
        format!("[+]ping ok\n[+]log ok\n[+]etcd ok\n{name} check passed\n")
    } else {
        "ok".to_owned()
    };
    text(StatusCode::OK, body)
}

fn host(headers: &HeaderMap) -> &str {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default()
}

fn api_group(group: &str, version: &str) -> Value {
    let version = json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    json!({ "name": group, "versions": [version], "preferredVersion": version })
}

// Recorded: the core group's list has no apiVersion, the others have.
fn resource_list(group: &str, version: &str, store: &Store) -> Value {
    let mut body = json!({ "kind": "APIResourceList" });
    if group.is_empty() {
        body["groupVersion"] = json!(version);
    } else {
        body["apiVersion"] = json!("v1");
        body["groupVersion"] = json!(format!("{group}/{version}"));
    }
    let reviews = reviews_of(group).map(|review| {
        json!({
            "name": review.plural, "singularName": review.kind.to_lowercase(), "namespaced": false,
            "kind": review.kind, "verbs": ["create"],
        })
    });
    let stored = kinds_of(group, store).map(api_resource);
    body["resources"] = reviews.chain(stored).collect();
    body
}

fn api_resource(kind: &Kind) -> Value {
    let mut resource = json!({
        "name": kind.id.plural,
        "singularName": kind.kind.to_lowercase(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": ALL_VERBS,
    });
    if let Some(short_name) = kind.short_name {
        resource["shortNames"] = json!([short_name]);
    }
    resource["storageVersionHash"] = json!(storage_version_hash(kind));
    resource
}

// Recorded for nodes, config maps and block affinities: eight bytes of SHA-256 over group, version and kind.
fn storage_version_hash(kind: &Kind) -> String {
    let name = format!("{}/{}/{}", kind.id.group, kind.version, kind.kind);
    STANDARD.encode(&Sha256::digest(name)[..8])
}

fn wants_aggregated(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let mut media_types = accept.unwrap_or_default().split(',');
    media_types.any(|media_type| {
        ["g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"]
            .iter()
            .all(|parameter| media_type.split(';').any(|part| part.trim() == *parameter))
    })
}

fn aggregated(request: &Request, items: Vec<Value>) -> Response {
    let body = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    let etag = etag(&body);
    let known = request.headers.get(header::IF_NONE_MATCH);
    let mut response = if known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        Response::empty(StatusCode::NOT_MODIFIED)
    } else {
        let mut response = json_response(StatusCode::OK, &body);
        response
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(AGGREGATED));
        response
    };
    response
        .headers
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
    response
        .headers
        .insert(header::VARY, HeaderValue::from_static("Accept"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers.insert(header::ETAG, etag);
    }
    response
}

fn etag(body: &Value) -> String {
    let mut etag = String::from("\"");
    for byte in Sha512::digest(body.to_string()) {
        // Writing to a string cannot fail.
        let _ = write!(etag, "{byte:02X}");
    }
    etag.push('"');
    etag
}

fn aggregated_group(group: &str, store: &Store) -> Value {
    let reviews = reviews_of(group).map(|review| {
        json!({
            "resource": review.plural,
            "responseKind": { "group": "", "version": "", "kind": review.kind },
            "scope": "Cluster",
            "singularResource": review.kind.to_lowercase(),
            "verbs": ["create"],
        })
    });
    let stored = kinds_of(group, store).map(aggregated_resource);
    let resources: Vec<Value> = reviews.chain(stored).collect();
    let version = groups(store).into_iter().find(|(name, _)| name == group);
    let version = version.map_or("v1".to_owned(), |(_, version)| version);
    let metadata = if group.is_empty() {
        json!({})
    } else {
        json!({ "name": group })
    };
    json!({
        "metadata": metadata,
        "versions": [{ "version": version, "resources": resources, "freshness": "Current" }],
    })
}

// Recorded: the response kind of built-in resources names neither group nor version.
fn aggregated_resource(kind: &Kind) -> Value {
    let (group, version) = match kind.is_custom() {
        true => (kind.id.group.as_str(), kind.version.as_str()),
        false => ("", ""),
    };
    let mut resource = json!({
        "resource": kind.id.plural,
        "responseKind": { "group": group, "version": version, "kind": kind.kind },
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.kind.to_lowercase(),
        "verbs": ALL_VERBS,
    });
    if let Some(short_name) = kind.short_name {
        resource["shortNames"] = json!([short_name]);
    }
    resource
}

fn kinds_of<'a>(group: &'a str, store: &'a Store) -> impl Iterator<Item = &'a Kind> {
    store.kinds().filter(move |kind| kind.id.group == group)
}

fn reviews_of(group: &str) -> impl Iterator<Item = &'static ReviewGroup> + use<'_> {
    REVIEW_GROUPS
        .iter()
        .filter(move |review| review.name == group)
}

fn merge(into: &mut Value, from: &Value) {
    for (member, value) in from.as_object().into_iter().flatten() {
        into[member] = value.clone();
    }
}
