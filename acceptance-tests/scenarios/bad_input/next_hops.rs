//! Next hops to which Azure delivers nothing. Which calls the look takes, `calls.rs` tells.

use super::*;
use ako_lab::azure::Denial;
use serde_json::Value;

const OUTSIDE: Mistake = Mistake {
    name: "blue",
    argument: r#"internal_ip = "192.168.7.4""#,
    line: NODE,
    said: &[
        "Next hops of cluster blue lie outside virtual network \"vnet-ako-lab\"",
        "node \"node-1\": 192.168.7.4",
        "10.0.0.0/9",
        "No route was changed.",
    ],
};

/// The same in a plan, which warns.
const FORETOLD: Mistake = Mistake {
    said: &[
        "node \"node-1\": 192.168.7.4",
        "another change in this plan may settle it.",
    ],
    ..OUTSIDE
};

fn right() -> String {
    format!("resource \"ako_pod_routes\" \"blue\" {{{POD_ROUTES}}}")
}

fn wrong() -> String {
    resource("ako_pod_routes", POD_ROUTES, &OUTSIDE)
}

/// A table that serves a subnet of the virtual network.
fn served(configuration: &str) -> (Scenario, String) {
    let scenario = Scenario::new(configuration);
    let table = table_in(&scenario, "rt-1", "westeurope");
    served_subnet(&scenario, "snet-se", "10.0.1.0/24", &table);
    (scenario, table)
}

/// The virtual network is peered with one that has these addresses.
fn peer(scenario: &Scenario, prefix: &str) {
    let remote = json!({"addressPrefixes": [prefix]});
    let peering = json!({"name": "to-nodes", "properties": {
        "peeringState": "Connected", "remoteAddressSpace": remote, "remoteVirtualNetworkAddressSpace": remote,
    }});
    scenario.somebody_edits(&scenario.network(), |properties| {
        properties["virtualNetworkPeerings"] = json!([peering]);
    });
}

#[test]
fn a_create_refuses_a_next_hop_outside_the_virtual_network_until_that_is_peered() {
    let (scenario, table) = served(&wrong());
    let plan = scenario.plan();
    assert_told(&plan.run, Severity::Warning, "ako_pod_routes", &FORETOLD);
    let run = scenario.apply_fails();
    assert_told(&run, Severity::Error, "ako_pod_routes", &OUTSIDE);
    assert_no_write(&scenario);
    assert!(scenario.state().addresses().is_empty());
    assert_eq!(scenario.azure(&table)["properties"]["routes"], json!([]));

    peer(&scenario, "192.168.0.0/16");
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn an_update_to_a_next_hop_outside_is_told_at_plan_and_refused_with_the_state_as_it_was() {
    let (scenario, table) = served(&right());
    scenario.apply();
    let (state, routes) = (stored_state(&scenario), scenario.azure(&table));
    scenario.forget_calls();
    scenario.configure(&wrong());
    let plan = scenario.plan();
    assert_told(&plan.run, Severity::Warning, "ako_pod_routes", &FORETOLD);
    let run = scenario.apply_fails();
    assert_told(&run, Severity::Error, "ako_pod_routes", &OUTSIDE);
    assert_no_write(&scenario);
    assert_eq!(stored_state(&scenario), state);
    assert_eq!(scenario.azure(&table), routes);

    // The address ranges that were kept are no reason to refuse: what counts is what Azure says now.
    peer(&scenario, "192.168.0.0/16");
    let plan = scenario.plan();
    assert_eq!(plan.run.warnings().count(), 0, "{}", plan.run.transcript());
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn virtual_networks_that_reach_each_other_without_a_peering_can_be_told_of() {
    let unchecked = "next_hop_check_enabled = false\n  cluster_name";
    let (scenario, _) = served(&wrong().replacen("cluster_name", unchecked, 1));
    scenario.apply();
    scenario.assert_nothing_to_do();
    let calls = scenario.calls();
    let looked = calls
        .all()
        .iter()
        .any(|call| call.contains("virtualNetworks"));
    assert!(!looked, "{calls}");
}

/// A table that serves a subnet of another virtual network, and that network.
fn served_elsewhere(scenario: &Scenario, table: &str) {
    let network = format!("{}-2", scenario.network());
    let space = json!({"addressSpace": {"addressPrefixes": ["172.16.0.0/16"]}});
    let body = json!({"location": "westeurope", "properties": space});
    scenario.somebody("PUT", &network, &body);
    let subnet =
        json!({"properties": {"addressPrefix": "172.16.1.0/24", "routeTable": {"id": table}}});
    scenario.somebody("PUT", &format!("{network}/subnets/snet-se"), &subnet);
}

#[test]
fn a_move_to_a_table_of_another_virtual_network_is_told_of_before_the_old_routes_go() {
    let (scenario, _) = served(&right());
    scenario.apply();
    let other = table_in(&scenario, "rt-2", "westeurope");
    served_elsewhere(&scenario, &other);
    scenario.configure(&right().replace("rt-1", "rt-2"));
    let plan = scenario.plan();
    let said = "Next hops of cluster blue lie outside virtual network \"vnet-ako-lab-2\"";
    assert!(plan.run.says(said), "{}", plan.run.transcript());
}

#[test]
fn what_was_seen_in_one_virtual_network_says_nothing_of_another() {
    let (scenario, table) = served(&right());
    scenario.apply();
    scenario.somebody("DELETE", &scenario.subnet("snet-se"), &Value::Null);
    served_elsewhere(&scenario, &table);
    scenario.configure(&right().replace("10.0.0.4", "10.0.0.5"));
    let run = scenario.apply_fails();
    assert!(
        run.says("node \"node-1\": 10.0.0.5"),
        "{}",
        run.transcript()
    );
}

#[test]
fn what_cannot_be_looked_at_is_no_reason_to_refuse() {
    // A table that serves no subnet yet.
    let scenario = Scenario::new(&wrong());
    table_in(&scenario, "rt-1", "westeurope");
    scenario.apply();
    // A virtual network that may not be read.
    let (scenario, table) = served(&wrong());
    scenario
        .lab
        .azure()
        .deny(Denial::of("Microsoft.Network/virtualNetworks/read"));
    scenario.apply();
    let routes = scenario.azure(&table)["properties"]["routes"].clone();
    assert_eq!(routes.as_array().map(Vec::len), Some(1), "{routes}");
    assert_ne!(routes[0]["name"], Value::Null);
}
