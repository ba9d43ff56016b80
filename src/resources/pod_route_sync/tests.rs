//! The wait through the provider's server, against the lab.

use crate::framework::value::Value;
use crate::resources::tests::{Nodes, Scene, nodes, with};
use serde_json::json;

const TWO: Nodes<'_> = &[
    ("n1", "10.1.0.4", &["10.244.1.0/24"]),
    ("n2", "10.1.0.5", &["10.244.2.0/24"]),
];

fn table(scene: &Scene) -> String {
    let network = &scene.lab.connection().azure.virtual_network_id;
    let group = network.split("/providers/").next().unwrap();
    format!("{group}/providers/Microsoft.Network/routeTables/rt")
}

/// Somebody writes the table with these routes.
fn put(scene: &Scene, routes: &[(&str, &str)]) {
    let routes: Vec<_> = routes
        .iter()
        .enumerate()
        .map(|(n, (prefix, hop))| {
            json!({"name": format!("avi-{n}"), "properties": {"addressPrefix": prefix,
                "nextHopType": "VirtualAppliance", "nextHopIpAddress": hop}})
        })
        .collect();
    let body = json!({"location": "westeurope", "properties": {"routes": routes}});
    let (status, answer) = scene.lab.azure().request("PUT", &table(scene), body);
    assert!(status < 400, "{answer}");
    scene.lab.azure().finish_operations();
}

fn config(scene: &Scene) -> Value {
    let limit = |name| (name, Value::from("1s"));
    let timeouts = Value::object([
        limit("create"),
        limit("update"),
        ("read", Value::Null),
        ("delete", Value::Null),
    ]);
    Value::object([
        ("id", Value::Null),
        ("route_table_id", Value::from(table(scene))),
        ("nodes", nodes(TWO)),
        ("triggers", Value::Null),
        ("exact", Value::Null),
        ("timeouts", timeouts),
    ])
}

const BOTH: &[(&str, &str)] = &[("10.244.1.0/24", "10.1.0.4"), ("10.244.2.0/24", "10.1.0.5")];

#[tokio::test]
async fn a_wait_ends_when_every_pair_is_there_whatever_its_name() {
    let scene = Scene::of("ako_pod_route_sync").await;
    put(&scene, BOTH);
    let state = scene.make(&Value::Null, &config(&scene)).await.ok();
    let id = state.get("id").as_str().map(str::to_owned);
    assert_eq!(id, Some(table(&scene)));
    scene.lab.clear_journal();
    assert_eq!(scene.read(&state).await, state);
    assert_eq!(scene.plan(&state, &config(&scene)).await.ok(), state);
    assert_eq!(scene.destroy(&state).await.ok(), Value::Null);
    assert!(scene.lab.journal().is_empty(), "it calls nothing");
    scene.import("x").await.says(&["cannot be imported"]);
}

#[tokio::test]
async fn a_wait_that_is_out_of_time_leaves_nothing_and_says_what_is_wrong() {
    let scene = Scene::of("ako_pod_route_sync").await;
    put(&scene, &[("10.244.1.0/24", "10.1.0.99")]);
    let made = scene.make(&Value::Null, &config(&scene)).await;
    made.says(&[
        "time is up",
        "10.244.1.0/24 to 10.1.0.4 (node \"n1\"): the route leads to 10.1.0.99",
        "10.244.2.0/24 to 10.1.0.5 (node \"n2\"): there is no route",
    ]);
    assert_eq!((made.errors.len(), made.value), (1, Value::Null));
}

#[tokio::test]
async fn a_change_that_waits_in_vain_keeps_the_prior_object_and_so_waits_again() {
    let scene = Scene::of("ako_pod_route_sync").await;
    put(&scene, BOTH);
    let state = scene.make(&Value::Null, &config(&scene)).await.ok();
    put(&scene, &BOTH[..1]);
    let triggers = Value::object([("version", Value::from("2"))]);
    let changed = with(&config(&scene), "triggers", triggers);
    let made = scene.make(&state, &changed).await;
    made.says(&["there is no route"]);
    assert_eq!(made.value, state);
    put(&scene, BOTH);
    let made = scene.make(&made.value, &changed).await.ok();
    assert_eq!(scene.plan(&made, &changed).await.ok(), made);
}

#[tokio::test]
async fn an_exact_wait_also_wants_routes_of_nodes_that_are_gone_to_go() {
    let scene = Scene::of("ako_pod_route_sync").await;
    let mut routes = BOTH.to_vec();
    routes.push(("10.244.3.0/24", "10.1.0.6"));
    put(&scene, &routes);
    scene.make(&Value::Null, &config(&scene)).await.ok();
    let exact = with(&config(&scene), "exact", Value::from(true));
    let made = scene.make(&Value::Null, &exact).await;
    made.says(&["10.244.3.0/24 to 10.1.0.6", "no node asks for it"]);
}

#[tokio::test]
async fn a_table_that_does_not_exist_ends_the_wait_at_once() {
    let scene = Scene::of("ako_pod_route_sync").await;
    let made = scene.make(&Value::Null, &config(&scene)).await;
    made.says(&["There is no route table \"rt\""]);
}
