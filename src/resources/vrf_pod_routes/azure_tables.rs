//! The route tables in Azure that the controller's cloud connector fills for a cluster, and the wait for them.

use super::messages;
use super::model::Model;
use super::vrf::last_look;
use crate::clients::avi::{self, Cloud, Filter, KeyValue, Reference, SeGroup};
use crate::clients::azure::ids::{RouteTableId, VirtualNetworkId};
use crate::clients::{Limits, azure};
use crate::domain::node_routes::NodeRoutes;
use crate::domain::se_groups::{DataNetwork, Label, cluster_of};
use crate::framework::diagnostics::Diagnostic;
use crate::resources::azure_route_wait::{Expected, NotThere, wait_for_routes};
use crate::resources::{avi_errors, azure_errors, route_wait_messages};

/// The SE groups of the cloud with the cluster's label.
pub(super) async fn labelled_groups(
    client: &avi::Client,
    limits: &Limits,
    place: &Model,
    cloud: &Reference,
) -> Result<Vec<SeGroup>, avi::Error> {
    let filter = Filter::all().in_cloud(cloud.clone());
    let mut groups: Vec<SeGroup> = client.list(limits, &filter).await?;
    groups.retain(|group| {
        let labels = group.labels.iter().flatten().map(to_label);
        let labels: Vec<_> = labels.collect();
        cluster_of(&labels) == Some(place.cluster_name.as_str())
    });
    Ok(groups)
}

/// The route tables of the subnets in which the cluster's SE groups have their data interfaces.
pub(super) async fn tables(
    avi: &avi::Client,
    azure: &azure::Client,
    limits: &Limits,
    summary: &str,
    place: &Model,
) -> Result<Vec<RouteTableId>, Diagnostic> {
    let avi_failed = |error| avi_errors::call_failed(summary, &error);
    let cloud_ref = place.cloud()?;
    let groups = labelled_groups(avi, limits, place, &cloud_ref).await;
    let groups = groups.map_err(avi_failed)?;
    if groups.is_empty() {
        return Err(messages::no_se_group(place));
    }
    let cloud: Option<Cloud> = match &cloud_ref {
        Reference::Uuid(uuid) => avi.get(limits, uuid).await.map_err(avi_failed)?,
        Reference::Name(name) => avi
            .find(limits, &Filter::named(name))
            .await
            .map_err(avi_failed)?,
    };
    let mut tables = Vec::new();
    for group in &groups {
        let wrong = |reason: &str| messages::no_table(place, &group.name, reason);
        let (network, subnet) = subnet_of(cloud.as_ref(), group).map_err(wrong)?;
        let network: VirtualNetworkId = network
            .parse()
            .map_err(|error| wrong(&format!("its cloud's virtual network {error}")))?;
        let id = network
            .child(&subnet)
            .map_err(|error| wrong(&format!("its subnet {error}")))?;
        let found = azure.get_subnet(limits, &id).await;
        let found = found.map_err(|error| azure_errors::call_failed(summary, &error))?;
        let found = found
            .ok_or_else(|| wrong(&format!("its subnet {subnet:?} does not exist in Azure")))?;
        let table = found.properties.route_table;
        let table =
            table.ok_or_else(|| wrong(&format!("its subnet {subnet:?} has no route table")))?;
        tables.push(table.id);
    }
    tables.sort();
    tables.dedup();
    Ok(tables)
}

/// Waits until the tables hold the routes. `since` is when they were written at the controller, by its own clock.
pub(super) async fn wait(
    avi: &avi::Client,
    azure: &azure::Client,
    limits: &Limits,
    summary: &str,
    tables: &[RouteTableId],
    desired: &NodeRoutes,
    since: Option<u64>,
) -> Result<(), Diagnostic> {
    let expected = Expected {
        routes: desired,
        exact: false,
    };
    let Err(not_there) = wait_for_routes(azure, limits, tables, expected).await else {
        return Ok(());
    };
    let mut error = route_wait_messages::not_there(summary, &not_there);
    error
        .detail
        .push_str("\n\nThe routes are in place at the controller: the next run finds them there.");
    if let NotThere::Lacking { table, .. } = &not_there
        && let Ok(mut failures) = avi.list_route_failures(&last_look()).await
    {
        failures.retain(|failure| {
            let is_later = failure
                .reported_at
                .zip(since)
                .is_none_or(|(at, since)| at >= since);
            is_later && failure.route_table.eq_ignore_ascii_case(table.name())
        });
        if let Some(said) = messages::failures(&failures) {
            error.detail.push_str("\n\n");
            error.detail.push_str(&said);
        }
    }
    Err(error)
}

/// The virtual network of the cloud and the name of the group's subnet in it.
fn subnet_of(cloud: Option<&Cloud>, group: &SeGroup) -> Result<(String, String), &'static str> {
    let configuration = cloud.and_then(|cloud| cloud.azure_configuration.as_ref());
    let networks = configuration.and_then(|azure| azure.network_info.as_ref());
    let network = networks.and_then(|networks| networks.first());
    let network = network.ok_or("its cloud is not in Azure")?;
    let virtual_network = network.virtual_network_id.clone();
    let virtual_network = virtual_network.ok_or("its cloud names no virtual network")?;
    let subnet = group
        .data_network_id
        .as_ref()
        .or(network.se_network_id.as_ref());
    let subnet = subnet.ok_or("neither it nor its cloud names a subnet")?;
    let subnet = DataNetwork::parse(subnet).map_err(|_| "its subnet cannot be read")?;
    Ok((virtual_network, subnet.name().to_owned()))
}

fn to_label(label: &KeyValue) -> Label {
    Label {
        key: label.key.clone(),
        value: label.value.clone(),
    }
}
