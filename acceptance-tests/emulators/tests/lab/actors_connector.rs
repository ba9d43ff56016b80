//! The cloud connector: labelled routes of the VRF become routes of Azure tables.

use std::time::Duration;

use ako_lab::azure::Denial;
use ako_lab::faults::{Action, Fault};
use serde_json::{Value, json};

use crate::actors_stage::Stage;

#[tokio::test]
async fn each_cluster_gets_its_routes_in_the_table_of_its_own_se_subnet() {
    let stage = Stage::new().await;
    stage.start_ako("cluster1").await;
    stage.start_ako("cluster2").await;
    stage.lab.connector().settled().await;

    let expected = |third: u8| {
        let route = |at: u8| format!("10.244.{at}.0/24 -> 10.{third}.0.{}", at + 4);
        [route(0), route(1)]
    };
    assert_eq!(stage.azure_routes("cluster1"), expected(1));
    assert_eq!(stage.azure_routes("cluster2"), expected(2));
    let told = stage.events("CLOUD_ROUTE_CREATION_SUCCESS");
    let names = told.iter().map(|event| event["routes"][0].clone());
    let names: Vec<Value> = names.collect();
    for route in [stage.routes_of("cluster1"), stage.routes_of("cluster2")].concat() {
        assert!(
            names.contains(&route["name"]),
            "events tell the names alone"
        );
    }
    assert_eq!(told[0]["route_table"], "rt-cluster1");
}

#[tokio::test]
async fn it_uses_the_rights_of_the_credential_and_writes_single_routes_alone() {
    let stage = Stage::new().await;
    let principal = stage.lab.connection().avi.principal.clone();
    stage.lab.azure().deny(Denial {
        object_id: Some(principal.object_id),
        ..Denial::of("Microsoft.Network/routeTables/routes/write")
    });
    stage.start_ako("cluster1").await;
    stage.lab.connector().settled().await;
    assert!(stage.azure_routes("cluster1").is_empty());
    let refused = stage.events("CLOUD_ROUTE_CREATION_FAILURE");
    assert_eq!(refused.len(), 2);
    let reason = refused[0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("AuthorizationFailed"), "{reason}");

    let journal = stage.lab.journal();
    let mine = journal.iter().filter(|entry| entry.service == "connector");
    let writes = mine.filter(|entry| entry.method == "PUT");
    let paths: Vec<&str> = writes.map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths.len(), 2);
    assert!(
        paths.iter().all(|path| path.contains("/routes/")),
        "{paths:?}"
    );
    assert!(journal.iter().all(|entry| entry.service != "arm"));
}

#[tokio::test]
async fn a_conflict_is_told_once_and_tried_again_when_the_vrf_changes() {
    let stage = Stage::new().await;
    let taken = format!("{}/routes/ours", stage.table("cluster1"));
    let route = json!({"properties": {
        "addressPrefix": "10.244.0.0/24", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.0.4",
    }});
    stage.azure("PUT", &taken, route);
    stage.start_ako("cluster1").await;
    stage.lab.connector().settled().await;
    assert_eq!(stage.routes_of("cluster1").len(), 2);

    stage.azure("DELETE", &taken, Value::Null);
    stage.lab.connector().settled().await;
    let refused = stage.events("CLOUD_ROUTE_CREATION_FAILURE");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(
        refused[0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("RouteConflict")
    );
    assert_eq!(stage.routes_of("cluster1").len(), 1, "nobody woke it");

    stage.lab.ako("cluster1").unwrap().start().await;
    stage.lab.connector().settled().await;
    assert_eq!(stage.routes_of("cluster1").len(), 2);
}

#[tokio::test]
async fn a_subnet_without_a_table_is_a_failure_that_only_its_events_tell() {
    let stage = Stage::new().await;
    let bare = json!({"properties": {"addressPrefix": "10.0.101.0/24"}});
    stage.azure("PUT", &stage.subnet("cluster1"), bare);
    stage.start_ako("cluster1").await;
    stage.lab.connector().settled().await;
    let refused = stage.events("CLOUD_ROUTE_CREATION_FAILURE");
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0]["routes"], json!([]));
}

#[tokio::test]
async fn it_removes_what_it_made_and_nothing_else() {
    let stage = Stage::new().await;
    let foreign = format!("{}/routes/to-on-premises", stage.table("cluster1"));
    let route = json!({"properties": {
        "addressPrefix": "192.168.0.0/16", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.4",
    }});
    stage.azure("PUT", &foreign, route);
    stage.start_ako("cluster1").await;
    stage.lab.connector().settled().await;
    assert_eq!(stage.routes_of("cluster1").len(), 3);

    stage
        .lab
        .cluster("cluster1")
        .unwrap()
        .remove_node("cluster1-node-1");
    let ako = stage.lab.ako("cluster1").unwrap();
    ako.sync().await;
    stage.lab.connector().settled().await;
    assert_eq!(stage.routes_of("cluster1").len(), 2);
    assert_eq!(stage.events("CLOUD_ROUTE_REMOVE_SUCCESS").len(), 1);

    ako.set_delete_config(true).await;
    stage.lab.connector().settled().await;
    let left = stage.routes_of("cluster1");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["name"], "to-on-premises");
}

#[tokio::test]
async fn the_table_follows_the_group_s_own_subnet_or_that_of_the_cloud() {
    let stage = Stage::new().await;
    stage.patch_group(
        "seg-cluster2",
        json!({"delete": {"data_network_id": "snet-se-cluster2"}}),
    );
    stage.start_ako("cluster2").await;
    stage.lab.connector().settled().await;
    assert_eq!(
        stage.azure_routes("cluster1").len(),
        2,
        "the cloud's se_network_id"
    );

    let id = stage.subnet("cluster2");
    stage.patch_group("seg-cluster2", json!({"replace": {"data_network_id": id}}));
    stage.lab.connector().settled().await;
    assert!(stage.azure_routes("cluster1").is_empty());
    assert_eq!(
        stage.azure_routes("cluster2").len(),
        2,
        "an id as well as a name"
    );
}

#[tokio::test]
async fn it_does_nothing_while_it_is_switched_off_and_catches_up_afterwards() {
    let stage = Stage::new().await;
    let connector = stage.lab.connector();
    connector.change_settings(|settings| settings.running = false);
    stage.start_ako("cluster1").await;
    connector.settled().await;
    assert!(stage.azure_routes("cluster1").is_empty());

    connector.change_settings(|settings| {
        settings.running = true;
        settings.delay_ms = 5;
    });
    connector.settled().await;
    assert_eq!(stage.azure_routes("cluster1").len(), 2);
}

/// A fault that holds a request forever must not keep a finished lab alive.
#[tokio::test]
async fn it_ends_with_the_lab_whatever_it_waits_for() {
    let stage = Stage::new().await;
    let mut changes = stage.lab.avi().changes();
    let held = stage
        .lab
        .add_fault(Fault::on("PUT", "*/routes/*", Action::Hold));
    stage.start_ako("cluster1").await;
    let within = Duration::from_secs(10);
    assert!(stage.lab.held(held, within).await);
    drop(stage);
    let nobody_is_left = async { while changes.changed().await.is_ok() {} };
    let ended = tokio::time::timeout(within, nobody_is_left).await;
    assert!(ended.is_ok(), "something still holds the controller");
}

/// More groups than one page holds.
#[tokio::test]
async fn it_sees_every_se_group() {
    let stage = Stage::new().await;
    for number in 0..200 {
        stage.make_group(&format!("filler-{number}"), "snet-se-cluster1");
    }
    stage.make_group("seg-last", "snet-se-cluster2");
    stage.start_ako_with("cluster2", "seg-last").await;
    stage.lab.connector().settled().await;
    assert_eq!(stage.azure_routes("cluster2").len(), 2);
}
