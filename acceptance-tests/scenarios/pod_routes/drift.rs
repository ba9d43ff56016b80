//! What somebody does to the table behind Terraform's back.

use ako_lab::terraform::{Action, Plan};
use ako_lab::{Fault, faults};
use serde_json::{Value, json};

use super::*;
use crate::harness::assert_changes;

/// Plans a change of the routes alone, applies it and finds nothing to do after it.
fn repaired(scenario: &Scenario) -> Plan {
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["routes"])]);
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(scenario), [NODE_1, NODE_2, FOREIGN]);
    scenario.assert_nothing_to_do();
    plan
}

/// What the plan found of the routes.
fn before(plan: &Plan) -> &Value {
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    &change.before()["routes"]
}

#[test]
fn a_next_hop_changed_by_somebody_is_seen_and_changed_back() {
    let scenario = applied();
    somebody_puts(&scenario, [NODE_1[0], NODE_1[1], "10.0.0.77"]);
    let plan = repaired(&scenario);
    assert_eq!(before(&plan)[NODE_1[1]]["next_hop_ip_address"], "10.0.0.77");
    assert_never_interrupted(&scenario, &[NODE_2, FOREIGN]);
}

#[test]
fn a_route_led_to_a_gateway_by_somebody_is_seen_without_a_next_hop() {
    let scenario = applied();
    let gateway = json!({"properties": {
        "addressPrefix": NODE_1[1], "nextHopType": "VirtualNetworkGateway",
    }});
    scenario.somebody("PUT", &route_id(&scenario, NODE_1[0]), &gateway);
    let plan = repaired(&scenario);
    assert_eq!(before(&plan)[NODE_1[1]]["next_hop_ip_address"], Value::Null);
}

#[test]
fn a_prefix_changed_by_somebody_is_seen_and_changed_back() {
    let scenario = applied();
    somebody_puts(&scenario, [NODE_1[0], "10.250.0.0/24", NODE_1[2]]);
    let plan = repaired(&scenario);
    assert_eq!(before(&plan)[NODE_1[1]], Value::Null);
    assert_eq!(before(&plan)["10.250.0.0/24"]["name"], NODE_1[0]);
}

#[test]
fn a_deleted_route_is_seen_and_comes_back() {
    let scenario = applied();
    somebody_deletes(&scenario, NODE_1[0]);
    let plan = repaired(&scenario);
    assert_eq!(before(&plan)[NODE_1[1]], Value::Null);
    assert_never_interrupted(&scenario, &[NODE_2, FOREIGN]);
}

#[test]
fn a_table_without_any_of_our_routes_is_drift_and_not_a_new_create() {
    let scenario = applied();
    somebody_deletes(&scenario, NODE_1[0]);
    somebody_deletes(&scenario, NODE_2[0]);
    let plan = repaired(&scenario);
    assert_eq!(*before(&plan), json!({}));
}

#[test]
fn a_route_renamed_by_hand_gets_its_name_back_without_a_gap() {
    let scenario = applied();
    scenario.somebody_edits(&scenario.table(TABLE), |properties| {
        let routes = properties["routes"].as_array_mut().expect("a list");
        let route = routes.iter_mut().find(|route| route["name"] == NODE_1[0]);
        let route = route.expect("the route is there");
        *route = json!({"name": "by-hand", "properties": route["properties"]});
    });
    let plan = repaired(&scenario);
    assert_eq!(before(&plan)[NODE_1[1]], Value::Null);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn a_route_added_under_the_clusters_mark_is_seen_and_removed() {
    let scenario = applied();
    let extra = ["blue.by-hand", "10.251.0.0/24", "10.0.0.9"];
    somebody_puts(&scenario, extra);
    let plan = repaired(&scenario);
    assert_eq!(before(&plan)[extra[1]]["name"], extra[0]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn a_route_added_by_others_is_no_drift_and_outlives_an_update() {
    let scenario = applied();
    let theirs = ["blueprint.node-1", "10.252.0.0/24", "10.0.0.9"];
    somebody_puts(&scenario, theirs);
    scenario.assert_nothing_to_do();
    scenario.configure(&with_third_node());
    scenario.apply();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, NODE_3, theirs, FOREIGN]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, theirs, FOREIGN]);
}

#[test]
fn a_table_that_is_gone_means_a_create_which_says_what_is_missing() {
    let scenario = applied();
    scenario.somebody("DELETE", &scenario.table(TABLE), &Value::Null);
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Create, &[])]);
    assert!(plan.run.says("There is no route table \"rt-1\""));
    let run = scenario.apply_fails();
    assert!(run.says("There is no route table \"rt-1\""));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
}

#[test]
fn a_table_that_cannot_be_read_is_not_gone() {
    let scenario = applied();
    let refusals = [
        (403, "AuthorizationFailed"),
        (404, "SubscriptionNotFound"),
        (401, "InvalidAuthenticationToken"),
    ];
    for (status, code) in refusals {
        let body = json!({"error": {"code": code, "message": "no"}});
        let fault = Fault::on("GET", ANY_TABLE, faults::Action::respond(status, body));
        scenario.lab.add_fault(fault.always());
        let run = scenario.plan_fails();
        assert!(run.says(code), "{code}");
        scenario.lab.clear_faults();
        assert_eq!(scenario.state().addresses(), [ADDRESS]);
    }
    scenario.assert_nothing_to_do();
}
