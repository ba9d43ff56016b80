//! Every recorded interaction with the real Azure Resource Manager (cloud-provider-azure's cassettes), in order,
//! against a fresh lab.
//!
//! The recordings lie in the folder that `AKO_RECORDINGS_DIR` names; without it this test says so and passes. The
//! facts behind them are also tested beside the code.

use std::path::Path;

use ako_lab::azure::Identity;
use ako_lab::{Lab, Options, Seed};
use http::Method;
use serde_json::Value;

use crate::arm::{self, Answer, Arm};

const FILES: [&str; 6] = [
    "cpa_resourcegroupclient.json",
    "cpa_roledefinitionclient.json",
    "cpa_routetableclient.json",
    "cpa_securitygroupclient.json",
    "cpa_subnetclient.json",
    "cpa_virtualnetworkclient.json",
];

/// What is not compared, by the end of its place, with the reason. Everything else is: the status, the headers
/// present, the members of bodies, and the values of those members.
const EXCLUDED: &[(&str, &str)] = &[
    (
        "x-ms-ratelimit-remaining-subscription-global-writes",
        "present, but a count of that day",
    ),
    ("content-type", "present, but spelled by the server"),
    (
        "azure-asyncoperation",
        "present; the recorder replaced its signature",
    ),
    (
        "header location",
        "as a header: the recorder replaced its signature",
    ),
    ("etag", "the recorder replaced it by zeros"),
    (
        ".description",
        "of a built-in role: the lab's words are its own",
    ),
    (
        ".notActions",
        "of a built-in role: the lab has what matters to it",
    ),
    (
        ".actions",
        "of a built-in role: the lab has what matters to it",
    ),
    (".createdOn", "the recorder replaced it"),
    (".updatedOn", "the recorder replaced it"),
];

#[tokio::test]
async fn every_recorded_interaction_is_answered_as_azure_answered_it() {
    arm::replay_each("azure", &FILES, replay).await;
}

async fn replay(file: &Path, differences: &mut Vec<String>) -> usize {
    let text = std::fs::read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let recording: Value = serde_json::from_slice(&text).unwrap();
    let options = Options {
        seed: Seed::empty(),
        identity: Identity {
            subscription_id: "00000000-0000-0000-0000-000000000000".to_owned(),
            ..Identity::default()
        },
        ..Options::default()
    };
    let lab = Lab::start(options).await.unwrap();
    let arm = Arm::of(&lab).await;

    let mut polls = Polls::default();
    let mut sent = 0;
    for (index, interaction) in recording["interactions"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        for _ in 0..interaction["repeated"].as_u64().unwrap_or(1) {
            let answer = send(&arm, &interaction["request"], &polls).await;
            polls.remember(&answer);
            let place = format!("{} #{index}", file.file_name().unwrap().to_string_lossy());
            compare(&place, &interaction["response"], &answer, differences);
            sent += 1;
        }
    }
    sent
}

async fn send(arm: &Arm, request: &Value, polls: &Polls) -> Answer {
    let method = Method::from_bytes(request["method"].as_str().unwrap().as_bytes()).unwrap();
    let url = polls.resolve(request["url"].as_str().unwrap());
    let headers: Vec<(&str, &str)> = request["headers"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "content-type")
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let body = Some(&request["body"]).filter(|body| !body.is_null());
    let sent = arm.send(method, &url, &headers, body.map(Value::to_string));
    sent.await.unwrap()
}

/// The polling URLs of the last write: the recorded ones are those of another server.
#[derive(Default)]
struct Polls {
    operation: String,
    location: String,
}

impl Polls {
    fn remember(&mut self, answer: &Answer) {
        if let Some(url) = answer.header("azure-asyncoperation") {
            self.operation = url.to_owned();
        }
        if let Some(url) = answer.header("location") {
            self.location = url.to_owned();
        }
    }

    fn resolve(&self, recorded: &str) -> String {
        if recorded.contains("/operations/") {
            self.operation.clone()
        } else if recorded.contains("/operationresults/") {
            self.location.clone()
        } else {
            recorded.to_owned()
        }
    }
}

fn compare(place: &str, recorded: &Value, answer: &Answer, differences: &mut Vec<String>) {
    if recorded["status"] != answer.status.as_u16() {
        differences.push(format!(
            "{place}: status {} instead of {}: {}",
            answer.status, recorded["status"], answer.body
        ));
    }
    for (name, value) in recorded["headers"].as_object().unwrap() {
        let place = format!("{place} header {name}");
        match answer.header(name) {
            None => differences.push(format!("{place}: missing")),
            Some(has) if !is_excluded(&place) && value != has => {
                differences.push(format!("{place}: {has} instead of {value}"));
            }
            Some(_) => {}
        }
    }
    compare_json(
        &format!("{place} body"),
        &recorded["body"],
        &answer.body,
        differences,
    );
}

fn compare_json(place: &str, recorded: &Value, has: &Value, differences: &mut Vec<String>) {
    match (recorded, has) {
        (Value::Object(recorded), Value::Object(has)) => {
            for (name, value) in recorded {
                let place = format!("{place}.{name}");
                match has.get(name) {
                    None => differences.push(format!("{place}: missing")),
                    Some(has) if !is_excluded(&place) => {
                        compare_json(&place, value, has, differences);
                    }
                    Some(_) => {}
                }
            }
            for name in has.keys().filter(|name| !recorded.contains_key(*name)) {
                differences.push(format!("{place}.{name}: not in the recording"));
            }
        }
        (Value::Array(recorded), Value::Array(has)) => {
            if recorded.len() != has.len() {
                let (has, recorded) = (has.len(), recorded.len());
                differences.push(format!("{place}: {has} elements instead of {recorded}"));
            }
            // Lists are sets here: the order of roles is not promised.
            for (index, (recorded, has)) in by_name(recorded).iter().zip(by_name(has)).enumerate() {
                compare_json(&format!("{place}[{index}]"), recorded, &has, differences);
            }
        }
        (recorded, has) => {
            // The recorder replaced ids and etags by zeros.
            let scrubbed = recorded
                .as_str()
                .is_some_and(|text| text.contains("00000000-0000-0000-0000-000000000000"));
            if !scrubbed && recorded != has {
                differences.push(format!("{place}: {has} instead of {recorded}"));
            }
        }
    }
}

fn by_name(list: &[Value]) -> Vec<Value> {
    let mut list = list.to_vec();
    let name = |value: &Value| {
        let role = value["properties"]["roleName"].as_str();
        role.or(value["name"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    list.sort_by_key(name);
    list
}

fn is_excluded(place: &str) -> bool {
    EXCLUDED.iter().any(|(end, _)| place.ends_with(end))
}
