//! Deletes: what is refused, what is waited for, what a failure leaves.

use super::*;

#[tokio::test]
async fn delete_removes_the_se_subnet_and_then_the_table() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    scene.lab.clear_journal();
    assert_eq!(scene.delete(&state).await.state, Value::Null);
    assert_eq!(scene.writes(), ["DELETE snet-se", "DELETE rt-se"]);
    let again = scene.delete(&state).await;
    assert_eq!(
        (errors(&again.diagnostics), again.state),
        (String::new(), Value::Null)
    );
}

#[tokio::test]
async fn delete_refuses_before_its_first_step_if_the_table_serves_another_subnet() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let table = scene.table("rt-se");
    let other = scene.make_subnet(
        "snet-other",
        json!({"addressPrefix": "10.1.50.0/24", "routeTable": {"id": table}}),
    );
    scene.lab.clear_journal();
    let outcome = scene.delete(&state).await;
    assert!(errors(&outcome.diagnostics).contains(&other));
    assert_eq!((scene.writes(), outcome.state), (Vec::new(), state));
}

#[tokio::test]
async fn a_delete_that_ends_between_its_steps_is_finished_by_the_next_one() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let refusal = refusal("ScopeLocked");
    scene
        .lab
        .add_fault(Fault::on("DELETE", "*/routeTables/rt-se", refusal));
    let outcome = scene.delete(&state).await;
    assert!(errors(&outcome.diagnostics).contains("The SE subnet is deleted"));
    assert!(outcome.state.get("address_prefixes").is_null());
    let left = scene.read(&outcome.state).await;
    assert_eq!(scene.delete(&left).await.state, Value::Null);
    assert_eq!(scene.azure(&scene.table("rt-se")), Json::Null);
}

#[tokio::test]
async fn delete_waits_for_network_interfaces_to_leave_and_names_those_that_stay() {
    let scene = Scene::new().await;
    let config = scene.config(
        json!({"timeouts": {"create": null, "read": null, "update": null, "delete": "2s"}}),
    );
    let state = scene.created(&config).await;
    let nic = scene.make_network_interface("nic-se-1");
    let outcome = scene.delete(&state).await;
    let error = errors(&outcome.diagnostics);
    assert!(
        error.contains(&nic) && error.contains("Nothing was deleted"),
        "{error}"
    );
    assert_eq!(outcome.state, state);

    let leave = Action::Write {
        method: "DELETE".into(),
        path: nic,
        body: Json::Null,
    };
    scene
        .lab
        .add_fault(Fault::on("GET", "*/subnets/snet-se", leave));
    assert_eq!(scene.delete(&state).await.state, Value::Null);
}

#[tokio::test]
async fn what_still_uses_the_se_subnet_is_named_also_if_time_is_up_during_a_call() {
    let scene = Scene::new().await;
    let config = scene.config(
        json!({"timeouts": {"create": null, "read": null, "update": null, "delete": "3s"}}),
    );
    let state = scene.created(&config).await;
    let nic = scene.make_network_interface("nic-se-1");
    // The second attempt gets no answer.
    let stall = Fault::on("DELETE", "*/subnets/snet-se", Action::Stall).nth(2);
    scene.lab.add_fault(stall);
    let error = errors(&scene.delete(&state).await.diagnostics);
    assert!(
        error.contains(&nic) && !error.contains("Nothing was deleted"),
        "{error}"
    );
}

#[tokio::test]
async fn each_table_that_a_delete_leaves_is_told_whether_the_state_still_has_it() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let locked = || refusal("ScopeLocked");
    let on = |table: &str| Fault::on("DELETE", &format!("*/routeTables/{table}"), locked());
    scene.lab.add_fault(on("rt-se"));
    let moved = scene.config(json!({"route_table_name": "rt-new"}));
    let left = scene.read(&scene.apply(&state, &moved).await.state).await;
    scene.lab.add_fault(on("rt-se"));
    scene.lab.add_fault(on("rt-new"));
    let outcome = scene.delete(&left).await;
    let error = errors(&outcome.diagnostics);
    assert!(
        error.contains("stays in the state") && error.contains("not in the state"),
        "{error}"
    );
    assert_eq!(text(&outcome.state, "route_table_name"), "rt-se");
}
