//! The schema of `ako_cluster_subnet`: its attributes, what they mean, and what a single value must fulfil.

use crate::clients::azure::ids::{NetworkSecurityGroupId, RouteTableId, VirtualNetworkId};
use crate::domain::azure_ids::are_same_ids;
use crate::domain::azure_names::{
    check_network_name, check_resource_group_name, check_tag_name, check_tag_value,
};
use crate::domain::route_names::ClusterName;
use crate::framework::schema::{Attribute, Check, Schema, Type};
use crate::framework::timeouts::Timeouts;
use ipnet::IpNet;
use std::str::FromStr;
use std::time::Duration;

/// The schema of `ako_cluster_subnet`.
pub(super) fn schema() -> Schema {
    Schema::new(DESCRIPTION, attributes()).with_timeouts(Timeouts {
        delete: Duration::from_secs(150 * 60),
        ..Timeouts::default()
    })
}

const DESCRIPTION: &str = "The subnet of one cluster's Service Engines (the SE subnet), its route table and their association.

The route table is created first and the SE subnet is created with it (and with its network security group) in one \
request, so that a policy against subnets without a route table is satisfied. Routes in the table belong to whoever \
writes them: `ako_pod_routes`, or Avi's cloud connector.

An owned route table carries the tag `ako-cluster-subnet`, the mark by which an interrupted run is taken up again. \
It is not among `tags`.

Destroying waits until the Service Engines have left the SE subnet, by default up to 150 minutes. A route table that \
serves another subnet is not deleted, and neither is the SE subnet then.";

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::computed("id", Type::String, "The id of the SE subnet."),
        Attribute::required(
            "name",
            Type::String,
            "The name of the SE subnet, which is also what Avi knows it by (`data_network_id` of an SE group). \
             Another name means another SE subnet.",
        )
        .check(Check::Text(check_network_name))
        .same_when(|one, other| one.eq_ignore_ascii_case(other))
        .force_new(),
        Attribute::required(
            "virtual_network_id",
            Type::String,
            "The id of the virtual network in which the SE subnet is. Its region is that of the route table.",
        )
        .check(Check::Text(check_id::<VirtualNetworkId>))
        .same_when(are_same_ids)
        .force_new(),
        Attribute::required(
            "address_prefixes",
            Type::set(Type::String),
            "The address prefixes of the SE subnet in CIDR notation, without host bits: `10.1.8.0/24`.",
        )
        .check(Check::Text(check_address_prefix))
        .same_when(are_same_prefixes),
        Attribute::optional(
            "cluster_name",
            Type::String,
            "The cluster whose Service Engines the SE subnet holds, as in AKO's `clusterName`. It is written into the \
             mark of an owned route table and nowhere else.",
        )
        .check(Check::Text(check_cluster_name)),
        Attribute::optional(
            "network_security_group_id",
            Type::String,
            "The id of the network security group of the SE subnet. Not set: whatever group others associate stays.",
        )
        .check(Check::Text(check_id::<NetworkSecurityGroupId>))
        .same_when(are_same_ids),
        Attribute::optional(
            "existing_route_table_id",
            Type::String,
            "The id of a route table that is associated and otherwise never created, changed or deleted. It excludes \
             `route_table_name`, `route_table_resource_group_name`, `bgp_route_propagation_enabled` and `tags`.",
        )
        .check(Check::Text(check_id::<RouteTableId>))
        .same_when(are_same_ids),
        Attribute::optional(
            "route_table_name",
            Type::String,
            "The name of the route table that this resource owns. Not set: the name so far, at first that of the SE \
             subnet followed by `-routes`. Another name means another table, to which the SE subnet is moved in place.",
        )
        .check(Check::Text(check_network_name))
        .same_when(|one, other| one.eq_ignore_ascii_case(other))
        .computed_too(),
        Attribute::optional(
            "route_table_resource_group_name",
            Type::String,
            "The resource group of the owned route table. Not set: the group so far, at first that of the virtual \
             network.",
        )
        .check(Check::Text(check_resource_group_name))
        .same_when(are_same_ids)
        .computed_too(),
        Attribute::optional(
            "bgp_route_propagation_enabled",
            Type::Bool,
            "Whether routes that a gateway learns by BGP reach the SE subnet through the owned route table. Defaults \
             to `true`.",
        )
        .computed_too(),
        Attribute::optional(
            "tags",
            Type::map(Type::String),
            "The tags of the owned route table. Not set: tags of others stay. Set: exactly these. The tag \
             `ako-cluster-subnet` is the provider's own and stays in either case.",
        )
        .check(Check::Key(check_tag_name))
        .check(Check::Text(check_tag_value)),
        Attribute::computed(
            "route_table_id",
            Type::String,
            "The id of the route table that this resource is meant to use, owned or existing. It does not follow \
             changes in Azure, so that what depends on it stays calm while they are repaired.",
        ),
        Attribute::computed(
            "associated_route_table_id",
            Type::String,
            "The id of the route table that Azure has associated with the SE subnet at the moment; null also while \
             Azure calls its last write of the SE subnet or of the owned route table failed. Anything but \
             `route_table_id` is planned back.",
        ),
    ]
}

fn check_id<I: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<(), String> {
    text.parse::<I>()
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn check_cluster_name(text: &str) -> Result<(), String> {
    text.parse::<ClusterName>()
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn check_address_prefix(text: &str) -> Result<(), String> {
    let prefix: IpNet = text
        .parse()
        .map_err(|_| format!("must be an address prefix such as 10.1.8.0/24, not {text:?}"))?;
    if prefix.trunc() != prefix {
        let network = prefix.trunc();
        return Err(format!(
            "must not have host bits set: the network of {text} is {network}"
        ));
    }
    Ok(())
}

fn are_same_prefixes(one: &str, other: &str) -> bool {
    match (one.parse::<IpNet>(), other.parse::<IpNet>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
