//! Imports: what becomes of the table that is found.

use super::*;

#[tokio::test]
async fn an_import_takes_a_table_with_our_mark_as_owned_and_plans_nothing() {
    let scene = Scene::new().await;
    let config =
        scene.config(json!({"tags": {"env": "prod"}, "bgp_route_propagation_enabled": false}));
    let state = scene.created(&config).await;
    let imported = scene.import(&scene.subnet("snet-se")).await;
    assert_eq!(imported, state);
    scene.assert_settled(&imported, &config).await;
}

#[tokio::test]
async fn an_import_takes_any_other_table_as_existing_and_none_as_none() {
    let scene = Scene::new().await;
    let table = scene.make_table("rt-theirs", json!({}));
    let id = scene.make_subnet(
        "snet-a",
        json!({"addressPrefix": "10.1.50.0/24", "routeTable": {"id": table}}),
    );
    let imported = scene
        .import(
            &id.to_uppercase()
                .replace("/SUBSCRIPTIONS", "/subscriptions"),
        )
        .await;
    assert_eq!(text(&imported, "existing_route_table_id"), table);
    assert_eq!(text(&imported, "id"), id);
    let config = json!({"name": "snet-a", "virtual_network_id": scene.network(),
        "address_prefixes": ["10.1.50.0/24"], "existing_route_table_id": table});
    scene.assert_settled(&imported, &config).await;

    let id = scene.make_subnet("snet-b", json!({"addressPrefix": "10.1.51.0/24"}));
    let imported = scene.import(&id).await;
    assert!(
        imported.get("existing_route_table_id").is_null()
            && imported.get("route_table_name").is_null()
    );
    let config = json!({"name": "snet-b", "virtual_network_id": scene.network(),
        "address_prefixes": ["10.1.51.0/24"]});
    let plan = scene.plan(&imported, &config).await;
    assert_eq!(
        text(&plan.planned, "route_table_id"),
        scene.table("snet-b-routes")
    );
    let state = scene.applied(&imported, &config).await;
    scene.assert_settled(&state, &config).await;
}
