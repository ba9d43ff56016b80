//! What is sent again, and what is not.

use super::{Scene, TABLES, busy, clients, limits, route, table};
use crate::clients::azure::{Error, WriteState};
use ako_lab::{Action, Fault};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_guarded_write_without_an_answer_is_sent_again_and_then_says_that_it_is_not_known() {
    let scene = Scene::new().await;
    let mut held = scene.put(&table(Vec::new())).await.unwrap();
    held.properties.routes.push(route("a", "10.244.0.0/24"));
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, Action::Reset).after());

    let error = scene.put(&held).await.unwrap_err();
    assert!(matches!(error, Error::PreconditionFailed(_)), "{error:?}");
    assert_eq!(error.after_write(), WriteState::Unclear);
    assert_eq!(scene.get().await.unwrap().properties.routes.len(), 1);
}

#[tokio::test]
async fn a_creating_write_without_an_answer_is_looked_for_and_not_repeated() {
    let scene = Scene::new().await;
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, Action::Reset).after());
    let made = scene
        .put(&table(vec![route("a", "10.244.0.0/24")]))
        .await
        .unwrap();
    assert_eq!(made.properties.routes.len(), 1);
    let puts = scene
        .calls()
        .iter()
        .filter(|call| call.starts_with("PUT"))
        .count();
    assert_eq!(puts, 1);
}

#[tokio::test]
async fn a_creating_write_that_never_arrived_is_sent_again() {
    let scene = Scene::new().await;
    scene.lab.add_fault(Fault::on("PUT", TABLES, Action::Reset));
    scene.put(&table(Vec::new())).await.unwrap();
    let puts = scene
        .calls()
        .iter()
        .filter(|call| call.starts_with("PUT"))
        .count();
    assert_eq!(puts, 2);
}

#[tokio::test]
async fn a_creating_write_does_not_take_another_writers_object_for_its_own() {
    let scene = Scene::new().await;
    let theirs = json!({"location": "westeurope", "tags": {"owner": "them"}});
    let path = scene.table_id().to_string();
    let write = Action::Write {
        method: "PUT".to_owned(),
        path: path.clone(),
        body: theirs,
    };
    scene.lab.add_fault(Fault::on("PUT", &path, Action::Reset));
    scene.lab.add_fault(Fault::on("GET", &path, write));
    let error = scene.put(&table(Vec::new())).await.unwrap_err();
    assert_eq!(error.after_write(), WriteState::Unclear, "{error:?}");
    let tags = scene.get().await.unwrap().tags.unwrap();
    assert_eq!(tags["owner"], "them");
}

#[tokio::test]
async fn a_busy_or_broken_service_is_asked_again() {
    let scene = Scene::new().await;
    for (status, code) in [
        (409, "AnotherOperationInProgress"),
        (429, "RetryableError"),
        (503, "ServiceUnavailable"),
    ] {
        let held = scene.get().await;
        scene
            .lab
            .add_fault(Fault::on("PUT", TABLES, busy(status, code)));
        let wanted = held.unwrap_or_else(|| table(Vec::new()));
        scene.put(&wanted).await.unwrap();
        scene.lab.clear_faults();
    }
}

#[tokio::test]
async fn a_service_that_names_a_wait_is_given_it() {
    let scene = Scene::new().await;
    let throttled = Action::Respond {
        status: 429,
        headers: BTreeMap::from([("Retry-After".to_owned(), "2".to_owned())]),
        body: json!({"error": {"code": "TooManyRequests", "message": "slow down"}}),
    };
    scene
        .lab
        .add_fault(Fault::on("GET", TABLES, throttled.clone()));
    let started = Instant::now();
    assert_eq!(scene.get().await, None);
    assert!(started.elapsed() >= Duration::from_secs(2));

    // A wait that ends after the deadline is not begun.
    scene.lab.clear_faults();
    scene.lab.add_fault(Fault::on("GET", TABLES, throttled));
    let (started, short) = (Instant::now(), limits(Duration::from_secs(1)));
    let read = scene
        .azure()
        .get_route_table(&short, &scene.table_id())
        .await;
    assert!(
        matches!(read, Err(Error::DeadlineExceeded { .. })),
        "{read:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_deletion_that_another_operation_ended_is_begun_again() {
    let scene = Scene::new().await;
    scene.put(&table(Vec::new())).await.unwrap();
    let superseded = Action::FailOperation {
        code: "CanceledAndSupersededDueToAnotherOperation".to_owned(),
        message: "another one came".to_owned(),
    };
    scene.lab.add_fault(Fault::on("DELETE", TABLES, superseded));
    let (azure, id) = (scene.azure(), scene.table_id());
    azure.delete_route_table(&scene.limits, &id).await.unwrap();
    assert_eq!(scene.get().await, None);
    let calls = scene.calls();
    let deletions = calls.iter().filter(|call| call.starts_with("DELETE"));
    assert_eq!(deletions.count(), 2);
}

#[tokio::test]
async fn a_conflict_of_another_kind_is_refused_at_once() {
    let scene = Scene::new().await;
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, busy(409, "RouteConflict")));
    let error = scene.put(&table(Vec::new())).await.unwrap_err();
    assert_eq!(error.code(), Some("RouteConflict"));
    assert_eq!(error.after_write(), WriteState::Refused);
}

#[tokio::test]
async fn a_stalled_or_cut_off_answer_is_asked_for_again() {
    let scene = Scene::new().await;
    scene.put(&table(Vec::new())).await.unwrap();
    let hasty = clients(&scene.lab, &[], Duration::from_millis(500));
    for action in [Action::Stall, Action::Truncate { bytes: 20 }, Action::Reset] {
        scene.lab.add_fault(Fault::on("GET", TABLES, action));
        let azure = hasty.azure().unwrap();
        let read = azure
            .get_route_table(&scene.limits, &scene.table_id())
            .await;
        assert!(read.unwrap().is_some());
        scene.lab.clear_faults();
    }
}
