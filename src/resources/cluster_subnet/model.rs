//! The attributes of `ako_cluster_subnet`, and the ids and ranges that they hold.

use super::operation::Stopped;
use crate::clients::azure::ids::{
    NetworkSecurityGroupId, RouteTableId, SubnetId, VirtualNetworkId,
};
use crate::clients::azure::route_tables::RouteTable;
use crate::clients::azure::subnets::Subnet;
use crate::domain::azure_ids::{AzureId, are_same_ids};
use crate::domain::cluster_subnet::{
    ActualSubnet, ActualTable, DesiredSubnet, DesiredTable, RouteTableUse,
};
use crate::domain::marks::{Mark, Tags, are_same_tags, tags_without_mark};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;

/// One SE subnet as Terraform sees it; a field for each attribute, in the order of the schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The id of the SE subnet.
    pub id: Option<String>,
    /// The name of the SE subnet.
    pub name: String,
    /// The virtual network it is in.
    pub virtual_network_id: String,
    /// Its address prefixes; none while it is missing.
    pub address_prefixes: Option<BTreeSet<String>>,
    /// The cluster whose Service Engines it holds.
    pub cluster_name: Option<String>,
    /// The network security group; none where it is left to others.
    pub network_security_group_id: Option<String>,
    /// Somebody else's route table.
    pub existing_route_table_id: Option<String>,
    /// The name of the owned route table.
    pub route_table_name: Option<String>,
    /// The resource group of the owned route table.
    pub route_table_resource_group_name: Option<String>,
    /// Whether routes learnt by BGP reach the SE subnet; none while the owned table is missing.
    pub bgp_route_propagation_enabled: Option<bool>,
    /// The tags of the owned route table; none where they are left to others.
    pub tags: Option<Tags>,
    /// The route table that is meant.
    pub route_table_id: Option<String>,
    /// The route table that Azure has associated.
    pub associated_route_table_id: Option<String>,
}

/// What a model names, parsed once at the border: from here on no text stands for an id.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) se_subnet: SubnetId,
    pub(super) virtual_network: VirtualNetworkId,
    pub(super) route_table: RouteTableUse<RouteTableId>,
    pub(super) network_security_group: Option<NetworkSecurityGroupId>,
    pub(super) address_prefixes: Option<BTreeSet<IpNet>>,
}

impl Target {
    /// What `model` names.
    pub(super) fn of(model: &Model) -> Result<Target, Diagnostics> {
        let virtual_network: VirtualNetworkId =
            parse("virtual_network_id", &model.virtual_network_id)?;
        let se_subnet = virtual_network
            .child(&model.name)
            .map_err(|error| blamed("name", error))?;
        let group = model.network_security_group_id.as_deref();
        Ok(Target {
            se_subnet,
            route_table: route_table_use(model, &virtual_network)?,
            network_security_group: group
                .map(|id| parse("network_security_group_id", id))
                .transpose()?,
            address_prefixes: model.address_prefixes.as_ref().map(parse_prefixes),
            virtual_network,
        })
    }

    /// The route table that is planned; a plan always has one.
    pub(super) fn planned_table(&self) -> Result<&RouteTableId, Stopped> {
        self.route_table.id().ok_or(Stopped::NoTable)
    }

    /// Whether the planned target `to` asks for another SE subnet, its association apart.
    pub(super) fn differs_in_subnet(&self, to: &Target) -> bool {
        let group = &to.network_security_group;
        self.address_prefixes != to.address_prefixes
            || group.is_some() && *group != self.network_security_group
    }

    /// What is planned for the SE subnet.
    pub(super) fn desired_subnet(&self) -> DesiredSubnet {
        DesiredSubnet {
            id: azure_id(&self.se_subnet),
            address_prefixes: self.address_prefixes.clone(),
            network_security_group: self.network_security_group.as_ref().map(azure_id),
        }
    }

    /// What is planned for an owned route table.
    pub(super) fn desired_table(&self, model: &Model) -> DesiredTable {
        DesiredTable {
            bgp_route_propagation_enabled: model.bgp_route_propagation_enabled.unwrap_or(true),
            tags: model.tags.clone(),
            mark: Mark::new(&self.se_subnet.to_string(), model.cluster_name.as_deref()),
        }
    }
}

impl Model {
    /// The planned model once everything is in place.
    pub(super) fn completed(mut self, target: &Target) -> Model {
        self.id.get_or_insert_with(|| target.se_subnet.to_string());
        if self.route_table_id.is_none() {
            self.route_table_id = match &self.existing_route_table_id {
                Some(existing) => Some(existing.clone()),
                None => target.route_table.id().map(RouteTableId::to_string),
            };
        }
        self.associated_route_table_id = self.route_table_id.clone();
        self
    }

    /// The SE subnet `subnet` and its route table as an import finds them: a table with our mark is ours.
    pub(super) fn imported(id: &SubnetId, subnet: &Subnet, table: Option<&RouteTable>) -> Model {
        let properties = &subnet.properties;
        let table_id = properties.route_table.as_ref().map(|table| &table.id);
        let actual = table.map(table_facts);
        let tags = actual.as_ref().map(|table| &table.tags);
        let mark = tags
            .and_then(Mark::find_in)
            .filter(|mark| mark.is_of(&id.to_string()));
        let owned = table_id.filter(|_| mark.is_some());
        let tags = tags.filter(|_| mark.is_some()).map(tags_without_mark);
        let group = properties.network_security_group.as_ref();
        Model {
            id: Some(id.to_string()),
            name: id.name().to_owned(),
            virtual_network_id: id.parent().to_string(),
            address_prefixes: Some(prefixes_of(subnet)),
            cluster_name: mark
                .as_ref()
                .and_then(Mark::cluster_name)
                .map(str::to_owned),
            network_security_group_id: group.map(|group| group.id.to_string()),
            existing_route_table_id: table_id
                .filter(|_| mark.is_none())
                .map(RouteTableId::to_string),
            route_table_name: owned.map(|table| table.name().to_owned()),
            route_table_resource_group_name: owned.map(|table| table.parent().name().to_owned()),
            bgp_route_propagation_enabled: actual
                .filter(|_| mark.is_some())
                .map(|table| table.bgp_route_propagation_enabled),
            // No tags but the mark are the tags of a configuration that sets none.
            tags: tags.filter(|tags| !tags.is_empty()),
            route_table_id: table_id.map(RouteTableId::to_string),
            associated_route_table_id: table_id.map(RouteTableId::to_string),
        }
    }

    /// The model while no table is associated, as far as is known.
    pub(super) fn unassociated(mut self) -> Model {
        self.associated_route_table_id = None;
        self
    }

    /// The model of which nothing is left but this route table.
    pub(super) fn reduced_to(mut self, table: &RouteTableId) -> Model {
        self.address_prefixes = None;
        self.existing_route_table_id = None;
        self.route_table_name = Some(table.name().to_owned());
        self.route_table_resource_group_name = Some(table.parent().name().to_owned());
        self.route_table_id = Some(table.to_string());
        self.unassociated()
    }

    /// Whether `planned` asks for something else of the route table, or the table may be missing.
    pub(super) fn differs_in_table(&self, planned: &Model) -> bool {
        self.bgp_route_propagation_enabled != planned.bgp_route_propagation_enabled
            || self.tags != planned.tags
            || self.cluster_name != planned.cluster_name
            || self.differs_in_association(planned)
    }

    /// Whether Azure has associated another table than `planned` asks for.
    pub(super) fn differs_in_association(&self, planned: &Model) -> bool {
        let (actual, planned) = (
            self.associated_route_table_id.as_deref(),
            planned.associated_route_table_id.as_deref(),
        );
        !matches!((actual, planned), (Some(actual), Some(planned)) if are_same_ids(actual, planned))
    }

    /// The model as Azure shows it now. Where Azure means the same as the model, the model's spelling stays.
    pub(super) fn refreshed(
        mut self,
        subnet: Option<&Subnet>,
        owned_table: Option<&RouteTable>,
    ) -> Model {
        self.read_subnet(subnet);
        if self.route_table_name.is_some() {
            self.read_owned_table(owned_table);
        }
        // A write that has failed reads as if it were in force. Without its association it is planned again.
        let is_failed =
            subnet.is_some_and(Subnet::is_failed) || owned_table.is_some_and(RouteTable::is_failed);
        if is_failed && self.associated_route_table_id == self.route_table_id {
            self.associated_route_table_id = None;
        }
        self
    }

    fn read_subnet(&mut self, subnet: Option<&Subnet>) {
        let properties = subnet.map(|subnet| &subnet.properties);
        let prefixes = subnet.map(prefixes_of);
        if self.address_prefixes.as_ref().map(parse_prefixes)
            != prefixes.as_ref().map(parse_prefixes)
        {
            self.address_prefixes = prefixes;
        }
        let table = properties.and_then(|properties| properties.route_table.as_ref());
        let table = table.map(|table| table.id.to_string());
        self.associated_route_table_id = in_spelling_of(self.route_table_id.as_deref(), table);
        // Null is not managed: whatever others have associated is none of our business.
        if let (Some(properties), Some(prior)) = (properties, &self.network_security_group_id) {
            let group = properties.network_security_group.as_ref();
            let group = group.map(|group| group.id.to_string());
            self.network_security_group_id = in_spelling_of(Some(prior), group);
        }
    }

    fn read_owned_table(&mut self, table: Option<&RouteTable>) {
        let actual = table.map(table_facts);
        self.bgp_route_propagation_enabled = actual
            .as_ref()
            .map(|table| table.bgp_route_propagation_enabled);
        let Some(actual) = actual else {
            return;
        };
        if let Some(prior) = &self.tags {
            let tags = tags_without_mark(&actual.tags);
            if !are_same_tags(prior, &tags) {
                self.tags = Some(tags);
            }
        }
        // A lost mark is no drift of the cluster's name: the next write of the table brings it back.
        if let (Some(mark), Some(id)) = (Mark::find_in(&actual.tags), &self.id)
            && mark.is_of(id)
        {
            self.cluster_name = mark.cluster_name().map(str::to_owned);
        }
    }
}

/// What is decided about a route table is decided on this part of it.
pub(super) fn table_facts(table: &RouteTable) -> ActualTable {
    let properties = &table.properties;
    ActualTable {
        bgp_route_propagation_enabled: !properties.disable_bgp_route_propagation.unwrap_or(false),
        tags: table.tags.clone().unwrap_or_default(),
        subnets: properties
            .subnets
            .iter()
            .map(|subnet| azure_id(&subnet.id))
            .collect(),
        is_failed: table.is_failed(),
    }
}

/// What is decided about the SE subnet is decided on this part of it.
pub(super) fn subnet_facts(subnet: &Subnet) -> ActualSubnet {
    let properties = &subnet.properties;
    ActualSubnet {
        address_prefixes: parse_prefixes(properties.prefixes()),
        route_table: properties
            .route_table
            .as_ref()
            .map(|table| azure_id(&table.id)),
        network_security_group: properties
            .network_security_group
            .as_ref()
            .map(|group| azure_id(&group.id)),
        is_failed: subnet.is_failed(),
    }
}

/// The id as decisions take it.
pub(super) fn azure_id(id: &impl ToString) -> AzureId {
    AzureId::new(id.to_string())
}

fn route_table_use(
    model: &Model,
    virtual_network: &VirtualNetworkId,
) -> Result<RouteTableUse<RouteTableId>, Diagnostics> {
    if let Some(existing) = &model.existing_route_table_id {
        return Ok(RouteTableUse::Existing(parse(
            "existing_route_table_id",
            existing,
        )?));
    }
    let Some(name) = &model.route_table_name else {
        return Ok(RouteTableUse::None);
    };
    let group = virtual_network.parent();
    let group = match &model.route_table_resource_group_name {
        Some(name) => group
            .sibling(name)
            .map_err(|error| blamed("route_table_resource_group_name", error))?,
        None => group,
    };
    let table = group
        .route_table(name)
        .map_err(|error| blamed("route_table_name", error))?;
    Ok(RouteTableUse::Owned(table))
}

fn prefixes_of(subnet: &Subnet) -> BTreeSet<String> {
    let prefixes = subnet.properties.prefixes().into_iter();
    prefixes.map(str::to_owned).collect()
}

fn in_spelling_of(spelling: Option<&str>, actual: Option<String>) -> Option<String> {
    match (spelling, actual) {
        (Some(spelling), Some(actual)) if are_same_ids(spelling, &actual) => {
            Some(spelling.to_owned())
        }
        (_, actual) => actual,
    }
}

/// Ranges that Azure sends are well formed; those of a configuration have been checked.
pub(super) fn parse_prefixes<S: AsRef<str>>(
    prefixes: impl IntoIterator<Item = S>,
) -> BTreeSet<IpNet> {
    prefixes
        .into_iter()
        .filter_map(|prefix| prefix.as_ref().parse().ok())
        .collect()
}

fn parse<I: FromStr<Err: std::fmt::Display>>(
    attribute: &str,
    text: &str,
) -> Result<I, Diagnostics> {
    text.parse().map_err(|error| blamed(attribute, error))
}

fn blamed(attribute: &str, error: impl std::fmt::Display) -> Diagnostics {
    Diagnostic::error(
        format!("{attribute} cannot be used"),
        format!("It {error}."),
    )
    .at(Path::attribute(attribute))
    .into()
}
