//! Create, plan again, update, destroy, and what each takes in calls.

use ako_lab::terraform::Action;
use serde_json::{Value, json};

use super::*;
use crate::harness::assert_changes;

#[test]
fn creating_writes_all_routes_in_one_put_beside_the_foreign_one() {
    let scenario = scenario();
    scenario.apply();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert!(scenario.calls().all().len() <= 6, "{}", scenario.calls());
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    assert_eq!(
        scenario.resource(ADDRESS)["routes"]["10.244.1.0/24"],
        json!({
            "name": "blue.node-2_10.244.1.0_24",
            "next_hop_ip_address": "10.0.0.5",
            "node_name": "node-2",
        })
    );
}

#[test]
fn the_plan_of_a_create_shows_every_route() {
    let plan = scenario().plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    assert_eq!(change.action(), Action::Create);
    assert_eq!(
        shown(change.after(), NODE_1)["next_hop_ip_address"],
        "10.0.0.4"
    );
}

#[test]
fn the_second_plan_is_empty_and_takes_one_call() {
    let scenario = applied();
    scenario.assert_nothing_to_do();
    assert_eq!(scenario.calls().all(), ["GET routeTables/rt-1"]);
}

#[test]
fn a_node_that_comes_is_an_update_in_place_with_one_put() {
    let scenario = applied();
    scenario.configure(&with_third_node());
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["nodes", "routes"])]);
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, NODE_3, FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_prefix_that_moves_to_another_node_is_never_missing() {
    let scenario = applied();
    let swapped = changed("10.244.0.0/24", "X")
        .replace("10.244.1.0/24", "10.244.0.0/24")
        .replace('X', "10.244.1.0/24");
    scenario.configure(&swapped);
    scenario.apply();
    assert_eq!(scenario.calls().writes(), [PUT]);
    let history = scenario.lab.azure().history(Some(&scenario.table(TABLE)));
    let written = history.iter().rev().take(2);
    for change in written {
        let routes = change.state["routes"].as_array();
        assert_eq!(routes.map(Vec::len), Some(3), "{change:?}");
    }
    scenario.assert_nothing_to_do();
}

#[test]
fn arguments_that_concern_terraform_alone_change_without_a_call() {
    let scenario = applied();
    scenario.configure(&with("on_conflict = \"replace\"\n  route_limit = 500"));
    let plan = scenario.plan();
    assert_changes(
        &plan,
        &[(ADDRESS, Action::Update, &["on_conflict", "route_limit"])],
    );
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
    scenario.assert_nothing_to_do();
}

#[test]
fn the_table_id_in_another_case_plans_empty() {
    let mut scenario = applied();
    let upper = scenario
        .table(TABLE)
        .replace("resourceGroups", "RESOURCEGROUPS");
    scenario.set_variable("route_table_id", &upper.into());
    scenario.assert_nothing_to_do();
}

#[test]
fn destroying_leaves_the_table_and_the_foreign_route() {
    let scenario = applied();
    scenario.destroy();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario), [FOREIGN]);
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn destroying_takes_a_route_that_somebody_led_elsewhere_and_leaves_one_that_somebody_renamed() {
    let scenario = applied();
    somebody_puts(&scenario, [NODE_1[0], NODE_1[1], "10.0.0.77"]);
    somebody_deletes(&scenario, NODE_2[0]);
    let renamed = ["theirs", NODE_2[1], NODE_2[2]];
    somebody_puts(&scenario, renamed);
    scenario.destroy();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario), [renamed, FOREIGN]);
}

#[test]
fn destroying_what_is_gone_already_writes_nothing() {
    let scenario = applied();
    somebody_deletes(&scenario, NODE_1[0]);
    somebody_deletes(&scenario, NODE_2[0]);
    scenario.destroy();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());

    scenario.apply();
    scenario.somebody("DELETE", &scenario.table(TABLE), &Value::Null);
    scenario.forget_calls();
    run(&scenario, &["destroy", "-auto-approve", "-refresh=false"]);
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn overlapping_pod_cidrs_are_refused_at_plan_with_both_nodes_named() {
    let scenario = scenario();
    scenario.configure(&changed("10.244.1.0/24", "10.244.0.128/25"));
    let run = scenario.plan_fails();
    assert!(run.says("node-1") && run.says("node-2"));
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
}
