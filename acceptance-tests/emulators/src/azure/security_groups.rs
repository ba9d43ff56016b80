//! `Microsoft.Network/networkSecurityGroups` and their rules.

use serde_json::{Value, json};

use super::errors::ArmError;
use super::resource_types::{Context, ResourceType, children_in_body, drop_nulls, drop_read_only};
use super::store::{Child, Object, Resource, Store};

/// Network security groups.
#[derive(Debug)]
pub(super) struct SecurityGroups;

impl ResourceType for SecurityGroups {
    fn segment(&self) -> &'static str {
        "networkSecurityGroups"
    }

    fn child_segment(&self) -> Option<&'static str> {
        Some("securityRules")
    }

    fn accept(
        &self,
        mut properties: Object,
        candidate: &mut Resource,
        context: &Context<'_>,
    ) -> Result<(), ArmError> {
        drop_read_only(
            &mut properties,
            &[
                "provisioningState",
                "resourceGuid",
                "defaultSecurityRules",
                "subnets",
                "networkInterfaces",
                "flowLogs",
            ],
        );
        drop_nulls(&mut properties);
        // As with a route table: a PUT without rules leaves none (assumed, from the recorded route table).
        let rules = properties
            .shift_remove("securityRules")
            .unwrap_or_else(|| json!([]));
        candidate.children = children_in_body(&rules, candidate, context)?;
        candidate.properties = properties;
        Ok(())
    }

    fn accept_child(
        &self,
        name: &str,
        mut properties: Object,
        _parent: &Resource,
        _context: &Context<'_>,
    ) -> Result<Object, ArmError> {
        drop_read_only(&mut properties, &["provisioningState"]);
        drop_nulls(&mut properties);
        check_rule(name, &properties)?;
        let mut filled = properties;
        for list in LISTS {
            filled.entry(list.to_owned()).or_insert_with(|| json!([]));
        }
        Ok(filled)
    }

    fn check(
        &self,
        candidate: &Resource,
        _prior: Option<&Resource>,
        _context: &Context<'_>,
    ) -> Result<(), ArmError> {
        let place = |rule: &Child| {
            let direction = rule.properties.get("direction").and_then(Value::as_str);
            let priority = rule.properties.get("priority").and_then(Value::as_u64);
            (direction.map(str::to_lowercase), priority)
        };
        for (index, rule) in candidate.children.iter().enumerate() {
            let earlier = &candidate.children[..index];
            if let Some(other) = earlier.iter().find(|other| place(other) == place(rule)) {
                // The status is assumed; the text is quoted in public lab notes.
                let message = format!(
                    "Security rule {} conflicts with rule {}. Rules cannot have the same Priority and \
                     Direction.",
                    rule.name, other.name
                );
                return Err(ArmError::bad_request("SecurityRuleConflict", message));
            }
        }
        Ok(())
    }

    fn render(&self, resource: &Resource, store: &Store, properties: &mut Object) {
        properties.insert("securityRules".to_owned(), resource.render_children(store));
        properties.insert("defaultSecurityRules".to_owned(), default_rules(resource));
        let subnets = users(resource, store);
        if !subnets.is_empty() {
            let subnets: Value = subnets.iter().map(|id| json!({"id": id})).collect();
            properties.insert("subnets".to_owned(), subnets);
        }
    }

    fn check_delete(&self, resource: &Resource, store: &Store) -> Result<(), ArmError> {
        let subnets = users(resource, store);
        if subnets.is_empty() {
            return Ok(());
        }
        let message = format!(
            "Network security group {} cannot be deleted because it is in use by the following \
             resources: {}. In order to delete the Network security group, remove the association with \
             the resource(s). To learn how to do this, see aka.ms/deletensg.",
            resource.name,
            subnets.join(", ")
        );
        Err(ArmError::bad_request(
            "InUseNetworkSecurityGroupCannotBeDeleted",
            message,
        ))
    }
}

/// Lists that a rule always shows, empty where the writer gave none (recorded).
const LISTS: [&str; 4] = [
    "sourcePortRanges",
    "destinationPortRanges",
    "sourceAddressPrefixes",
    "destinationAddressPrefixes",
];

fn users(resource: &Resource, store: &Store) -> Vec<String> {
    store.children_naming("virtualNetworks", "networkSecurityGroup", &resource.id)
}

/// The bounds are documented; the codes are assumed.
fn check_rule(name: &str, properties: &Object) -> Result<(), ArmError> {
    let priority = properties.get("priority").and_then(Value::as_u64);
    if !priority.is_some_and(|priority| (100..=4096).contains(&priority)) {
        let message = format!(
            "Security rule {name} has an invalid priority. It must be between 100 and 4096."
        );
        return Err(ArmError::bad_request(
            "SecurityRuleInvalidPriority",
            message,
        ));
    }
    let one_of = |property: &str, values: &[&str]| {
        let value = properties.get(property).and_then(Value::as_str);
        value.is_some_and(|value| values.iter().any(|v| v.eq_ignore_ascii_case(value)))
    };
    let fits = one_of("direction", &["Inbound", "Outbound"])
        && one_of("access", &["Allow", "Deny"])
        && one_of("protocol", &["*", "Tcp", "Udp", "Icmp", "Esp", "Ah"]);
    if fits {
        return Ok(());
    }
    let message = format!("Security rule {name} has an invalid direction, access or protocol.");
    Err(ArmError::bad_request("InvalidRequestFormat", message))
}

/// The six rules that every group has (recorded).
fn default_rules(group: &Resource) -> Value {
    const RULES: [(&str, &str, &str, &str, &str, u32, &str); 6] = [
        (
            "AllowVnetInBound",
            "Allow inbound traffic from all VMs in VNET",
            "VirtualNetwork",
            "VirtualNetwork",
            "Allow",
            65000,
            "Inbound",
        ),
        (
            "AllowAzureLoadBalancerInBound",
            "Allow inbound traffic from azure load balancer",
            "AzureLoadBalancer",
            "*",
            "Allow",
            65001,
            "Inbound",
        ),
        (
            "DenyAllInBound",
            "Deny all inbound traffic",
            "*",
            "*",
            "Deny",
            65500,
            "Inbound",
        ),
        (
            "AllowVnetOutBound",
            "Allow outbound traffic from all VMs to all VMs in VNET",
            "VirtualNetwork",
            "VirtualNetwork",
            "Allow",
            65000,
            "Outbound",
        ),
        (
            "AllowInternetOutBound",
            "Allow outbound traffic from all VMs to Internet",
            "*",
            "Internet",
            "Allow",
            65001,
            "Outbound",
        ),
        (
            "DenyAllOutBound",
            "Deny all outbound traffic",
            "*",
            "*",
            "Deny",
            65500,
            "Outbound",
        ),
    ];
    let rules = RULES.iter();
    rules
        .map(
            |(name, description, source, destination, access, priority, direction)| {
                let mut rule = json!({
                    "name": name,
                    "id": format!("{}/defaultSecurityRules/{name}", group.id),
                    "etag": group.etag,
                    "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
                    "properties": {
                        "provisioningState": group.state.text(),
                        "description": description,
                        "protocol": "*",
                        "sourcePortRange": "*",
                        "destinationPortRange": "*",
                        "sourceAddressPrefix": source,
                        "destinationAddressPrefix": destination,
                        "access": access,
                        "priority": priority,
                        "direction": direction,
                    },
                });
                for list in LISTS {
                    rule["properties"][list] = json!([]);
                }
                rule
            },
        )
        .collect()
}
