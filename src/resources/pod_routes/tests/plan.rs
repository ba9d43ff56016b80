//! What a plan knows, warns of and refuses.

use super::*;

#[tokio::test]
async fn a_plan_knows_what_its_nodes_let_it_know() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let node = |address: Value, cidrs: Value| {
        Value::object([("internal_ip", address), ("pod_cidrs", cidrs)])
    };
    let known = node(
        Value::from("10.1.0.5"),
        Value::list([Value::from("10.244.2.0/24")]),
    );

    let cidr_unknown = node(Value::from("10.1.0.4"), Value::list([Value::Unknown]));
    let nodes = Value::object([("n1", cidr_unknown), ("n2", known.clone())]);
    let planned = scene
        .plan(&Value::Null, &with(&config, "nodes", nodes))
        .await
        .ok();
    assert!(planned.get("routes").is_unknown());

    let address_unknown = node(Value::Unknown, Value::list([Value::from("10.244.1.0/24")]));
    let nodes = Value::object([("n1", address_unknown), ("n2", known)]);
    let planned = scene
        .plan(&Value::Null, &with(&config, "nodes", nodes))
        .await
        .ok();
    let route = |cidr| {
        planned
            .get("routes")
            .get(cidr)
            .get("next_hop_ip_address")
            .clone()
    };
    assert_eq!(route("10.244.1.0/24"), Value::Unknown);
    assert_eq!(route("10.244.2.0/24"), Value::from("10.1.0.5"));
    assert_eq!(scene.calls(), [""; 0]);

    let planned = scene
        .plan(
            &Value::Null,
            &with(&config, "route_table_id", Value::Unknown),
        )
        .await
        .ok();
    assert!(planned.get("id").is_unknown() && planned.get("routes").is_wholly_known());
}

#[tokio::test]
async fn overlapping_cidrs_are_refused_with_both_nodes_before_any_call() {
    let scene = Scene::new().await;
    let config = scene.config(&[
        ("n1", "10.1.0.4", &["10.244.0.0/16"]),
        ("n2", "10.1.0.5", &["10.244.2.0/24"]),
    ]);
    let found = Outcome::of(
        Value::Null,
        scene.server.validate_resource(TYPE, &config, true),
    );
    found.error(&["\"n1\" has 10.244.0.0/16", "\"n2\" has 10.244.2.0/24"]);
    let path = found.errors[0].attribute.as_ref().unwrap().to_string();
    assert_eq!(path, "nodes[\"n2\"].pod_cidrs");
    assert_eq!(scene.calls(), [""; 0]);
}

#[tokio::test]
async fn every_wrong_value_is_refused_at_its_path() {
    let scene = Scene::new().await;
    let good = scene.config(ONE);
    for (config, path) in [
        (
            with(&good, "cluster_name", Value::from("-prod")),
            "cluster_name",
        ),
        (
            with(&good, "route_table_id", Value::from("/subscriptions/s")),
            "route_table_id",
        ),
        (
            with(&good, "on_conflict", Value::from("maybe")),
            "on_conflict",
        ),
        (with(&good, "route_limit", Value::from(0)), "route_limit"),
        (
            scene.config(&[("n1", "fd00::1", &[])]),
            "nodes[\"n1\"].internal_ip",
        ),
        (
            scene.config(&[("n1", "10.1.0.4", &["fd00::/64"])]),
            "nodes[\"n1\"].pod_cidrs",
        ),
        (scene.config(&[("N_1", "10.1.0.4", &[])]), "nodes"),
    ] {
        let found = Outcome::of(
            Value::Null,
            scene.server.validate_resource(TYPE, &config, true),
        );
        let [error] = &*found.errors else {
            panic!("{path}: {:?}", found.errors)
        };
        let blamed = error.attribute.as_ref().unwrap().to_string();
        assert!(blamed.starts_with(path), "{blamed} in place of {path}");
    }
}

#[tokio::test]
async fn a_missing_table_is_foretold_at_plan_and_refused_at_apply() {
    let scene = Scene::new().await;
    scene.arm("DELETE", "", json!(null));
    let config = scene.config(ONE);
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&[
        "There is no route table",
        "another change in this plan may settle it.",
    ]);
    let planned = planned.ok();
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&["There is no route table \"rt\"", "ako_cluster_subnet"]);
}

#[tokio::test]
async fn a_provider_that_is_not_configured_yet_plans_creates_and_keeps_what_exists() {
    let scene = Scene::new().await;
    let config = scene.config(ONE);
    let state = scene.make(&Value::Null, &config).await.ok();
    let unknown = Value::object([
        ("variables", Value::Unknown),
        ("adopt_remnants", Value::Null),
    ]);
    scene.server.configure(unknown, "1.11.4");
    scene.calls();
    let planned = scene.plan(&Value::Null, &config).await;
    assert_eq!(planned.warnings, []);
    assert!(planned.ok().is_wholly_known());
    assert_eq!(scene.calls(), [""; 0]);
    let read = scene.server.read(TYPE, state.clone(), Vec::new()).await;
    assert_eq!(read.state, state);
    Outcome::of(Value::Null, read.diagnostics).error(&["azure.metadata_host is not known yet"]);
}

#[tokio::test]
async fn more_routes_than_the_limit_are_warned_of_when_they_change() {
    let scene = Scene::new().await;
    let config = with(&scene.config(TWO), "route_limit", Value::from(1));
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&["more than 1 routes", "route_limit"]);
    let applied = scene.make(&Value::Null, &config).await;
    applied.warning(&["There are 3 routes"]);
    let again = scene.plan(&applied.ok(), &config).await;
    assert_eq!(again.warnings, []);
}

#[tokio::test]
async fn a_plan_of_five_thousand_nodes_is_no_work() {
    let scene = Scene::new().await;
    let node = |index: usize| {
        let cidr = format!("10.{}.{}.0/24", 64 + index / 256, index % 256);
        let node = Value::object([
            ("internal_ip", Value::from("10.1.0.4")),
            ("pod_cidrs", Value::list([Value::from(cidr)])),
        ]);
        (format!("aks-nodepool1-{index:05}"), node)
    };
    let nodes = Value::object((0..5000).map(node));
    let config = with(&scene.config(&[]), "nodes", nodes);
    let config = with(&config, "route_table_id", Value::Unknown);
    let begun = std::time::Instant::now();
    let planned = scene.plan(&Value::Null, &config).await.ok();
    // 100 ms are promised for the release build; this bound only catches what grows with the square.
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(planned.get("routes").as_map().unwrap().len(), 5000);
}

#[tokio::test]
async fn a_plan_that_takes_most_routes_says_so() {
    const SIX: [(&str, &str, &[&str]); 6] = [
        ("n1", "10.1.0.4", &["10.244.1.0/24"]),
        ("n2", "10.1.0.5", &["10.244.2.0/24"]),
        ("n3", "10.1.0.6", &["10.244.3.0/24"]),
        ("n4", "10.1.0.7", &["10.244.4.0/24"]),
        ("n5", "10.1.0.8", &["10.244.5.0/24"]),
        ("n6", "10.1.0.9", &["10.244.6.0/24"]),
    ];
    let scene = Scene::new().await;
    let config = scene.config(&SIX);
    let state = scene.make(&Value::Null, &config).await.ok();
    let others = SIX.map(|(name, ip, cidrs)| match name {
        "n1" => (name, ip, cidrs),
        "n2" => ("x2", ip, cidrs),
        "n3" => ("x3", ip, cidrs),
        "n4" => ("x4", ip, cidrs),
        "n5" => ("x5", ip, cidrs),
        _ => ("x6", ip, cidrs),
    });
    let without_cidrs = SIX.map(|(name, ip, _)| (name, ip, &[][..]));
    for (nodes, told) in [
        (&SIX[..1], &["Most routes", "6 routes 5 are removed"][..]),
        // The same prefixes on other nodes: another cluster, most likely.
        (&others, &["Most routes", "6 routes 5 are removed"]),
        (&[], &["All routes", "all 6 routes are removed"]),
        (&without_cidrs, &["All routes", "all 6 routes are removed"]),
    ] {
        let planned = scene.plan(&state, &scene.config(nodes)).await;
        planned.warning(told);
    }
    let planned = scene.plan(&state, &scene.config(&SIX[2..])).await;
    assert_eq!(planned.warnings, []);
    // A name of the cluster changes every route's name, and none goes.
    let renamed = with(&config, "cluster_name", Value::from("other"));
    let warnings = scene.plan(&state, &renamed).await.warnings;
    assert!(
        !warnings
            .iter()
            .any(|found| found.summary.contains("routes of the cluster"))
    );
}
