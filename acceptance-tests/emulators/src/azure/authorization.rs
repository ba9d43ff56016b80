//! `Microsoft.Authorization`: role definitions, role assignments and the caller's own permissions.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ArmError;
use super::store::same_id;
use super::target::{self, Target};
use super::{Core, ok};
use crate::http::Response;

#[derive(Debug)]
pub(super) struct Roles {
    /// By GUID in lower case.
    definitions: BTreeMap<String, Value>,
    /// By id in lower case.
    assignments: BTreeMap<String, Value>,
}

impl Roles {
    /// The built-in roles that the recording shows.
    pub(super) fn new() -> Roles {
        let mut definitions = BTreeMap::new();
        for (guid, name, description, actions, not_actions) in BUILT_IN {
            let properties = json!({
                "roleName": name,
                "type": "BuiltInRole",
                "description": description,
                "assignableScopes": ["/"],
                "permissions": [{
                    "actions": actions,
                    "notActions": not_actions,
                    "dataActions": [],
                    "notDataActions": [],
                }],
                "createdOn": "2015-02-02T21:55:09.8806423Z",
                "updatedOn": "2023-07-10T15:10:53.8947514Z",
                "createdBy": null,
                "updatedBy": null,
            });
            definitions.insert((*guid).to_owned(), properties);
        }
        Roles {
            definitions,
            assignments: BTreeMap::new(),
        }
    }

    /// The assignments and the custom roles.
    pub(super) fn state(&self) -> Value {
        let custom = self.definitions.iter();
        let custom = custom.filter(|(_, properties)| properties["type"] == "CustomRole");
        json!({
            "role_assignments": self.assignments.values().collect::<Vec<_>>(),
            "custom_roles": custom.collect::<BTreeMap<_, _>>(),
        })
    }
}

impl Core {
    pub(super) fn authorization(
        &mut self,
        call: &Call,
        scope: &str,
        rest: &[String],
    ) -> Result<Response, ArmError> {
        let lower: Vec<String> = rest.iter().map(|segment| segment.to_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        match (call.method.as_str(), lower.as_slice()) {
            ("GET", ["permissions"]) => Ok(self.permissions(call, scope)),
            ("GET", ["roledefinitions"]) => Ok(self.list_definitions(call)),
            ("GET", ["roledefinitions", guid]) => self.get_definition(guid, &rest[1]),
            ("PUT", ["roledefinitions", guid]) => self.put_definition(call, guid),
            ("DELETE", ["roledefinitions", guid]) => self.delete_definition(guid),
            ("GET", ["roleassignments"]) => Ok(self.list_assignments(call, scope)),
            ("GET", ["roleassignments", _]) => self.get_assignment(call, &rest[1]),
            ("PUT", ["roleassignments", _]) => self.put_assignment(call, scope, &rest[1]),
            ("DELETE", ["roleassignments", _]) => Ok(self.delete_assignment(call)),
            _ => Err(ArmError::unknown_type(&call.path)),
        }
    }

    fn permissions(&self, call: &Call, scope: &str) -> Response {
        let denied = self.access.denied(&call.caller, scope);
        let permission = json!({
            "actions": ["*"],
            "notActions": denied,
            "dataActions": [],
            "notDataActions": [],
        });
        ok(&json!({"value": [permission]}))
    }

    /// Every scope shows every role, also one in a resource group that does not exist (recorded).
    fn list_definitions(&self, call: &Call) -> Response {
        let wanted = filtered(call, "roleName");
        let found: Value = self
            .roles
            .definitions
            .iter()
            .filter(|(_, properties)| {
                let name = properties["roleName"].as_str().unwrap_or_default();
                wanted.as_ref().is_none_or(|wanted| wanted == name)
            })
            .map(|(guid, properties)| self.render_definition(guid, properties))
            .collect();
        ok(&json!({"value": found}))
    }

    fn get_definition(&self, guid: &str, sent: &str) -> Result<Response, ArmError> {
        match self.roles.definitions.get(guid) {
            Some(properties) => Ok(ok(&self.render_definition(guid, properties))),
            None => Err(definition_missing(StatusCode::NOT_FOUND, sent)),
        }
    }

    fn put_definition(&mut self, call: &Call, guid: &str) -> Result<Response, ArmError> {
        let mut properties = call.body.get("properties").cloned().unwrap_or_default();
        let name = properties["roleName"].as_str().unwrap_or_default();
        let taken = self.roles.definitions.iter().any(|(other, known)| {
            let known = known["roleName"].as_str().unwrap_or_default();
            other != guid && known.eq_ignore_ascii_case(name)
        });
        if taken {
            let message = "A custom role with the same name already exists in this directory.";
            let code = "RoleDefinitionWithSameNameExists";
            return Err(ArmError::plain(
                StatusCode::CONFLICT,
                code,
                message.to_owned(),
            ));
        }
        let now = Timestamp::now().to_string();
        let prior = self.roles.definitions.get(guid);
        let created = prior.map_or_else(|| json!(now), |prior| prior["createdOn"].clone());
        properties["type"] = json!("CustomRole");
        properties["createdOn"] = created;
        properties["updatedOn"] = json!(now);
        properties["createdBy"] = json!(self.identity.object_id);
        properties["updatedBy"] = json!(self.identity.object_id);
        let body = self.render_definition(guid, &properties);
        self.roles.definitions.insert(guid.to_owned(), properties);
        // 201 for an update too, by the specification.
        Ok(Response::json(StatusCode::CREATED, &body))
    }

    fn delete_definition(&mut self, guid: &str) -> Result<Response, ArmError> {
        let assigned = self.roles.assignments.values().any(|assignment| {
            let role = assignment["properties"]["roleDefinitionId"].as_str();
            role.is_some_and(|role| role.to_lowercase().ends_with(guid))
        });
        if assigned {
            // The status is assumed; the text is documented.
            let message = format!("There are existing role assignments referencing role {guid}.");
            let code = "RoleDefinitionHasAssignments";
            return Err(ArmError::plain(StatusCode::BAD_REQUEST, code, message));
        }
        Ok(match self.roles.definitions.remove(guid) {
            Some(properties) => ok(&self.render_definition(guid, &properties)),
            None => Response::empty(StatusCode::NO_CONTENT),
        })
    }

    fn list_assignments(&self, call: &Call, scope: &str) -> Response {
        let principal = filtered(call, "principalId").or_else(|| filtered(call, "assignedTo"));
        let below = format!("{}/", scope.to_lowercase());
        let found: Value = self
            .roles
            .assignments
            .values()
            .filter(|assignment| {
                let properties = &assignment["properties"];
                let at = properties["scope"].as_str().unwrap_or_default();
                let at = at.to_lowercase();
                // What holds at a scope was given there, above it, or below it.
                let related = same_id(&at, scope)
                    || below.starts_with(&format!("{at}/"))
                    || at.starts_with(&below);
                let who = properties["principalId"].as_str();
                related
                    && principal
                        .as_deref()
                        .is_none_or(|wanted| who == Some(wanted))
            })
            .cloned()
            .collect();
        ok(&json!({"value": found}))
    }

    fn get_assignment(&self, call: &Call, name: &str) -> Result<Response, ArmError> {
        match self.roles.assignments.get(&call.path.to_lowercase()) {
            Some(assignment) => Ok(ok(assignment)),
            None => {
                let message = format!("The role assignment '{name}' is not found.");
                let code = "RoleAssignmentNotFound";
                Err(ArmError::plain(StatusCode::NOT_FOUND, code, message))
            }
        }
    }

    fn put_assignment(
        &mut self,
        call: &Call,
        scope: &str,
        name: &str,
    ) -> Result<Response, ArmError> {
        self.check_scope(call, scope)?;
        let sent = call.body.get("properties").cloned().unwrap_or_default();
        let role = sent["roleDefinitionId"].as_str().unwrap_or_default();
        let guid = role.rsplit('/').next().unwrap_or_default().to_lowercase();
        if !self.roles.definitions.contains_key(&guid) {
            return Err(definition_missing(StatusCode::BAD_REQUEST, &guid));
        }
        let role = self.definition_id(&guid);
        let principal = sent["principalId"].as_str().unwrap_or_default();
        let key = call.path.to_lowercase();
        let same = |assignment: &Value| {
            let properties = &assignment["properties"];
            let text = |name: &str| properties[name].as_str().unwrap_or_default();
            same_id(text("scope"), scope)
                && same_id(text("roleDefinitionId"), &role)
                && text("principalId").eq_ignore_ascii_case(principal)
        };
        if let Some(prior) = self.roles.assignments.get(&key) {
            if same(prior) {
                return Ok(ok(prior));
            }
            let message = "Tenant ID, application ID, principal ID, and scope are not allowed to be \
                           updated.";
            let code = "RoleAssignmentUpdateNotPermitted";
            let status = StatusCode::BAD_REQUEST;
            return Err(ArmError::plain(status, code, message.to_owned()));
        }
        if self.roles.assignments.values().any(same) {
            let message = "The role assignment already exists.".to_owned();
            let code = "RoleAssignmentExists";
            return Err(ArmError::plain(StatusCode::CONFLICT, code, message));
        }
        let now = Timestamp::now().to_string();
        let text = |name: &str, otherwise: Value| match &sent[name] {
            Value::Null => otherwise,
            value => value.clone(),
        };
        let assignment = json!({
            "properties": {
                "roleDefinitionId": role,
                "principalId": principal,
                "principalType": text("principalType", json!("ServicePrincipal")),
                "scope": scope,
                "condition": sent["condition"],
                "conditionVersion": sent["conditionVersion"],
                "createdOn": now,
                "updatedOn": now,
                "createdBy": null,
                "updatedBy": self.identity.object_id,
                "delegatedManagedIdentityResourceId": null,
                "description": sent["description"],
            },
            "id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"),
            "type": "Microsoft.Authorization/roleAssignments",
            "name": name,
        });
        self.roles.assignments.insert(key, assignment.clone());
        Ok(Response::json(StatusCode::CREATED, &assignment))
    }

    fn delete_assignment(&mut self, call: &Call) -> Response {
        match self.roles.assignments.remove(&call.path.to_lowercase()) {
            Some(assignment) => ok(&assignment),
            None => Response::empty(StatusCode::NO_CONTENT),
        }
    }

    /// Whether what the scope names exists.
    fn check_scope(&self, call: &Call, scope: &str) -> Result<(), ArmError> {
        match target::parse(scope).1 {
            Target::Group(name) => self.find_group(&name).map(drop),
            Target::Resource(name) => self.find_resource(call, &name).map(drop),
            _ => Ok(()),
        }
    }

    /// Ids are those of the subscription, whatever scope was asked (recorded for built-in roles, assumed for
    /// custom ones): clients compare by GUID.
    fn definition_id(&self, guid: &str) -> String {
        let subscription = &self.identity.subscription_id;
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
        )
    }

    fn render_definition(&self, guid: &str, properties: &Value) -> Value {
        json!({
            "properties": properties,
            "id": self.definition_id(guid),
            "type": "Microsoft.Authorization/roleDefinitions",
            "name": guid,
        })
    }
}

/// The value in `$filter=<name> eq '<value>'` or `<name>('<value>')`.
fn filtered(call: &Call, name: &str) -> Option<String> {
    let filter = call.filter.as_deref()?;
    let at = filter.to_lowercase().find(&name.to_lowercase())?;
    let mut quoted = filter[at..].split('\'');
    quoted.nth(1).map(str::to_owned)
}

fn definition_missing(status: StatusCode, guid: &str) -> ArmError {
    let message = format!("The specified role definition with ID '{guid}' does not exist.");
    ArmError::plain(status, "RoleDefinitionDoesNotExist", message)
}

type BuiltIn = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const BUILT_IN: &[BuiltIn] = &[
    (
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Contributor",
        "May manage everything but access.",
        &["*"],
        &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ],
    ),
    (
        "4d97b98b-1d4f-4ef7-ac38-ef35be2829e7",
        "Network Contributor",
        "May manage networks.",
        &[
            "Microsoft.Authorization/*/read",
            "Microsoft.Network/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        &[],
    ),
    (
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "Owner",
        "May manage everything, access included.",
        &["*"],
        &[],
    ),
    (
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "Reader",
        "May see everything.",
        &["*/read"],
        &[],
    ),
];
