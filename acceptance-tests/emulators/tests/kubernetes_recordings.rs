//! Every recorded request to a real kube-apiserver 1.36, sent to the emulator and compared with what was answered.
//!
//! The recordings lie in the folder that `AKO_RECORDINGS_DIR` names; without it this test says so and passes. The
//! facts behind them are also tested beside the code.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;

use ako_lab::http::{Request, Response};
use ako_lab::kubernetes::{Cluster, CustomResource, Node, Options};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

const FILES: [&str; 4] = [
    "kube_raw.json",
    "kube_python.json",
    "kube_kubectl_1.20.json",
    "kube_kubectl_1.32.json",
];

/// Requests that are not compared, with the reason.
const SKIPPED: &[(&str, &str)] = &[
    ("/apis/admissionregistration.k8s.io/v1", NOT_SERVED),
    ("/apis/apiextensions.k8s.io/v1", NOT_SERVED),
    ("/apis/apiregistration.k8s.io/v1", NOT_SERVED),
    ("/apis/apps/v1", NOT_SERVED),
    ("/apis/autoscaling/v1", NOT_SERVED),
    ("/apis/autoscaling/v2", NOT_SERVED),
    ("/apis/batch/v1", NOT_SERVED),
    ("/apis/certificates.k8s.io/v1", NOT_SERVED),
    ("/apis/coordination.k8s.io/v1", NOT_SERVED),
    ("/apis/discovery.k8s.io/v1", NOT_SERVED),
    ("/apis/events.k8s.io/v1", NOT_SERVED),
    ("/apis/flowcontrol.apiserver.k8s.io/v1", NOT_SERVED),
    ("/apis/networking.k8s.io/v1", NOT_SERVED),
    ("/apis/node.k8s.io/v1", NOT_SERVED),
    ("/apis/policy/v1", NOT_SERVED),
    ("/apis/rbac.authorization.k8s.io/v1", NOT_SERVED),
    ("/apis/resource.k8s.io/v1", NOT_SERVED),
    ("/apis/scheduling.k8s.io/v1", NOT_SERVED),
    ("/apis/storage.k8s.io/v1", NOT_SERVED),
];
const NOT_SERVED: &str =
    "asked because the real server's discovery names the group; the emulator's does not";

/// Members that are not compared, with the reason.
const MEMBERS_SKIPPED: &[(&str, &str)] = &[
    (
        "managedFields",
        "tells which client wrote what; no client wrote the emulator's objects",
    ),
    (
        "description",
        "of table columns: the emulator's words are its own",
    ),
    (
        "providerID",
        "a recorded node had been created without one; on Azure every node has one",
    ),
    (
        "x",
        "an annotation that somebody wrote between two recordings",
    ),
    (
        "taints",
        "set by controllers that the emulator does not have",
    ),
];

/// Headers that must be there when they were recorded.
const HEADERS: [&str; 11] = [
    "Audit-Id",
    "Cache-Control",
    "Content-Type",
    "Etag",
    "Retry-After",
    "Vary",
    "X-Content-Type-Options",
    "X-Kubernetes-Pf-Flowschema-Uid",
    "X-Kubernetes-Pf-Prioritylevel-Uid",
    "Www-Authenticate",
    "Location",
];

/// Headers whose value must be the recorded one, too.
const HEADERS_WITH_VALUE: [&str; 5] = [
    "Cache-Control",
    "Content-Type",
    "Retry-After",
    "Vary",
    "X-Content-Type-Options",
];

#[test]
fn every_recorded_request_is_answered_as_it_was_by_a_real_server() {
    let Some(folder) = std::env::var_os("AKO_RECORDINGS_DIR") else {
        println!(
            "recordings: 0 replayed, {} skipped (AKO_RECORDINGS_DIR is not set)",
            FILES.len()
        );
        return;
    };
    let mut differences = Vec::new();
    for file in FILES {
        let path = Path::new(&folder).join("clients").join(file);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let recording: Value = serde_json::from_str(&text).unwrap();
        let mut replay = Replay::new(recording["interactions"].as_array().unwrap());
        differences.extend(
            replay
                .run()
                .into_iter()
                .map(|difference| format!("{file} {difference}")),
        );
        assert!(replay.compared > 0, "{file}: nothing was compared");
        println!(
            "{file}: {} requests compared, {} skipped",
            replay.compared, replay.skipped
        );
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    println!("recordings: {} replayed, 0 skipped", FILES.len());
}

struct Replay<'a> {
    cluster: Cluster,
    recorded: &'a [Value],
    /// What the recorded server generated, and what the emulator generated in its place.
    values: BTreeMap<String, String>,
    compared: usize,
    skipped: usize,
}

impl<'a> Replay<'a> {
    fn new(recorded: &'a [Value]) -> Replay<'a> {
        Replay {
            cluster: recorded_cluster(),
            recorded,
            values: BTreeMap::new(),
            compared: 0,
            skipped: 0,
        }
    }

    fn run(&mut self) -> Vec<String> {
        let mut differences = Vec::new();
        for interaction in self.recorded {
            if SKIPPED.iter().any(|(path, _)| interaction["path"] == *path) {
                self.skipped += 1;
                continue;
            }
            self.prepare(interaction);
            let request = self.request(interaction);
            let response = self.cluster.handle(&request);
            self.compared += 1;
            let place = format!("#{} {}", interaction["n"], interaction["phase"]);
            let found = self.compare(interaction, &response);
            differences.extend(
                found
                    .into_iter()
                    .map(|difference| format!("{place}: {difference}")),
            );
        }
        differences
    }

    /// What happened to the recorded cluster between two requests without a request of its own.
    fn prepare(&mut self, interaction: &Value) {
        if interaction["phase"] != "expired_continue_410" {
            return;
        }
        // This token and this version were given out in a request that the recording left out.
        let list = self.get("/api/v1/nodes", "limit=2");
        self.learn(
            "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6Mjc3LCJzdGFydCI6Ii9ha3MtbnAxLTFcdTAwMDAifQ",
            &list["metadata"]["continue"],
        );
        self.learn(
            "resourceVersion=277",
            &json!(format!(
                "resourceVersion={}",
                list["metadata"]["resourceVersion"].as_str().unwrap()
            )),
        );
        self.cluster.expire_continue_tokens();
    }

    fn request(&self, interaction: &Value) -> Request {
        let mut headers = HeaderMap::new();
        for (name, value) in interaction["request_headers"].as_object().unwrap() {
            let value = value.as_str().unwrap();
            match name.to_lowercase().as_str() {
                "$credential" => {
                    if let Some(token) = token(value) {
                        let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
                        headers.insert("authorization", value);
                    }
                }
                "authorization" => {}
                name => {
                    let value = HeaderValue::from_str(&self.translate(value)).unwrap();
                    headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
                }
            }
        }
        let body = &interaction["request_body"];
        let body = match body["$protobuf_b64"].as_str() {
            Some(base64) => Bytes::from(STANDARD.decode(base64).unwrap()),
            None if body.is_null() => Bytes::new(),
            None => Bytes::from(body.to_string()),
        };
        Request {
            method: Method::from_bytes(interaction["method"].as_str().unwrap().as_bytes()).unwrap(),
            path: interaction["path"].as_str().unwrap().to_owned(),
            query: self.translate(interaction["query"].as_str().unwrap()),
            headers,
            body,
            client_certificate: None,
        }
    }

    fn compare(&mut self, interaction: &Value, response: &Response) -> Vec<String> {
        let mut found = Vec::new();
        if interaction["status"] != response.status.as_u16() {
            let body = String::from_utf8_lossy(&response.body);
            found.push(format!(
                "status {} instead of {}: {body}",
                response.status, interaction["status"]
            ));
            return found;
        }
        compare_headers(
            &interaction["response_headers"],
            &response.headers,
            &mut found,
        );
        let expected = self.expected_body(interaction);
        if let Some(etag) = interaction["response_headers"]["Etag"].as_str() {
            let actual = response.headers["etag"].to_str().unwrap();
            self.values.insert(etag.to_owned(), actual.to_owned());
        }
        match expected {
            Value::Null => {}
            Value::String(text) if text.contains("[+]") => {
                // The checks are those of the server's parts; the emulator has other parts.
                let body = String::from_utf8_lossy(&response.body);
                if !body.starts_with("[+]ping ok\n") || !body.ends_with("readyz check passed\n") {
                    found.push(format!("no list of checks: {body}"));
                }
            }
            Value::String(text) if response.body != text => {
                found.push(format!("other text than {text:?}"))
            }
            Value::String(_) => {}
            expected if expected.get("$protobuf_first64_hex").is_some() => {
                compare_protobuf(&expected, &response.body, &mut found);
            }
            expected => match serde_json::from_slice::<Value>(&response.body) {
                Ok(actual) => {
                    let metadata = &expected["metadata"];
                    self.learn_if_text(&metadata["continue"], &actual["metadata"]["continue"]);
                    compare_bodies(&expected, &actual, &mut found);
                }
                Err(error) => found.push(format!("the body is no JSON: {error}")),
            },
        }
        found
    }

    fn expected_body(&self, interaction: &Value) -> Value {
        let body = &interaction["response_body"];
        match body.get("$same_as") {
            Some(n) => {
                let same = self.recorded.iter().find(|other| other["n"] == *n).unwrap();
                same["response_body"].clone()
            }
            None => body.clone(),
        }
    }

    fn get(&self, path: &str, query: &str) -> Value {
        let credential = json!({ "$credential": "admin (system:masters)" });
        let interaction = json!({
            "method": "GET", "path": path, "query": query,
            "request_headers": credential, "request_body": null,
        });
        serde_json::from_slice(&self.cluster.handle(&self.request(&interaction)).body).unwrap()
    }

    fn learn_if_text(&mut self, recorded: &Value, actual: &Value) {
        if let Some(recorded) = recorded.as_str().filter(|text| !text.is_empty()) {
            self.learn(recorded, actual);
        }
    }

    fn learn(&mut self, recorded: &str, actual: &Value) {
        if let Some(actual) = actual.as_str() {
            self.values.insert(recorded.to_owned(), actual.to_owned());
        }
    }

    fn translate(&self, text: &str) -> String {
        // The one version that was asked for exactly and that the server still had.
        let text = match text.contains("resourceVersion=270&") {
            true => {
                let now = self.get("/api/v1/nodes", "limit=1");
                let now = now["metadata"]["resourceVersion"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                text.replace("resourceVersion=270", &format!("resourceVersion={now}"))
            }
            false => text.to_owned(),
        };
        self.values.iter().fold(text, |text, (recorded, actual)| {
            text.replace(recorded, actual)
        })
    }
}

fn recorded_cluster() -> Cluster {
    let cluster = Cluster::new(Options {
        token: "admin".to_owned(),
        limited_token: "limited".to_owned(),
        ..Options::new("recorded")
    });
    let nodes: Vec<Node> = (0..5).map(recorded_node).collect();
    cluster.set_nodes(&nodes);
    let data = [
        ("cloudName", "azure-cloud"),
        ("clusterName", "cluster1"),
        ("cniPlugin", "calico"),
        ("controllerIP", "10.10.10.10"),
        ("disableStaticRouteSync", "false"),
        ("nodeNetworkList", "[]"),
        ("serviceEngineGroupName", "seg-cluster1"),
        ("serviceType", "ClusterIP"),
    ];
    let data = data
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    cluster.set_config_map("avi-system", "avi-k8s-config", &data);
    let blocks: Vec<Value> = [(0, 0), (0, 64), (1, 0), (1, 64)]
        .map(|(node, host)| {
            let node_name = format!("aks-np1-{node}");
            json!({
                "metadata": { "name": format!("{node_name}-10-244-{node}-{host}-26") },
                "spec": {
                    "cidr": format!("10.244.{node}.{host}/26"),
                    "deleted": "false", "node": node_name, "state": "confirmed",
                },
            })
        })
        .into();
    cluster.set_custom_resources(&CustomResource::block_affinities(), &blocks);
    cluster
}

fn recorded_node(number: u8) -> Node {
    let name = format!("aks-np1-{number}");
    let address = format!("10.2.0.{}", number + 4);
    let mut node = Node::ready(&name, &address, &format!("10.244.{number}.0/24"));
    node.labels
        .insert("node-role.kubernetes.io/worker".to_owned(), String::new());
    node.annotations.insert(
        "projectcalico.org/IPv4Address".to_owned(),
        format!("{address}/24"),
    );
    node.ready = number != 3;
    if number == 4 {
        node.pod_cidrs.clear();
    }
    node
}

fn token(credential: &str) -> Option<&'static str> {
    match credential.split(' ').next().unwrap() {
        "admin" => Some("admin"),
        "user" => Some("limited"),
        "unknown" => Some("of nobody"),
        "none" => None,
        other => panic!("unknown credential {other}"),
    }
}

fn compare_headers(recorded: &Value, actual: &HeaderMap, found: &mut Vec<String>) {
    for name in HEADERS {
        match (recorded[name].as_str(), actual.get(name)) {
            (Some(_), None) => found.push(format!("no header {name}")),
            (None, Some(_)) => found.push(format!(
                "header {name}, which the real server does not send here"
            )),
            (Some(recorded), Some(actual))
                if HEADERS_WITH_VALUE.contains(&name) && actual != recorded =>
            {
                found.push(format!(
                    "header {name} is {actual:?} instead of {recorded:?}"
                ));
            }
            _ => {}
        }
    }
}

/// The recording keeps the first 64 bytes: the envelope, and the beginning of metadata that name a client.
fn compare_protobuf(expected: &Value, actual: &[u8], found: &mut Vec<String>) {
    let expected = expected["$protobuf_first64_hex"].as_str().unwrap();
    // Four bytes of magic, a tag, a length, and as many bytes that name version and kind.
    let envelope = &actual[..6 + usize::from(actual[5])];
    let hex: String = envelope.iter().map(|byte| format!("{byte:02x}")).collect();
    if !expected.starts_with(&hex) {
        found.push(format!("another protobuf envelope: {hex}"));
    }
}

fn compare_bodies(expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match expected["kind"].as_str() {
        Some("APIGroupList") => {
            compare_subset(&expected["groups"], &actual["groups"], "name", found)
        }
        Some("APIResourceList") => {
            compare_subset(&expected["resources"], &actual["resources"], "name", found);
        }
        Some("APIGroupDiscoveryList") => compare_groups(expected, actual, found),
        None if expected["paths"].is_array() => {
            let known = expected["paths"].as_array().unwrap();
            let paths = actual["paths"].as_array().unwrap();
            let unknown = paths.iter().filter(|path| !known.contains(path));
            found.extend(unknown.map(|path| format!("path {path} is none of the real server's")));
        }
        Some("Status") => compare_values("", expected, actual, found),
        _ => compare_shapes("", expected, actual, found),
    }
}

/// What the emulator lists must be in the recording and be equal; it lists less.
fn compare_subset(expected: &Value, actual: &Value, key: &str, found: &mut Vec<String>) {
    for element in actual.as_array().unwrap() {
        let name = &element[key];
        match expected
            .as_array()
            .unwrap()
            .iter()
            .find(|other| other[key] == *name)
        {
            Some(other) => compare_sets(&name.to_string(), other, element, found),
            None => found.push(format!("{name} is none of the real server's")),
        }
    }
}

fn compare_groups(expected: &Value, actual: &Value, found: &mut Vec<String>) {
    for group in actual["items"].as_array().unwrap() {
        let name = &group["metadata"];
        let groups = expected["items"].as_array().unwrap();
        let Some(other) = groups.iter().find(|other| other["metadata"] == *name) else {
            found.push(format!("group {name} is none of the real server's"));
            continue;
        };
        let (version, other) = (&group["versions"][0], &other["versions"][0]);
        for member in ["version", "freshness"] {
            compare_values(member, &other[member], &version[member], found);
        }
        compare_subset(
            &other["resources"],
            &version["resources"],
            "resource",
            found,
        );
    }
}

/// Equal but for the order of verbs and for subresources, which the emulator does not have.
fn compare_sets(place: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    let normal = |value: &Value| {
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.remove("subresources");
            if let Some(verbs) = members.get_mut("verbs").and_then(Value::as_array_mut) {
                verbs.sort_by_key(Value::to_string);
            }
        }
        value
    };
    compare_values(place, &normal(expected), &normal(actual), found);
}

/// Errors are compared word by word, apart from versions and tokens that a server makes up.
fn compare_values(place: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    let normal = |value: &Value| {
        let mut value = value.clone();
        if let Some(metadata) = value["metadata"]
            .as_object_mut()
            .filter(|map| map.contains_key("continue"))
        {
            metadata.insert("continue".to_owned(), json!("a token"));
        }
        if let Some(message) = value["message"].as_str()
            && let Some((before, _)) = message.split_once("current: ")
        {
            value["message"] = json!(before);
        }
        value
    };
    let (expected, actual) = match expected.is_object() {
        true => (normal(expected), normal(actual)),
        false => (expected.clone(), actual.clone()),
    };
    if expected != actual {
        found.push(format!("{place} {actual} instead of {expected}"));
    }
}

/// The same members of the same types all the way down; names, kinds and states also of the same value.
fn compare_shapes(place: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let skipped = |member: &str| MEMBERS_SKIPPED.iter().any(|(name, _)| *name == member);
            for (member, value) in expected.iter().filter(|(member, _)| !skipped(member)) {
                match actual.get(member) {
                    Some(other) => {
                        compare_shapes(&format!("{place}/{member}"), value, other, found)
                    }
                    None => found.push(format!("{place}/{member} is missing")),
                }
            }
            for member in actual
                .keys()
                .filter(|member| !skipped(member) && !expected.contains_key(*member))
            {
                found.push(format!(
                    "{place}/{member} is more than the real server sends"
                ));
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            // Recorded lists were cut to two elements.
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare_shapes(&format!("{place}/{index}"), expected, actual, found);
            }
            if expected.len() > actual.len() {
                found.push(format!(
                    "{place} has {} elements, not {}",
                    actual.len(),
                    expected.len()
                ));
            }
        }
        _ if std::mem::discriminant(expected) != std::mem::discriminant(actual) => {
            found.push(format!("{place} is {actual} instead of {expected}"));
        }
        _ if expected != actual && must_be_equal(place) => {
            found.push(format!("{place} is {actual} instead of {expected}"));
        }
        _ => {}
    }
}

/// What a server makes up: identities, versions, times and machine details.
fn must_be_equal(place: &str) -> bool {
    let last = place.rsplit('/').next().unwrap_or_default();
    let made_up = [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "continue",
        "serverAddress",
        "providerID",
        "lastHeartbeatTime",
        "lastTransitionTime",
        "reason",
        "message",
        "machineID",
        "systemUUID",
        "bootID",
    ];
    let age_cell = place.contains("/cells/");
    !age_cell && !made_up.contains(&last)
}
