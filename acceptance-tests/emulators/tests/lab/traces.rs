//! Traces of other people's clients (azurerm, azapi, the Azure SDK for Python), sent again as requests, in order:
//! no call may be refused or left unserved that was served when the trace was recorded.
//!
//! Their answers came from an emulator and are no authority; only the statuses are compared. The traces lie in
//! the folder that `AKO_RECORDINGS_DIR` names; without it this test says so and passes.

use std::collections::BTreeMap;
use std::path::Path;

use ako_lab::azure::Identity;
use ako_lab::{Lab, Options, Seed};
use http::Method;
use serde_json::Value;

use crate::arm::{self, Answer, Arm};

const FILES: [&str; 4] = [
    "azurerm_t1.json",
    "azurerm_role.json",
    "azapi.json",
    "azure_mgmt_network_py.json",
];

#[tokio::test]
async fn no_recorded_call_of_another_client_is_refused_or_left_unserved() {
    arm::replay_each("clients", &FILES, replay).await;
}

async fn replay(file: &Path, differences: &mut Vec<String>) -> usize {
    let text = std::fs::read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let trace: Value = serde_json::from_slice(&text).unwrap();
    let options = Options {
        seed: Seed::empty(),
        identity: identity(),
        ..Options::default()
    };
    let lab = Lab::start(options).await.unwrap();
    let arm = Arm::of(&lab).await;

    let mut answers: BTreeMap<u64, (Value, Answer)> = BTreeMap::new();
    let interactions = trace["interactions"].as_array().unwrap();
    for interaction in interactions {
        let answer = send(&arm, interaction, &answers).await;
        if interaction["status"] != answer.status.as_u16() {
            differences.push(format!(
                "{} n={} {} {}: {} instead of {}: {}",
                file.file_name().unwrap().to_string_lossy(),
                interaction["n"],
                interaction["method"],
                interaction["path"],
                answer.status,
                interaction["status"],
                answer.body,
            ));
        }
        let n = interaction["n"].as_u64().unwrap();
        answers.insert(n, (interaction.clone(), answer));
    }
    interactions.len()
}

/// The ids that the traces were recorded with.
fn identity() -> Identity {
    Identity {
        subscription_id: "00000000-0000-0000-0000-00000000abcd".to_owned(),
        tenant_id: "11111111-1111-1111-1111-111111111111".to_owned(),
        client_id: "22222222-2222-2222-2222-222222222222".to_owned(),
        client_secret: "fake-secret".to_owned(),
        object_id: "33333333-3333-3333-3333-333333333333".to_owned(),
    }
}

async fn send(arm: &Arm, interaction: &Value, answers: &BTreeMap<u64, (Value, Answer)>) -> Answer {
    let text = |name: &str| interaction[name].as_str().unwrap_or_default().to_owned();
    let form = &interaction["request_body"]["$form"];
    if let Value::Object(form) = form {
        let fields: Vec<(&str, String)> = form
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str(),
                    value.as_str().unwrap().replace(BASE, arm.base()),
                )
            })
            .collect();
        return arm.post_form(&text("path"), &fields).await;
    }
    let mut url = text("path");
    if !text("query").is_empty() {
        url = format!("{url}?{}", text("query"));
    }
    let mut body = Some(&interaction["request_body"])
        .filter(|body| !body.is_null())
        .map(Value::to_string);
    let mut if_match = interaction["request_headers"]["If-Match"]
        .as_str()
        .map(str::to_owned);
    for value in interaction["uses"].as_array().unwrap_or(&Vec::new()) {
        let old = value["value"].as_str().unwrap();
        let (recorded, answer) = &answers[&value["from_n"].as_u64().unwrap()];
        let new = generated(old, recorded, answer);
        if url.contains(old) && new.starts_with("https://") {
            url = new.clone();
        }
        url = url.replace(old, &new);
        body = body.map(|body| body.replace(old, &new));
        if_match = if_match.map(|etag| etag.replace(old, &new));
    }
    if interaction["request_headers"]
        .get("Authorization")
        .is_none()
    {
        return arm.anonymous(&url).await;
    }
    let method = Method::from_bytes(text("method").as_bytes()).unwrap();
    let headers: Vec<(&str, &str)> = if_match
        .iter()
        .map(|etag| ("if-match", etag.as_str()))
        .collect();
    arm.send(method, &url, &headers, body).await.unwrap()
}

/// What this lab generated where the recorded server generated `old`: a whole URL for polls, else the value alone.
fn generated(old: &str, recorded: &Value, answer: &Answer) -> String {
    let headers = recorded["response_headers"].as_object().unwrap();
    for (name, value) in headers {
        if !value.as_str().unwrap().contains(old) {
            continue;
        }
        let ours = answer.header(name).unwrap_or_default();
        return match name.to_lowercase().as_str() {
            "etag" => ours.trim_start_matches("W/").trim_matches('"').to_owned(),
            _ => ours.to_owned(),
        };
    }
    let guid = &answer.body["properties"]["resourceGuid"];
    guid.as_str().unwrap_or_default().to_owned()
}

const BASE: &str = "{{BASE}}";
