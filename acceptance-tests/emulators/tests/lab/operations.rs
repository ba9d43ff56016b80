//! Operations that take time, and what meets them.

use std::time::Duration;

use ako_lab::azure::Busy;
use ako_lab::{Action, Fault, Lab, Latency, Options};
use http::StatusCode;
use serde_json::json;

use crate::arm::{Arm, SUBNETS, network};

#[tokio::test]
async fn a_poll_says_in_progress_until_the_operation_is_done() {
    let (lab, arm) = slow_lab().await;
    let table = network(&lab, "routeTables/rt");
    let put = arm.put(&table, json!({"location": "westeurope"})).await;
    let url = put.header("azure-asyncoperation").unwrap();
    assert!(url.len() > 3_000, "signed, as since 2024: {}", url.len());
    let poll = arm.get(url).await;
    assert_eq!(poll.body, json!({"status": "InProgress"}));
    assert!(poll.header("retry-after").is_none(), "none since 2024");
    assert_eq!(
        arm.get(&table).await.body["properties"]["provisioningState"],
        "Updating"
    );

    lab.azure().finish_operations();
    assert_eq!(arm.get(url).await.body, json!({"status": "Succeeded"}));
    assert_eq!(
        arm.get(&table).await.body["properties"]["provisioningState"],
        "Succeeded"
    );
    let polls = lab.journal().iter().filter(|entry| entry.poll).count();
    assert_eq!(polls, 2);
}

#[tokio::test]
async fn an_operation_ends_by_itself_after_its_time() {
    let (lab, arm) = slow_lab().await;
    lab.set_latency(Latency::fixed(Duration::ZERO, Duration::from_millis(20)));
    let table = network(&lab, "routeTables/rt");
    let put = arm.put(&table, json!({"location": "westeurope"})).await;
    let url = put.header("azure-asyncoperation").unwrap();
    while arm.get(url).await.body != json!({"status": "Succeeded"}) {
        tokio::task::yield_now().await;
    }
    assert_eq!(arm.get(&table).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_deletion_shows_deleting_and_its_result_is_empty() {
    let (lab, arm) = slow_lab().await;
    let subnet = network(&lab, &format!("{SUBNETS}/se"));
    arm.put(
        &subnet,
        json!({"properties": {"addressPrefix": "10.3.0.0/24"}}),
    )
    .await;
    lab.azure().finish_operations();
    let delete = arm.delete(&subnet).await;
    assert_eq!(
        arm.get(&subnet).await.body["properties"]["provisioningState"],
        "Deleting"
    );
    let location = delete.header("location").unwrap();
    assert_eq!(arm.get(location).await.status, StatusCode::ACCEPTED);
    lab.azure().finish_operations();
    assert_eq!(arm.get(location).await.status, StatusCode::NO_CONTENT);
    assert_eq!(arm.get(&subnet).await.code(), "NotFound");
}

#[tokio::test]
async fn what_is_being_deleted_takes_no_writes() {
    let (lab, arm) = slow_lab().await;
    let subnet = network(&lab, &format!("{SUBNETS}/se"));
    let body = json!({"properties": {"addressPrefix": "10.3.0.0/24"}});
    arm.put(&subnet, body.clone()).await;
    arm.delete(&subnet).await;
    let put = arm.put(&subnet, body.clone()).await;
    assert_eq!(put.code(), "AnotherOperationInProgress");
    assert_eq!(arm.delete(&subnet).await.status, StatusCode::ACCEPTED);
    lab.azure().finish_operations();
    assert_eq!(arm.put(&subnet, body).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn writes_of_one_table_queue_unless_the_lab_is_told_otherwise() {
    let (lab, arm) = slow_lab().await;
    let table = network(&lab, "routeTables/rt");
    arm.put(&table, json!({"location": "westeurope"})).await;
    let route = |n: u32| json!({"properties": {"addressPrefix": format!("10.244.{n}.0/24"), "nextHopType": "None"}});
    let queued = arm.put(&format!("{table}/routes/a"), route(1)).await;
    assert_eq!(queued.status, StatusCode::CREATED);

    lab.azure()
        .change_settings(|settings| settings.busy = Busy::Conflict);
    let conflict = arm.put(&format!("{table}/routes/b"), route(2)).await;
    assert_eq!(
        (conflict.status, conflict.code()),
        (StatusCode::CONFLICT, "AnotherOperationInProgress")
    );

    lab.azure()
        .change_settings(|settings| settings.busy = Busy::Retryable);
    let retryable = arm.put(&format!("{table}/routes/b"), route(2)).await;
    assert_eq!(
        (retryable.status, retryable.code()),
        (StatusCode::TOO_MANY_REQUESTS, "RetryableError")
    );
    let subnet = network(&lab, &format!("{SUBNETS}/se"));
    let body = json!({"properties": {"addressPrefix": "10.3.0.0/24", "routeTable": {"id": table}}});
    let waiting = arm.put(&subnet, body).await;
    assert_eq!(
        waiting.body["error"]["details"][0]["code"],
        "ReferencedResourceNotProvisioned"
    );

    lab.azure().finish_operations();
    let put = arm.put(&format!("{table}/routes/b"), route(2)).await;
    assert_eq!(put.status, StatusCode::CREATED);
}

#[tokio::test]
async fn retry_after_is_sent_when_the_lab_is_told_to() {
    let mut options = Options::default();
    options.settings.retry_after = Some(3);
    let lab = Lab::start(options).await.unwrap();
    let arm = Arm::of(&lab).await;
    let put = arm
        .put(
            &network(&lab, "routeTables/rt"),
            json!({"location": "westeurope"}),
        )
        .await;
    assert_eq!(put.header("retry-after"), Some("3"));
}

#[tokio::test]
async fn a_polling_url_works_only_verbatim() {
    let (lab, arm) = slow_lab().await;
    let put = arm
        .put(
            &network(&lab, "routeTables/rt"),
            json!({"location": "westeurope"}),
        )
        .await;
    let url = put.header("azure-asyncoperation").unwrap();
    let unsigned = url.split('&').next().unwrap();
    assert_eq!(arm.get(unsigned).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_operation_can_be_told_to_fail() {
    let (lab, arm) = slow_lab().await;
    lab.set_latency(Latency::NONE);
    let action = Action::FailOperation {
        code: "AnotherOperationInProgress".to_owned(),
        message: "later".to_owned(),
    };
    lab.add_fault(Fault::on("PUT", "*/routeTables/rt", action));
    let table = network(&lab, "routeTables/rt");
    let put = arm.put(&table, json!({"location": "westeurope"})).await;
    assert_eq!(put.status, StatusCode::CREATED);
    let poll = arm.get(put.header("azure-asyncoperation").unwrap()).await;
    assert_eq!(poll.body["status"], "Failed");
    assert_eq!(poll.body["error"]["code"], "AnotherOperationInProgress");
    assert_eq!(
        arm.get(&table).await.body["properties"]["provisioningState"],
        "Failed"
    );
}

/// A lab whose operations end only when they are told to.
async fn slow_lab() -> (Lab, Arm) {
    let lab = Lab::start(Options::default()).await.unwrap();
    lab.set_latency(Latency::fixed(Duration::ZERO, Duration::from_secs(3_600)));
    let arm = Arm::of(&lab).await;
    (lab, arm)
}
