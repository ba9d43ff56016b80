//! AKO as an actor of the lab: what its recordings do not show, and how it is told what to do.

use std::time::Duration;

use ako_lab::actors::ako::{RouteSync, Status};
use ako_lab::{Action, Fault};
use serde_json::{Value, json};

use crate::actors_stage::Stage;

#[tokio::test]
async fn two_akos_that_write_at_once_lose_nothing() {
    let stage = Stage::new().await;
    stage
        .lab
        .connector()
        .change_settings(|settings| settings.running = false);
    stage.start_ako("cluster1").await;
    stage.start_ako("cluster2").await;
    let add = |cluster: &str, third: u8| {
        let cluster = stage.lab.cluster(cluster).unwrap();
        for at in 10..20 {
            let node = ako_lab::kubernetes::Node::ready(
                &format!("new-{at}"),
                &format!("10.{third}.1.{at}"),
                &format!("10.250.{at}.0/24"),
            );
            cluster.add_node(&node);
        }
    };
    // Latency lets the two meet between read and write.
    let call = ako_lab::Latency::fixed(Duration::from_millis(2), Duration::ZERO);
    stage.lab.set_latency(call);
    let one = stage.lab.ako("cluster1").unwrap();
    let two = stage.lab.ako("cluster2").unwrap();
    add("cluster1", 1);
    add("cluster2", 2);
    let (one, two) = tokio::join!(one.sync(), two.sync());
    assert_eq!(
        (one.routes, two.routes),
        (RouteSync::Written, RouteSync::Written)
    );
    assert_eq!(stage.vrf_routes().len(), 24);
}

#[tokio::test]
async fn a_refused_write_is_never_repeated_and_a_server_error_later() {
    for (status, expected) in [(403, RouteSync::GaveUp), (500, RouteSync::Trying)] {
        let stage = Stage::new().await;
        let respond = Action::Respond {
            status,
            headers: Default::default(),
            body: json!({"error": "no"}),
        };
        stage
            .lab
            .add_fault(Fault::on("PUT", "*/api/vrfcontext/*", respond));
        let outcome = stage.start_ako("cluster1").await;
        assert_eq!(outcome.status, Status::Running);
        assert_eq!(outcome.routes, expected, "{status}");
        assert!(stage.vrf_routes().is_empty());
    }
}

#[tokio::test]
async fn an_ako_that_meets_412_without_end_goes_on_until_it_is_let_through() {
    let stage = Stage::new().await;
    let respond = Action::Respond {
        status: 412,
        headers: Default::default(),
        body: json!({"error": "Concurrent Update Error"}),
    };
    stage
        .lab
        .add_fault(Fault::on("PUT", "*/api/vrfcontext/*", respond).always());
    let outcome = stage.start_ako("cluster1").await;
    assert_eq!(outcome.routes, RouteSync::Trying);
    let mut changes = stage.lab.avi().changes();
    changes.borrow_and_update();
    stage.lab.clear_faults();
    changes.changed().await.unwrap();
    assert_eq!(stage.vrf_routes().len(), 2);
}

#[tokio::test]
async fn a_new_session_is_opened_when_the_controller_ended_the_old_one() {
    let stage = Stage::new().await;
    stage.start_ako("cluster1").await;
    stage.lab.avi().expire_sessions();
    stage
        .lab
        .cluster("cluster1")
        .unwrap()
        .remove_node("cluster1-node-1");
    let outcome = stage.lab.ako("cluster1").unwrap().sync().await;
    assert_eq!(outcome.routes, RouteSync::Written);
    assert_eq!(stage.vrf_routes(), ["cluster1 10.244.0.0 -> 10.1.0.4"]);
}

#[tokio::test]
async fn its_requests_are_told_apart_and_its_config_map_is_in_its_cluster() {
    let stage = Stage::new().await;
    stage.start_ako("cluster1").await;
    let journal = stage.lab.journal();
    let mine = journal.iter().filter(|entry| entry.service == "ako");
    let puts = mine.filter(|entry| entry.method == "PUT").count();
    assert_eq!(puts, 2, "the label and the routes");
    assert!(journal.iter().all(|entry| entry.service != "avi"));
}

#[tokio::test]
async fn the_control_api_starts_it_and_tells_what_came_of_it() {
    let stage = Stage::new().await;
    let control = |actor: &'static str, body: Value| {
        let url = format!("{}/actors/{actor}", stage.lab.connection().control);
        async move {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let request = client.post(url).body(body.to_string());
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (
                status,
                serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null),
            )
        }
    };
    let start = json!({
        "action": "start", "cluster": "cluster1", "cloud": "azure-cloud", "se_group": "seg-cluster1",
    });
    let (status, answer) = control("ako", start).await;
    assert_eq!(
        (status, answer),
        (200, json!({"status": "running", "routes": "written"}))
    );
    let (_, answer) = control(
        "cloud-connector",
        json!({"action": "settle", "delay_ms": 0}),
    )
    .await;
    assert_eq!(answer, json!({"running": true, "delay_ms": 0}));
    assert_eq!(stage.azure_routes("cluster1").len(), 2);
    let engine = json!({"action": "place", "se_group": "seg-cluster1", "name": "se-1"});
    let (status, answer) = control("service-engines", engine).await;
    assert_eq!(status, 200);
    assert!(answer["uuid"].is_string());
    let (status, answer) = control("ako", json!({"action": "sync", "cluster": "cluster2"})).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(control("nobody", json!({})).await.0, 404);
}
