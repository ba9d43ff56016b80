//! `Microsoft.Network/networkInterfaces`: here only to stand in a subnet, so that it cannot be deleted.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::errors::ArmError;
use super::resource_types::{Context, ResourceType, drop_nulls, drop_read_only};
use super::store::{Object, Resource, Store, reference, same_id};
use super::virtual_networks::prefixes;

/// Network interfaces.
#[derive(Debug)]
pub(super) struct NetworkInterfaces;

impl ResourceType for NetworkInterfaces {
    fn segment(&self) -> &'static str {
        "networkInterfaces"
    }

    fn accept(
        &self,
        mut properties: Object,
        candidate: &mut Resource,
        context: &Context<'_>,
    ) -> Result<(), ArmError> {
        drop_read_only(
            &mut properties,
            &["provisioningState", "resourceGuid", "macAddress", "primary"],
        );
        drop_nulls(&mut properties);
        let list = properties
            .get("ipConfigurations")
            .and_then(Value::as_array)
            .filter(|list| !list.is_empty());
        let Some(list) = list else {
            // Assumed: the code is not quoted anywhere.
            let message = format!(
                "Network interface {} has no ipConfiguration.",
                candidate.name
            );
            return Err(ArmError::bad_request("InvalidRequestFormat", message));
        };
        let mut configurations = Vec::new();
        for configuration in list {
            configurations.push(accept_configuration(configuration, candidate, context)?);
        }
        properties.insert("ipConfigurations".to_owned(), json!(configurations));
        candidate.properties = properties;
        Ok(())
    }

    fn render(&self, _resource: &Resource, _store: &Store, _properties: &mut Object) {}
}

/// The ids of the IP configurations that stand in a subnet.
pub(super) fn in_subnet(store: &Store, subnet: &str) -> Vec<String> {
    let mut found = Vec::new();
    for interface in store.of_kind(NetworkInterfaces.segment()) {
        for configuration in configurations(interface) {
            let named = configuration
                .get("properties")
                .and_then(|properties| properties.get("subnet"))
                .and_then(reference);
            if named.is_some_and(|id| same_id(id, subnet)) {
                found.extend(reference(configuration).map(str::to_owned));
            }
        }
    }
    found
}

fn accept_configuration(
    configuration: &Value,
    candidate: &Resource,
    context: &Context<'_>,
) -> Result<Value, ArmError> {
    let name = configuration.get("name").and_then(Value::as_str);
    let name = name.unwrap_or("ipconfig1");
    let mut properties = match configuration.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => Object::new(),
    };
    let id = properties.get("subnet").and_then(reference);
    let id = id.unwrap_or_default().to_owned();
    let Some((network, subnet)) = find_subnet(context.store, &id) else {
        return Err(ArmError::invalid_reference(&id, &candidate.id));
    };
    let address = properties.get("privateIPAddress").and_then(Value::as_str);
    let address = match address {
        Some(address) => address.to_owned(),
        None => free_address(context.store, network, &subnet)?,
    };
    properties.insert(
        "subnet".to_owned(),
        json!({"id": network.child_id(&subnet)}),
    );
    properties.insert("privateIPAddress".to_owned(), json!(address));
    properties.insert("provisioningState".to_owned(), json!("Succeeded"));
    Ok(json!({
        "name": name,
        "id": format!("{}/ipConfigurations/{name}", candidate.id),
        "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
        "properties": properties,
    }))
}

fn find_subnet<'a>(store: &'a Store, id: &str) -> Option<(&'a Resource, String)> {
    let at = id.to_lowercase().rfind("/subnets/")?;
    let network = store.resource(&id[..at])?;
    let subnet = network.child(&id[at + "/subnets/".len()..])?;
    Some((network, subnet.name.clone()))
}

/// The lowest address that no interface has; Azure keeps the first four of each subnet for itself.
fn free_address(store: &Store, network: &Resource, subnet: &str) -> Result<String, ArmError> {
    let taken: Vec<IpAddr> = store
        .of_kind(NetworkInterfaces.segment())
        .flat_map(configurations)
        .filter_map(|c| c["properties"]["privateIPAddress"].as_str()?.parse().ok())
        .collect();
    let ranges = match network.child(subnet) {
        Some(subnet) => prefixes(subnet)?,
        None => Vec::new(),
    };
    let free = ranges
        .iter()
        .flat_map(|range| range.hosts().skip(3))
        .find(|address| !taken.contains(address));
    free.map(|address| address.to_string()).ok_or_else(|| {
        let message = format!("Subnet {subnet} is full.");
        ArmError::bad_request("SubnetIsFull", message)
    })
}

fn configurations(interface: &Resource) -> &[Value] {
    interface
        .properties
        .get("ipConfigurations")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
