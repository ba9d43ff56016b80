//! What others change behind Terraform is seen and repaired.

use super::*;

#[tokio::test]
async fn a_swapped_association_is_drift_that_leaves_route_table_id_alone_and_is_repaired() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    let theirs = scene.make_table("rt-theirs", json!({}));
    scene.change(&scene.subnet("snet-se"), |subnet| {
        subnet["properties"]["routeTable"] = json!({"id": theirs});
    });
    let drifted = scene.read(&state).await;
    assert_eq!(text(&drifted, "associated_route_table_id"), theirs);
    let plan = scene.plan(&drifted, &config).await;
    assert_eq!(
        plan.planned.get("route_table_id"),
        state.get("route_table_id")
    );
    assert_eq!(plan.planned, state);
    assert_eq!(scene.applied(&state, &config).await, state);
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn a_missing_se_subnet_is_drift_while_its_table_stands_and_is_repaired_in_place() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    scene.forget(&scene.subnet("snet-se"));
    let drifted = scene.read(&state).await;
    assert!(drifted.get("address_prefixes").is_null());
    assert!(drifted.get("associated_route_table_id").is_null());
    assert_eq!(drifted.get("id"), state.get("id"));
    assert_eq!(scene.plan(&drifted, &config).await.planned, state);
    scene.applied(&drifted, &config).await;
    scene.assert_settled(&state, &config).await;
    scene.forget(&scene.subnet("snet-se"));
    scene.forget(&scene.table("rt-se"));
    assert_eq!(
        scene.read(&state).await,
        Value::Null,
        "every owned part is gone"
    );
}

#[tokio::test]
async fn a_missing_table_is_made_again_in_place() {
    let scene = Scene::new().await;
    let config = scene.config(json!({"tags": {"env": "prod"}}));
    let state = scene.created(&config).await;
    scene.change(&scene.subnet("snet-se"), |subnet| {
        subnet["properties"]["routeTable"] = Json::Null;
    });
    scene.forget(&scene.table("rt-se"));
    assert_eq!(scene.applied(&state, &config).await, state);
    assert!(mark_of(&scene.azure(&scene.table("rt-se"))).ends_with(":cluster1"));
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn changed_prefixes_and_a_changed_group_are_drift_and_one_put_repairs_them() {
    let scene = Scene::new().await;
    let nsg = format!(
        "{}/providers/Microsoft.Network/networkSecurityGroups/nsg-nodes",
        scene.group()
    );
    let config = scene.config(json!({"network_security_group_id": nsg}));
    let state = scene.created(&config).await;
    scene.change(&scene.subnet("snet-se"), |subnet| {
        subnet["properties"]["networkSecurityGroup"] = Json::Null;
        subnet["properties"]["addressPrefix"] = json!("10.1.34.0/24");
    });
    let drifted = scene.read(&state).await;
    assert_eq!(
        drifted.get("address_prefixes"),
        &value(&json!(["10.1.34.0/24"]))
    );
    assert!(drifted.get("network_security_group_id").is_null());
    scene.lab.clear_journal();
    assert_eq!(scene.applied(&state, &config).await, state);
    assert_eq!(scene.writes(), ["PUT snet-se"]);
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn a_changed_cluster_in_the_mark_is_drift_and_a_lost_mark_is_none() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    let table = scene.table("rt-se");
    let mark = mark_of(&scene.azure(&table)).replace("cluster1", "cluster9");
    let tags = json!({"tags": {MARK_KEY: mark}});
    scene.lab.azure().request("PATCH", &table, tags);
    let drifted = scene.read(&state).await;
    assert_eq!(text(&drifted, "cluster_name"), "cluster9");
    assert_eq!(scene.applied(&drifted, &config).await, state);
    assert!(mark_of(&scene.azure(&table)).ends_with(":cluster1"));
}

#[tokio::test]
async fn an_update_that_azure_failed_to_carry_out_is_drift_and_is_written_again() {
    for path in ["*/subnets/snet-se", "*/routeTables/rt-se"] {
        let scene = Scene::new().await;
        let state = scene.created(&scene.config(json!({}))).await;
        let broken = failed_operation("InternalServerError");
        scene.lab.add_fault(Fault::on("PUT", path, broken));
        let config = scene.config(
            json!({"address_prefixes": ["10.1.33.0/24"], "bgp_route_propagation_enabled": false}),
        );
        let outcome = scene.apply(&state, &config).await;
        assert!(errors(&outcome.diagnostics).contains("InternalServerError"));
        let drifted = scene.read(&outcome.state).await;
        assert!(drifted.get("associated_route_table_id").is_null(), "{path}");
        let state = scene.applied(&drifted, &config).await;
        scene.assert_settled(&state, &config).await;
    }
}
