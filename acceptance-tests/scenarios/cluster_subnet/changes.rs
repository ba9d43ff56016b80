//! Changes in place: one write each, and nothing that others have set is lost.

use ako_lab::terraform::Action;
use serde_json::json;

use super::*;
use crate::harness::{assert_changes, assert_no_changes};

#[test]
fn each_argument_changes_in_place_with_one_write() {
    let scenario = applied();
    let group = security_group(&scenario, "nsg-nodes");
    let prefixes = changed("10.0.100.0/24", "10.0.102.0/24");
    let propagation = prefixes.replace("\n}\n", "\n  bgp_route_propagation_enabled = false\n}\n");
    let tags = propagation.replace("\n}\n", "\n  tags = { team = \"platform\" }\n}\n");
    let cluster = tags.replace("= \"blue\"", "= \"azure\"");
    let argument = format!("\n  network_security_group_id = \"{group}\"\n}}\n");
    let guarded = cluster.replace("\n}\n", &argument);
    let steps = [
        (&prefixes, "address_prefixes", PUT_SUBNET),
        (&propagation, "bgp_route_propagation_enabled", PUT_TABLE),
        (&tags, "tags", PATCH_TABLE),
        (&cluster, "cluster_name", PATCH_TABLE),
        (&guarded, "network_security_group_id", PUT_SUBNET),
    ];
    for (configuration, argument, write) in steps {
        scenario.configure(configuration);
        // That nothing else is planned shows that the step before has settled.
        let plan = scenario.plan();
        assert_changes(&plan, &[(ADDRESS, Action::Update, &[argument])]);
        scenario.forget_calls();
        scenario.apply_saved_plan();
        assert_eq!(scenario.calls().writes(), [write], "{}", scenario.calls());
    }
    scenario.assert_nothing_to_do();

    let subnet = scenario.azure(&scenario.subnet(SUBNET));
    assert_eq!(
        attribute(&subnet, "properties.networkSecurityGroup.id"),
        &json!(group)
    );
    assert_eq!(
        attribute(&subnet, "properties.routeTable.id"),
        &json!(scenario.table(TABLE))
    );
    let table = scenario.azure(&scenario.table(TABLE));
    assert_eq!(table["properties"]["disableBgpRoutePropagation"], true);
    assert_eq!(table["tags"]["team"], "platform");
    let mark = mark(&scenario, TABLE);
    assert!(
        mark.as_str().is_some_and(|mark| mark.ends_with(":azure")),
        "{mark}"
    );
}

#[test]
fn another_spelling_of_the_same_ids_and_prefixes_is_no_change() {
    let scenario = applied();
    scenario.configure(&changed(
        "var.virtual_network_id",
        "upper(var.virtual_network_id)",
    ));
    assert_no_changes(&scenario.plan());
}

#[test]
fn what_others_set_on_the_subnet_survives_an_update() {
    let scenario = applied();
    let theirs = json!({
        "delegations": [{"name": "databricks", "properties": {"serviceName": "Microsoft.Databricks/workspaces"}}],
        "serviceEndpoints": [{"service": "Microsoft.Storage", "locations": ["westeurope"]}],
        "natGateway": {"id": format!("{}/providers/Microsoft.Network/natGateways/nat", scenario.group())},
        "networkSecurityGroup": {
            "id": security_group(&scenario, "nsg-nodes"),
        },
        "privateEndpointNetworkPolicies": "Enabled",
        "somethingThatComesNextYear": {"deep": [1, {"er": true}]},
    });
    scenario.somebody_edits(&scenario.subnet(SUBNET), |properties| {
        for (name, value) in theirs.as_object().expect("an object") {
            properties[name] = value.clone();
        }
    });
    let before = scenario.azure(&scenario.subnet(SUBNET))["properties"].clone();
    // None of it is an argument that is set, so that none of it is a difference.
    scenario.assert_nothing_to_do();
    scenario.configure(&changed(
        "\"10.0.100.0/24\"",
        "\"10.0.100.0/24\", \"10.0.102.0/24\"",
    ));
    scenario.apply();
    let after = scenario.azure(&scenario.subnet(SUBNET))["properties"].clone();
    for name in theirs.as_object().expect("an object").keys() {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_eq!(after["addressPrefixes"].as_array().map(Vec::len), Some(2));
    scenario.assert_nothing_to_do();
}

#[test]
fn the_routes_of_others_survive_an_update_of_the_table() {
    let scenario = applied();
    scenario.somebody_edits(&scenario.table(TABLE), |properties| {
        properties["routes"] = json!([their_route()]);
    });
    let before = scenario.azure(&scenario.table(TABLE))["properties"].clone();
    scenario.configure(&with("bgp_route_propagation_enabled = false"));
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(scenario.calls().writes(), [PUT_TABLE]);
    let after = scenario.azure(&scenario.table(TABLE))["properties"].clone();
    assert_eq!(after["disableBgpRoutePropagation"], true);
    assert_eq!(
        after["routes"][0]["properties"],
        before["routes"][0]["properties"]
    );
    let history = scenario.lab.azure().history(Some(&scenario.table(TABLE)));
    let last = history.last().expect("the table has a history");
    assert_eq!(last.state["routes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn arguments_that_are_taken_out_again_go_back_to_their_defaults_or_are_left_to_others() {
    let group =
        "${var.resource_group_id}/providers/Microsoft.Network/networkSecurityGroups/nsg-nodes";
    let guarded = with(&format!("network_security_group_id = \"{group}\""));
    let full = guarded.replace("\n}\n", "\n  bgp_route_propagation_enabled = false\n}\n");
    let unnamed = CONFIGURATION.replace("cluster_name       = \"blue\"", "");
    let tableless = unnamed.replace("route_table_name   = \"rt-se-blue\"", "");
    let steps: [(&str, &str, &[&str]); 3] = [
        (&guarded, "bgp_route_propagation_enabled", &[PUT_TABLE]),
        // Nothing is written: whatever group is there stays.
        (CONFIGURATION, "network_security_group_id", &[]),
        (&unnamed, "cluster_name", &[PATCH_TABLE]),
    ];
    let scenario = applied_with(&full);
    for (configuration, argument, writes) in steps {
        scenario.configure(configuration);
        let plan = scenario.plan();
        assert_changes(&plan, &[(ADDRESS, Action::Update, &[argument])]);
        scenario.forget_calls();
        scenario.apply_saved_plan();
        assert_eq!(scenario.calls().writes(), writes, "{}", scenario.calls());
    }
    // The table keeps the name that it has.
    scenario.configure(&tableless);
    assert_no_changes(&scenario.plan());

    let subnet = scenario.azure(&scenario.subnet(SUBNET));
    assert_eq!(
        attribute(&subnet, "properties.networkSecurityGroup.id"),
        &json!(security_group(&scenario, "nsg-nodes"))
    );
    let table = scenario.azure(&scenario.table(TABLE));
    assert_eq!(table["properties"]["disableBgpRoutePropagation"], false);
    let mark = mark(&scenario, TABLE);
    assert!(
        mark.as_str().is_some_and(|mark| !mark.contains(':')),
        "{mark}"
    );
}
