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
    // The rerun finds them by name.
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
    let fail = Action::FailOperation {
        code: "InternalServerError".into(),
        message: "An error occurred.".into(),
    };
    scene.lab.add_fault(Fault::on("PUT", TABLES, fail));
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
    let fail = Action::FailOperation {
        code: "InternalServerError".into(),
        message: "An error occurred.".into(),
    };
    scene.lab.add_fault(Fault::on("PUT", TABLES, fail));
    let applied = scene.apply(&state, &planned, &config).await;
    applied.error(&["InternalServerError", "The routes are in the table"]);
    // The read finds the routes as planned, and says that this is not the whole truth.
    let read = scene.server.read(TYPE, applied.value, Vec::new()).await;
    let read = Outcome::of(read.state, read.diagnostics);
    read.warning(&["marked route table \"rt\" as failed", "may not be in force"]);
    let again = scene.make(&read.ok(), &config).await;
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
    let state = again.ok();
    let read = scene.server.read(TYPE, state, Vec::new()).await;
    assert_eq!(Outcome::of(read.state, read.diagnostics).warnings, []);
}
