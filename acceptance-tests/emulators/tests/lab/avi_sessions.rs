//! Sessions, versions, tenants and rights of the emulated controller.

use std::time::Duration;

use ako_lab::avi::{Access, Denial};
use ako_lab::{Action, Fault, Lab, Options};
use http::Method;
use serde_json::{Value, json};

use crate::avi::Controller;

async fn lab() -> (Lab, Controller) {
    let lab = Lab::start(Options::default()).await.unwrap();
    let avi = Controller::of(&lab).await;
    (lab, avi)
}

/// Recorded in the vendor's SDK and handled by AKO: 419 with a bare word, or 401; 401 for a wrong password.
#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_a_wrong_password_opens_none() {
    let (lab, mut avi) = lab().await;
    lab.avi().expire_sessions();
    let ended = avi.get("/api/cloud").await;
    assert_eq!((ended.status.as_u16(), ended.body), (419, json!("error")));
    let unknown = avi.get("/api/cloud").await;
    assert_eq!(unknown.status, 401);

    let wrong = avi
        .sign_in(&json!({"username": "admin", "password": "no"}))
        .await;
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.body["error"], "Invalid credentials");

    let mut avi = Controller::of(&lab).await;
    lab.avi().change_settings(|settings| {
        settings.idle_expiry = Duration::ZERO;
        settings.expired_status = 401;
    });
    assert_eq!(avi.get("/api/cloud").await.status, 401);
    lab.avi()
        .change_settings(|settings| settings.idle_expiry = Duration::from_secs(60));
    let body = json!({"username": "admin", "password": lab.connection().avi.password});
    assert_eq!(avi.sign_in(&body).await.status, 200);
    let gone = avi.send(Method::POST, "/logout", Value::Null).await;
    assert_eq!(gone.status, 200);
    assert_eq!(avi.get("/api/cloud").await.status, 401);
}

/// Recorded: equality of header and cookie is not enough. The Referer is mandatory by the API guide.
#[tokio::test]
async fn writes_need_the_token_of_the_session_and_a_referer() {
    let (_lab, avi) = lab().await;
    let body = || json!({"name": "g"});
    let path = "/api/serviceenginegroup";
    let invented = [("x-csrftoken", "x"), ("cookie", "csrftoken=x")];
    let stranger = avi.with(Method::POST, path, &invented, body()).await;
    assert_eq!(stranger.status, 401, "no session at all");
    for token in ["", "invalid"] {
        let headers = [("x-csrftoken", token)];
        let refused = avi.with(Method::POST, path, &headers, body()).await;
        assert_eq!(refused.status, 401);
        assert_eq!(refused.body, "CSRF token missing or incorrect.");
    }
    let refused = avi
        .with(Method::POST, path, &[("referer", "")], body())
        .await;
    assert_eq!(refused.status, 403);
    let read = avi
        .with(Method::GET, path, &[("x-csrftoken", "")], Value::Null)
        .await;
    assert_eq!(read.status, 200);
}

/// vmware/avi-helm-charts#90 for members that came later; the rest is assumed.
#[tokio::test]
async fn a_version_is_checked_and_hides_what_came_after_it() {
    let (_lab, avi) = lab().await;
    let path = "/api/serviceenginegroup";
    let body = json!({"name": "g", "labels": [{"key": "clustername", "value": "c"}]});
    let old = [("x-avi-version", "18.2.10")];
    let refused = avi.with(Method::POST, path, &old, body.clone()).await;
    assert_eq!(refused.status, 400);
    let expected =
        "Incoming request (v18_2_10) has field (labels) introduced in later versions(v20_1_1).";
    assert_eq!(refused.body["error"], expected);
    let too_new = avi
        .with(
            Method::GET,
            path,
            &[("x-avi-version", "99.1.1")],
            Value::Null,
        )
        .await;
    assert_eq!(too_new.status, 400);
    assert!(
        too_new.body["error"]
            .as_str()
            .unwrap()
            .contains("Invalid version")
    );

    assert_eq!(avi.send(Method::POST, path, body).await.status, 201);
    let read = avi
        .with(
            Method::GET,
            "/api/serviceenginegroup?name=g",
            &old,
            Value::Null,
        )
        .await;
    assert_eq!(read.header("avi_api_version"), Some("18.2.10"));
    assert!(read.body["results"][0].get("labels").is_none());
    let unsaid = avi
        .with(Method::GET, path, &[("x-avi-version", "")], Value::Null)
        .await;
    assert_eq!(unsaid.header("avi_api_version"), Some("16_4_2"));
}

/// AKO's constants, and its retry of refused writes in the tenant admin.
#[tokio::test]
async fn a_tenant_sees_what_admin_has_and_does_not_change_it() {
    let (_lab, avi) = lab().await;
    let team = [("x-avi-tenant", "team-a")];
    let vrf = avi
        .with(
            Method::GET,
            "/api/vrfcontext?name=global",
            &team,
            Value::Null,
        )
        .await;
    let uuid = vrf.body["results"][0]["uuid"].as_str().unwrap();
    let path = format!("/api/vrfcontext/{uuid}");
    let patch = json!({"replace": {"description": "mine"}});
    let refused = avi.with(Method::PATCH, &path, &team, patch).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.body["error"], "Cannot modify VrfContext");
    let nobody = avi
        .with(Method::GET, &path, &[("x-avi-tenant", "nope")], Value::Null)
        .await;
    assert_eq!(nobody.status, 403);
    assert_eq!(nobody.body["error"], "Tenant 'nope' does not exist!");
    let own = avi
        .with(
            Method::POST,
            "/api/cloudconnectoruser",
            &team,
            json!({"name": "c"}),
        )
        .await;
    assert_eq!(own.status, 201);
    assert_eq!(avi.get("/api/cloudconnectoruser").await.body["count"], 0);
}

#[tokio::test]
async fn rights_can_be_taken_and_a_controller_that_starts_answers_503() {
    let (lab, avi) = lab().await;
    lab.avi().deny(Denial {
        object: "serviceenginegroup".to_owned(),
        access: Access::Write,
        user: None,
    });
    let path = "/api/serviceenginegroup";
    let refused = avi.send(Method::POST, path, json!({"name": "g"})).await;
    assert_eq!(refused.status, 403);
    assert_eq!(avi.get(path).await.status, 200);
    lab.avi()
        .change_settings(|settings| settings.initializing = true);
    assert_eq!(avi.get(path).await.status, 503);
    let stranger = Controller::stranger(&lab);
    assert_eq!(stranger.get("/api/cluster/status").await.status, 200);
}

/// Another writer comes between a client's read and its write; secrets are not kept of what was written.
#[tokio::test]
async fn a_fault_writes_to_the_controller_and_the_journal_keeps_no_secret() {
    let (lab, avi) = lab().await;
    let body = json!({"name": "c", "azure_serviceprincipal": {"authentication_token": "s3cret"}});
    let made = avi
        .send(Method::POST, "/api/cloudconnectoruser", body)
        .await;
    let path = format!(
        "/api/cloudconnectoruser/{}",
        made.body["uuid"].as_str().unwrap()
    );
    let write = Action::Write {
        method: "PATCH".to_owned(),
        path: path.clone(),
        body: json!({"add": {"public_key": "theirs"}}),
    };
    lab.add_fault(Fault::on("PUT", &path, write));
    let body = json!({"name": "c", "_last_modified": made.body["_last_modified"]});
    assert_eq!(avi.send(Method::PUT, &path, body).await.status, 412);
    let operation = json!({"json_patch": [{
        "op": "replace", "path": "/azure_serviceprincipal/authentication_token", "value": "s3cret",
    }]});
    let patched = avi.send(Method::PATCH, &path, operation).await;
    assert_eq!(patched.status, 200, "{}", patched.body);

    let journal = lab.journal();
    assert!(!json!(journal).to_string().contains("s3cret"));
    assert!(
        !json!(journal)
            .to_string()
            .contains(&lab.connection().avi.password)
    );
    let kept = journal[1].body.as_ref().unwrap();
    assert_eq!(
        kept["azure_serviceprincipal"]["authentication_token"],
        "<secret>"
    );
}

#[tokio::test]
async fn the_control_api_writes_to_the_controller_and_sets_it() {
    let (lab, avi) = lab().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = |path: &str, body: Value| {
        let url = format!("{}{path}", lab.connection().control);
        let request = http.post(url).body(body.to_string());
        async move {
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            let text = response.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap_or(Value::Null))
        }
    };
    let body = json!({"method": "POST", "path": "/api/serviceenginegroup", "body": {"name": "g"}});
    let (_, written) = post("/avi", body).await;
    assert_eq!(written["status"], 201);
    let group = written["body"]["uuid"].clone();
    let engine = json!({"se_group": group, "name": "se-1", "members": {}});
    assert_eq!(post("/avi/service-engines", engine).await.0, 200);
    assert_eq!(avi.get("/api/serviceengine").await.body["count"], 1);

    let (_, settings) = post("/avi/settings", json!({"expired_status": 401})).await;
    assert_eq!(settings["version"], "30.2.1");
    assert_eq!(post("/avi/settings", json!({"nope": 1})).await.0, 400);
    let denial = json!({"object": "cloud", "access": "read"});
    assert_eq!(post("/avi/denials", denial).await.0, 204);
    assert_eq!(avi.get("/api/cloud").await.status, 403);
    let refusal = json!({"object": "serviceengine", "status": 403});
    assert_eq!(post("/avi/refusals", refusal).await.0, 204);
    assert_eq!(
        post("/avi/events", json!({"event_id": "VS_UP"})).await.0,
        204
    );
    assert_eq!(avi.get("/api/analytics/logs").await.body["count"], 1);
    assert_eq!(post("/avi/expire-sessions", json!({})).await.0, 204);
    assert_eq!(avi.get("/api/cluster").await.status, 401);
    assert_eq!(post("/avi/nothing", json!({})).await.0, 404);
}
