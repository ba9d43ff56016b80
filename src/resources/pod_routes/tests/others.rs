//! Routes of others in the same table, and other writers.

use super::*;

#[tokio::test]
async fn a_foreign_route_to_the_right_node_is_renamed_with_a_warning() {
    let scene = Scene::new().await;
    scene.put_route("avi-0", "10.244.1.0/24", "10.1.0.4");
    let config = scene.config(ONE);
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&[
        "avi-0 becomes prod.n1_10.244.1.0_24",
        "as things stand now; another change in this plan may settle it.",
    ]);
    let applied = scene.apply(&Value::Null, &planned.ok(), &config).await;
    applied.warning(&["avi-0 becomes"]);
    assert_eq!(scene.routes(), [CORP, N1]);
}

#[tokio::test]
async fn a_foreign_route_to_elsewhere_stops_the_create_before_any_write() {
    let scene = Scene::new().await;
    scene.put_route("avi-0", "10.244.1.0/24", "10.1.0.99");
    let config = scene.config(TWO);
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&[
        "avi-0 leads to 10.1.0.99",
        "as things stand now; another change",
    ]);
    let planned = planned.ok();
    scene.calls();
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&[
        "avi-0 leads to 10.1.0.99",
        "prod.n1_10.244.1.0_24 is to lead to 10.1.0.4",
        "on_conflict",
        "No route was changed.",
    ]);
    assert_eq!(applied.value, Value::Null);
    assert_eq!(scene.calls(), ["GET"]);

    let replace = with(&config, "on_conflict", Value::from("replace"));
    let state = scene.make(&Value::Null, &replace).await.ok();
    assert_eq!(scene.routes(), [CORP, N1, N2]);
    // The same drift later on: seen, and handled by the same rule.
    scene.arm("DELETE", "/routes/prod.n1_10.244.1.0_24", json!(null));
    scene.put_route("avi-1", "10.244.1.0/24", "10.1.0.99");
    let read = scene.read(&state).await;
    scene
        .make(&read, &config)
        .await
        .error(&["avi-1 leads to 10.1.0.99"]);
}

#[tokio::test]
async fn what_an_interrupted_create_left_is_adopted_without_a_write() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    scene.make(&Value::Null, &config).await.ok();
    scene.next_run();
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&[
        "are adopted",
        "If another Terraform state manages them, stop",
    ]);
    scene.calls();
    let applied = scene.apply(&Value::Null, &planned.ok(), &config).await;
    applied.warning(&["are adopted", "prod.n2_10.244.2.0_24"]);
    assert_eq!(scene.calls(), ["GET"]);
}

#[tokio::test]
async fn remnants_are_an_error_where_the_provider_says_so() {
    let scene = Scene::new().await;
    scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    scene.configure(Value::from(false));
    let again = scene.make(&Value::Null, &scene.config(ONE)).await;
    again.error(&["adopt_remnants", "terraform import", ",prod'"]);
    assert_eq!(scene.calls(), ["GET"]);
}

#[tokio::test]
async fn a_second_resource_for_the_same_cluster_and_table_ends_with_the_import_command() {
    let scene = Scene::new().await;
    scene.make(&Value::Null, &scene.config(TWO)).await.ok();
    let second = scene.make(&Value::Null, &scene.config(ONE)).await;
    let import = format!(
        "terraform import 'ako_pod_routes.NAME' '{},prod'",
        scene.table
    );
    second.error(&["prod.n2_10.244.2.0_24", &import]);
    assert_eq!(scene.routes(), [CORP, N1, N2]);
}

#[tokio::test]
async fn of_two_creates_of_one_run_that_want_the_same_routes_the_later_is_refused() {
    let scene = Scene::new().await;
    // Of the same cluster, and of another one that would rename the routes.
    for cluster in ["prod", "next"] {
        scene.next_run();
        let first = scene.config(TWO);
        let second = with(&first, "cluster_name", Value::from(cluster));
        let first_planned = scene.plan(&Value::Null, &first).await.ok();
        let second_planned = scene.plan(&Value::Null, &second).await.ok();
        scene.calls();
        let (a, b) = tokio::join!(
            scene.apply(&Value::Null, &first_planned, &first),
            scene.apply(&Value::Null, &second_planned, &second),
        );
        let (made, refused) = if a.errors.is_empty() { (a, b) } else { (b, a) };
        refused.error(&[
            "Another ako_pod_routes of this run has the routes",
            "terraform import 'ako_pod_routes.NAME'",
            "prod.n1_10.244.1.0_24",
            "No route was changed.",
        ]);
        assert_eq!(refused.value, Value::Null);
        let calls = scene.calls();
        let puts = calls.iter().filter(|call| *call == "PUT");
        assert_eq!(puts.count(), 1, "{calls:?}");
        scene.next_run();
        scene.destroy(&made.ok()).await.ok();
    }
}

#[tokio::test]
async fn a_create_does_not_take_over_what_an_update_of_the_same_run_has_written() {
    let scene = Scene::new().await;
    let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    scene.next_run();
    let config = scene.config(TWO);
    let state = scene.make(&state, &config).await.ok();
    let second = scene.make(&Value::Null, &config).await;
    second.error(&["Another ako_pod_routes of this run", "terraform import"]);
    assert_eq!(scene.read(&state).await, state);
}

#[tokio::test]
async fn an_update_does_not_take_back_what_a_create_of_the_same_run_has_taken_over() {
    // The twin adds a route under the same mark, or renames ours to its own.
    for cluster in ["prod", "next"] {
        let scene = Scene::new().await;
        let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
        scene.next_run();
        let n3: &[&str] = &["10.244.3.0/24"];
        let config = scene.config(&[ONE[0], ("n3", "10.1.0.6", n3)]);
        let planned = scene.plan(&state, &config).await.ok();
        let twin = with(&scene.config(TWO), "cluster_name", Value::from(cluster));
        let twin = scene.make(&Value::Null, &twin).await.ok();
        scene.calls();
        let updated = scene.apply(&state, &planned, &config).await;
        updated.error(&[
            "Another ako_pod_routes of this run",
            "No route was changed.",
        ]);
        assert_eq!(updated.value, state);
        assert_eq!(scene.calls(), ["GET"]);
        assert_eq!(scene.read(&twin).await, twin);
    }
}

#[tokio::test]
async fn a_delete_that_waits_for_the_create_that_takes_its_routes_over_leaves_them() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let old = scene.make(&Value::Null, &config).await.ok();
    // As under another address without a `moved` block: neither waits for the other.
    scene.next_run();
    let planned = scene.plan(&Value::Null, &config).await.ok();
    scene.calls();
    let hold = scene.lab.add_fault(Fault::on("GET", TABLES, Action::Hold));
    let release = async {
        assert!(scene.lab.held(hold, Duration::from_secs(10)).await);
        scene.lab.release(hold);
    };
    let (created, deleted, ()) = tokio::join!(
        scene.apply(&Value::Null, &planned, &config),
        scene.apply(&old, &Value::Null, &Value::Null),
        release
    );
    let new = created.ok();
    deleted.warning(&["They stay"]);
    assert_eq!(deleted.ok(), Value::Null);
    assert_eq!(scene.routes(), [CORP, N1, N2]);
    assert_eq!(scene.read(&new).await, new);
}

#[tokio::test]
async fn a_route_that_another_writer_adds_meanwhile_is_kept() {
    let scene = Scene::new().await;
    let other =
        json!({"properties": {"addressPrefix": "192.168.0.0/16", "nextHopType": "VnetLocal"}});
    scene.lab.add_fault(Fault::on(
        "PUT",
        TABLES,
        Action::Write {
            method: "PUT".into(),
            path: format!("{}/routes/other", scene.table),
            body: other,
        },
    ));
    scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    let mut routes = scene.routes();
    routes.sort();
    assert_eq!(routes, [CORP, "other 192.168.0.0/16 VnetLocal", N1]);
    assert_eq!(scene.calls()[..4], ["GET", "PUT", "GET", "PUT"]);
}

#[tokio::test]
async fn two_clusters_in_one_table_do_not_meet_each_other() {
    let scene = Scene::new().await;
    let east = scene.config(ONE);
    let west = with(
        &scene.config(&[("n2", "10.1.0.5", &["10.244.2.0/24"])]),
        "cluster_name",
        Value::from("west"),
    );
    let east_planned = scene.plan(&Value::Null, &east).await.ok();
    let west_planned = scene.plan(&Value::Null, &west).await.ok();
    let (a, b) = tokio::join!(
        scene.apply(&Value::Null, &east_planned, &east),
        scene.apply(&Value::Null, &west_planned, &west),
    );
    a.ok();
    b.ok();
    assert_eq!(scene.routes().len(), 3);
    // Without the lock the later of two writes would be refused for its etag.
    assert!(
        scene
            .lab
            .journal()
            .iter()
            .all(|entry| entry.status != Some(412))
    );
}

#[tokio::test]
async fn a_route_that_another_writer_takes_away_at_once_is_written_again() {
    let scene = Scene::new().await;
    let config = scene.config(ONE);
    let planned = scene.plan(&Value::Null, &config).await.ok();
    // The second read of the table is the one after our write.
    let take_away = Action::Write {
        method: "DELETE".into(),
        path: format!("{}/routes/prod.n1_10.244.1.0_24", scene.table),
        body: json!(null),
    };
    scene
        .lab
        .add_fault(Fault::on("GET", TABLES, take_away).nth(2));
    let state = scene.apply(&Value::Null, &planned, &config).await.ok();
    assert_eq!(scene.routes(), [CORP, N1]);
    assert_eq!(scene.read(&state).await, state);
}

#[tokio::test]
async fn a_writer_that_undoes_every_write_is_told_of() {
    let scene = Scene::new().await;
    let config = scene.config(ONE);
    let planned = scene.plan(&Value::Null, &config).await.ok();
    let empty = Action::Write {
        method: "PUT".into(),
        path: scene.table.clone(),
        body: json!({"location": "westeurope", "properties": {"routes": []}}),
    };
    scene
        .lab
        .add_fault(Fault::on("GET", TABLES, empty).always());
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&["Something else undoes each write", "disableStaticRouteSync"]);
    assert_eq!(applied.value, Value::Null);
}
