//! Create, plan again, update, drift, import, replacement, destroy, and what each takes in calls.

use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

#[test]
fn creating_writes_all_routes_in_one_put_and_the_second_plan_is_one_get() {
    let scenario = scenario();
    scenario.apply();
    let calls = scenario.avi_calls();
    let puts = calls.writes().into_iter().filter(|call| *call == PUT);
    assert_eq!(puts.count(), 1, "{calls}");
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
    assert_others_untouched(&scenario);
    assert_eq!(
        scenario.resource(ADDRESS)["routes"]["10.244.1.0/24"],
        json!({"next_hop_ip_address": "10.0.0.5", "node_name": "node-2"})
    );
    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    let calls = scenario.avi_calls();
    let gets = calls.all().iter().filter(|call| *call == "GET vrfcontext");
    assert_eq!(gets.count(), 1, "{calls}");
}

#[test]
fn a_node_that_comes_is_an_update_in_place_and_one_that_goes_too() {
    let scenario = applied();
    scenario.configure(&with_third_node());
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["nodes", "routes"])]);
    scenario.apply_saved_plan();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, NODE_3]);
    scenario.configure(CONFIGURATION);
    scenario.apply();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
    assert_others_untouched(&scenario);
}

#[test]
fn what_somebody_does_to_our_routes_is_seen_and_repaired() {
    let scenario = applied();
    somebody_edits(&scenario, |routes| {
        routes[3]["next_hop"]["addr"] = json!("10.0.0.77");
        routes.truncate(4);
        routes.push(route_of_blue(
            "by-hand",
            ["blue", "10.251.0.0/24", "10.0.0.9"],
        ));
    });
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["routes"])]);
    scenario.apply_saved_plan();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
    assert_others_untouched(&scenario);
    scenario.assert_nothing_to_do();
}

#[test]
fn another_cluster_name_replaces_and_create_before_destroy_leaves_no_gap() {
    let scenario = applied();
    let renamed = with("lifecycle { create_before_destroy = true }")
        .replace("cluster_name = \"blue\"", "cluster_name = \"green\"");
    scenario.configure(&renamed);
    let plan = scenario.plan();
    assert!(plan.run.says("Another cluster_name means other routes"));
    scenario.apply_saved_plan();
    assert!(routes(&scenario).is_empty());
    let green = all_routes(&scenario).into_iter();
    let green = green.filter(|route| route["labels"][0]["value"] == "green");
    assert_eq!(green.count(), 2);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_replacement_on_demand_under_the_same_name_keeps_the_routes() {
    let scenario = applied();
    scenario.configure(&with("lifecycle { create_before_destroy = true }"));
    scenario.apply_with(&[&format!("-replace={ADDRESS}")]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
    scenario.assert_nothing_to_do();
}

#[test]
fn an_import_plans_no_change_of_any_route() {
    let scenario = applied();
    let run = scenario.terraform.succeed(&["state", "rm", ADDRESS]);
    run.unwrap_or_else(|error| panic!("{error}"));
    scenario.import(ADDRESS, "azure/global,blue");
    scenario.forget_calls();
    scenario.apply();
    let calls = scenario.avi_calls();
    assert!(!calls.writes().contains(&PUT), "{calls}");
    scenario.assert_nothing_to_do();
}

#[test]
fn destroying_leaves_the_routes_of_others() {
    let scenario = applied();
    scenario.destroy();
    assert!(routes(&scenario).is_empty());
    assert_others_untouched(&scenario);
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn addresses_that_are_not_known_yet_are_the_only_unknown_of_the_plan() {
    let scenario = with_configuration(&format!(
        "resource \"terraform_data\" \"ip\" {{\n  input = \"10.0.0.4\"\n}}\n{}",
        changed("\"10.0.0.4\"", "terraform_data.ip.output")
    ));
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("it is planned");
    let shown = &change.after()["routes"];
    assert_eq!(shown[NODE_2[1]]["next_hop_ip_address"], NODE_2[2]);
    assert_eq!(shown[NODE_1[1]]["node_name"], "node-1");
    scenario.apply_saved_plan();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
}
