//! What somebody else does to our objects, and what Terraform must make of it.

use serde_json::{Value, json};

use crate::second_client::SecondClient;

use super::Error;
use super::scene::{FOREIGN_ROUTE, Outside, Scene, VRF, avi_object, list, read, se_group_query};

/// One change made without Terraform.
pub(super) struct Change {
    /// What happens, for people.
    pub(super) what: &'static str,
    /// Does it.
    pub(super) act: fn(&Scene, &Outside) -> Result<(), Error>,
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
pub(super) fn of_somebody() -> [Change; 12] {
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
            what: "somebody sends a pod CIDR of cluster1 to another next hop",
            act: change_next_hop,
            seen: Seen::Drift(&[("ako_pod_routes.this[\"cluster1\"]", &["routes"])]),
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
        Change {
            what: "at the controller: somebody turns off health monitors on standby in seg-cluster1",
            act: change_unmanaged_setting,
            seen: Seen::NotOurs,
        },
        Change {
            what: "at the controller: somebody deletes a route of cluster2",
            act: delete_vrf_route,
            seen: Seen::Drift(&[("ako_vrf_pod_routes.this[\"cluster2\"]", &["routes"])]),
        },
        Change {
            what: "at the controller: somebody clears the SE subnet of seg-cluster2",
            act: clear_data_network,
            seen: Seen::Drift(&[("ako_se_group.this[\"cluster2\"]", &["data_network_id"])]),
        },
    ]
}

const ASSOCIATION_OF_CLUSTER1: (&str, &[&str]) = (
    "ako_cluster_subnet.this[\"cluster1\"]",
    &["associated_route_table_id"],
);

fn add_foreign_route(scene: &Scene, outside: &Outside) -> Result<(), Error> {
    let azure = &outside.azure;
    let route = json!({"properties": {
        "addressPrefix": "192.168.0.0/16", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.4",
    }});
    Ok(azure.put(
        &format!("{}/routes/{FOREIGN_ROUTE}", scene.table("cluster1")),
        &route,
    )?)
}

fn add_foreign_tag(scene: &Scene, outside: &Outside) -> Result<(), Error> {
    let azure = &outside.azure;
    let id = scene.table("cluster1");
    let mut tags = read(azure, &id)?["tags"].clone();
    tags["cost-centre"] = json!("4711");
    Ok(azure.patch(&id, &json!({"tags": tags}))?)
}

fn delete_pod_route(scene: &Scene, outside: &Outside) -> Result<(), Error> {
    let azure = &outside.azure;
    let (id, _) = first_pod_route(scene, azure, "cluster1")?;
    Ok(azure.delete(&id)?)
}

fn change_next_hop(scene: &Scene, outside: &Outside) -> Result<(), Error> {
    let azure = &outside.azure;
    let (id, mut route) = first_pod_route(scene, azure, "cluster1")?;
    route["properties"]["nextHopIpAddress"] = json!("10.0.0.99");
    Ok(azure.put(&id, &route)?)
}

fn detach_route_table(scene: &Scene, outside: &Outside) -> Result<(), Error> {
    let azure = &outside.azure;
    change(azure, &scene.subnet("cluster1"), |properties| {
        properties["routeTable"] = Value::Null;
    })
}

fn swap_route_table(scene: &Scene, outside: &Outside) -> Result<(), Error> {
    let azure = &outside.azure;
    change(azure, &scene.subnet("cluster1"), |properties| {
        properties["routeTable"] = json!({"id": scene.foreign_table()});
    })
}

fn stop_bgp_propagation(scene: &Scene, outside: &Outside) -> Result<(), Error> {
    let azure = &outside.azure;
    change(azure, &scene.table("cluster2"), |properties| {
        properties["disableBgpRoutePropagation"] = json!(true);
    })
}

fn shrink_subnet(scene: &Scene, outside: &Outside) -> Result<(), Error> {
    let azure = &outside.azure;
    change(azure, &scene.subnet("cluster2"), |properties| {
        // Azure answers in either form and takes either.
        if properties["addressPrefixes"].is_array() {
            properties["addressPrefixes"] = json!(["10.0.101.0/25"]);
        } else {
            properties["addressPrefix"] = json!("10.0.101.0/25");
        }
    })
}

fn delete_subnet(scene: &Scene, outside: &Outside) -> Result<(), Error> {
    let azure = &outside.azure;
    Ok(azure.delete(&scene.subnet("cluster2"))?)
}

fn change_unmanaged_setting(_: &Scene, outside: &Outside) -> Result<(), Error> {
    change_in_avi(outside, &se_group_query("cluster1"), |group| {
        group["hm_on_standby"] = json!(false);
    })
}

fn delete_vrf_route(_: &Scene, outside: &Outside) -> Result<(), Error> {
    change_in_avi(outside, VRF, |vrf| {
        if let Some(routes) = vrf["static_routes"].as_array_mut() {
            routes.pop();
        }
    })
}

fn clear_data_network(_: &Scene, outside: &Outside) -> Result<(), Error> {
    change_in_avi(outside, &se_group_query("cluster2"), |group| {
        if let Some(members) = group.as_object_mut() {
            members.remove("data_network_id");
        }
    })
}

/// Reads an object of the controller, changes it and writes it back whole.
fn change_in_avi(
    outside: &Outside,
    query: &str,
    edit: impl FnOnce(&mut Value),
) -> Result<(), Error> {
    let mut object = avi_object(&outside.avi, query)?;
    let kind = query.trim_start_matches("/api/").split('?').next();
    let uuid = object["uuid"].as_str().unwrap_or_default();
    let path = format!("/api/{}/{uuid}", kind.unwrap_or_default());
    edit(&mut object);
    Ok(outside.avi.put(&path, &object)?)
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
