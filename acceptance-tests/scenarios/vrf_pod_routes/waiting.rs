//! Waiting for the routes in Azure.

use super::*;

const WAITING: &str = "wait_for_azure_routes = true\n  timeouts { create = \"2s\" }";
const TABLE: &str = "rt-1";

/// A cloud in Azure whose SE group of the cluster lies in a subnet with a route table, which nobody fills.
fn in_azure() -> Scenario {
    let scenario = Scenario::new(&with(WAITING));
    let network = scenario.network();
    let location = scenario.azure(&network)["location"].clone();
    let table = json!({"location": location, "properties": {"routes": []}});
    scenario.somebody("PUT", &scenario.table(TABLE), &table);
    let subnet = json!({"properties": {
        "addressPrefix": SE_PREFIX, "routeTable": {"id": scenario.table(TABLE)},
    }});
    scenario.somebody("PUT", &scenario.subnet("se-blue"), &subnet);
    let info = json!([{"virtual_network_id": network, "se_network_id": "other"}]);
    // A cloud of no type that names its network: nothing fills its route tables.
    let cloud = json!({"name": "azure", "vtype": "CLOUD_NONE",
        "azure_configuration": {"network_info": info}});
    let cloud = scenario.avi("POST", "/api/cloud", cloud);
    let group = json!({"name": "seg-blue", "cloud_ref": cloud["url"], "data_network_id": "se-blue",
        "labels": [{"key": "clustername", "value": "blue"}]});
    scenario.avi("POST", "/api/serviceenginegroup", group);
    scenario
}

/// A range of the lab's virtual network in which no subnet lies.
const SE_PREFIX: &str = "10.0.200.0/24";

#[test]
fn a_wait_in_vain_says_what_is_missing_and_what_the_cloud_connector_reports() {
    let scenario = in_azure();
    scenario.lab.avi().add_event(json!({
        "event_id": "CLOUD_ROUTE_CREATION_FAILURE",
        "event_details": {"cloud_route_notif_details": {
            "reason": "an older failure", "route_table": "another", "routes": [],
        }},
    }));
    let run = scenario.apply_fails();
    assert!(run.says("time is up") && run.says("10.244.0.0/24 to 10.0.0.4"));
    assert!(run.says("in place at the controller") && !run.says("an older failure"));
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
    assert!(scenario.state().addresses().is_empty());

    // Nothing is written the second time, so that every report on the table counts.
    scenario.lab.avi().add_event(json!({
        "event_id": "CLOUD_ROUTE_CREATION_FAILURE",
        "event_details": {"cloud_route_notif_details": {
            "reason": "RouteConflict", "route_table": TABLE, "routes": ["r-1"],
        }},
    }));
    let run = scenario.apply_fails();
    assert!(run.says("RouteConflict") && run.says("r-1"));

    for [name, prefix, hop] in [NODE_1, NODE_2] {
        let id = format!(
            "{}/routes/avi-{name}-{}",
            scenario.table(TABLE),
            &prefix[7..8]
        );
        let body = json!({"properties": {"addressPrefix": prefix,
            "nextHopType": "VirtualAppliance", "nextHopIpAddress": hop}});
        scenario.somebody("PUT", &id, &body);
    }
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn a_wait_without_an_se_group_of_the_cluster_is_foretold_and_refused_before_the_write() {
    let scenario = with_configuration(&with(WAITING));
    let plan = scenario.plan();
    assert!(
        plan.run
            .says("No SE group of the cloud has the label of cluster blue")
    );
    let run = scenario.apply_fails();
    assert!(run.says("No SE group of the cloud has the label of cluster blue"));
    assert!(routes(&scenario).is_empty());
}
