//! What the demo looks at in Azure and at the controller: the objects of the example, and those of somebody else.

use serde_json::{Value, json};

use crate::Connection;
use crate::second_client::SecondClient;

use super::{Error, check};

/// A route that somebody else keeps in the route table of the first cluster.
pub(super) const FOREIGN_ROUTE: &str = "to-on-premises";

/// Who changes things behind Terraform's back, and looks at them.
pub(super) struct Outside {
    pub(super) azure: SecondClient,
    pub(super) avi: SecondClient,
}

/// The ids of everything that takes part.
pub(super) struct Scene {
    clusters: [String; 2],
    virtual_network: String,
    providers: String,
}

/// A route to pods, as Azure holds it.
#[derive(Debug)]
pub(super) struct PodRoute {
    pub(super) cluster: String,
    pub(super) prefix: String,
    pub(super) next_hop: String,
}

impl Scene {
    pub(super) fn new(connection: &Connection) -> Scene {
        let azure = &connection.azure;
        let name = |at: usize| connection.kubernetes[at].name.clone();
        Scene {
            clusters: [name(0), name(1)],
            virtual_network: azure.virtual_network_id.clone(),
            providers: format!(
                "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network",
                azure.subscription_id, azure.resource_group
            ),
        }
    }

    /// The names of the clusters.
    pub(super) fn clusters(&self) -> [String; 2] {
        self.clusters.clone()
    }

    /// The SE subnet of a cluster.
    pub(super) fn subnet(&self, cluster: &str) -> String {
        format!("{}/subnets/snet-se-{cluster}", self.virtual_network)
    }

    /// The route table of a cluster.
    pub(super) fn table(&self, cluster: &str) -> String {
        format!("{}/routeTables/rt-se-{cluster}", self.providers)
    }

    /// A route table that is none of Terraform's business.
    pub(super) fn foreign_table(&self) -> String {
        format!("{}/routeTables/rt-firewall", self.providers)
    }

    pub(super) fn add_foreign_table(&self, azure: &SecondClient) -> Result<(), Error> {
        let location = read(azure, &self.virtual_network)?["location"].clone();
        let table = json!({"location": location, "properties": {"routes": [default_route()]}});
        Ok(azure.put(&self.foreign_table(), &table)?)
    }

    pub(super) fn check_foreign_table(&self, azure: &SecondClient) -> Result<(), Error> {
        let table = read(azure, &self.foreign_table())?;
        let route = &table["properties"]["routes"][0];
        let stands = route["name"] == default_route()["name"]
            && route["properties"]["nextHopIpAddress"]
                == default_route()["properties"]["nextHopIpAddress"];
        check("the foreign route table stands", stands, || {
            table.to_string()
        })
    }

    /// The routes of both clusters, in the order of their prefixes.
    pub(super) fn pod_routes(&self, azure: &SecondClient) -> Result<Vec<PodRoute>, Error> {
        let mut found = Vec::new();
        for cluster in &self.clusters {
            let table = read(azure, &self.table(cluster))?;
            for route in list(&table["properties"]["routes"]) {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                if route["name"] != FOREIGN_ROUTE {
                    found.push(PodRoute {
                        cluster: cluster.clone(),
                        prefix: text(&route["properties"]["addressPrefix"]),
                        next_hop: text(&route["properties"]["nextHopIpAddress"]),
                    });
                }
            }
        }
        found.sort_by(|a, b| (&a.cluster, &a.prefix).cmp(&(&b.cluster, &b.prefix)));
        Ok(found)
    }

    /// Everything that matters of the SE subnets, their route tables, the SE groups and the VRF, to compare.
    pub(super) fn snapshot(&self, outside: &Outside) -> Result<Value, Error> {
        let azure = &outside.azure;
        let mut snapshot = serde_json::Map::new();
        for cluster in &self.clusters {
            let subnet = azure.get(&self.subnet(cluster))?.unwrap_or_default();
            let table = azure.get(&self.table(cluster))?.unwrap_or_default();
            snapshot.insert(self.subnet(cluster), subnet_facts(&subnet));
            // The controller makes up names for its routes.
            let named = cluster != VIA_AVI;
            snapshot.insert(self.table(cluster), table_facts(&table, named));
            let group = avi_object(&outside.avi, &se_group_query(cluster))?;
            snapshot.insert(se_group(cluster), without_time(group));
        }
        let mut routes = list(&avi_object(&outside.avi, VRF)?["static_routes"]).to_vec();
        for route in &mut routes {
            route["route_id"].take();
        }
        routes.sort_by_key(Value::to_string);
        snapshot.insert(VRF.to_owned(), Value::Array(routes));
        Ok(Value::Object(snapshot))
    }

    /// What of ours Azure and the controller still hold.
    pub(super) fn remains(&self, outside: &Outside) -> Result<Vec<String>, Error> {
        let azure = &outside.azure;
        let ids = self
            .clusters
            .iter()
            .flat_map(|cluster| [self.subnet(cluster), self.table(cluster)]);
        let mut left = Vec::new();
        for id in ids {
            if azure.get(&id)?.is_some() {
                left.push(id);
            }
        }
        for kind in ["cloud", "cloudconnectoruser"] {
            let query = format!("/api/{kind}?name.contains={CLOUD}");
            let found = outside.avi.get(&query)?.unwrap_or_default();
            let found = list(&found["results"]).iter();
            left.extend(found.map(|object| object["url"].to_string()));
        }
        Ok(left)
    }
}

/// The cluster whose routes go through the controller.
pub(super) const VIA_AVI: &str = "cluster2";

const CLOUD: &str = "azure-lab";

/// The VRF of the example's cloud.
pub(super) const VRF: &str = "/api/vrfcontext?name=global&cloud_ref.name=azure-lab";

/// The name of a cluster's SE group.
pub(super) fn se_group(cluster: &str) -> String {
    format!("seg-{cluster}")
}

/// What finds a cluster's SE group.
pub(super) fn se_group_query(cluster: &str) -> String {
    let name = se_group(cluster);
    format!("/api/serviceenginegroup?name={name}&cloud_ref.name={CLOUD}")
}

/// The one object that the query finds; null where there is none.
pub(super) fn avi_object(avi: &SecondClient, query: &str) -> Result<Value, Error> {
    let mut found = avi.get(query)?.unwrap_or_default();
    Ok(found["results"][0].take())
}

fn without_time(mut object: Value) -> Value {
    object["_last_modified"].take();
    object
}

/// The variables of the example, each as JSON.
pub(super) fn variables(connection: &Connection) -> [(&'static str, Value); 4] {
    let clusters = connection
        .kubernetes
        .iter()
        .enumerate()
        .map(|(at, cluster)| {
            let settings = json!({
                "se_subnet_prefix": format!("10.0.{}.0/24", 100 + at),
                "kubeconfig_path": cluster.kubeconfig,
                "route_sync_mode": if cluster.name == VIA_AVI { "via_avi" } else { "managed" },
            });
            (cluster.name.clone(), settings)
        });
    let clusters = Value::Object(clusters.collect());
    let azure = &connection.azure;
    let network = Value::String(azure.virtual_network_id.clone());
    let principal = &connection.avi.principal;
    let avi = json!({
        "cloud_name": CLOUD,
        "location": "westeurope",
        "resource_group": azure.resource_group,
        "se_network_id": "snet-cluster1-nodes",
        "tenant_id": azure.tenant_id,
        "application_id": principal.client_id,
    });
    [
        ("virtual_network_id", network),
        ("clusters", clusters),
        ("avi", avi),
        ("avi_client_secret", json!(principal.client_secret)),
    ]
}

/// What Azure holds under an id that must exist.
pub(super) fn read(azure: &SecondClient, id: &str) -> Result<Value, Error> {
    azure.get(id)?.ok_or_else(|| Error::Unexpected {
        expected: format!("Azure holds {id}"),
        found: "it is not there".to_owned(),
    })
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn default_route() -> Value {
    json!({"name": "default", "properties": {
        "addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.4",
    }})
}

fn subnet_facts(subnet: &Value) -> Value {
    let properties = &subnet["properties"];
    let id = |member: &str| properties[member]["id"].as_str().map(str::to_lowercase);
    json!({
        "prefixes": [properties["addressPrefix"], properties["addressPrefixes"]],
        "routeTable": id("routeTable"),
        "networkSecurityGroup": id("networkSecurityGroup"),
    })
}

fn table_facts(table: &Value, named: bool) -> Value {
    let properties = &table["properties"];
    let mut routes: Vec<Value> = list(&properties["routes"])
        .iter()
        .map(|route| {
            let of = &route["properties"];
            let name = if named { &route["name"] } else { &Value::Null };
            json!([
                name,
                of["addressPrefix"],
                of["nextHopType"],
                of["nextHopIpAddress"]
            ])
        })
        .collect();
    routes.sort_by_key(Value::to_string);
    json!({
        "routes": routes,
        "tags": table["tags"],
        "disableBgpRoutePropagation": properties["disableBgpRoutePropagation"],
    })
}
