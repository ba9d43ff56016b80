//! From the VRF to Azure by the controller's cloud connector, with AKO of another cluster beside.

use ako_lab::actors::AkoOptions;
use ako_lab::azure::Denial;

use super::*;

const WAITING: &str =
    "wait_for_azure_routes = true\n  timeouts {\n    create = \"20s\"\n    update = \"20s\"\n  }";
const IN_VAIN: &str =
    "wait_for_azure_routes = true\n  timeouts {\n    create = \"3s\"\n    update = \"3s\"\n  }";

/// A cloud in Azure with an SE group for each of two clusters, each in a subnet with a route table of its own.
fn in_azure(configuration: &str) -> Scenario {
    let options = ako_lab::Options {
        seed: ako_lab::Seed::two_clusters(2),
        ..ako_lab::Options::default()
    };
    let scenario = Scenario::with(options, configuration);
    let connection = scenario.lab.connection().clone();
    let principal = &connection.avi.principal;
    let credential = json!({"name": "azure", "azure_serviceprincipal": {
        "application_id": principal.client_id,
        "authentication_token": principal.client_secret,
        "tenant_id": connection.azure.tenant_id,
    }});
    let credential = scenario.avi("POST", "/api/cloudconnectoruser", credential);
    let network = scenario.network();
    let location = scenario.azure(&network)["location"].clone();
    let cloud = json!({"name": "azure", "vtype": "CLOUD_AZURE", "azure_configuration": {
        "subscription_id": connection.azure.subscription_id,
        "location": location,
        "resource_group": connection.azure.resource_group,
        "cloud_credentials_ref": credential["url"],
        "network_info": [{"virtual_network_id": network, "se_network_id": "se-blue"}],
    }});
    for (cluster, range) in [("blue", "10.0.201.0/24"), ("cluster2", "10.0.202.0/24")] {
        let table = scenario.table(&format!("rt-{cluster}"));
        let body = json!({"location": location, "properties": {"routes": []}});
        scenario.somebody("PUT", &table, &body);
        let subnet = json!({"properties": {"addressPrefix": range, "routeTable": {"id": table}}});
        scenario.somebody("PUT", &scenario.subnet(&format!("se-{cluster}")), &subnet);
    }
    let cloud = scenario.avi("POST", "/api/cloud", cloud);
    for cluster in ["blue", "cluster2"] {
        let labels = json!([{"key": "clustername", "value": cluster}]);
        let group = json!({"name": format!("seg-{cluster}"), "cloud_ref": cloud["url"],
            "data_network_id": format!("se-{cluster}"), "labels": labels});
        scenario.avi("POST", "/api/serviceenginegroup", group);
    }
    scenario
}

/// The routes of a cluster's table in Azure, as prefix and next hop.
fn azure_routes(scenario: &Scenario, cluster: &str) -> Vec<[String; 2]> {
    let table = scenario.azure(&scenario.table(&format!("rt-{cluster}")));
    let routes = table["properties"]["routes"].as_array().cloned();
    let text = |route: &Value, name: &str| {
        let value = route["properties"][name].as_str();
        value.expect("a text").to_owned()
    };
    let routes = routes.unwrap_or_default();
    let pairs = routes.iter().map(|route| {
        [
            text(route, "addressPrefix"),
            text(route, "nextHopIpAddress"),
        ]
    });
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort();
    pairs
}

fn start_ako(scenario: &Scenario, cluster: &str, cluster_name: &str) {
    let options = AkoOptions {
        cluster_name: cluster_name.to_owned(),
        ..AkoOptions::of(cluster, "azure", &format!("seg-{cluster_name}"))
    };
    let started = scenario.lab.wait_for(scenario.lab.start_ako(options));
    started.expect("the cluster is there");
}

#[test]
fn routes_reach_azure_before_apply_ends_and_those_of_ako_of_another_cluster_stay() {
    let scenario = in_azure(&with(WAITING));
    start_ako(&scenario, "cluster2", "cluster2");
    scenario.lab.wait_for(scenario.lab.connector().settled());
    let theirs = azure_routes(&scenario, "cluster2");
    assert_eq!(theirs.len(), 2);
    scenario.lab.connector().change_settings(|settings| {
        settings.delay_ms = 700;
    });
    scenario.apply();
    let expected = [NODE_1, NODE_2].map(|[_, prefix, hop]| [prefix, hop].map(str::to_owned));
    assert_eq!(azure_routes(&scenario, "blue"), expected);

    // AKO of the other cluster writes the VRF anew, beside ours.
    start_ako(&scenario, "cluster2", "cluster2");
    scenario.assert_nothing_to_do();
    scenario.configure(&with(WAITING).replace("10.0.0.5", "10.0.0.7"));
    scenario.apply();
    assert_eq!(azure_routes(&scenario, "blue")[1][1], "10.0.0.7");
    scenario.destroy();
    scenario.lab.wait_for(scenario.lab.connector().settled());
    assert!(azure_routes(&scenario, "blue").is_empty());
    assert_eq!(azure_routes(&scenario, "cluster2"), theirs);
}

#[test]
fn routes_that_the_cloud_credential_may_not_write_fail_the_wait_with_the_reason() {
    let scenario = in_azure(&with(IN_VAIN));
    let principal = scenario.lab.connection().avi.principal.clone();
    scenario.lab.azure().deny(Denial {
        object_id: Some(principal.object_id),
        ..Denial::of("Microsoft.Network/routeTables/routes/write")
    });
    let run = scenario.apply_fails();
    assert!(run.says("AuthorizationFailed"), "{run:?}");
    assert!(run.says("in place at the controller"), "{run:?}");
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn a_prefix_that_another_route_holds_in_azure_fails_the_wait_with_the_conflict() {
    let scenario = in_azure(&with(IN_VAIN));
    let body = json!({"properties": {"addressPrefix": NODE_1[1],
        "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.99"}});
    let id = format!("{}/routes/by-hand", scenario.table("rt-blue"));
    scenario.somebody("PUT", &id, &body);
    let run = scenario.apply_fails();
    assert!(run.says("RouteConflict"), "{run:?}");
    assert!(run.says("the route leads to 10.0.0.99"), "{run:?}");
    assert!(
        !run.says("10.244.1.0/24 to"),
        "the other one is there: {run:?}"
    );
}

#[test]
fn a_wait_that_failed_after_a_repair_is_made_up_for_by_the_next_apply() {
    let scenario = in_azure(&with(IN_VAIN));
    scenario.apply();
    scenario
        .lab
        .connector()
        .change_settings(|settings| settings.running = false);
    somebody_edits(&scenario, |routes| routes.clear());
    let id = azure_route_id(&scenario);
    let route = scenario.azure(&id);
    scenario.somebody("DELETE", &id, &Value::Null);
    let run = scenario.apply_fails();
    assert!(run.says("have not come to Azure"), "{run:?}");
    let plan = scenario.plan();
    assert!(plan.run.says("waits again"), "{:?}", plan.run);
    // The connector does not look for what others do to its routes.
    let body = json!({"properties": route["properties"]});
    scenario.somebody("PUT", &id, &body);
    scenario.forget_calls();
    scenario.apply();
    let calls = scenario.avi_calls();
    assert!(!calls.writes().contains(&PUT), "{calls}");
    assert_eq!(azure_routes(&scenario, "blue").len(), 2);
    scenario.assert_nothing_to_do();
}

/// One of the routes that the connector made, by its id.
fn azure_route_id(scenario: &Scenario) -> String {
    let table = scenario.azure(&scenario.table("rt-blue"));
    let id = table["properties"]["routes"][0]["id"].as_str();
    id.expect("the connector has made it").to_owned()
}

#[test]
fn routes_of_ako_are_imported_and_become_nodes_with_names_without_a_write() {
    let scenario = in_azure(CONFIGURATION);
    start_ako(&scenario, "cluster1", "blue");
    let before = all_routes(&scenario);
    assert_eq!(routes(&scenario).len(), 2);
    let run = scenario.apply_fails();
    assert!(run.says("terraform import 'ako_vrf_pod_routes.NAME' 'azure/global,blue'"));
    scenario.import(ADDRESS, "azure/global,blue");
    assert_eq!(all_routes(&scenario), before);
    let found = scenario.resource(ADDRESS)["routes"].clone();
    assert_eq!(found["10.244.0.0/24"]["next_hop_ip_address"], "10.1.0.4");
    scenario.configure(&CONFIGURATION.replace("10.0.0.", "10.1.0."));
    scenario.apply();
    assert_eq!(all_routes(&scenario), before);
    scenario.assert_nothing_to_do();
}
