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
