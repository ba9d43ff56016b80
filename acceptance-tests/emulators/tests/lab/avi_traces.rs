//! Traces of other people's clients of the Avi controller (avisdk for Python, the official provider), sent again as
//! requests, in order: each must be answered with the status of the trace and with all members that it has there.
//!
//! Their answers came from an emulator and are no authority on values. The traces lie in the folder that
//! `AKO_RECORDINGS_DIR` names; without it this test says so and passes.

use std::collections::BTreeMap;
use std::path::Path;

use ako_lab::avi::Identity;
use ako_lab::{Lab, Options};
use http::Method;
use serde_json::{Map, Value};

use crate::arm::{Answer, replay_each};
use crate::avi::Controller;

const FILES: [&str; 2] = ["avisdk_py.json", "avi_provider.json"];

#[tokio::test]
async fn no_recorded_call_of_another_avi_client_is_refused_or_left_unserved() {
    replay_each("clients", &FILES, replay).await;
}

async fn replay(file: &Path, differences: &mut Vec<String>) -> usize {
    let text = std::fs::read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let trace: Value = serde_json::from_slice(&text).unwrap();
    let mut options = Options::default();
    options.avi.identity = Identity {
        password: "fake-password".to_owned(),
        ..Identity::default()
    };
    let lab = Lab::start(options).await.unwrap();
    let mut controller = Controller::stranger(&lab);
    let base = format!("https://{}", lab.connection().avi.controller);

    let mut answers: BTreeMap<u64, (Value, Answer)> = BTreeMap::new();
    let interactions = trace["interactions"].as_array().unwrap();
    for interaction in interactions {
        let answer = send(&mut controller, &base, interaction, &answers).await;
        let n = interaction["n"].as_u64().unwrap();
        let mut expected = interaction.clone();
        if let Some(same) = interaction["response_body"]["$same_as"].as_u64() {
            expected["response_body"] = answers[&same].0["response_body"].clone();
        }
        let missing = missing_members(&expected["response_body"], &answer.body);
        if expected["status"] != answer.status.as_u16() || !missing.is_empty() {
            differences.push(format!(
                "{} n={n} {} {}: {} instead of {}, without {missing:?}: {}",
                file.file_name().unwrap().to_string_lossy(),
                interaction["method"],
                interaction["path"],
                answer.status,
                interaction["status"],
                answer.body,
            ));
        }
        answers.insert(n, (expected, answer));
    }
    interactions.len()
}

async fn send(
    controller: &mut Controller,
    base: &str,
    interaction: &Value,
    answers: &BTreeMap<u64, (Value, Answer)>,
) -> Answer {
    let text = |name: &str| interaction[name].as_str().unwrap_or_default().to_owned();
    let mut path = text("path");
    if !text("query").is_empty() {
        path = format!("{path}?{}", text("query"));
    }
    let body = &interaction["request_body"];
    let form = body.get("$form");
    let mut body = form.unwrap_or(body).to_string().replace("{{BASE}}", base);
    for used in interaction["uses"].as_array().unwrap_or(&Vec::new()) {
        let old = used["value"].as_str().unwrap();
        let (recorded, answer) = &answers[&used["from_n"].as_u64().unwrap()];
        let new = generated(old, &recorded["response_body"], &answer.body);
        let new = new.unwrap_or_else(|| panic!("{old} stands nowhere in {recorded}"));
        path = path.replace(old, &new);
        body = body.replace(old, &new);
    }
    let mut body: Value = serde_json::from_str(&body).unwrap();
    for name in PECULIAR {
        // avisdk sends back what that emulator showed it.
        if let Some(text) = body[name].as_str() {
            body[name] = serde_json::from_str(text).unwrap();
        }
    }
    if path == "/login" {
        return controller.sign_in(&body).await;
    }
    let headers = interaction["request_headers"].as_object().unwrap();
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .filter(|(name, _)| name.starts_with("X-Avi-") || *name == "timeout")
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let method = Method::from_bytes(text("method").as_bytes()).unwrap();
    controller.with(method, &path, &lower(&headers), body).await
}

fn lower<'a>(headers: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let known = ["x-avi-tenant", "x-avi-version", "timeout"];
    let named = headers.iter().filter_map(|(name, value)| {
        let mut known = known.into_iter();
        let name = known.find(|known| known.eq_ignore_ascii_case(name))?;
        Some((name, *value))
    });
    named.collect()
}

/// What our controller generated where the recorded one generated `old`: the text at the same place of its answer.
fn generated(old: &str, recorded: &Value, ours: &Value) -> Option<String> {
    match recorded {
        Value::String(text) if text == old => ours.as_str().map(str::to_owned),
        Value::String(text) if text.ends_with(old) => {
            let kind = text.len() - old.len();
            ours.as_str()
                .map(|ours| ours.get(kind..).unwrap_or_default().to_owned())
        }
        Value::Array(items) => {
            let mut pairs = items.iter().zip(ours.as_array()?);
            pairs.find_map(|(recorded, ours)| generated(old, recorded, ours))
        }
        Value::Object(members) => {
            let first = members.get("uuid").map(|uuid| ("uuid", uuid));
            let rest = members.iter().map(|(name, value)| (name.as_str(), value));
            let mut all = first.into_iter().chain(rest);
            all.find_map(|(name, value)| generated(old, value, ours.get(name)?))
        }
        _ => None,
    }
}

/// The members of the recorded answer that ours lacks; of lists the members of the first entry.
fn missing_members(recorded: &Value, ours: &Value) -> Vec<String> {
    let empty = Map::new();
    let recorded = recorded.get("results").map_or(recorded, |it| &it[0]);
    let ours = ours.get("results").map_or(ours, |it| &it[0]);
    let recorded = recorded.as_object().unwrap_or(&empty);
    let lacks =
        |name: &&String| ours.get(name.as_str()).is_none() && !PECULIAR.contains(&name.as_str());
    recorded.keys().filter(lacks).cloned().collect()
}

/// Members of the recorded answers that were due to how that emulator read its table: two defaults as texts, so that
/// the same values in a request were no defaults to it.
const PECULIAR: [&str; 2] = ["multicast_enable", "se_debug_trace_sz"];
