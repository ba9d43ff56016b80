//! A made-up provider through all operations.

mod fake;

use super::{ApplyOutcome, ApplyRequest, PlanOutcome, PlanRequest, Server};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use crate::framework::value::Value;
use fake::{Fake, WAITING};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_create_stores_what_the_handler_made() {
    let server = configured();
    let config = thing("ok");
    let planned = plan(&server, Value::Null, &config).await.planned;
    assert_eq!(planned.get("id"), &Value::Unknown);
    assert_eq!(planned.get("size"), &Value::from(3));
    let outcome = create(&server, &config).await;
    assert_eq!(outcome.diagnostics, Diagnostics::new());
    assert_eq!(outcome.state.get("id"), &Value::from("id-1"));
    assert_eq!(outcome.private, b"private");
}

#[tokio::test]
async fn what_a_handler_keeps_is_stored_beside_the_object() {
    let server = configured();
    let outcome = create(&server, &thing("keep")).await;
    assert_eq!(outcome.private, b"private and more");
}

#[tokio::test]
async fn the_second_plan_is_empty() {
    let server = configured();
    let state = create(&server, &thing("ok")).await.state;
    let again = plan(&server, state.clone(), &thing("ok")).await;
    assert_eq!(again.planned, state);
    assert_eq!(again.requires_replace, []);
}

#[tokio::test]
async fn a_change_of_a_fixed_attribute_needs_another_object() {
    let server = configured();
    let state = create(&server, &thing("ok")).await.state;
    let renamed = with(thing("ok"), "name", Value::from("other"));
    let outcome = plan(&server, state, &renamed).await;
    assert_eq!(outcome.requires_replace, [Path::attribute("name")]);
}

#[tokio::test]
async fn a_delete_is_planned_and_done() {
    let server = configured();
    let state = create(&server, &thing("ok")).await.state;
    let planned = server
        .plan(PlanRequest {
            type_name: "fake_thing".into(),
            prior: state.clone(),
            proposed: Value::Null,
            config: Value::Null,
            private: Vec::new(),
            write_only_allowed: true,
        })
        .await;
    assert_eq!(planned.planned, Value::Null);
    let outcome = delete(&server, state).await;
    assert_eq!(outcome.state, Value::Null);
    assert_eq!(outcome.diagnostics, Diagnostics::new());
}

#[tokio::test]
async fn a_crash_in_create_stores_a_tainted_object() {
    let outcome = create(&configured(), &thing("panic")).await;
    assert_eq!(outcome.state.get("name"), &Value::from("panic"));
    assert_eq!(outcome.state.get("id"), &Value::Null);
    let error = only_error(&outcome.diagnostics);
    assert_eq!(
        error.summary,
        "The provider crashed while creating fake_thing"
    );
    assert!(error.detail.starts_with("boom\n"), "{}", error.detail);
}

#[tokio::test]
async fn what_is_found_again_is_never_stored_as_tainted() {
    for mode in ["panic", "fail", "fail with state", "mismatch", "stubborn"] {
        let outcome = create_of(&configured(), "fake_found", &thing(mode)).await;
        assert_eq!(outcome.state, Value::Null, "{mode}");
        assert!(outcome.diagnostics.has_errors(), "{mode}");
    }
}

#[tokio::test]
async fn a_failed_create_stores_what_there_is() {
    let nothing = create(&configured(), &thing("fail")).await;
    assert_eq!(nothing.state, Value::Null);
    let partial = create(&configured(), &thing("fail with state")).await;
    assert_eq!(partial.state.get("id"), &Value::from("half"));
    assert_eq!(only_error(&partial.diagnostics).summary, "no");
}

#[tokio::test]
async fn a_crash_in_update_read_and_delete_keeps_the_state() {
    let server = configured();
    let state = stored("panic");
    let planned = with(state.clone(), "size", Value::from(4));
    let updated = update(&server, state.clone(), planned).await;
    assert_eq!(updated.state, state);
    assert!(updated.diagnostics.has_errors());
    let read = server
        .read("fake_thing", state.clone(), b"private".to_vec())
        .await;
    assert_eq!(read.state, state);
    assert!(read.diagnostics.has_errors());
    assert_eq!(read.private, b"private");
    let deleted = delete(&server, state.clone()).await;
    assert_eq!(deleted.state, state);
    assert!(deleted.diagnostics.has_errors());
}

#[tokio::test]
async fn a_failed_update_keeps_the_prior_state_or_what_the_handler_says() {
    let server = configured();
    for (mode, size) in [("fail", 3), ("fail with state", 99)] {
        let state = stored(mode);
        let planned = with(state.clone(), "size", Value::from(4));
        let outcome = update(&server, state, planned).await;
        assert_eq!(outcome.state.get("size"), &Value::from(size), "{mode}");
        assert_eq!(only_error(&outcome.diagnostics).summary, "no");
    }
}

#[tokio::test]
async fn an_object_that_did_not_become_what_was_planned_is_an_error_and_kept() {
    let outcome = create(&configured(), &thing("mismatch")).await;
    assert_eq!(outcome.state.get("size"), &Value::from(77));
    let error = only_error(&outcome.diagnostics);
    assert_eq!(error.attribute, Some(Path::attribute("size")));
}

#[tokio::test]
async fn a_change_of_timeouts_alone_calls_nobody() {
    let server = configured();
    let state = stored("panic");
    let limits = Value::object([
        ("create", Value::Null),
        ("read", Value::Null),
        ("update", Value::Null),
        ("delete", Value::from("1h")),
    ]);
    let planned = with(state.clone(), "timeouts", limits);
    let outcome = update(&server, state, planned.clone()).await;
    assert_eq!(outcome.state, planned);
    assert_eq!(outcome.diagnostics, Diagnostics::new());
}

#[tokio::test]
async fn the_block_of_timeouts_survives_read_and_sets_the_deadline() {
    let server = configured();
    let limits = Value::object([
        ("create", Value::from("40s")),
        ("read", Value::Null),
        ("update", Value::Null),
        ("delete", Value::Null),
    ]);
    let config = with(thing("deadline"), "timeouts", limits.clone());
    let created = create(&server, &config).await.state;
    assert_eq!(created.get("note"), &Value::from("40 s"));
    let read = server.read("fake_thing", created, Vec::new()).await.state;
    assert_eq!(read.get("timeouts"), &limits);
}

#[tokio::test]
async fn an_object_that_is_gone_leaves_the_state() {
    let outcome = configured()
        .read("fake_thing", stored("gone"), Vec::new())
        .await;
    assert_eq!(outcome.state, Value::Null);
    assert_eq!(outcome.diagnostics, Diagnostics::new());
}

#[tokio::test]
async fn an_import_fills_in_the_defaults() {
    let (state, diagnostics) = configured().import("fake_thing", "id-7").await;
    assert_eq!(diagnostics, Diagnostics::new());
    assert_eq!(state.get("id"), &Value::from("id-7"));
    assert_eq!(state.get("size"), &Value::from(3));
    assert_eq!(state.get("timeouts"), &Value::Null);
}

#[tokio::test]
async fn stop_reaches_a_waiting_handler_and_the_next_configure_ends_it() {
    let server = Arc::new(configured());
    let waiting = tokio::spawn({
        let server = server.clone();
        async move { create(&server, &thing("wait")).await }
    });
    WAITING.notified().await;
    server.stop();
    let outcome = waiting.await.unwrap();
    assert_eq!(only_error(&outcome.diagnostics).summary, "interrupted");
    let later = create(&server, &thing("wait")).await;
    assert_eq!(only_error(&later.diagnostics).summary, "interrupted");
    server.configure(provider_block("ok"), "1.11.4");
    let outcome = create(&server, &thing("ok")).await;
    assert_eq!(outcome.diagnostics, Diagnostics::new());
}

#[tokio::test]
async fn an_overdue_handler_is_cancelled_and_its_result_kept() {
    let mut server = configured();
    server.grace = Duration::ZERO;
    let config = with(thing("wait"), "timeouts", short_limits());
    let outcome = create(&server, &config).await;
    assert_eq!(only_error(&outcome.diagnostics).summary, "interrupted");
}

#[tokio::test]
async fn the_secret_reaches_the_handler_and_no_state() {
    let server = configured();
    let config = with(thing("secret"), "secret", Value::from("hunter2"));
    let outcome = create(&server, &config).await;
    assert_eq!(outcome.state.get("note"), &Value::from("7 characters"));
    assert_eq!(outcome.state.get("secret"), &Value::Null);
}

#[tokio::test]
async fn a_write_only_value_needs_a_client_that_keeps_it_out_of_its_files() {
    let config = with(thing("ok"), "secret", Value::Unknown);
    let server = configured();
    let found = server.validate_resource("fake_thing", &config, false);
    assert_eq!(
        only_error(&found).attribute,
        Some(Path::attribute("secret"))
    );
    assert!(
        server
            .validate_resource("fake_thing", &config, true)
            .is_empty()
    );
}

#[tokio::test]
async fn warnings_of_the_handler_reach_the_user() {
    let outcome = create(&configured(), &thing("warn")).await;
    let summaries: Vec<_> = outcome
        .diagnostics
        .iter()
        .map(|found| &found.summary)
        .collect();
    assert_eq!(summaries, ["careful"]);
    // A path that no object has would be refused by core.
    assert_eq!(outcome.diagnostics.iter().next().unwrap().attribute, None);
}

#[tokio::test]
async fn nothing_is_done_before_the_provider_is_configured() {
    let outcome = create(&Server::new::<Fake>(), &thing("ok")).await;
    assert_eq!(outcome.state, Value::Null);
    assert_eq!(
        only_error(&outcome.diagnostics).summary,
        "The provider is not configured"
    );
}

#[tokio::test]
async fn a_failed_or_crashed_configure_is_an_error() {
    let server = Server::new::<Fake>();
    for mode in ["fail", "panic"] {
        let found = server.configure(provider_block(mode), "1.11.4");
        assert!(found.has_errors(), "{mode}");
    }
}

#[tokio::test]
async fn a_crash_while_validating_is_an_error() {
    let config = thing("panic in validate");
    let found = configured().validate_resource("fake_thing", &config, true);
    assert!(only_error(&found).summary.contains("crashed"));
}

#[tokio::test]
async fn types_that_are_not_served_are_errors() {
    let server = configured();
    let config = Value::Null;
    assert!(
        server
            .validate_resource("fake_none", &config, true)
            .has_errors()
    );
    assert!(
        server
            .validate_data_source("fake_none", &config)
            .has_errors()
    );
    let read = server.read("fake_none", stored("ok"), Vec::new()).await;
    assert_eq!(
        (read.state, read.diagnostics.has_errors()),
        (stored("ok"), true)
    );
    assert!(server.call_function("none", Vec::new()).is_err());
}

#[test]
fn state_of_another_version_is_upgraded_or_refused() {
    let server = configured();
    let json = br#"{"name": "a", "size": 3, "gone_attribute": true}"#;
    let (state, found) = server.upgrade_state("fake_thing", 1, json);
    assert_eq!(found, Diagnostics::new());
    assert_eq!(state.unwrap().get("id"), &Value::Null);

    let (state, _) = server.upgrade_state("fake_thing", 0, br#"{"title": "a"}"#);
    let state = state.unwrap();
    assert_eq!(state.get("name"), &Value::from("a"));
    assert_eq!(state.get("size"), &Value::from(3), "not known then");

    for (version, json) in [
        (2, &b"{}"[..]),
        (-1, b"{}"),
        (1, b""),
        (1, b"{"),
        (1, br#"{"size": "many"}"#),
        (0, b"[]"),
    ] {
        let (state, found) = server.upgrade_state("fake_thing", version, json);
        assert_eq!(state, None, "{version} {json:?}");
        assert!(found.has_errors(), "{version} {json:?}");
    }
}

#[tokio::test]
async fn a_data_source_completes_its_configuration() {
    let server = configured();
    let config = Value::object([("key", Value::from("k")), ("found", Value::Null)]);
    let (state, found) = server.read_data_source("fake_lookup", config.clone()).await;
    assert_eq!(found, Diagnostics::new());
    assert_eq!(state.get("found"), &Value::from("value of k"));
    let unknown = with(config, "key", Value::Unknown);
    let (state, found) = server.read_data_source("fake_lookup", unknown).await;
    assert_eq!(state, Value::Null);
    assert!(found.has_errors());
}

#[test]
fn a_function_gets_arguments_of_its_types_only() {
    let server = configured();
    let call = |arguments| server.call_function("double", arguments);
    assert_eq!(call(vec![Value::from(4)]), Ok(Value::from(8)));
    assert_eq!(call(vec![Value::from("x")]).unwrap_err().argument, Some(0));
    assert_eq!(call(vec![Value::Null]).unwrap_err().argument, Some(0));
    assert_eq!(call(vec![]).unwrap_err().argument, None);
    assert!(
        call(vec![Value::from(-1)])
            .unwrap_err()
            .text
            .contains("crashed")
    );
}

fn configured() -> Server {
    let server = Server::new::<Fake>();
    assert!(server.configure(provider_block("ok"), "1.11.4").is_empty());
    server
}

fn provider_block(mode: &str) -> Value {
    Value::object([("mode", Value::from(mode))])
}

/// A configuration.
fn thing(name: &str) -> Value {
    Value::object([
        ("name", Value::from(name)),
        ("size", Value::Null),
        ("secret", Value::Null),
        ("id", Value::Null),
        ("note", Value::Null),
        ("timeouts", Value::Null),
    ])
}

/// A state.
fn stored(name: &str) -> Value {
    let sized = with(thing(name), "size", Value::from(3));
    with(sized, "id", Value::from("id-1"))
}

fn short_limits() -> Value {
    let limits = ["create", "read", "update", "delete"];
    Value::object(limits.map(|limit| (limit, Value::from("10ms"))))
}

fn with(object: Value, name: &str, value: Value) -> Value {
    let mut members = object.as_map().unwrap().clone();
    members.insert(name.to_owned(), value);
    Value::Map(members)
}

fn only_error(diagnostics: &Diagnostics) -> &Diagnostic {
    let all: Vec<_> = diagnostics.iter().collect();
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(diagnostics.has_errors());
    all[0]
}

async fn plan(server: &Server, prior: Value, config: &Value) -> PlanOutcome {
    plan_of(server, "fake_thing", prior, config).await
}

async fn plan_of(server: &Server, type_name: &str, prior: Value, config: &Value) -> PlanOutcome {
    let outcome = server
        .plan(PlanRequest {
            type_name: type_name.to_owned(),
            prior,
            proposed: config.clone(),
            config: config.clone(),
            private: b"private".to_vec(),
            write_only_allowed: true,
        })
        .await;
    assert_eq!(outcome.private, b"private");
    outcome
}

async fn create(server: &Server, config: &Value) -> ApplyOutcome {
    create_of(server, "fake_thing", config).await
}

async fn create_of(server: &Server, type_name: &str, config: &Value) -> ApplyOutcome {
    let plan = plan_of(server, type_name, Value::Null, config).await;
    // An unconfigured provider plans nothing; what it is asked to apply is the configuration then.
    let planned = match plan.planned {
        Value::Null => config.clone(),
        planned => planned,
    };
    apply(server, type_name, Value::Null, planned, config.clone()).await
}

async fn update(server: &Server, prior: Value, planned: Value) -> ApplyOutcome {
    apply(server, "fake_thing", prior, planned.clone(), planned).await
}

async fn delete(server: &Server, prior: Value) -> ApplyOutcome {
    apply(server, "fake_thing", prior, Value::Null, Value::Null).await
}

async fn apply(
    server: &Server,
    type_name: &str,
    prior: Value,
    planned: Value,
    config: Value,
) -> ApplyOutcome {
    server
        .apply(ApplyRequest {
            type_name: type_name.to_owned(),
            prior,
            planned,
            config,
            private: b"private".to_vec(),
        })
        .await
}
