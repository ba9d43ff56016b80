//! The controller's API over https, as its clients meet it.

use ako_lab::{Lab, Options};
use http::{Method, StatusCode};
use serde_json::json;

use crate::avi::Controller;

#[tokio::test]
async fn a_user_signs_in_and_makes_changes_and_deletes_an_object() {
    let lab = Lab::start(Options::default()).await.unwrap();
    let avi = Controller::of(&lab).await;
    let body = json!({"name": "seg-1", "cloud_ref": "/api/cloud?name=Default-Cloud", "data_network_id": "s"});
    let made = avi
        .send(Method::POST, "//api/serviceenginegroup/", body)
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let uuid = made.body["uuid"].as_str().unwrap();
    assert_eq!(made.header("location"), made.body["url"].as_str());
    assert_eq!(made.body["max_se"], 10);
    assert!(
        made.body["cloud_ref"]
            .as_str()
            .unwrap()
            .ends_with("#Default-Cloud")
    );

    let path = format!("/api/serviceenginegroup/{uuid}");
    let label = json!([{"key": "clustername", "value": "c"}]);
    let patch = json!({"replace": {"data_network_id": "t"}, "add": {"labels": label}});
    let both = avi.send(Method::PATCH, &path, patch).await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST, "{}", both.body);
    let patch = json!({"add": {"data_network_id": "t", "labels": label}});
    let patched = avi.send(Method::PATCH, &path, patch).await;
    assert_eq!(patched.body["data_network_id"], "t", "{}", patched.body);
    let read = avi.get(&path).await;
    assert_eq!(read.body["labels"][0]["value"], "c");
    assert!(!read.body["url"].as_str().unwrap().contains('#'));

    let gone = avi.send(Method::DELETE, &path, json!(null)).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let read = avi.get(&path).await;
    assert_eq!(read.status, StatusCode::NOT_FOUND);
    assert_eq!(read.body["error"], "ServiceEngineGroup object not found!");
    let entries = lab.journal();
    assert!(entries.iter().all(|entry| entry.service == "avi"));
    assert_eq!(entries[0].body, None, "a login's body is not kept");
}
