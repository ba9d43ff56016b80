//! What exists: resource groups and the network resources in them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::resource_types::ResourceType;
use super::target::ResourceName;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// Everything that exists in the subscription. Keys are ids in lower case: ids are compared without case and
/// answered in the casing of their creation.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) resources: BTreeMap<String, Resource>,
}

/// A resource group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) location: String,
    pub(super) tags: Option<Value>,
    pub(super) deleting: bool,
}

/// A top-level resource with its children.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) kind: &'static dyn ResourceType,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) location: String,
    pub(super) tags: Option<Value>,
    /// One etag for the resource and all its children: any write to any of them changes it (recorded:
    /// both routes of a table show the same etag after one of them was written).
    pub(super) etag: String,
    pub(super) guid: Uuid,
    pub(super) state: State,
    /// What writers set, and the defaults for what they left out; nothing that is read-only.
    pub(super) properties: Object,
    pub(super) children: Vec<Child>,
}

/// A route, subnet or security rule.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) properties: Object,
}

/// `provisioningState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Updating,
    Succeeded,
    Deleting,
    Failed,
}

impl State {
    pub(super) fn text(self) -> &'static str {
        match self {
            State::Updating => "Updating",
            State::Succeeded => "Succeeded",
            State::Deleting => "Deleting",
            State::Failed => "Failed",
        }
    }
}

impl Store {
    pub(super) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(&name.to_lowercase())
    }

    pub(super) fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.get(&id.to_lowercase())
    }

    /// The resources of one group, of every type.
    pub(super) fn in_group(&self, group: &Group) -> impl Iterator<Item = &Resource> {
        let prefix = format!("{}/", group.id.to_lowercase());
        self.resources
            .iter()
            .filter(move |(key, _)| key.starts_with(&prefix))
            .map(|(_, resource)| resource)
    }

    /// The resources of one type.
    pub(super) fn of_kind(&self, segment: &str) -> impl Iterator<Item = &Resource> {
        self.resources
            .values()
            .filter(move |resource| resource.kind.segment() == segment)
    }

    /// The ids of the children of `kind` resources that name `id` in the given property.
    pub(super) fn children_naming(&self, kind: &str, property: &str, id: &str) -> Vec<String> {
        let mut naming = Vec::new();
        for resource in self.of_kind(kind) {
            for child in &resource.children {
                let named = child.properties.get(property);
                if named.and_then(reference).is_some_and(|it| same_id(it, id)) {
                    naming.push(resource.child_id(&child.name));
                }
            }
        }
        naming
    }
}

impl Group {
    pub(super) fn render(&self) -> Value {
        let state = if self.deleting {
            "Deleting"
        } else {
            "Succeeded"
        };
        let mut rendered = json!({
            "id": self.id,
            "name": self.name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": self.location,
        });
        if let Some(tags) = &self.tags {
            rendered["tags"] = tags.clone();
        }
        rendered["properties"] = json!({"provisioningState": state});
        rendered
    }
}

impl Resource {
    pub(super) fn child(&self, name: &str) -> Option<&Child> {
        self.children
            .iter()
            .find(|child| child.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn child_mut(&mut self, name: &str) -> Option<&mut Child> {
        self.children
            .iter_mut()
            .find(|child| child.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn child_id(&self, name: &str) -> String {
        let segment = self.kind.child_segment().unwrap_or_default();
        format!("{}/{segment}/{name}", self.id)
    }

    pub(super) fn renew_etag(&mut self) {
        self.etag = new_etag();
    }

    /// Whether a write of `other` over this one would change nothing that a writer can set.
    pub(super) fn same_content(&self, other: &Resource) -> bool {
        let children = |resource: &Resource| -> BTreeMap<String, Object> {
            let children = resource.children.iter();
            children
                .map(|child| (child.name.to_lowercase(), child.properties.clone()))
                .collect()
        };
        self.tags == other.tags
            && self.properties == other.properties
            && children(self) == children(other)
    }

    /// The body that GET answers.
    pub(super) fn render(&self, store: &Store) -> Value {
        let mut properties = json!({
            "provisioningState": self.state.text(),
            "resourceGuid": self.guid.to_string(),
        });
        if let Value::Object(properties) = &mut properties {
            properties.extend(self.properties.clone());
            self.kind.render(self, store, properties);
        }
        let mut rendered = json!({
            "name": self.name,
            "id": self.id,
            "etag": self.etag,
            "type": format!("Microsoft.Network/{}", self.kind.segment()),
            "location": self.location,
        });
        if let Some(tags) = &self.tags {
            rendered["tags"] = tags.clone();
        }
        rendered["properties"] = properties;
        rendered
    }

    /// The body that GET of a child answers.
    pub(super) fn render_child(&self, child: &Child, store: &Store) -> Value {
        let segment = self.kind.child_segment().unwrap_or_default();
        let mut properties = json!({"provisioningState": child.state.text()});
        if let Value::Object(properties) = &mut properties {
            properties.extend(child.properties.clone());
            self.kind.render_child(self, child, store, properties);
        }
        json!({
            "name": child.name,
            "id": self.child_id(&child.name),
            "etag": self.etag,
            "properties": properties,
            "type": format!("Microsoft.Network/{}/{segment}", self.kind.segment()),
        })
    }

    /// All children, rendered.
    pub(super) fn render_children(&self, store: &Store) -> Value {
        self.children
            .iter()
            .map(|child| self.render_child(child, store))
            .collect()
    }
}

impl ResourceName {
    pub(super) fn id(&self, subscription: &str, kind: &dyn ResourceType) -> String {
        format!(
            "/subscriptions/{subscription}/resourceGroups/{}/providers/Microsoft.Network/{}/{}",
            self.group,
            kind.segment(),
            self.name
        )
    }
}

/// A fresh weak etag.
pub(super) fn new_etag() -> String {
    format!("W/\"{}\"", Uuid::new_v4())
}

/// The id in `{"id": …}`.
pub(super) fn reference(value: &Value) -> Option<&str> {
    value.get("id")?.as_str()
}

/// Whether two ids name the same object.
pub(super) fn same_id(one: &str, other: &str) -> bool {
    one.trim_end_matches('/')
        .eq_ignore_ascii_case(other.trim_end_matches('/'))
}
