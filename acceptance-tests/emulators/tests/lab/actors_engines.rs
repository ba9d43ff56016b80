//! Service Engines: what they keep from being deleted, what they keep of their group, and when they leave.

use serde_json::{Value, json};

use crate::actors_stage::Stage;

#[tokio::test]
async fn an_engine_keeps_its_subnet_and_its_group_from_being_deleted() {
    let stage = Stage::new().await;
    let engines = stage.lab.service_engines();
    let uuid = engines.place("seg-cluster1", "se-1").unwrap();
    let engine = stage.avi("GET", &format!("/api/serviceengine/{uuid}"), Value::Null);
    let address = &engine["data_vnics"][0]["vnic_networks"][0]["ip"]["ip_addr"]["addr"];
    assert_eq!(address, "10.0.101.4");

    let group = stage.path_of("serviceenginegroup", "seg-cluster1");
    let (status, _) = stage.lab.avi().request("DELETE", &group, Value::Null);
    assert_eq!(status, 400);
    let subnet = stage.subnet("cluster1");
    let (status, body) = stage.lab.azure().request("DELETE", &subnet, Value::Null);
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &json!("InUseSubnetCannotBeDeleted"))
    );

    engines.remove(None);
    stage.avi("DELETE", &group, Value::Null);
    stage.azure("DELETE", &subnet, Value::Null);
}

#[tokio::test]
async fn an_idle_engine_leaves_after_the_group_s_delay_unless_it_never_leaves() {
    let stage = Stage::new().await;
    let engines = stage.lab.service_engines();
    engines.change_settings(|settings| {
        settings.minute_ms = 0;
        settings.never_leave = true;
    });
    let uuid = engines.place("seg-cluster1", "se-1").unwrap();
    let path = format!("/api/serviceengine/{uuid}");
    engines.leave_when_due();
    stage.avi("GET", &path, Value::Null);

    let mut changes = stage.lab.avi().changes();
    changes.borrow_and_update();
    engines.change_settings(|settings| settings.never_leave = false);
    changes.changed().await.unwrap();
    let (status, _) = stage.lab.avi().request("GET", &path, Value::Null);
    assert_eq!(status, 404);
}

#[tokio::test]
async fn an_engine_keeps_the_label_and_the_subnet_that_its_group_had() {
    let stage = Stage::new().await;
    let engines = stage.lab.service_engines();
    engines.place("seg-cluster1", "se-1").unwrap();
    // The label comes after the engine: AKO is content, but no route reaches Azure.
    stage.start_ako("cluster1").await;
    stage.lab.connector().settled().await;
    assert_eq!(stage.vrf_routes().len(), 2);
    assert!(stage.azure_routes("cluster1").is_empty());

    engines.remove(None);
    stage.lab.connector().settled().await;
    assert_eq!(stage.azure_routes("cluster1").len(), 2);

    engines.place("seg-cluster1", "se-2").unwrap();
    let other = json!({"replace": {"data_network_id": "snet-se-cluster2"}});
    stage.patch_group("seg-cluster1", other);
    stage.lab.connector().settled().await;
    assert_eq!(
        stage.azure_routes("cluster1").len(),
        2,
        "the engine stays where it is"
    );
    assert!(stage.azure_routes("cluster2").is_empty());
}
