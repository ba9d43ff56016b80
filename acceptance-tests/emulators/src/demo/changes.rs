//! What somebody else does to our objects in Azure, and what Terraform must make of it.

use serde_json::{Value, json};

use crate::second_client::SecondClient;

use super::Error;
use super::scene::{FOREIGN_ROUTE, Scene, list, read};

/// One change made without Terraform.
pub(super) struct Change {
    /// What happens, for people.
    pub(super) what: &'static str,
    /// Does it.
    pub(super) act: fn(&Scene, &SecondClient) -> Result<(), Error>,
    /// What the next plan must show.
    pub(super) seen: Seen,
}

/// What a plan makes of a change.
pub(super) enum Seen {
    /// Nothing: Terraform has no say in it.
    NotOurs,
    /// These objects are updated in place, in exactly these attributes.
    Drift(&'static [(&'static str, &'static [&'static str])]),
}

/// The changes in the order of the demo.
pub(super) fn in_azure() -> [Change; 9] {
    [
        Change {
            what: "somebody adds a route of their own to rt-se-cluster1",
            act: add_foreign_route,
            seen: Seen::NotOurs,
        },
        Change {
            what: "somebody tags rt-se-cluster1",
            act: add_foreign_tag,
            seen: Seen::NotOurs,
        },
        Change {
            what: "somebody deletes a pod route from rt-se-cluster1",
            act: delete_pod_route,
            seen: Seen::Drift(&[("ako_pod_routes.this[\"cluster1\"]", &["routes"])]),
        },
        Change {
            what: "somebody sends a pod CIDR of cluster2 to another next hop",
            act: change_next_hop,
            seen: Seen::Drift(&[("ako_pod_routes.this[\"cluster2\"]", &["routes"])]),
        },
        Change {
            what: "somebody takes the route table off snet-se-cluster1",
            act: detach_route_table,
            seen: Seen::Drift(&[ASSOCIATION_OF_CLUSTER1]),
        },
        Change {
            what: "somebody gives snet-se-cluster1 the route table of a firewall",
            act: swap_route_table,
            seen: Seen::Drift(&[ASSOCIATION_OF_CLUSTER1]),
        },
        Change {
            what: "somebody stops BGP routes from reaching rt-se-cluster2",
            act: stop_bgp_propagation,
            seen: Seen::Drift(&[(
                "ako_cluster_subnet.this[\"cluster2\"]",
                &["bgp_route_propagation_enabled"],
            )]),
        },
        Change {
            what: "somebody shrinks snet-se-cluster2",
            act: shrink_subnet,
            seen: Seen::Drift(&[(
                "ako_cluster_subnet.this[\"cluster2\"]",
                &["address_prefixes"],
            )]),
        },
        Change {
            what: "somebody deletes snet-se-cluster2",
            act: delete_subnet,
            seen: Seen::Drift(&[(
                "ako_cluster_subnet.this[\"cluster2\"]",
                &["address_prefixes", "associated_route_table_id"],
            )]),
        },
    ]
}

const ASSOCIATION_OF_CLUSTER1: (&str, &[&str]) = (
    "ako_cluster_subnet.this[\"cluster1\"]",
    &["associated_route_table_id"],
);

fn add_foreign_route(scene: &Scene, azure: &SecondClient) -> Result<(), Error> {
    let route = json!({"properties": {
        "addressPrefix": "192.168.0.0/16", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.4",
    }});
    Ok(azure.put(
        &format!("{}/routes/{FOREIGN_ROUTE}", scene.table("cluster1")),
        &route,
    )?)
}

fn add_foreign_tag(scene: &Scene, azure: &SecondClient) -> Result<(), Error> {
    let id = scene.table("cluster1");
    let mut tags = read(azure, &id)?["tags"].clone();
    tags["cost-centre"] = json!("4711");
    Ok(azure.patch(&id, &json!({"tags": tags}))?)
}

fn delete_pod_route(scene: &Scene, azure: &SecondClient) -> Result<(), Error> {
    let (id, _) = first_pod_route(scene, azure, "cluster1")?;
    Ok(azure.delete(&id)?)
}

fn change_next_hop(scene: &Scene, azure: &SecondClient) -> Result<(), Error> {
    let (id, mut route) = first_pod_route(scene, azure, "cluster2")?;
    route["properties"]["nextHopIpAddress"] = json!("10.0.0.99");
    Ok(azure.put(&id, &route)?)
}

fn detach_route_table(scene: &Scene, azure: &SecondClient) -> Result<(), Error> {
    change(azure, &scene.subnet("cluster1"), |properties| {
        properties["routeTable"] = Value::Null;
    })
}

fn swap_route_table(scene: &Scene, azure: &SecondClient) -> Result<(), Error> {
    change(azure, &scene.subnet("cluster1"), |properties| {
        properties["routeTable"] = json!({"id": scene.foreign_table()});
    })
}

fn stop_bgp_propagation(scene: &Scene, azure: &SecondClient) -> Result<(), Error> {
    change(azure, &scene.table("cluster2"), |properties| {
        properties["disableBgpRoutePropagation"] = json!(true);
    })
}

fn shrink_subnet(scene: &Scene, azure: &SecondClient) -> Result<(), Error> {
    change(azure, &scene.subnet("cluster2"), |properties| {
        // Azure answers in either form and takes either.
        if properties["addressPrefixes"].is_array() {
            properties["addressPrefixes"] = json!(["10.0.101.0/25"]);
        } else {
            properties["addressPrefix"] = json!("10.0.101.0/25");
        }
    })
}

fn delete_subnet(scene: &Scene, azure: &SecondClient) -> Result<(), Error> {
    Ok(azure.delete(&scene.subnet("cluster2"))?)
}

/// Reads an object, changes its properties and writes it back whole.
fn change(azure: &SecondClient, id: &str, edit: impl FnOnce(&mut Value)) -> Result<(), Error> {
    let mut object = read(azure, id)?;
    edit(&mut object["properties"]);
    Ok(azure.put(id, &object)?)
}

fn first_pod_route(
    scene: &Scene,
    azure: &SecondClient,
    cluster: &str,
) -> Result<(String, Value), Error> {
    let table = read(azure, &scene.table(cluster))?;
    let routes = list(&table["properties"]["routes"]);
    let route = routes.iter().find(|route| route["name"] != FOREIGN_ROUTE);
    let route = route.ok_or_else(|| Error::Unexpected {
        expected: format!("{cluster} has pod routes"),
        found: "its route table has none".to_owned(),
    })?;
    let name = route["name"].as_str().unwrap_or_default();
    Ok((
        format!("{}/routes/{name}", scene.table(cluster)),
        route.clone(),
    ))
}
