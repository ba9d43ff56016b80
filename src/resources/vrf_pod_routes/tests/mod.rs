//! The resource through the provider's server, against the lab.

use crate::framework::value::Value;
use crate::resources::tests::{Nodes, Scene, nodes, with};
use ako_lab::{Action, Fault};
use serde_json::json;

const VRFS: &str = "*/vrfcontext/*";
const ONE: Nodes<'_> = &[("n1", "10.1.0.4", &["10.244.1.0/24"])];
const TWO: Nodes<'_> = &[
    ("n1", "10.1.0.4", &["10.244.1.0/24"]),
    ("n2", "10.1.0.5", &["10.244.2.0/24"]),
];
const N1: &str = "prod 10.244.1.0/24 10.1.0.4";
const N2: &str = "prod 10.244.2.0/24 10.1.0.5";

async fn scene() -> Scene {
    let scene = Scene::of("ako_vrf_pod_routes").await;
    edit(&scene, |routes| {
        routes.extend([
            route("r1", None, "0.0.0.0", 0, "10.1.0.1"),
            route(
                "east-1",
                Some(("clustername", "east")),
                "10.244.1.0",
                24,
                "10.1.0.4",
            ),
            route("odd", Some(("team", "net")), "10.99.0.0", 24, "10.1.0.9"),
        ]);
        routes[0]["if_name"] = json!("eth1");
    });
    scene
}

fn route(
    id: &str,
    label: Option<(&str, &str)>,
    address: &str,
    mask: u8,
    hop: &str,
) -> serde_json::Value {
    let mut route = json!({"route_id": id, "next_hop": {"addr": hop, "type": "V4"},
        "prefix": {"ip_addr": {"addr": address, "type": "V4"}, "mask": mask}});
    if let Some((key, value)) = label {
        route["labels"] = json!([{"key": key, "value": value}]);
    }
    route
}

fn vrf(scene: &Scene) -> serde_json::Value {
    let path = "/api/vrfcontext?name=global&cloud_ref.name=azure";
    scene.avi("GET", path, json!(null))["results"][0].clone()
}

/// Somebody changes the routes of the VRF.
fn edit(scene: &Scene, change: impl FnOnce(&mut Vec<serde_json::Value>)) {
    let mut vrf = vrf(scene);
    let mut routes = vrf["static_routes"].as_array().cloned().unwrap_or_default();
    change(&mut routes);
    vrf["static_routes"] = json!(routes);
    let path = format!("/api/vrfcontext/{}", vrf["uuid"].as_str().unwrap());
    scene.avi("PUT", &path, vrf);
}

fn raw(scene: &Scene) -> Vec<serde_json::Value> {
    let routes = vrf(scene)["static_routes"].as_array().cloned();
    routes.unwrap_or_default()
}

/// The labelled routes after those of others, as `label prefix hop`.
fn own(scene: &Scene) -> Vec<String> {
    let routes = raw(scene);
    let own = routes
        .iter()
        .filter(|route| route["labels"][0]["value"] == "prod");
    let told = own.map(|route| {
        let prefix = &route["prefix"];
        let address = prefix["ip_addr"]["addr"].as_str().unwrap();
        let hop = route["next_hop"]["addr"].as_str().unwrap();
        format!("prod {address}/{} {hop}", prefix["mask"])
    });
    told.collect()
}

fn config(of: Nodes<'_>) -> Value {
    Value::object([
        ("id", Value::Null),
        ("cloud_ref", Value::from("azure")),
        ("vrf_name", Value::Null),
        ("cluster_name", Value::from("prod")),
        ("nodes", nodes(of)),
        ("wait_for_azure_routes", Value::Null),
        ("vrf_uuid", Value::Null),
        ("cloud_uuid", Value::Null),
        ("cloud_name", Value::Null),
        ("routes", Value::Null),
        ("timeouts", Value::Null),
    ])
}

#[tokio::test]
async fn routes_live_from_create_to_destroy_beside_those_of_others() {
    let scene = scene().await;
    let others = raw(&scene);
    let planned = scene.plan(&Value::Null, &config(TWO)).await;
    planned.says(&["No SE group", "as things stand now"]);
    let planned = planned.ok();
    scene.calls("avi");
    let state = scene.apply(&Value::Null, &planned, &config(TWO)).await.ok();
    assert_eq!(scene.calls("avi"), ["GET", "GET", "PUT"]);
    assert_eq!(own(&scene), [N1, N2]);
    assert_eq!(raw(&scene)[..3], others);
    let made = raw(&scene)[3].clone();
    assert!(made["route_id"].as_str().unwrap().starts_with("prod-"));

    assert_eq!(scene.read(&state).await, state);
    assert_eq!(scene.plan(&state, &config(TWO)).await.ok(), state);
    assert_eq!(scene.calls("avi"), ["GET"]);

    let state = scene.make(&state, &config(ONE)).await.ok();
    assert_eq!(scene.calls("avi"), ["GET", "PUT"]);
    assert_eq!(own(&scene), [N1]);
    assert_eq!(raw(&scene)[3], made);

    scene.next_run();
    assert_eq!(scene.destroy(&state).await.ok(), Value::Null);
    assert_eq!(raw(&scene), others);
}

#[tokio::test]
async fn each_drift_shows_in_the_plan_and_is_repaired() {
    type Drift = (&'static str, fn(&mut Vec<serde_json::Value>));
    let drifts: [Drift; 5] = [
        ("all gone", |routes| routes.truncate(3)),
        ("next hop", |routes| {
            routes[3]["next_hop"]["addr"] = json!("10.1.9.9")
        }),
        ("prefix", |routes| {
            routes[3]["prefix"]["ip_addr"]["addr"] = json!("10.77.1.0")
        }),
        ("label", |routes| {
            routes[3]["labels"][0]["value"] = json!("x")
        }),
        ("added", |routes| {
            let label = Some(("clustername", "prod"));
            routes.push(route("by-hand", label, "10.98.0.0", 24, "10.1.0.4"));
        }),
    ];
    let scene = scene().await;
    let mut state = scene.make(&Value::Null, &config(TWO)).await.ok();
    for (drift, make) in drifts {
        edit(&scene, make);
        scene.next_run();
        let read = scene.read(&state).await;
        assert_ne!(read, state, "{drift} does not show");
        let planned = scene.plan(&read, &config(TWO)).await.ok();
        assert_ne!(planned, read, "{drift} is not planned back");
        state = scene.apply(&read, &planned, &config(TWO)).await.ok();
        let mut routes = own(&scene);
        routes.sort();
        assert_eq!(routes, [N1, N2], "{drift} is not repaired");
        assert_eq!(scene.read(&state).await, state);
        edit(&scene, |routes| {
            routes.retain(|route| route["labels"][0]["value"] != "x")
        });
        // In the order in which the next drift expects them.
        edit(&scene, |routes| {
            routes[3..].sort_by_key(|route| route["prefix"]["ip_addr"]["addr"].to_string())
        });
    }
}

#[tokio::test]
async fn a_vrf_that_is_gone_takes_the_object_with_it() {
    let scene = scene().await;
    let state = scene.make(&Value::Null, &config(ONE)).await.ok();
    let cloud = scene.avi("GET", "/api/cloud?name=azure", json!(null));
    let uuid = cloud["results"][0]["uuid"].as_str().unwrap().to_owned();
    scene.avi("DELETE", &format!("/api/cloud/{uuid}"), json!(null));
    assert_eq!(scene.read(&state).await, Value::Null);
    assert_eq!(scene.destroy(&state).await.ok(), Value::Null);
    let planned = scene.plan(&Value::Null, &config(ONE)).await;
    planned.says(&["There is no VRF context \"global\" in cloud \"azure\""]);
}

#[tokio::test]
async fn routes_of_ako_are_adopted_whole_or_refused_with_the_import_command() {
    let scene = scene().await;
    let label = Some(("clustername", "prod"));
    edit(&scene, |routes| {
        let mut held = route("prod-u-0", label, "10.244.1.0", 24, "10.1.0.4");
        held["disable_gateway_monitor"] = json!(true);
        routes.push(held);
    });
    let held = raw(&scene)[3].clone();
    let made = scene.make(&Value::Null, &config(TWO)).await;
    made.says(&["are adopted", "disableStaticRouteSync"]);
    assert_eq!(own(&scene), [N1, N2]);
    assert_eq!(raw(&scene)[3], held);

    edit(&scene, |routes| {
        routes.push(route("prod-u-1", label, "10.244.9.0", 24, "10.1.0.4"));
    });
    scene.next_run();
    let planned = scene.plan(&Value::Null, &config(TWO)).await;
    let parts = [
        "not planned",
        "terraform import",
        "azure/global,prod",
        "10.244.9.0/24",
    ];
    planned.says(&parts);
    let refused = scene.make(&Value::Null, &config(TWO)).await;
    refused.says(&parts);
    assert_eq!(refused.errors.len(), 1);
    assert_eq!(refused.value, Value::Null);
    assert_eq!(scene.calls("avi"), ["GET", "GET"]);
}

#[tokio::test]
async fn an_import_plans_empty_and_real_names_of_nodes_write_nothing() {
    let scene = scene().await;
    scene.make(&Value::Null, &config(TWO)).await.ok();
    let imported = scene.import("azure/global,prod").await.ok();
    let read = scene.read(&imported).await;
    assert_eq!(read, imported);
    let mut generated = with(&read, "routes", Value::Null);
    for name in ["id", "vrf_uuid", "cloud_uuid", "cloud_name"] {
        generated = with(&generated, name, Value::Null);
    }
    assert_eq!(scene.plan(&read, &generated).await.ok(), read);
    scene.make(&read, &config(TWO)).await.ok();
    assert_eq!(scene.calls("avi"), ["GET"]);
    let missing = scene.import("azure/global,other").await;
    missing.says(&["has no route with the label"]);
    scene.import("azure,prod").await.says(&["import id"]);
}

#[tokio::test]
async fn a_write_that_is_refused_as_stale_twenty_times_is_merged_until_it_succeeds() {
    let scene = scene().await;
    let body = json!({"error": "Concurrent Update Error"});
    let fault = Fault::on("PUT", VRFS, Action::respond(412, body));
    scene.lab.add_fault(fault.times(20));
    scene.make(&Value::Null, &config(TWO)).await.ok();
    assert_eq!(own(&scene), [N1, N2]);
    let puts = scene.calls("avi");
    let puts = puts.iter().filter(|method| *method == "PUT");
    assert_eq!(puts.count(), 21);
}

#[tokio::test]
async fn a_route_that_comes_between_our_read_and_our_write_is_kept() {
    let scene = scene().await;
    let mut theirs = vrf(&scene);
    let label = Some(("clustername", "west"));
    theirs["static_routes"].as_array_mut().unwrap().push(route(
        "west-1",
        label,
        "10.97.0.0",
        24,
        "10.1.0.8",
    ));
    let path = format!("/api/vrfcontext/{}", theirs["uuid"].as_str().unwrap());
    let write = Action::Write {
        method: "PUT".to_owned(),
        path,
        body: theirs,
    };
    scene.lab.add_fault(Fault::on("PUT", VRFS, write));
    scene.make(&Value::Null, &config(ONE)).await.ok();
    let routes = raw(&scene);
    assert!(routes.iter().any(|route| route["route_id"] == "west-1"));
    assert_eq!(own(&scene), [N1]);
}

#[tokio::test]
async fn a_write_survives_errors_and_lost_answers_without_writing_twice() {
    let failed = |status| {
        let body = json!({"error": "busy"});
        Fault::on("PUT", VRFS, Action::respond(status, body))
    };
    let lost = Fault::on("PUT", VRFS, Action::Reset);
    for fault in [failed(500), failed(503), lost.clone(), lost.after()] {
        let scene = scene().await;
        scene.lab.add_fault(fault.clone());
        scene.make(&Value::Null, &config(TWO)).await.ok();
        assert_eq!(own(&scene), [N1, N2], "{fault:?}");
    }
}

#[tokio::test]
async fn a_create_that_gets_no_answer_leaves_no_state_and_says_that_its_routes_are_there() {
    let scene = scene().await;
    let lost = Fault::on("PUT", VRFS, Action::Reset).after().always();
    scene.lab.add_fault(lost);
    let short = Value::object([("create", Value::from("2s"))]);
    let short = ["read", "update", "delete"]
        .into_iter()
        .fold(short, |block, name| with(&block, name, Value::Null));
    let config = with(&config(ONE), "timeouts", short);
    let made = scene.make(&Value::Null, &config).await;
    made.says(&["The routes are in place"]);
    assert_eq!((made.errors.len(), made.value), (1, Value::Null));
    assert_eq!(own(&scene), [N1]);
}

#[tokio::test]
async fn four_hundred_routes_are_one_write_and_have_ids_of_their_own() {
    let scene = scene().await;
    let texts: Vec<(String, String)> = (0..400u32)
        .map(|n| {
            let (high, low) = (n / 200, n % 200 + 1);
            (
                format!("10.1.{high}.{low}"),
                format!("10.{}.{low}.0/24", 100 + high),
            )
        })
        .collect();
    let cidrs: Vec<[&str; 1]> = texts.iter().map(|(_, cidr)| [cidr.as_str()]).collect();
    let names: Vec<String> = (0..400).map(|n| format!("n{n}")).collect();
    let many: Vec<(&str, &str, &[&str])> = (0..400)
        .map(|n| (names[n].as_str(), texts[n].0.as_str(), &cidrs[n][..]))
        .collect();
    scene.make(&Value::Null, &config(&many)).await.ok();
    assert_eq!(scene.calls("avi"), ["GET", "GET", "PUT"]);
    let ids: std::collections::BTreeSet<_> = raw(&scene)
        .iter()
        .map(|route| route["route_id"].to_string())
        .collect();
    assert_eq!(ids.len(), 403);
}

#[tokio::test]
async fn a_delete_leaves_what_another_object_of_the_run_has_taken_over() {
    let scene = scene().await;
    let old = scene.make(&Value::Null, &config(TWO)).await.ok();
    scene.next_run();
    // As with create_before_destroy: the new one comes first, under the same label.
    scene.make(&Value::Null, &config(TWO)).await.ok();
    scene.destroy(&old).await.says(&["left to the resource"]);
    assert_eq!(own(&scene), [N1, N2]);
}

#[tokio::test]
async fn names_that_begin_with_one_another_are_warned_of() {
    let scene = scene().await;
    let label = Some(("clustername", "prod-eu"));
    edit(&scene, |routes| {
        routes.push(route("eu", label, "10.96.0.0", 24, "10.1.0.4"))
    });
    let planned = scene.plan(&Value::Null, &config(ONE)).await;
    planned.says(&["begins like \"prod\"", "prod-eu"]);
}

#[tokio::test]
async fn a_wait_without_a_labelled_se_group_fails_before_the_first_write() {
    let scene = scene().await;
    let waiting = with(&config(ONE), "wait_for_azure_routes", Value::from(true));
    let made = scene.make(&Value::Null, &waiting).await;
    made.says(&["No SE group of the cloud has the label of cluster prod"]);
    assert_eq!((made.errors.len(), made.value), (1, Value::Null));
    assert_eq!(own(&scene), [""; 0]);
}

#[tokio::test]
async fn another_spelling_of_the_same_cloud_plans_no_change() {
    let scene = scene().await;
    let state = scene.make(&Value::Null, &config(ONE)).await.ok();
    let cloud = scene.avi("GET", "/api/cloud?name=azure", json!(null))["results"][0].clone();
    let uuid = cloud["uuid"].as_str().unwrap();
    let spellings = [
        uuid.to_owned(),
        format!("/api/cloud/{uuid}"),
        format!("https://avi/api/cloud/{uuid}#azure"),
        "/api/cloud?name=azure".to_owned(),
    ];
    for spelling in spellings {
        let respelt = with(&config(ONE), "cloud_ref", Value::from(&*spelling));
        assert_eq!(scene.plan(&state, &respelt).await.ok(), state, "{spelling}");
    }
    scene.destroy(&state).await.ok();
    scene.next_run();
    let by_uuid = with(&config(ONE), "cloud_ref", Value::from(uuid));
    let state = scene.make(&Value::Null, &by_uuid).await.ok();
    assert_eq!(scene.plan(&state, &config(ONE)).await.ok(), state);
}

#[tokio::test]
async fn a_delete_leaves_routes_that_somebody_has_led_elsewhere() {
    let scene = scene().await;
    let state = scene.make(&Value::Null, &config(TWO)).await.ok();
    edit(&scene, |routes| {
        routes[3]["next_hop"]["addr"] = json!("10.1.9.9")
    });
    scene.next_run();
    let destroyed = scene.destroy(&state).await;
    destroyed.says(&["lead elsewhere and stay", "10.244.1.0/24"]);
    assert_eq!(own(&scene), ["prod 10.244.1.0/24 10.1.9.9"]);
}

#[tokio::test]
async fn a_delete_takes_the_second_route_for_a_prefix_with_the_first() {
    let scene = scene().await;
    let state = scene.make(&Value::Null, &config(ONE)).await.ok();
    edit(&scene, |routes| {
        let label = Some(("clustername", "prod"));
        routes.push(route("by-hand", label, "10.244.1.0", 24, "10.1.9.9"));
    });
    scene.next_run();
    let read = scene.read(&state).await;
    scene.destroy(&read).await.ok();
    assert_eq!(own(&scene), [""; 0]);
}
