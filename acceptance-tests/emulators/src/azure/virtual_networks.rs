//! `Microsoft.Network/virtualNetworks` and their subnets.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::errors::ArmError;
use super::names;
use super::network_interfaces;
use super::resource_types::{
    Context, ResourceType, children_in_body, drop_nulls, drop_read_only, resolve,
};
use super::store::{Child, Object, Resource, Store, reference};

/// Virtual networks.
#[derive(Debug)]
pub(super) struct VirtualNetworks;

impl ResourceType for VirtualNetworks {
    fn segment(&self) -> &'static str {
        "virtualNetworks"
    }

    fn child_segment(&self) -> Option<&'static str> {
        Some("subnets")
    }

    fn accept(
        &self,
        mut properties: Object,
        candidate: &mut Resource,
        context: &Context<'_>,
    ) -> Result<(), ArmError> {
        drop_read_only(&mut properties, &["provisioningState", "resourceGuid"]);
        drop_nulls(&mut properties);
        match properties.shift_remove("subnets") {
            Some(subnets) => candidate.children = children_in_body(&subnets, candidate, context)?,
            // Subnets that are left out stay since 2023-11-01; before, they went (azure-quickstart-templates#2786).
            None if context.api_version < "2023-11-01" => candidate.children.clear(),
            None => {}
        }
        let defaults = [
            ("privateEndpointVNetPolicies", json!("Disabled")),
            ("virtualNetworkPeerings", json!([])),
            ("enableDdosProtection", json!(false)),
        ];
        for (name, value) in defaults {
            candidate.properties.insert(name.to_owned(), value);
        }
        candidate.properties.extend(properties);
        Ok(())
    }

    fn accept_child(
        &self,
        name: &str,
        mut properties: Object,
        parent: &Resource,
        context: &Context<'_>,
    ) -> Result<Object, ArmError> {
        drop_read_only(
            &mut properties,
            &[
                "provisioningState",
                "ipConfigurations",
                "ipConfigurationProfiles",
                "privateEndpoints",
                "resourceNavigationLinks",
                "serviceAssociationLinks",
                "purpose",
            ],
        );
        // What a PUT leaves out goes: so a route table or security group is detached (azure-sdk-for-python#28350).
        drop_nulls(&mut properties);
        let id = parent.child_id(name);
        for (property, kind) in LINKS {
            resolve(&mut properties, property, kind, parent, &id, context)?;
        }
        let mut filled = Object::new();
        filled.insert("delegations".to_owned(), json!([]));
        filled.insert(
            "privateEndpointNetworkPolicies".to_owned(),
            json!("Disabled"),
        );
        filled.insert(
            "privateLinkServiceNetworkPolicies".to_owned(),
            json!("Enabled"),
        );
        filled.extend(properties);
        Ok(filled)
    }

    fn check(
        &self,
        candidate: &Resource,
        prior: Option<&Resource>,
        context: &Context<'_>,
    ) -> Result<(), ArmError> {
        let space = address_space(candidate)?;
        let mut taken: Vec<IpNet> = Vec::new();
        for subnet in &candidate.children {
            let prefixes = prefixes(subnet)?;
            if !prefixes.iter().all(|p| space.iter().any(|s| s.contains(p))) {
                let message = format!(
                    "Subnet '{}' is not valid in virtual network '{}'.",
                    subnet.name, candidate.name
                );
                return Err(ArmError::bad_request("NetcfgInvalidSubnet", message));
            }
            if prefixes
                .iter()
                .any(|p| taken.iter().any(|t| names::overlap(p, t)))
            {
                let message = format!(
                    "Subnet '{}' is not valid because its IP address range overlaps with that of an \
                     existing subnet in virtual network '{}'.",
                    subnet.name, candidate.name
                );
                return Err(ArmError::bad_request("NetcfgSubnetRangesOverlap", message));
            }
            taken.extend(prefixes);
        }
        match prior {
            Some(prior) => check_occupied(candidate, prior, context.store),
            None => Ok(()),
        }
    }

    fn render(&self, resource: &Resource, store: &Store, properties: &mut Object) {
        properties.insert("subnets".to_owned(), resource.render_children(store));
    }

    fn render_child(
        &self,
        resource: &Resource,
        child: &Child,
        store: &Store,
        properties: &mut Object,
    ) {
        let interfaces = network_interfaces::in_subnet(store, &resource.child_id(&child.name));
        if !interfaces.is_empty() {
            let list: Value = interfaces.iter().map(|id| json!({"id": id})).collect();
            properties.insert("ipConfigurations".to_owned(), list);
        }
    }

    fn check_delete(&self, resource: &Resource, store: &Store) -> Result<(), ArmError> {
        resource
            .children
            .iter()
            .try_for_each(|child| self.check_delete_child(resource, child, store))
    }

    fn check_delete_child(
        &self,
        resource: &Resource,
        child: &Child,
        store: &Store,
    ) -> Result<(), ArmError> {
        let interfaces = network_interfaces::in_subnet(store, &resource.child_id(&child.name));
        let Some(first) = interfaces.first() else {
            return Ok(());
        };
        let message = format!(
            "Subnet {} is in use by {first} and cannot be deleted. In order to delete the subnet, delete \
             all the resources within the subnet. See aka.ms/deletesubnet.",
            child.name
        );
        Err(ArmError::bad_request("InUseSubnetCannotBeDeleted", message))
    }

    fn links(&self, child: &Child) -> Vec<(&'static str, String)> {
        let actions = [
            "Microsoft.Network/routeTables/join/action",
            "Microsoft.Network/networkSecurityGroups/join/action",
        ];
        let mut links = Vec::new();
        for ((property, _), action) in LINKS.into_iter().zip(actions) {
            let named = child.properties.get(property).and_then(reference);
            links.extend(named.map(|id| (action, id.to_owned())));
        }
        links
    }
}

/// The address ranges of a subnet, written as one or as a list.
pub(super) fn prefixes(subnet: &Child) -> Result<Vec<IpNet>, ArmError> {
    let one = subnet.properties.get("addressPrefix");
    let list = subnet
        .properties
        .get("addressPrefixes")
        .and_then(Value::as_array);
    let texts: Vec<&str> = match list {
        Some(list) if !list.is_empty() => list.iter().filter_map(Value::as_str).collect(),
        _ => one.and_then(Value::as_str).into_iter().collect(),
    };
    if texts.is_empty() {
        // Assumed: the code is not quoted anywhere.
        let message = format!("Address prefix of subnet {} is missing.", subnet.name);
        return Err(ArmError::bad_request("InvalidRequestFormat", message));
    }
    texts
        .into_iter()
        .map(|text| names::parse_prefix(text, &subnet.name))
        .collect()
}

/// The references of a subnet to other resources, and their types.
const LINKS: [(&str, &str); 2] = [
    ("routeTable", "routeTables"),
    ("networkSecurityGroup", "networkSecurityGroups"),
];

fn address_space(candidate: &Resource) -> Result<Vec<IpNet>, ArmError> {
    let list = candidate
        .properties
        .get("addressSpace")
        .and_then(|space| space.get("addressPrefixes"))
        .and_then(Value::as_array);
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        // Assumed: the code is not quoted anywhere.
        let message = format!(
            "Address space of virtual network {} is missing.",
            candidate.name
        );
        return Err(ArmError::bad_request("InvalidRequestFormat", message));
    };
    list.iter()
        .map(|text| names::parse_prefix(text.as_str().unwrap_or_default(), &candidate.name))
        .collect()
}

/// A subnet in use keeps its place and its ranges (the code `InUsePrefixCannotBeDeleted` is assumed here).
fn check_occupied(candidate: &Resource, prior: &Resource, store: &Store) -> Result<(), ArmError> {
    for subnet in &prior.children {
        let used = network_interfaces::in_subnet(store, &prior.child_id(&subnet.name));
        if used.is_empty() {
            continue;
        }
        let Some(now) = candidate.child(&subnet.name) else {
            return prior.kind.check_delete_child(prior, subnet, store);
        };
        let (had, has) = (prefixes(subnet)?, prefixes(now)?);
        if let Some(lost) = had.iter().find(|prefix| !has.contains(prefix)) {
            let message = format!(
                "IpPrefix {lost} on Subnet {} has active allocations and cannot be deleted.",
                subnet.name
            );
            return Err(ArmError::bad_request("InUsePrefixCannotBeDeleted", message));
        }
    }
    Ok(())
}
