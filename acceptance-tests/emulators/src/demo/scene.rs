//! What the demo looks at in Azure: the objects of the example, and those of somebody else.

use serde_json::{Value, json};

use crate::Connection;
use crate::second_client::SecondClient;

use super::{Error, check};

/// A route that somebody else keeps in the route table of the first cluster.
pub(super) const FOREIGN_ROUTE: &str = "to-on-premises";

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
    pub(super) name: String,
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
                        name: text(&route["name"]),
                        prefix: text(&route["properties"]["addressPrefix"]),
                        next_hop: text(&route["properties"]["nextHopIpAddress"]),
                    });
                }
            }
        }
        found.sort_by(|a, b| (&a.cluster, &a.prefix).cmp(&(&b.cluster, &b.prefix)));
        Ok(found)
    }

    /// Everything that matters of the SE subnets and their route tables, to compare.
    pub(super) fn snapshot(&self, azure: &SecondClient) -> Result<Value, Error> {
        let mut snapshot = serde_json::Map::new();
        for cluster in &self.clusters {
            let subnet = azure.get(&self.subnet(cluster))?.unwrap_or_default();
            let table = azure.get(&self.table(cluster))?.unwrap_or_default();
            snapshot.insert(self.subnet(cluster), subnet_facts(&subnet));
            snapshot.insert(self.table(cluster), table_facts(&table));
        }
        Ok(Value::Object(snapshot))
    }

    /// The ids of ours that Azure still holds.
    pub(super) fn remains(&self, azure: &SecondClient) -> Result<Vec<String>, Error> {
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
        Ok(left)
    }
}

/// The variables of the example, each as JSON.
pub(super) fn variables(connection: &Connection) -> [(&'static str, Value); 2] {
    let clusters = connection
        .kubernetes
        .iter()
        .enumerate()
        .map(|(at, cluster)| {
            let settings = json!({
                "se_subnet_prefix": format!("10.0.{}.0/24", 100 + at),
                "kubeconfig_path": cluster.kubeconfig,
            });
            (cluster.name.clone(), settings)
        });
    let clusters = Value::Object(clusters.collect());
    let network = Value::String(connection.azure.virtual_network_id.clone());
    [("virtual_network_id", network), ("clusters", clusters)]
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

fn table_facts(table: &Value) -> Value {
    let properties = &table["properties"];
    let mut routes: Vec<Value> = list(&properties["routes"])
        .iter()
        .map(|route| {
            let of = &route["properties"];
            json!([
                route["name"],
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
