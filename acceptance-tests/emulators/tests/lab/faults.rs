//! Faults as a client meets them.

use std::time::Duration;

use ako_lab::{Action, Fault, Lab, Options};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::arm::{Answer, Arm, network};

#[tokio::test]
async fn an_answer_in_the_servers_place_is_the_only_one_and_nothing_happened() {
    let (lab, arm) = lab().await;
    let throttled = Action::respond(429, json!({"error": {"code": "TooManyRequests"}}));
    lab.add_fault(Fault::on("PUT", "*/routeTables/*", throttled));
    let table = network(&lab, "routeTables/rt");
    assert_eq!(put(&arm, &table).await.unwrap().code(), "TooManyRequests");
    assert_eq!(arm.get(&table).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        put(&arm, &table).await.unwrap().status,
        StatusCode::CREATED,
        "once"
    );
}

#[tokio::test]
async fn an_answer_can_be_exchanged_after_the_server_has_acted() {
    let (lab, arm) = lab().await;
    let broken = Action::respond(502, json!(null));
    lab.add_fault(Fault::on("PUT", "*/routeTables/*", broken).after());
    let table = network(&lab, "routeTables/rt");
    let put = put(&arm, &table).await.unwrap();
    assert_eq!(put.status, StatusCode::BAD_GATEWAY);
    assert_eq!(arm.get(&table).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_reset_connection_is_an_error_to_the_client_whether_the_server_acted_or_not() {
    let (lab, arm) = lab().await;
    let table = network(&lab, "routeTables/rt");
    lab.add_fault(Fault::on("PUT", "*/routeTables/*", Action::Reset));
    let error = put(&arm, &table).await.unwrap_err();
    assert!(is_reset(&error), "{error:?}");
    assert_eq!(arm.get(&table).await.status, StatusCode::NOT_FOUND);

    lab.add_fault(Fault::on("PUT", "*/routeTables/*", Action::Reset).after());
    assert!(put(&arm, &table).await.is_err());
    assert_eq!(
        arm.get(&table).await.status,
        StatusCode::OK,
        "the server had acted"
    );
    let lost = lab.journal().into_iter().filter(|e| e.method == "PUT");
    assert!(
        lost.into_iter()
            .all(|entry| entry.status.is_none() && entry.fault.is_some())
    );
}

#[tokio::test]
async fn a_truncated_body_is_an_error_to_the_client() {
    let (lab, arm) = lab().await;
    let table = network(&lab, "routeTables/rt");
    lab.add_fault(Fault::on("PUT", "*/routeTables/*", Action::Truncate { bytes: 10 }).after());
    assert!(put(&arm, &table).await.is_err());
    assert_eq!(
        arm.get(&table).await.status,
        StatusCode::OK,
        "the server had acted"
    );
}

#[tokio::test]
async fn a_stalled_request_is_never_answered() {
    let (lab, arm) = lab().await;
    lab.add_fault(Fault::on("GET", "*/routeTables/*", Action::Stall));
    let table = network(&lab, "routeTables/rt");
    let stalled = tokio::time::timeout(Duration::from_millis(50), arm.get(&table)).await;
    assert!(stalled.is_err());
    assert_eq!(
        arm.get(&table).await.status,
        StatusCode::NOT_FOUND,
        "the next one is"
    );
}

#[tokio::test]
async fn a_held_request_waits_to_be_released_and_can_be_waited_for() {
    let (lab, arm) = lab().await;
    let hold = lab.add_fault(Fault::on("PUT", "*/routeTables/*", Action::Hold));
    let table = network(&lab, "routeTables/rt");
    assert!(!lab.held(hold, Duration::ZERO).await);
    let (done, ()) = tokio::join!(put(&arm, &table), async {
        assert!(lab.held(hold, Duration::from_secs(10)).await);
        let (status, _) = lab.azure().request("GET", &table, Value::Null);
        assert_eq!(status, 404, "held before the server acts");
        lab.release(hold);
    });
    assert_eq!(done.unwrap().status, StatusCode::CREATED);
    assert!(!lab.held(hold, Duration::ZERO).await);
}

#[tokio::test]
async fn a_client_that_leaves_cannot_take_back_what_it_sent() {
    let (lab, arm) = lab().await;
    let hold = lab.add_fault(Fault::on("PUT", "*/routeTables/*", Action::Hold));
    let table = network(&lab, "routeTables/rt");
    {
        let sent = put(&arm, &table);
        tokio::pin!(sent);
        tokio::select! {
            _ = &mut sent => panic!("the request is held"),
            held = lab.held(hold, Duration::from_secs(10)) => assert!(held),
        }
    }
    lab.release(hold);
    while lab.journal().last().unwrap().status.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(arm.get(&table).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_writer_can_come_between_a_read_and_a_write() {
    let (lab, arm) = lab().await;
    let table = network(&lab, "routeTables/rt");
    put(&arm, &table).await.unwrap();
    let etag = arm.get(&table).await.body["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let write = Action::Write {
        method: "PUT".to_owned(),
        path: format!("{table}/routes/foreign"),
        body: json!({"properties": {"addressPrefix": "10.9.0.0/24", "nextHopType": "None"}}),
    };
    lab.add_fault(Fault::on("PUT", "*/routeTables/rt", write));
    let body = Some(json!({"location": "westeurope", "tags": {"mine": "1"}}).to_string());
    let stale = arm
        .send(Method::PUT, &table, &[("if-match", &etag)], body)
        .await
        .unwrap();
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let routes = &arm.get(&table).await.body["properties"]["routes"];
    assert_eq!(routes[0]["name"], "foreign");
    assert_eq!(routes[0]["properties"]["provisioningState"], "Succeeded");
}

#[test]
fn a_lab_with_a_runtime_of_its_own_waits_for_held_requests_and_stops_with_them() {
    let lab = Lab::start_blocking(Options::default()).unwrap();
    let address = lab.connection().azure.metadata_host.clone();
    let hold = lab.add_fault(Fault::on("GET", "/metadata/*", Action::Hold));
    assert!(!lab.wait_until_held(hold, Duration::ZERO));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let http = crate::arm::http(&lab);
    let held = runtime.spawn(
        http.get(format!("https://{address}/metadata/endpoints"))
            .send(),
    );
    assert!(lab.wait_until_held(hold, Duration::from_secs(10)));
    drop(lab);
    assert!(
        runtime.block_on(held).unwrap().is_err(),
        "dropping the lab ends its connections"
    );
    assert!(
        std::net::TcpStream::connect(&address).is_err(),
        "and its servers"
    );
}

async fn lab() -> (Lab, Arm) {
    let lab = Lab::start(Options::default()).await.unwrap();
    let arm = Arm::of(&lab).await;
    (lab, arm)
}

async fn put(arm: &Arm, table: &str) -> Result<Answer, reqwest::Error> {
    let body = Some(json!({"location": "westeurope"}).to_string());
    arm.send(Method::PUT, table, &[], body).await
}

/// Whether an RST is behind an error; a connection that is merely closed ends with something else.
fn is_reset(error: &(dyn std::error::Error + 'static)) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionReset)
        || error.source().is_some_and(is_reset)
}
