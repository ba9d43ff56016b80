//! A lab with a cloud, an SE group and a route table for each of its two clusters.

use ako_lab::actors::AkoOptions;
use ako_lab::actors::ako::Outcome;
use ako_lab::{Lab, Options, Seed};
use serde_json::{Value, json};

use crate::arm::{SUBNETS, network};

/// Two clusters of two nodes with the same pod CIDRs, each with an SE subnet that has a route table of its own.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
}

impl Stage {
    pub(crate) async fn new() -> Stage {
        let options = Options {
            seed: Seed::two_clusters(2),
            ..Options::default()
        };
        let stage = Stage {
            lab: Lab::start(options).await.unwrap(),
        };
        for (cluster, range) in [("cluster1", "10.0.101.0/24"), ("cluster2", "10.0.102.0/24")] {
            let table = network(&stage.lab, &format!("routeTables/rt-{cluster}"));
            stage.azure("PUT", &table, json!({"location": "westeurope"}));
            let subnet = json!({"properties": {
                "addressPrefix": range, "routeTable": {"id": table},
            }});
            stage.azure("PUT", &stage.subnet(cluster), subnet);
        }
        stage.make_cloud();
        for cluster in ["cluster1", "cluster2"] {
            stage.make_group(&format!("seg-{cluster}"), &format!("snet-se-{cluster}"));
        }
        stage
    }

    pub(crate) async fn start_ako(&self, cluster: &str) -> Outcome {
        self.start_ako_with(cluster, &format!("seg-{cluster}"))
            .await
    }

    pub(crate) async fn start_ako_with(&self, cluster: &str, se_group: &str) -> Outcome {
        let options = AkoOptions::of(cluster, "azure-cloud", se_group);
        self.lab.start_ako(options).await.unwrap()
    }

    pub(crate) fn subnet(&self, cluster: &str) -> String {
        network(&self.lab, &format!("{SUBNETS}/snet-se-{cluster}"))
    }

    pub(crate) fn table(&self, cluster: &str) -> String {
        network(&self.lab, &format!("routeTables/rt-{cluster}"))
    }

    pub(crate) fn make_group(&self, name: &str, subnet: &str) {
        self.avi(
            "POST",
            "/api/serviceenginegroup",
            json!({
                "name": name,
                "cloud_ref": "/api/cloud?name=azure-cloud",
                "data_network_id": subnet,
                "se_deprovision_delay": 1,
            }),
        );
    }

    pub(crate) fn patch_group(&self, name: &str, patch: Value) {
        let path = self.path_of("serviceenginegroup", name);
        self.avi("PATCH", &path, patch);
    }

    /// The routes of the VRF `global`, as label, prefix and next hop.
    pub(crate) fn vrf_routes(&self) -> Vec<String> {
        let vrf = self.avi("GET", &self.path_of("vrfcontext", "global"), Value::Null);
        let routes = vrf["static_routes"].as_array().into_iter().flatten();
        let mut routes: Vec<String> = routes
            .map(|route| {
                let text = |pointer: &str| route.pointer(pointer).and_then(Value::as_str);
                let label = text("/labels/0/value").unwrap_or("none");
                let prefix = text("/prefix/ip_addr/addr").unwrap();
                format!("{label} {prefix} -> {}", text("/next_hop/addr").unwrap())
            })
            .collect();
        routes.sort();
        routes
    }

    /// The routes of a cluster's table, as prefix and next hop.
    pub(crate) fn azure_routes(&self, cluster: &str) -> Vec<String> {
        let routes = self.routes_of(cluster);
        let facts = routes.iter().map(|route| {
            let text = |name: &str| route["properties"][name].as_str().unwrap();
            format!("{} -> {}", text("addressPrefix"), text("nextHopIpAddress"))
        });
        facts.collect()
    }

    pub(crate) fn routes_of(&self, cluster: &str) -> Vec<Value> {
        let table = self.azure("GET", &self.table(cluster), Value::Null);
        table["properties"]["routes"].as_array().unwrap().clone()
    }

    /// The details of the connector's events of one kind.
    pub(crate) fn events(&self, id: &str) -> Vec<Value> {
        let path = format!("/api/analytics/logs?type=2&filter=eq(event_id,[{id}])&page_size=200");
        let list = self.avi("GET", &path, Value::Null);
        let events = list["results"].as_array().unwrap().iter().rev();
        let details =
            events.map(|event| event["event_details"]["cloud_route_notif_details"].clone());
        details.collect()
    }

    pub(crate) fn azure(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.lab.azure().request(method, path, body);
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    pub(crate) fn avi(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.lab.avi().request(method, path, body);
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    pub(crate) fn path_of(&self, kind: &str, name: &str) -> String {
        let path = format!("/api/{kind}?name={name}&cloud_ref.name=azure-cloud");
        let list = self.avi("GET", &path, Value::Null);
        let uuid = list["results"][0]["uuid"].as_str();
        format!("/api/{kind}/{}", uuid.unwrap_or_else(|| panic!("{list}")))
    }

    fn make_cloud(&self) {
        let connection = self.lab.connection();
        let principal = &connection.avi.principal;
        let credential = json!({"name": "azure", "azure_serviceprincipal": {
            "application_id": principal.client_id,
            "authentication_token": principal.client_secret,
            "tenant_id": connection.azure.tenant_id,
        }});
        let credential = self.avi("POST", "/api/cloudconnectoruser", credential);
        let cloud = json!({"name": "azure-cloud", "vtype": "CLOUD_AZURE", "azure_configuration": {
            "subscription_id": connection.azure.subscription_id,
            "location": "westeurope",
            "resource_group": connection.azure.resource_group,
            "cloud_credentials_ref": credential["url"],
            "network_info": [{
                "virtual_network_id": connection.azure.virtual_network_id,
                "se_network_id": "snet-se-cluster1",
            }],
        }});
        self.avi("POST", "/api/cloud", cloud);
    }
}
