//! What the resource types of Microsoft.Network have in common, and the list of them.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde_json::Value;

use super::Settings;
use super::errors::ArmError;
use super::names;
use super::network_interfaces::NetworkInterfaces;
use super::route_tables::RouteTables;
use super::security_groups::SecurityGroups;
use super::store::{Child, Object, Resource, State, Store, reference};
use super::virtual_networks::VirtualNetworks;

/// One top-level type and its child type.
pub(super) trait ResourceType: Debug + Sync {
    /// The type's name in a path.
    fn segment(&self) -> &'static str;

    /// The child type's name in a path.
    fn child_segment(&self) -> Option<&'static str> {
        None
    }

    /// Puts the properties of a PUT into the candidate, which has the children of the prior resource.
    fn accept(
        &self,
        properties: Object,
        candidate: &mut Resource,
        context: &Context<'_>,
    ) -> Result<(), ArmError>;

    /// The properties that a child will have after its PUT.
    fn accept_child(
        &self,
        _name: &str,
        _properties: Object,
        parent: &Resource,
        _context: &Context<'_>,
    ) -> Result<Object, ArmError> {
        Err(ArmError::unknown_type(&parent.id))
    }

    /// Whether the candidate as a whole may replace the prior resource.
    fn check(
        &self,
        _candidate: &Resource,
        _prior: Option<&Resource>,
        _context: &Context<'_>,
    ) -> Result<(), ArmError> {
        Ok(())
    }

    /// Adds the read-only properties, children included.
    fn render(&self, resource: &Resource, store: &Store, properties: &mut Object);

    /// Adds the read-only properties of a child.
    fn render_child(
        &self,
        _resource: &Resource,
        _child: &Child,
        _store: &Store,
        _properties: &mut Object,
    ) {
    }

    /// Whether the resource may go.
    fn check_delete(&self, _resource: &Resource, _store: &Store) -> Result<(), ArmError> {
        Ok(())
    }

    /// Whether a child may go.
    fn check_delete_child(
        &self,
        _resource: &Resource,
        _child: &Child,
        _store: &Store,
    ) -> Result<(), ArmError> {
        Ok(())
    }

    /// The other resources that a child names, each with the action that its writer needs on it.
    fn links(&self, _child: &Child) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// What a type may look at while it judges a write.
pub(super) struct Context<'a> {
    pub(super) store: &'a Store,
    pub(super) settings: &'a Settings,
    pub(super) api_version: &'a str,
}

/// The type of that name, in any case.
pub(super) fn find(segment: &str) -> Option<&'static dyn ResourceType> {
    const ALL: [&dyn ResourceType; 4] = [
        &RouteTables,
        &VirtualNetworks,
        &SecurityGroups,
        &NetworkInterfaces,
    ];
    ALL.into_iter()
        .find(|kind| kind.segment().eq_ignore_ascii_case(segment))
}

/// The children in the body of their parent, in its order.
pub(super) fn children_in_body(
    list: &Value,
    parent: &Resource,
    context: &Context<'_>,
) -> Result<Vec<Child>, ArmError> {
    let Some(list) = list.as_array() else {
        return Err(ArmError::invalid_content("a list of children is no array"));
    };
    let mut children = Vec::new();
    let mut names_seen = BTreeSet::new();
    for item in list {
        let Some(name) = item.get("name").and_then(Value::as_str) else {
            return Err(ArmError::invalid_content("a child has no name"));
        };
        names::check(name)?;
        if !names_seen.insert(name.to_lowercase()) {
            // Assumed: no source quotes the answer to a name that occurs twice.
            let message = format!("Resource name {name} occurs more than once.");
            return Err(ArmError::bad_request("InvalidRequestFormat", message));
        }
        let properties = match item.get("properties") {
            Some(Value::Object(properties)) => properties.clone(),
            _ => Object::new(),
        };
        children.push(Child {
            name: name.to_owned(),
            state: State::Updating,
            properties: parent
                .kind
                .accept_child(name, properties, parent, context)?,
        });
    }
    Ok(children)
}

/// Takes out what a writer sent although the service alone sets it: clients send back what they read.
pub(super) fn drop_read_only(properties: &mut Object, names: &[&str]) {
    properties.retain(|name, _| !names.contains(&name.as_str()));
}

/// Takes out members that are null: the same as leaving them out.
pub(super) fn drop_nulls(properties: &mut Object) {
    properties.retain(|_, value| !value.is_null());
}

/// Refuses members that the type does not have.
pub(super) fn refuse_unknown(
    properties: &Object,
    known: &[&str],
    kind: &str,
) -> Result<(), ArmError> {
    match properties
        .keys()
        .find(|name| !known.contains(&name.as_str()))
    {
        Some(unknown) => {
            let path = format!("properties.{unknown}");
            Err(ArmError::unknown_member(unknown, kind, &path))
        }
        None => Ok(()),
    }
}

/// Replaces a reference by one that has the target's own casing; refuses it where there is no such
/// resource of the type, or where it lies in another region.
pub(super) fn resolve(
    properties: &mut Object,
    property: &str,
    segment: &str,
    parent: &Resource,
    by: &str,
    context: &Context<'_>,
) -> Result<(), ArmError> {
    let Some(value) = properties.get(property) else {
        return Ok(());
    };
    let Some(id) = reference(value) else {
        return Err(ArmError::invalid_content("a reference has no id"));
    };
    let target = context.store.resource(id).filter(|target| {
        target.kind.segment() == segment
            && target.location == parent.location
            && target.state != State::Deleting
    });
    let Some(target) = target else {
        return Err(ArmError::invalid_reference(id, by));
    };
    if target.state == State::Updating && context.settings.busy == super::Busy::Retryable {
        return Err(ArmError::reference_not_provisioned(&target.id, by));
    }
    let resolved = serde_json::json!({"id": target.id});
    properties.insert(property.to_owned(), resolved);
    Ok(())
}
