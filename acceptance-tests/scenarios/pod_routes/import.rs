//! Import: by command, by block, and what cannot be imported.

use ako_lab::terraform::Action;
use serde_json::json;

use super::*;
use crate::harness::assert_changes;

fn import_id(scenario: &Scenario) -> String {
    format!("{},blue", scenario.table(TABLE))
}

#[test]
fn imported_by_command_they_plan_empty() {
    let scenario = applied();
    forget(&scenario);
    scenario.import(ADDRESS, &import_id(&scenario));
    scenario.assert_nothing_to_do();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    let state = scenario.resource(ADDRESS);
    assert_eq!(state["on_conflict"], "error");
    assert_eq!(state["route_limit"], 400);
}

#[test]
fn imported_by_a_block_with_a_generated_configuration_they_plan_empty() {
    let scenario = applied();
    forget(&scenario);
    let id = import_id(&scenario);
    scenario.configure(&format!(
        "import {{\n  to = {ADDRESS}\n  id = \"{id}\"\n}}\n"
    ));
    let plan = scenario.plan_with(&["-generate-config-out=generated.tf"]);
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    assert!(change.is_import(), "{change:?}");
    assert_eq!(change.action(), Action::None);
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();
    let generated = scenario
        .terraform
        .read("generated.tf")
        .expect("it is there");
    assert!(generated.contains("node-2 = {"), "{generated}");
}

#[test]
fn an_import_takes_the_routes_of_one_cluster_and_none_of_the_others() {
    let scenario = applied();
    somebody_puts(
        &scenario,
        ["red.node-1_10.245.0.0_24", "10.245.0.0/24", "10.0.0.8"],
    );
    forget(&scenario);
    scenario.import(ADDRESS, &import_id(&scenario));
    let state = scenario.resource(ADDRESS);
    let node = |ip: &str, cidr: &str| json!({"internal_ip": ip, "pod_cidrs": [cidr]});
    let nodes = json!({
        "node-1": node("10.0.0.4", "10.244.0.0/24"),
        "node-2": node("10.0.0.5", "10.244.1.0/24"),
    });
    assert_eq!(state["nodes"], nodes);
    assert_eq!(
        state["routes"].as_object().map(serde_json::Map::len),
        Some(2)
    );
}

#[test]
fn a_node_whose_route_name_had_to_be_cut_is_imported_and_recognised_by_its_hash() {
    let long = "ip-10-0-0-4.node-pool-of-the-second-availability-zone.westeurope.example.com";
    let configuration = changed("\"node-1\"", &format!("\"{long}\""));
    let scenario = on_table_of_others(&configuration);
    scenario.apply();
    let before = routes(&scenario);
    assert_eq!(before[0][0].len(), 80);
    forget(&scenario);
    scenario.import(ADDRESS, &import_id(&scenario));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["nodes", "routes"])]);
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    assert_eq!(
        shown(change.before(), NODE_1)["name"],
        shown(change.after(), NODE_1)["name"]
    );
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert_eq!(routes(&scenario), before);
    scenario.assert_nothing_to_do();
}

#[test]
fn an_import_of_routes_that_differ_shows_the_change_before_it_is_made() {
    let scenario = applied();
    forget(&scenario);
    somebody_puts(&scenario, [NODE_1[0], NODE_1[1], "10.0.0.77"]);
    scenario.import(ADDRESS, &import_id(&scenario));
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the routes");
    assert_eq!(change.action(), Action::Update);
    assert_eq!(
        shown(change.before(), NODE_1)["next_hop_ip_address"],
        "10.0.0.77"
    );
    assert_eq!(
        shown(change.after(), NODE_1)["next_hop_ip_address"],
        "10.0.0.4"
    );
}

#[test]
fn importing_a_table_without_a_route_of_the_cluster_fails_and_says_that_applying_adopts() {
    let scenario = scenario();
    let run = scenario.import_fails(ADDRESS, &import_id(&scenario));
    assert!(run.says("adopts"));
}

#[test]
fn an_import_id_that_does_not_read_says_which_part_is_wrong() {
    let scenario = scenario();
    let table = scenario.table(TABLE);
    let subnet = scenario.subnet("snet-cluster1-nodes");
    let missing = scenario.table("rt-missing");
    let wrong = [
        (table.clone(), "there is no comma in it"),
        (format!("{table},"), "the cluster name must not be empty"),
        (
            format!("{table},blue.green"),
            "the cluster name must consist of",
        ),
        (format!("{subnet},blue"), "<route_table_id>,<cluster_name>"),
        ("rt-1,blue".to_owned(), "<route_table_id>,<cluster_name>"),
        (
            format!("{missing},blue"),
            "There is no route table \"rt-missing\"",
        ),
    ];
    for (id, reason) in wrong {
        let run = scenario.import_fails(ADDRESS, &id);
        assert!(run.says(reason), "{id}: {reason}");
    }
    assert!(scenario.state().addresses().is_empty());
}
