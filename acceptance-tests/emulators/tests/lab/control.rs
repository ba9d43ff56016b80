//! The control API and what `serve` tells its clients.

use std::time::Duration;

use ako_lab::{Lab, Options, Seed};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::arm::{self, Arm, network};

#[tokio::test]
async fn the_journal_has_every_request_in_order_and_can_be_cleared() {
    let (lab, arm, control) = lab().await;
    let table = network(&lab, "routeTables/rt");
    arm.put(&table, json!({"location": "westeurope"})).await;
    let (status, journal) = control.send(Method::GET, "/journal", Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let shown: Vec<Value> = journal
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            json!([
                entry["service"],
                entry["method"],
                entry["status"],
                entry["api_version"]
            ])
        })
        .collect();
    assert_eq!(
        shown,
        [
            json!(["login", "POST", 200, null]),
            json!(["arm", "PUT", 201, "2025-05-01"]),
        ]
    );
    assert_eq!(journal[0]["body"], json!(null), "login bodies hold secrets");
    assert_eq!(journal[1]["body"], json!({"location": "westeurope"}));
    control.send(Method::DELETE, "/journal", Value::Null).await;
    assert!(lab.journal().is_empty());
}

#[tokio::test]
async fn faults_settings_and_denials_can_be_set_over_http() {
    let (lab, arm, control) = lab().await;
    let fault = json!({
        "match": {"method": "GET", "path": "*/routeTables", "nth": 1},
        "when": "before",
        "do": {"respond": {"status": 503, "headers": {"retry-after": "1"}}},
    });
    let (_, armed) = control.send(Method::POST, "/faults", fault).await;
    assert_eq!(armed["id"], 1);
    let answer = arm.get(&network(&lab, "routeTables")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (503, Some("1"))
    );
    let (_, listed) = control.send(Method::GET, "/faults", Value::Null).await;
    assert_eq!(listed[0]["seen"], 1);

    control
        .send(Method::POST, "/settings", json!({"route_limit": 7}))
        .await;
    assert_eq!(lab.azure().settings().route_limit, 7);
    control
        .send(Method::POST, "/denials", json!({"action": "*/read"}))
        .await;
    assert_eq!(
        arm.get(&network(&lab, "routeTables")).await.code(),
        "AuthorizationFailed"
    );
    control.send(Method::DELETE, "/denials", Value::Null).await;
    assert_eq!(
        arm.get(&network(&lab, "routeTables")).await.status,
        StatusCode::OK
    );

    let (status, refusal) = control
        .send(Method::POST, "/faults", json!({"do": "explode"}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(refusal["error"].as_str().unwrap().contains("explode"));
}

#[tokio::test]
async fn the_latency_can_be_set_over_http_and_every_call_takes_it() {
    let (lab, arm, control) = lab().await;
    let asked = json!({"call_ms": 30, "operation_ms": 3_600_000});
    control.send(Method::POST, "/latency", asked).await;
    let table = network(&lab, "routeTables/rt");
    let put = arm.put(&table, json!({"location": "westeurope"})).await;
    let poll = put.header("azure-asyncoperation").unwrap();
    assert_eq!(arm.get(poll).await.body["status"], "InProgress");
    let took = |entry: &ako_lab::journal::Entry| entry.milliseconds.unwrap();
    assert!(lab.journal().iter().skip(1).all(|entry| took(entry) >= 30));

    control
        .send(Method::POST, "/finish-operations", Value::Null)
        .await;
    assert_eq!(arm.get(poll).await.body["status"], "Succeeded");
    for (asked, call) in [
        (json!("realistic"), 100_000_000),
        (json!(5), 5_000_000),
        (json!("none"), 0),
    ] {
        let profile = json!({"profile": asked});
        control.send(Method::POST, "/latency", profile).await;
        let (_, latency) = control.send(Method::GET, "/latency", Value::Null).await;
        assert_eq!(latency["call"]["nanos"], call);
    }
}

#[tokio::test]
async fn what_is_held_can_be_let_go_over_http_and_tokens_can_be_revoked() {
    let (lab, arm, control) = lab().await;
    let hold = json!({"match": {"method": "GET"}, "do": "hold"});
    let (_, armed) = control.send(Method::POST, "/faults", hold).await;
    let id = armed["id"].as_u64().unwrap();
    let tables = network(&lab, "routeTables");
    let (answer, ()) = tokio::join!(arm.get(&tables), async {
        assert!(lab.held(id, Duration::from_secs(10)).await);
        let (_, listed) = control.send(Method::GET, "/faults", Value::Null).await;
        assert_eq!(listed[0]["held"], 1);
        control
            .send(Method::POST, "/release", json!({"fault": id}))
            .await;
    });
    assert_eq!(answer.status, StatusCode::OK);

    control
        .send(Method::POST, "/revoke-tokens", Value::Null)
        .await;
    assert_eq!(arm.get(&tables).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn somebody_else_can_write_over_http_and_the_history_shows_it() {
    let (lab, _arm, control) = lab().await;
    let table = network(&lab, "routeTables/rt");
    let write = json!({"method": "PUT", "path": table, "body": {"location": "westeurope"}});
    let (_, answer) = control.send(Method::POST, "/azure", write).await;
    assert_eq!(answer["status"], 201);
    let (_, history) = control
        .send(Method::GET, &format!("/history?id={table}"), Value::Null)
        .await;
    assert_eq!(history[0]["state"]["routes"], json!([]));
    let (_, state) = control.send(Method::GET, "/state", Value::Null).await;
    assert_eq!(state["kubernetes"][0]["nodes"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn two_clusters_have_the_same_pod_cidrs_and_different_addresses() {
    let (lab, _arm, _control) = lab().await;
    let [one, two] = ["cluster1", "cluster2"].map(|name| lab.cluster(name).unwrap().nodes());
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one.pod_cidrs, two.pod_cidrs);
        assert_ne!(one.internal_ip, two.internal_ip);
        assert_ne!(one.name, two.name);
    }
}

#[tokio::test]
async fn the_connection_names_files_that_exist_and_the_environment_names_them_too() {
    let (lab, _arm, _control) = lab().await;
    let connection = lab.connection();
    let environment = std::fs::read_to_string(lab.directory().join("lab.env")).unwrap();
    for file in [
        &connection.ca_certificate,
        &connection.kubernetes[0].kubeconfig,
    ] {
        assert!(file.is_file());
        assert!(environment.contains(&file.display().to_string()));
    }
    assert!(environment.contains(&format!(
        "ARM_METADATA_HOSTNAME='{}'",
        connection.azure.metadata_host
    )));
}

#[tokio::test]
async fn an_empty_lab_has_a_network_and_no_clusters() {
    let options = Options {
        seed: Seed::empty(),
        ..Options::default()
    };
    let lab = Lab::start(options).await.unwrap();
    let arm = Arm::of(&lab).await;
    let network = arm.get(&lab.connection().azure.virtual_network_id).await;
    assert_eq!(network.body["properties"]["subnets"], json!([]));
    assert!(lab.connection().kubernetes.is_empty());
}

#[tokio::test]
async fn a_seed_file_says_what_exists() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("seed.json");
    let seed = json!({
        "resource_group": "rg",
        "location": "northeurope",
        "virtual_network": "vnet",
        "azure": [
            {"path": "routeTables/rt", "body": {"location": "northeurope"}},
            {"path": "virtualNetworks/vnet", "body": {"location": "northeurope", "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [{"name": "se", "properties": {
                    "addressPrefix": "10.0.1.0/24",
                    "routeTable": {"id": "{network}/routeTables/rt"},
                }}],
            }}},
        ],
        "clusters": [{"name": "blue", "nodes": [
            {"name": "n", "internal_ip": "10.0.2.4", "pod_cidrs": ["10.244.0.0/24"],
                "annotations": {"projectcalico.org/IPv4Address": "10.0.3.4/24"}, "labels": {"zone": "1"}},
        ], "custom_resources": {"blockaffinities": [
            {"metadata": {"name": "a"}, "spec": {"node": "n", "cidr": "10.133.0.0/26"}},
        ]}}],
    });
    std::fs::write(&file, seed.to_string()).unwrap();
    let options = Options {
        seed: Seed::read(&file).unwrap(),
        ..Options::default()
    };
    let lab = Lab::start(options).await.unwrap();
    let arm = Arm::of(&lab).await;
    let subnet = arm
        .get(&network(&lab, "virtualNetworks/vnet/subnets/se"))
        .await;
    assert_eq!(
        subnet.body["properties"]["routeTable"]["id"],
        json!(network(&lab, "routeTables/rt"))
    );
    let blue = lab.cluster("blue").unwrap();
    let node = &blue.nodes()[0];
    assert_eq!(node.pod_cidrs, ["10.244.0.0/24"]);
    assert_eq!(
        node.annotations["projectcalico.org/IPv4Address"],
        "10.0.3.4/24"
    );
    assert_eq!(node.labels["zone"], "1");
    let block = &blue.custom_resources()["blockaffinities"][0];
    assert_eq!(block["kind"], "BlockAffinity");
    assert_eq!(block["spec"]["cidr"], "10.133.0.0/26");
}

#[tokio::test]
async fn a_seed_with_a_resource_that_the_lab_does_not_know_does_not_start() {
    let mut seed = Seed::two_clusters(1);
    let unknown = [("subnets".to_owned(), Vec::new())];
    seed.clusters[0].custom_resources.extend(unknown);
    let options = Options {
        seed,
        ..Options::default()
    };
    let refused = Lab::start(options).await.err().unwrap();
    assert!(matches!(refused, ako_lab::Error::Seed(_)));
}

#[tokio::test]
async fn the_objects_of_a_network_plugin_can_be_set_over_http() {
    let (_lab, _arm, control) = lab().await;
    let node =
        json!({"metadata": {"name": "n"}, "spec": {"ipam": {"podCIDRs": ["10.128.0.0/24"]}}});
    let asked = json!({"cluster": "cluster2", "resource": "ciliumnodes", "items": [node]});
    let (status, _) = control
        .send(Method::POST, "/custom-resources", asked.clone())
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, state) = control.send(Method::GET, "/state", Value::Null).await;
    let clusters = &state["kubernetes"];
    assert_eq!(clusters[0]["custom_resources"], json!({}));
    let shown = &clusters[1]["custom_resources"]["ciliumnodes"][0];
    assert_eq!(shown["spec"]["ipam"]["podCIDRs"], json!(["10.128.0.0/24"]));
    for (member, wrong) in [
        ("cluster", json!("nowhere")),
        ("resource", json!("subnets")),
        ("items", json!({})),
    ] {
        let mut refused = asked.clone();
        refused[member] = wrong;
        let (status, _) = control
            .send(Method::POST, "/custom-resources", refused)
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{member}");
    }
}

#[tokio::test]
async fn a_seed_that_azure_refuses_does_not_start() {
    let mut seed = Seed::empty();
    seed.azure[0].body["location"] = Value::Null;
    let options = Options {
        seed,
        ..Options::default()
    };
    let refused = Lab::start(options).await.err().unwrap();
    assert!(matches!(refused, ako_lab::Error::Seed(_)));
}

struct ControlClient {
    http: reqwest::Client,
    url: String,
}

impl ControlClient {
    async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.bytes().await.unwrap());
        (status, serde_json::from_slice(&text).unwrap_or_default())
    }
}

async fn lab() -> (Lab, Arm, ControlClient) {
    let lab = Lab::start(Options::default()).await.unwrap();
    let arm = Arm::of(&lab).await;
    let control = ControlClient {
        http: arm::http(&lab),
        url: lab.connection().control.clone(),
    };
    (lab, arm, control)
}
