//! Changes in place: what others wrote survives them, and tables change hands.

use super::*;

#[tokio::test]
async fn what_others_set_on_the_se_subnet_survives_each_write() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let nsg = format!(
        "{}/providers/Microsoft.Network/networkSecurityGroups/nsg-nodes",
        scene.group()
    );
    scene.change(&scene.subnet("snet-se"), |subnet| {
        subnet["properties"]["serviceEndpoints"] = json!([{"service": "Microsoft.Storage"}]);
        subnet["properties"]["networkSecurityGroup"] = json!({"id": nsg});
    });
    let config = scene.config(json!({"address_prefixes": ["10.1.32.0/24", "10.1.33.0/24"]}));
    let state = scene.applied(&state, &config).await;
    let properties = scene.azure(&scene.subnet("snet-se"))["properties"].clone();
    assert_eq!(
        properties["serviceEndpoints"][0]["service"],
        "Microsoft.Storage"
    );
    assert_eq!(properties["networkSecurityGroup"]["id"], nsg);
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn a_write_that_comes_between_our_read_and_our_write_is_kept() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let mut table = scene.azure(&scene.table("rt-se"));
    table["properties"]["routes"] = json!([{"name": "theirs", "properties": {
        "addressPrefix": "10.244.0.0/24", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.0.4"}}]);
    let write = Action::Write {
        method: "PUT".into(),
        path: scene.table("rt-se"),
        body: table,
    };
    scene
        .lab
        .add_fault(Fault::on("PUT", "*/routeTables/rt-se", write));
    let mut subnet = scene.azure(&scene.subnet("snet-se"));
    subnet["properties"]["serviceEndpoints"] = json!([{"service": "Microsoft.Storage"}]);
    let write = Action::Write {
        method: "PUT".into(),
        path: scene.subnet("snet-se"),
        body: subnet,
    };
    scene
        .lab
        .add_fault(Fault::on("PUT", "*/subnets/snet-se", write));
    let config = scene.config(json!({
        "bgp_route_propagation_enabled": false,
        "address_prefixes": ["10.1.32.0/24", "10.1.33.0/24"],
    }));
    let state = scene.applied(&state, &config).await;
    let table = scene.azure(&scene.table("rt-se"));
    assert_eq!(table["properties"]["routes"][0]["name"], "theirs");
    assert_eq!(table["properties"]["disableBgpRoutePropagation"], true);
    let subnet = scene.azure(&scene.subnet("snet-se"));
    assert_eq!(
        subnet["properties"]["serviceEndpoints"][0]["service"],
        "Microsoft.Storage"
    );
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn tags_of_others_stay_unless_tags_are_managed_and_the_mark_stays_in_either_case() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    let id = scene.table("rt-se");
    let tags = json!({"tags": {"owner": "net"}});
    scene.lab.azure().request("PATCH", &id, tags);
    // The mark is lost with that; it is no drift and comes back with the next write.
    scene.assert_settled(&state, &config).await;
    let renamed = scene.config(json!({"cluster_name": "cluster2"}));
    scene.lab.clear_journal();
    let state = scene.applied(&state, &renamed).await;
    assert_eq!(scene.writes(), ["PATCH rt-se"]);
    let journal = scene.lab.journal();
    let patch = journal
        .iter()
        .find(|entry| entry.method == "PATCH")
        .unwrap();
    assert!(patch.if_match.is_some());
    let table = scene.azure(&id);
    assert!(table["tags"]["owner"] == "net" && mark_of(&table).ends_with(":cluster2"));

    let managed = scene.config(json!({"cluster_name": "cluster2", "tags": {"env": "prod"}}));
    let state = scene.applied(&state, &managed).await;
    let table = scene.azure(&id);
    assert_eq!(
        table["tags"].as_object().unwrap().len(),
        2,
        "{}",
        table["tags"]
    );
    scene.lab.azure().request(
        "PATCH",
        &id,
        json!({"tags": {"env": "test", MARK_KEY: mark_of(&table)}}),
    );
    let drifted = scene.read(&state).await;
    assert_eq!(drifted.get("tags"), &value(&json!({"env": "test"})));
    assert_eq!(scene.applied(&drifted, &managed).await, state);
    scene.assert_settled(&state, &managed).await;
}

#[tokio::test]
async fn ownership_of_the_same_table_is_taken_and_given_up_by_its_mark_alone() {
    let scene = Scene::new().await;
    let id = scene.make_table("rt-shared", json!({"tags": {"owner": "net"}}));
    let existing = scene.config(json!({"route_table_name": null, "existing_route_table_id": id}));
    let state = scene.created(&existing).await;
    let owned = scene.config(json!({"route_table_name": "rt-shared"}));
    scene.lab.clear_journal();
    let outcome = scene.apply(&state, &owned).await;
    assert!(warnings(&outcome.diagnostics).contains("destroy will delete it"));
    assert_eq!(scene.writes(), ["PATCH rt-shared"]);
    assert_eq!(
        outcome.state.get("route_table_id"),
        state.get("route_table_id")
    );
    assert_ne!(mark_of(&scene.azure(&id)), "none");
    scene.assert_settled(&outcome.state, &owned).await;

    scene.lab.clear_journal();
    let state = scene.applied(&outcome.state, &existing).await;
    assert_eq!(scene.writes(), ["PATCH rt-shared"]);
    assert_eq!(scene.azure(&id)["tags"], json!({"owner": "net"}));
    scene.assert_settled(&state, &existing).await;
    scene.delete(&state).await;
    assert_ne!(scene.azure(&id), Json::Null, "the table was given up");
}

#[tokio::test]
async fn a_table_of_another_se_subnet_is_not_taken() {
    let scene = Scene::new().await;
    let first = scene.created(&scene.config(json!({}))).await;
    let theirs = text(&first, "route_table_id");
    let second = json!({"name": "snet-se2", "address_prefixes": ["10.1.40.0/24"], "cluster_name": "cluster2",
        "route_table_name": null, "existing_route_table_id": theirs});
    let state = scene.created(&scene.config(second)).await;
    let taking = json!({"name": "snet-se2", "address_prefixes": ["10.1.40.0/24"], "cluster_name": "cluster2"});
    let outcome = scene.apply(&state, &scene.config(taking)).await;
    let error = errors(&outcome.diagnostics);
    assert!(
        error.contains("another SE subnet, of cluster \"cluster1\""),
        "{error}"
    );
    assert_eq!(outcome.state, state);
}

#[tokio::test]
async fn a_move_to_another_table_makes_it_switches_once_and_then_removes_the_old_one() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let moved = scene.config(json!({"route_table_name": "rt-new"}));
    scene.lab.clear_journal();
    let outcome = scene.apply(&state, &moved).await;
    assert_eq!(errors(&outcome.diagnostics), "");
    assert!(warnings(&outcome.diagnostics).contains("the routes do not move with it"));
    assert_eq!(
        scene.writes(),
        ["PUT rt-new", "PUT snet-se", "DELETE rt-se"]
    );
    assert_eq!(
        text(&outcome.state, "route_table_id"),
        scene.table("rt-new")
    );
    scene.assert_settled(&outcome.state, &moved).await;
}

#[tokio::test]
async fn the_old_table_stays_without_our_mark_if_it_serves_another_subnet() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let old = scene.table("rt-se");
    let other = scene.make_subnet(
        "snet-other",
        json!({"addressPrefix": "10.1.50.0/24", "routeTable": {"id": old}}),
    );
    let outcome = scene
        .apply(&state, &scene.config(json!({"route_table_name": "rt-new"})))
        .await;
    assert_eq!(errors(&outcome.diagnostics), "");
    assert!(warnings(&outcome.diagnostics).contains(&other));
    assert_eq!(mark_of(&scene.azure(&old)), "none");
}

#[tokio::test]
async fn a_move_that_ends_before_the_old_table_is_gone_is_finished_by_the_next_apply_or_by_destroy()
{
    for finish_by_destroy in [false, true] {
        let scene = Scene::new().await;
        let state = scene.created(&scene.config(json!({}))).await;
        let moved = scene.config(json!({"route_table_name": "rt-new"}));
        let locked = refusal("ScopeLocked");
        scene
            .lab
            .add_fault(Fault::on("DELETE", "*/routeTables/rt-se", locked));
        let outcome = scene.apply(&state, &moved).await;
        assert!(errors(&outcome.diagnostics).contains("ScopeLocked"));
        let left = scene.read(&outcome.state).await;
        assert_eq!(text(&left, "route_table_id"), scene.table("rt-se"));
        assert_eq!(
            text(&left, "associated_route_table_id"),
            scene.table("rt-new")
        );
        if finish_by_destroy {
            let locked = refusal("ScopeLocked");
            let fault = Fault::on("DELETE", "*/routeTables/rt-new", locked);
            scene.lab.add_fault(fault);
            let outcome = scene.delete(&left).await;
            assert_eq!(text(&outcome.state, "route_table_name"), "rt-new");
            let left = scene.read(&outcome.state).await;
            assert_eq!(errors(&scene.delete(&left).await.diagnostics), "");
            assert_eq!(scene.azure(&scene.table("rt-new")), Json::Null);
        } else {
            let state = scene.applied(&left, &moved).await;
            scene.assert_settled(&state, &moved).await;
        }
        assert_eq!(scene.azure(&scene.table("rt-se")), Json::Null);
    }
}

#[tokio::test]
async fn a_move_that_is_taken_back_half_way_leaves_no_table_behind() {
    for taken_back_to in ["rt-se", "rt-third"] {
        let scene = Scene::new().await;
        let state = scene.created(&scene.config(json!({}))).await;
        let locked = refusal("ScopeLocked");
        let fault = Fault::on("DELETE", "*/routeTables/rt-se", locked);
        scene.lab.add_fault(fault);
        let moved = scene.config(json!({"route_table_name": "rt-new"}));
        let left = scene.apply(&state, &moved).await;
        assert!(errors(&left.diagnostics).contains("ScopeLocked"));
        let back = scene.config(json!({"route_table_name": taken_back_to}));
        let state = scene.applied(&left.state, &back).await;
        scene.assert_settled(&state, &back).await;
        assert_eq!(scene.azure(&scene.table("rt-new")), Json::Null);
    }
}

#[tokio::test]
async fn a_move_that_fails_says_that_a_new_table_may_be_left() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let refusal = refusal("LinkedAuthorizationFailed");
    let fault = Fault::on("PUT", "*/subnets/snet-se", refusal);
    scene.lab.add_fault(fault);
    let moved = scene.config(json!({"route_table_name": "rt-new"}));
    let outcome = scene.apply(&state, &moved).await;
    let error = errors(&outcome.diagnostics);
    assert!(
        error.contains("the next apply does what is left") && error.contains("/rt-new"),
        "{error}"
    );
    assert_eq!(outcome.state, state);
    let outcome = scene.apply(&state, &moved).await;
    assert!(warnings(&outcome.diagnostics).contains("it was adopted"));
    scene.assert_settled(&outcome.state, &moved).await;
}

#[tokio::test]
async fn the_mark_of_another_se_subnet_stays_on_a_table_that_is_given_up() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let id = scene.table("rt-se");
    let theirs = json!({"tags": {MARK_KEY: "0123456789abcdef:cluster9"}});
    scene.lab.azure().request("PATCH", &id, theirs);
    let existing = scene.config(json!({"route_table_name": null, "existing_route_table_id": id}));
    scene.lab.clear_journal();
    let state = scene.applied(&state, &existing).await;
    assert_eq!(scene.writes(), [""; 0]);
    assert!(mark_of(&scene.azure(&id)).ends_with(":cluster9"));
    scene.assert_settled(&state, &existing).await;
}

#[tokio::test]
async fn a_table_may_be_in_another_resource_group_and_spelled_in_another_case() {
    let scene = Scene::new().await;
    let group = scene.group().replace("rg-ako-lab", "rg-routes");
    let body = json!({"location": "westeurope"});
    let (status, answer) = scene.lab.azure().request("PUT", &group, body);
    assert!(status < 300, "{status} {answer}");
    let owned = scene.config(json!({"route_table_resource_group_name": "rg-routes"}));
    let state = scene.created(&owned).await;
    let id = format!("{group}/providers/Microsoft.Network/routeTables/rt-se");
    assert_eq!(text(&state, "route_table_id"), id);
    let shouted = scene.config(
        json!({"route_table_resource_group_name": "RG-Routes", "route_table_name": "RT-se"}),
    );
    scene.assert_settled(&state, &shouted).await;

    // Given up under another spelling of the same id, it stays where it is and is only associated.
    let shouted = id
        .to_uppercase()
        .replace("/SUBSCRIPTIONS", "/subscriptions");
    let existing =
        scene.config(json!({"route_table_name": null, "existing_route_table_id": shouted}));
    scene.lab.clear_journal();
    let state = scene.applied(&state, &existing).await;
    assert_eq!(scene.writes(), ["PATCH rt-se"]);
    assert_eq!(text(&state, "route_table_id"), id);
    scene.assert_settled(&state, &existing).await;
    scene.delete(&state).await;
    assert_eq!(mark_of(&scene.azure(&id)), "none");
}

#[tokio::test]
async fn each_operation_makes_as_few_calls_as_its_steps_need() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    let calls = |scene: &Scene| {
        let count = scene.calls().len();
        scene.lab.clear_journal();
        count
    };
    assert_eq!(calls(&scene), 2 + 6, "planning and creating");
    scene.read(&state).await;
    assert_eq!(calls(&scene), 2, "reading");
    let config = scene.config(json!({"tags": {"a": "b"}}));
    let state = scene.applied(&state, &config).await;
    assert_eq!(calls(&scene), 2 + 3, "reading and changing tags");
    let config = scene.config(json!({"tags": {"a": "b"}, "address_prefixes": ["10.1.33.0/24"]}));
    let state = scene.applied(&state, &config).await;
    assert_eq!(calls(&scene), 2 + 3, "reading and changing prefixes");
    let config =
        scene.config(json!({"address_prefixes": ["10.1.33.0/24"], "route_table_name": "rt-2"}));
    let state = scene.applied(&state, &config).await;
    assert_eq!(calls(&scene), 2 + 9, "reading and moving to another table");
    scene.delete(&state).await;
    assert_eq!(calls(&scene), 3, "deleting");
}
