//! Calls that fail, are lost or take too long.

use super::*;

#[tokio::test]
async fn a_lost_answer_costs_nothing_but_a_second_look() {
    let scene = Scene::new().await;
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, Action::Reset).after());
    let config = scene.config(TWO);
    let applied = scene.make(&Value::Null, &config).await;
    assert_eq!(applied.warnings, []);
    let state = applied.ok();
    assert_eq!(scene.routes(), [CORP, N1, N2]);
    assert_eq!(scene.plan(&state, &config).await.ok(), state);
}

#[tokio::test]
async fn a_create_that_runs_out_of_time_stores_nothing_and_says_that_the_routes_are_in_place() {
    let scene = Scene::new().await;
    let config = with(
        &scene.config(TWO),
        "timeouts",
        Value::object([
            ("create", Value::from("1s")),
            ("read", Value::Null),
            ("update", Value::Null),
            ("delete", Value::Null),
        ]),
    );
    let planned = scene.plan(&Value::Null, &config).await.ok();
    scene
        .lab
        .set_latency(Latency::fixed(Duration::ZERO, Duration::from_secs(3600)));
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&["The routes are in place", "still at work"]);
    assert_eq!(applied.value, Value::Null);
    // While Azure is at work on them, the rerun does not call them its own.
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&["waiting for Azure to finish what is under way", "Updating"]);
    assert_eq!(applied.value, Value::Null);
    // Afterwards it finds them by name.
    scene.lab.set_latency(Latency::NONE);
    scene.lab.azure().finish_operations();
    scene.calls();
    scene.apply(&Value::Null, &planned, &config).await.ok();
    assert_eq!(scene.calls(), ["GET"]);
}

#[tokio::test]
async fn an_interrupted_update_keeps_the_prior_state_and_deletes_no_route() {
    let scene = Scene::new().await;
    let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    let config = scene.config(TWO);
    let planned = scene.plan(&state, &config).await.ok();
    scene
        .lab
        .set_latency(Latency::fixed(Duration::ZERO, Duration::from_secs(3600)));
    let hold = scene.lab.add_fault(Fault::on("PUT", TABLES, Action::Hold));
    let stop = async {
        assert!(scene.lab.held(hold, Duration::from_secs(10)).await);
        scene.server.stop();
        scene.lab.release(hold);
    };
    let (applied, ()) = tokio::join!(scene.apply(&state, &planned, &config), stop);
    assert_eq!(applied.value, state);
    applied.error(&["The routes are in place"]);
    assert_eq!(scene.routes(), [CORP, N1, N2]);
}

#[tokio::test]
async fn a_refused_write_says_that_nothing_has_changed() {
    let scene = Scene::new().await;
    let config = scene.config(ONE);
    let planned = scene.plan(&Value::Null, &config).await.ok();
    let refusal = json!({"error": {"code": "RequestDisallowedByPolicy", "message": "No."}});
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, Action::respond(403, refusal)));
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&[
        "RequestDisallowedByPolicy",
        "status 403",
        "No route was changed.",
    ]);
    assert_eq!(scene.routes(), [CORP]);
}

#[tokio::test]
async fn routes_that_azure_failed_to_put_into_force_are_written_again() {
    let scene = Scene::new().await;
    let config = scene.config(ONE);
    let planned = scene.plan(&Value::Null, &config).await.ok();
    fail_next_operation(&scene);
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&["InternalServerError", "The routes are in the table"]);
    assert_eq!(applied.value, Value::Null);
    scene.calls();
    scene.apply(&Value::Null, &planned, &config).await.ok();
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
}

#[tokio::test]
async fn an_update_that_azure_failed_to_put_into_force_is_written_again() {
    let scene = Scene::new().await;
    let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    let config = scene.config(TWO);
    let planned = scene.plan(&state, &config).await.ok();
    fail_next_operation(&scene);
    let applied = scene.apply(&state, &planned, &config).await;
    applied.error(&["InternalServerError", "The routes are in the table"]);
    // The read shows the routes as not in force, and says why.
    let read = scene.server.read(TYPE, applied.value, Vec::new()).await;
    let read = Outcome::of(read.state, read.diagnostics);
    read.warning(&[
        "marked route table \"rt\" or routes in it",
        "may not be in force",
    ]);
    let again = scene.make(&read.ok(), &config).await;
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
    let state = again.ok();
    let read = scene.server.read(TYPE, state, Vec::new()).await;
    assert_eq!(Outcome::of(read.state, read.diagnostics).warnings, []);
}

/// Azure accepts the next write and does not carry it out.
fn fail_next_operation(scene: &Scene) {
    let fail = Action::FailOperation {
        code: "InternalServerError".into(),
        message: "An error occurred.".into(),
    };
    scene.lab.add_fault(Fault::on("PUT", TABLES, fail));
}

#[tokio::test]
async fn a_repair_that_azure_failed_to_put_into_force_is_planned_and_written_again() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let state = scene.make(&Value::Null, &config).await.ok();
    scene.arm("DELETE", "/routes/prod.n1_10.244.1.0_24", json!(null));
    let drifted = scene.read(&state).await;
    fail_next_operation(&scene);
    let repaired = scene.make(&drifted, &config).await;
    repaired.error(&["InternalServerError"]);
    // The table shows every route as planned.
    assert_eq!(scene.routes().len(), 3);

    let read = scene.read(&drifted).await;
    for (cidr, name) in [
        ("10.244.1.0/24", "prod.n1_10.244.1.0_24"),
        ("10.244.2.0/24", "prod.n2_10.244.2.0_24"),
    ] {
        let route = read.get("routes").get(cidr);
        assert!(route.get("next_hop_ip_address").is_null());
        assert_eq!(route.get("name").as_str(), Some(name));
    }
    let planned = scene.plan(&read, &config).await.ok();
    assert_eq!(planned, state);
    scene.calls();
    let state = scene.apply(&read, &planned, &config).await.ok();
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
    assert_eq!(scene.read(&state).await, state);
    assert_eq!(scene.plan(&state, &config).await.ok(), state);
}

#[tokio::test]
async fn a_removal_that_azure_failed_to_put_into_force_keeps_the_state_and_is_written_again() {
    let scene = Scene::new().await;
    let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    scene.next_run();
    fail_next_operation(&scene);
    let destroyed = scene.destroy(&state).await;
    destroyed.error(&["InternalServerError"]);
    assert_eq!(destroyed.value, state);
    // The table shows the route as gone.
    assert_eq!(scene.routes(), [CORP]);
    let read = scene.read(&state).await;
    assert_eq!(scene.destroy(&read).await.ok(), Value::Null);
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
}

#[tokio::test]
async fn a_create_that_finds_its_routes_in_a_table_still_at_work_waits_and_looks_again() {
    for fails in [false, true] {
        let scene = Scene::new().await;
        let config = scene.config(TWO);
        let slow = Latency::fixed(Duration::ZERO, Duration::from_secs(3600));
        scene.lab.set_latency(slow);
        if fails {
            fail_next_operation(&scene);
        }
        let hold = scene.lab.add_fault(Fault::on("GET", POLLS, Action::Hold));
        let planned = scene.plan(&Value::Null, &config).await.ok();
        let stop = async {
            assert!(scene.lab.held(hold, Duration::from_secs(10)).await);
            scene.server.stop();
        };
        let (first, ()) = tokio::join!(scene.apply(&Value::Null, &planned, &config), stop);
        first.error(&["still at work"]);
        scene.lab.clear_faults();

        scene.next_run();
        scene.lab.set_latency(Latency::NONE);
        scene.calls();
        // The first GET finds everything in place; the second is the first look of the wait.
        let hold = scene
            .lab
            .add_fault(Fault::on("GET", TABLES, Action::Hold).nth(2));
        let end = async {
            assert!(scene.lab.held(hold, Duration::from_secs(10)).await);
            scene.lab.azure().finish_operations();
            scene.lab.release(hold);
        };
        let (again, ()) = tokio::join!(scene.apply(&Value::Null, &planned, &config), end);
        let state = again.ok();
        let calls: &[&str] = match fails {
            true => &["GET", "GET", "GET", "PUT", "GET"],
            false => &["GET", "GET", "GET"],
        };
        assert_eq!(scene.calls(), calls);
        assert_eq!(scene.read(&state).await, state);
    }
}
