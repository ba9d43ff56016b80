//! `Microsoft.Network/routeTables` and their routes.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::errors::ArmError;
use super::names;
use super::resource_types::{
    Context, ResourceType, children_in_body, drop_nulls, drop_read_only, refuse_unknown,
};
use super::store::{Child, Object, Resource, Store};

/// Route tables.
#[derive(Debug)]
pub(super) struct RouteTables;

impl ResourceType for RouteTables {
    fn segment(&self) -> &'static str {
        "routeTables"
    }

    fn child_segment(&self) -> Option<&'static str> {
        Some("routes")
    }

    fn accept(
        &self,
        mut properties: Object,
        candidate: &mut Resource,
        context: &Context<'_>,
    ) -> Result<(), ArmError> {
        drop_read_only(
            &mut properties,
            &["provisioningState", "resourceGuid", "subnets"],
        );
        drop_nulls(&mut properties);
        let known = [
            "disableBgpRoutePropagation",
            "disablePeeringRoute",
            "routes",
        ];
        refuse_unknown(&properties, &known, "RouteTable")?;
        // A PUT without routes empties the table (recorded: azure-libraries-for-net).
        let routes = properties
            .shift_remove("routes")
            .unwrap_or_else(|| json!([]));
        candidate.children = children_in_body(&routes, candidate, context)?;
        candidate
            .properties
            .insert("disableBgpRoutePropagation".to_owned(), json!(false));
        candidate.properties.extend(properties);
        Ok(())
    }

    fn accept_child(
        &self,
        name: &str,
        mut properties: Object,
        _parent: &Resource,
        _context: &Context<'_>,
    ) -> Result<Object, ArmError> {
        drop_read_only(&mut properties, &["provisioningState", "hasBgpOverride"]);
        drop_nulls(&mut properties);
        let known = [
            "addressPrefix",
            "nextHopType",
            "nextHopIpAddress",
            "nextHop",
        ];
        refuse_unknown(&properties, &known, "Route")?;
        check_prefix(name, &properties)?;
        check_next_hop(name, &properties)?;
        properties.insert("hasBgpOverride".to_owned(), json!(false));
        Ok(properties)
    }

    fn check(
        &self,
        candidate: &Resource,
        _prior: Option<&Resource>,
        context: &Context<'_>,
    ) -> Result<(), ArmError> {
        let limit = context.settings.route_limit;
        if candidate.children.len() > limit {
            // Assumed: the limit is documented, the answer to crossing it is quoted nowhere.
            let message = format!(
                "Route table {} cannot have more than {limit} routes.",
                candidate.name
            );
            return Err(ArmError::bad_request(
                "RouteTableRouteLimitReached",
                message,
            ));
        }
        check_conflicts(&candidate.children)
    }

    fn render(&self, resource: &Resource, store: &Store, properties: &mut Object) {
        properties.insert("routes".to_owned(), resource.render_children(store));
        let subnets = store.children_naming("virtualNetworks", "routeTable", &resource.id);
        if !subnets.is_empty() {
            let subnets: Value = subnets.iter().map(|id| json!({"id": id})).collect();
            properties.insert("subnets".to_owned(), subnets);
        }
    }

    fn check_delete(&self, resource: &Resource, store: &Store) -> Result<(), ArmError> {
        let subnets = store.children_naming("virtualNetworks", "routeTable", &resource.id);
        if subnets.is_empty() {
            return Ok(());
        }
        let message = format!(
            "Route table {} is in use and cannot be deleted.",
            resource.name
        );
        Err(ArmError::bad_request(
            "InUseRouteTableCannotBeDeleted",
            message,
        ))
    }
}

fn check_prefix(name: &str, properties: &Object) -> Result<(), ArmError> {
    let Some(prefix) = properties.get("addressPrefix").and_then(Value::as_str) else {
        let message = format!("Address prefix of route {name} is missing.");
        return Err(ArmError::bad_request("InvalidAddressPrefixFormat", message));
    };
    // A service tag such as Storage stands in for a range (recorded).
    let tag = prefix.starts_with(|c: char| c.is_ascii_alphabetic())
        && !prefix.contains([':', '/'])
        && prefix
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '.');
    if tag {
        return Ok(());
    }
    names::parse_prefix(prefix, name).map(drop)
}

fn check_next_hop(name: &str, properties: &Object) -> Result<(), ArmError> {
    const TYPES: [&str; 6] = [
        "VirtualNetworkGateway",
        "VnetLocal",
        "Internet",
        "VirtualAppliance",
        "None",
        "VirtualApplianceEcmp",
    ];
    let kind = properties.get("nextHopType").and_then(Value::as_str);
    let Some(kind) = TYPES
        .into_iter()
        .find(|t| kind.is_some_and(|k| k.eq_ignore_ascii_case(t)))
    else {
        let message = format!("Next hop type of route {name} is missing or not valid.");
        return Err(ArmError::bad_request("InvalidRequestFormat", message));
    };
    let address = properties.get("nextHopIpAddress");
    let valid = match address.and_then(Value::as_str) {
        Some(address) => kind == "VirtualAppliance" && address.parse::<std::net::IpAddr>().is_ok(),
        None => kind != "VirtualAppliance" && address.is_none(),
    };
    if valid {
        return Ok(());
    }
    // Assumed: that the combination is refused is documented, the words are not.
    let message = format!("Next hop IP address of route {name} does not fit next hop type {kind}.");
    Err(ArmError::bad_request("InvalidNextHopIpAddress", message))
}

/// Two routes of one table with the same prefix (cloud-provider-azure#657; the status is assumed).
fn check_conflicts(routes: &[Child]) -> Result<(), ArmError> {
    let mut seen = std::collections::BTreeMap::new();
    for route in routes {
        let prefix = route
            .properties
            .get("addressPrefix")
            .and_then(Value::as_str);
        let prefix = prefix.unwrap_or_default();
        let key = match prefix.parse::<IpNet>() {
            Ok(range) => range.to_string(),
            Err(_) => prefix.to_lowercase(),
        };
        if let Some(other) = seen.insert(key, &route.name) {
            let message = format!(
                "Route: {} conflicts with Route: {other}. Routes cannot have the same AddressPrefix.",
                route.name
            );
            return Err(ArmError::bad_request("RouteConflict", message));
        }
    }
    Ok(())
}
