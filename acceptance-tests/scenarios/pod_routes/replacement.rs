//! Another cluster name or another table.

use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

const CREATE_FIRST: &str = "lifecycle { create_before_destroy = true }";

const GREEN_1: [&str; 3] = ["green.node-1_10.244.0.0_24", NODE_1[1], NODE_1[2]];
const GREEN_2: [&str; 3] = ["green.node-2_10.244.1.0_24", NODE_2[1], NODE_2[2]];

#[test]
fn another_cluster_name_replaces_the_routes_and_warns_of_the_gap() {
    let scenario = applied();
    scenario.configure(&changed("= \"blue\"", "= \"green\""));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Replace, &[])]);
    let mut warnings = plan.run.warnings();
    assert!(
        warnings.any(|warning| warning.detail.contains("create_before_destroy")),
        "{}",
        plan.run.transcript()
    );
    scenario.apply_saved_plan();
    assert_eq!(routes(&scenario), [GREEN_1, GREEN_2, FOREIGN]);
    assert_never_interrupted(&scenario, &[FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_cluster_renamed_with_create_before_destroy_has_its_routes_at_every_moment() {
    let scenario = on_table_of_others(&with(CREATE_FIRST));
    scenario.apply();
    scenario.forget_calls();
    scenario.configure(&with(CREATE_FIRST).replace("= \"blue\"", "= \"green\""));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::ReplaceCreateFirst, &[])]);
    scenario.apply_saved_plan();
    // The create renames all routes in one write; the delete finds no name of its own left.
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario), [GREEN_1, GREEN_2, FOREIGN]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_cluster_renamed_together_with_its_nodes_loses_only_what_the_nodes_lose() {
    let scenario = on_table_of_others(&with(CREATE_FIRST));
    scenario.apply();
    let fewer = with(CREATE_FIRST).replace("= \"blue\"", "= \"green\"");
    let fewer = fewer.replace("[\"10.244.1.0/24\"]", "[]");
    scenario.configure(&fewer);
    scenario.apply();
    assert_eq!(routes(&scenario), [GREEN_1, FOREIGN]);
    assert_never_interrupted(&scenario, &[NODE_1, FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_replacement_on_demand_under_the_same_name_keeps_the_routes_where_the_new_one_comes_first() {
    let scenario = on_table_of_others(&with(CREATE_FIRST));
    scenario.apply();
    scenario.forget_calls();
    let run = scenario.apply_with(&[&format!("-replace={ADDRESS}")]);
    assert!(run.says("Routes are left to the resource that took them over"));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn routes_under_another_address_without_a_moved_block_are_there_whichever_comes_first() {
    let scenario = applied();
    scenario.configure(&changed("\"blue\" {", "\"renamed\" {"));
    scenario.apply();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    assert_eq!(scenario.state().addresses(), ["ako_pod_routes.renamed"]);
    scenario.assert_nothing_to_do();
}

#[test]
fn another_table_gets_the_routes_before_the_old_one_loses_them() {
    let mut scenario = on_table_of_others(&with(CREATE_FIRST));
    scenario.apply();
    let location = scenario.azure(&scenario.network())["location"].clone();
    let table = json!({"location": location, "properties": {}});
    scenario.somebody("PUT", &scenario.table("rt-2"), &table);
    scenario.set_variable("route_table_id", &scenario.table("rt-2").into());
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(scenario.calls().writes(), ["PUT routeTables/rt-2", PUT]);
    assert_eq!(routes(&scenario), [FOREIGN]);
    scenario.assert_nothing_to_do();
}
