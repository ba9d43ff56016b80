//! What a route table and the state hold in the life of an object.

use super::*;

#[tokio::test]
async fn routes_live_from_create_to_destroy_in_few_calls() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let planned = scene.plan(&Value::Null, &config).await;
    assert_eq!(planned.warnings, []);
    assert_eq!(scene.calls(), ["GET"]);
    let planned = planned.ok();
    assert!(planned.is_wholly_known());

    let state = scene.apply(&Value::Null, &planned, &config).await.ok();
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
    assert_eq!(state, planned);
    assert_eq!(scene.routes(), [CORP, N1, N2]);

    assert_eq!(scene.read(&state).await, state);
    assert_eq!(scene.calls(), ["GET"]);
    assert_eq!(scene.plan(&state, &config).await.ok(), state);
    assert_eq!(scene.calls(), [""; 0]);

    let less = scene.config(ONE);
    let state = scene.make(&state, &less).await.ok();
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
    assert_eq!(scene.routes(), [CORP, N1]);

    scene.next_run();
    assert_eq!(scene.destroy(&state).await.ok(), Value::Null);
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
    assert_eq!(scene.routes(), [CORP]);
}

#[tokio::test]
async fn a_change_that_concerns_terraform_alone_calls_nothing() {
    let scene = Scene::new().await;
    let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    let config = with(&scene.config(ONE), "on_conflict", Value::from("replace"));
    let state = scene.make(&state, &config).await.ok();
    assert_eq!(scene.calls(), [""; 0]);
    assert_eq!(state.get("on_conflict").as_str(), Some("replace"));
}

#[tokio::test]
async fn each_drift_shows_in_the_plan_and_is_repaired() {
    let drifts: [Drift; 5] = [
        ("deleted", |scene| {
            scene.arm("DELETE", "/routes/prod.n1_10.244.1.0_24", json!(null));
        }),
        ("next hop", |scene| {
            scene.put_route("prod.n1_10.244.1.0_24", "10.244.1.0/24", "10.1.9.9")
        }),
        ("prefix", |scene| {
            scene.put_route("prod.n1_10.244.1.0_24", "10.99.1.0/24", "10.1.0.4")
        }),
        ("added", |scene| {
            scene.put_route("prod.by-hand", "10.98.0.0/24", "10.1.0.4")
        }),
        ("kind", |scene| {
            let route =
                json!({"properties": {"addressPrefix": "10.244.1.0/24", "nextHopType": "None"}});
            scene.arm("PUT", "/routes/prod.n1_10.244.1.0_24", route);
        }),
    ];
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let mut state = scene.make(&Value::Null, &config).await.ok();
    for (drift, make) in drifts {
        make(&scene);
        scene.next_run();
        let read = scene.read(&state).await;
        assert_ne!(read, state, "{drift} does not show");
        let planned = scene.plan(&read, &config).await.ok();
        assert_ne!(planned, read, "{drift} is not planned back");
        state = scene.apply(&read, &planned, &config).await.ok();
        let mut routes = scene.routes();
        routes.sort();
        assert_eq!(routes, [CORP, N1, N2], "{drift} is not repaired");
        assert_eq!(scene.read(&state).await, state);
    }
}

#[tokio::test]
async fn a_table_that_is_gone_takes_the_object_with_it_and_an_emptied_one_does_not() {
    let scene = Scene::new().await;
    let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    scene.arm(
        "PUT",
        "",
        json!({"location": "westeurope", "properties": {"routes": []}}),
    );
    let read = scene.read(&state).await;
    assert_eq!(read.get("routes"), &Value::object::<&str>([]));
    scene.arm("DELETE", "", json!(null));
    assert_eq!(scene.read(&state).await, Value::Null);
    assert_eq!(scene.destroy(&state).await.ok(), Value::Null);
}

#[tokio::test]
async fn an_import_plans_empty_with_what_it_found() {
    let scene = Scene::new().await;
    let long = "ip-10-1-0-4.westeurope.cloudapp.internal.example.com.of-a-long-pool-name";
    let nodes: &[(&str, &str, &[&str])] = &[
        (long, "10.1.0.4", &["10.244.100.0/24"]),
        ("n2", "10.1.0.5", &["10.244.2.0/24", "10.244.3.0/24"]),
    ];
    let created = scene.make(&Value::Null, &scene.config(nodes)).await.ok();
    scene.calls();
    let imported = scene.import("prod").await.ok();
    assert_eq!(scene.calls(), ["GET"]);
    let read = scene.read(&imported).await;
    assert_eq!(read, imported);
    assert_eq!(read.get("id"), created.get("id"));
    // What `terraform plan -generate-config-out` writes: everything that may be set.
    let mut config = with(&read, "routes", Value::Null);
    config = with(&config, "id", Value::Null);
    assert_eq!(scene.plan(&read, &config).await.ok(), read);
    // The node's whole name in place of its shortened one changes the name of no route.
    scene.calls();
    let state = scene.make(&read, &scene.config(nodes)).await.ok();
    assert_eq!(scene.calls(), ["GET"]);
    assert_eq!(state, created);
}

#[tokio::test]
async fn an_import_of_nothing_says_that_apply_adopts() {
    let scene = Scene::new().await;
    scene
        .import("prod")
        .await
        .error(&["prod.", "Nothing has to be imported"]);
    let (_, found) = scene.server.import(TYPE, "prod").await;
    Outcome::of(Value::Null, found).error(&["<route_table_id>,<cluster_name>"]);
    scene.arm("DELETE", "", json!(null));
    scene
        .import("prod")
        .await
        .error(&["There is no route table \"rt\""]);
}

#[tokio::test]
async fn a_table_in_another_spelling_is_the_same_table() {
    let scene = Scene::new().await;
    let config = scene.config(ONE);
    let state = scene.make(&Value::Null, &config).await.ok();
    let other = with(
        &config,
        "route_table_id",
        Value::from(scene.table.to_uppercase()),
    );
    let planned = scene.plan(&state, &other).await;
    assert_eq!(planned.replaced_by, [""; 0]);
    assert_eq!(planned.ok(), state);
}

#[tokio::test]
async fn a_renamed_cluster_takes_its_routes_over_without_a_gap() {
    let scene = Scene::new().await;
    let old = scene.make(&Value::Null, &scene.config(TWO)).await.ok();
    scene.next_run();
    let config = with(&scene.config(TWO), "cluster_name", Value::from("next"));
    let planned = scene.plan(&old, &config).await;
    assert_eq!(planned.replaced_by, ["cluster_name"]);
    planned.warning(&["create_before_destroy"]);

    let new = scene.make(&Value::Null, &config).await.ok();
    assert_eq!(scene.destroy(&old).await.ok(), Value::Null);
    assert_eq!(scene.calls(), ["GET"]);
    assert_eq!(scene.read(&new).await, new);
    let history = scene.lab.azure().history(Some(&scene.table));
    let prefixes = history
        .iter()
        .filter(|change| change.state.to_string().contains("10.244.1.0/24"));
    let first = history
        .iter()
        .position(|change| change.state.to_string().contains("10.244.1.0/24"))
        .unwrap();
    assert_eq!(
        prefixes.count(),
        history.len() - first,
        "the prefix was missing for a time"
    );
}

#[tokio::test]
async fn an_object_replaced_by_its_like_leaves_the_routes_to_it() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let old = scene.make(&Value::Null, &config).await.ok();
    scene.next_run();
    scene.make(&Value::Null, &config).await.ok();
    // A call that fails here would leave the old object to the next run, which would take it for the owner.
    scene.destroy(&old).await.warning(&["They stay"]);
    assert_eq!(scene.calls(), [""; 0]);
    assert_eq!(scene.routes(), [CORP, N1, N2]);
}

#[tokio::test]
async fn a_cluster_renamed_in_case_only_takes_its_routes_over_as_they_are() {
    let scene = Scene::new().await;
    let old = scene.make(&Value::Null, &scene.config(TWO)).await.ok();
    scene.next_run();
    let config = with(&scene.config(TWO), "cluster_name", Value::from("Prod"));
    let new = scene.make(&Value::Null, &config).await;
    new.warning(&["are adopted"]);
    let new = new.ok();
    assert_eq!(scene.calls(), ["GET"]);
    scene.destroy(&old).await.warning(&["They stay"]);
    assert_eq!(scene.routes(), [CORP, N1, N2]);
    assert_eq!(scene.read(&new).await, new);
    assert_eq!(scene.plan(&new, &config).await.ok(), new);
}

#[tokio::test]
async fn an_import_leaves_marked_routes_of_another_form_to_the_plan() {
    let scene = Scene::new().await;
    scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    scene.put_route("prod.My_node_10.98.0.0_24", "10.98.0.0/24", "10.1.0.9");
    let imported = scene.import("prod").await.ok();
    let nodes = imported.get("nodes").as_map().unwrap();
    assert_eq!(nodes.keys().collect::<Vec<_>>(), ["n1"]);
    let stranger = imported.get("routes").get("10.98.0.0/24").clone();
    assert!(stranger.get("node_name").is_null());
    // What is generated from it is valid, and the plan shows that the stranger goes.
    let config = with(&imported, "routes", Value::Null);
    let config = with(&config, "id", Value::Null);
    let found = scene.server.validate_resource(TYPE, &config, true);
    assert!(!found.has_errors());
    let planned = scene.plan(&imported, &config).await.ok();
    assert!(planned.get("routes").get("10.98.0.0/24").is_null());
}
