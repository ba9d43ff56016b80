//! What ends an operation early: an interrupt, the deadline, another writer of the same object.

use super::{Scene, TABLES, limits, table};
use crate::clients::azure::{Error, LockKey, WriteState};
use ako_lab::{Action, Fault, Latency};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[tokio::test]
async fn an_interrupt_ends_a_poll_at_once_and_says_that_the_write_was_accepted() {
    let scene = Scene::new().await;
    scene
        .lab
        .set_latency(Latency::fixed(Duration::ZERO, Duration::from_secs(600)));
    let stop = scene.limits.stop.clone();
    let wanted = table(Vec::new());
    let (outcome, stopped) = tokio::join!(scene.put(&wanted), async {
        while !scene.lab.journal().iter().any(|entry| entry.poll) {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        Instant::now()
    });
    assert!(stopped.elapsed() < Duration::from_secs(1));
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Stopped { .. }), "{error:?}");
    assert_eq!(error.after_write(), WriteState::Accepted);
}

#[tokio::test]
async fn an_interrupt_leaves_a_write_under_way_three_seconds() {
    let scene = Scene::new().await;
    let fault = scene.lab.add_fault(Fault::on("PUT", TABLES, Action::Hold));
    let wanted = table(Vec::new());
    let (outcome, stopped) = tokio::join!(scene.put(&wanted), async {
        assert!(scene.lab.held(fault, Duration::from_secs(10)).await);
        scene.limits.stop.cancel();
        Instant::now()
    });
    let waited = stopped.elapsed();
    assert!(
        waited > Duration::from_millis(2900) && waited < Duration::from_secs(6),
        "{waited:?}"
    );
    assert!(matches!(outcome, Err(Error::Unclear { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_write_answered_after_the_interrupt_is_known_to_be_accepted() {
    let scene = Scene::new().await;
    let fault = scene.lab.add_fault(Fault::on("PUT", TABLES, Action::Hold));
    let wanted = table(Vec::new());
    let (outcome, ()) = tokio::join!(scene.put(&wanted), async {
        assert!(scene.lab.held(fault, Duration::from_secs(10)).await);
        scene.limits.stop.cancel();
        scene.lab.release(fault);
    });
    assert_eq!(outcome.unwrap_err().after_write(), WriteState::Accepted);
}

#[tokio::test]
async fn the_deadline_ends_an_operation_and_tells_its_last_known_state() {
    let scene = Scene::new().await;
    scene
        .lab
        .set_latency(Latency::fixed(Duration::ZERO, Duration::from_secs(600)));
    let short = limits(Duration::from_secs(2));
    let azure = scene.azure();
    let outcome = azure
        .put_route_table(&short, &scene.table_id(), &table(Vec::new()))
        .await;
    let error = outcome.unwrap_err();
    let Error::DeadlineExceeded { last_known, .. } = &error else {
        panic!("{error:?}")
    };
    let parts = [
        "the operation is InProgress, ",
        " s after Azure took the request (request id ",
        "; the object is Updating",
    ];
    assert!(
        parts.iter().all(|part| last_known.contains(part)),
        "{last_known}"
    );
    assert_eq!(error.after_write(), WriteState::Accepted);
}

#[tokio::test]
async fn a_busy_service_is_given_up_at_the_deadline_with_its_last_word() {
    let scene = Scene::new().await;
    let throttled = Action::Respond {
        status: 429,
        headers: BTreeMap::from([("x-ms-request-id".to_owned(), "id-1".to_owned())]),
        body: json!({"error": {"code": "TooManyRequests", "message": "slow down"}}),
    };
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, throttled).always());
    let short = limits(Duration::from_secs(2));
    let azure = scene.azure();
    let outcome = azure
        .put_route_table(&short, &scene.table_id(), &table(Vec::new()))
        .await;
    let error = outcome.unwrap_err();
    let last_word = "slow down (status 429, code TooManyRequests, request id id-1)";
    assert!(error.to_string().contains(last_word), "{error}");
    assert_eq!(error.after_write(), WriteState::NotSent);
}

#[tokio::test]
async fn locks_keep_writers_apart_and_end_with_an_interrupt() {
    let scene = Scene::new().await;
    let azure = scene.azure();
    let table = scene.table_id();
    let guard = azure.lock(&scene.limits, [&table]).await.unwrap();

    let network = scene.network();
    let keys = [LockKey::from(&network), LockKey::from(&table)];
    let waiting = azure.lock(&scene.limits, keys);
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    // The network is taken after the table, so that nobody holds it while they wait.
    drop(azure.lock(&scene.limits, [&network]).await.unwrap());
    drop(guard);
    let guard = waiting.await.unwrap();

    scene.limits.stop.cancel();
    let refused = azure.lock(&scene.limits, [&table]).await;
    assert!(matches!(refused, Err(Error::Stopped { .. })), "{refused:?}");
    drop(guard);
}
