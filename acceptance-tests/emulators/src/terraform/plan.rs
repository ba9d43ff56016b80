//! A saved plan, as `terraform show -json` tells it.

use serde::Deserialize;
use serde_json::Value;

use super::Run;

/// What Terraform would do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The run that planned, with its warnings.
    pub run: Run,
    /// Every resource and data source, those without a change included.
    pub resources: Vec<ResourceChange>,
    /// What changed outside of Terraform since the last apply, as far as Terraform finds it worth telling.
    pub drift: Vec<ResourceChange>,
    /// The planned outputs by name, as Terraform describes each.
    pub outputs: Value,
}

/// What is planned for one resource.
#[derive(Clone, Debug, Deserialize)]
pub struct ResourceChange {
    /// Its address.
    pub address: String,
    /// Why, where Terraform says so: `replace_because_tainted`, `delete_because_no_resource_config`, …
    #[serde(default)]
    pub action_reason: Option<String>,
    change: Change,
}

/// What Terraform would do with one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Create it.
    Create,
    /// Read it during apply (a data source).
    Read,
    /// Update it in place.
    Update,
    /// Destroy it, then create it.
    Replace,
    /// Create it, then destroy the old one.
    ReplaceCreateFirst,
    /// Destroy it.
    Delete,
    /// Drop it from the state only.
    Forget,
    /// Anything that this list does not know.
    Other,
}

#[derive(Clone, Debug, Deserialize)]
struct Change {
    actions: Vec<String>,
    #[serde(default)]
    before: Value,
    #[serde(default)]
    after: Value,
    #[serde(default)]
    after_unknown: Value,
    #[serde(default)]
    replace_paths: Vec<Value>,
    #[serde(default)]
    importing: Option<Value>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    resource_changes: Vec<ResourceChange>,
    #[serde(default)]
    resource_drift: Vec<ResourceChange>,
    #[serde(default)]
    output_changes: Value,
}

impl Plan {
    pub(super) fn new(run: Run, document: &Value) -> Result<Plan, serde_json::Error> {
        let document = Document::deserialize(document)?;
        Ok(Plan {
            run,
            resources: document.resource_changes,
            drift: document.resource_drift,
            outputs: document.output_changes,
        })
    }

    /// Whether applying would change nothing at all, outputs included.
    pub fn is_empty(&self) -> bool {
        self.run.code == Some(0)
    }

    /// The resources that would change.
    pub fn changes(&self) -> impl Iterator<Item = &ResourceChange> {
        self.resources
            .iter()
            .filter(|one| one.action() != Action::None)
    }

    /// What is planned for the resource at an address.
    pub fn resource(&self, address: &str) -> Option<&ResourceChange> {
        self.resources.iter().find(|one| one.address == address)
    }
}

impl ResourceChange {
    /// What Terraform would do with it.
    pub fn action(&self) -> Action {
        let actions: Vec<&str> = self.change.actions.iter().map(String::as_str).collect();
        match actions.as_slice() {
            ["no-op"] => Action::None,
            ["create"] => Action::Create,
            ["read"] => Action::Read,
            ["update"] => Action::Update,
            ["delete", "create"] => Action::Replace,
            ["create", "delete"] => Action::ReplaceCreateFirst,
            ["delete"] => Action::Delete,
            ["forget"] => Action::Forget,
            _ => Action::Other,
        }
    }

    /// The object as refreshed; null where it is to be created.
    pub fn before(&self) -> &Value {
        &self.change.before
    }

    /// The object as planned, without what is not known yet; null where it is to be destroyed.
    pub fn after(&self) -> &Value {
        &self.change.after
    }

    /// `true` in place of everything that is known only after apply.
    pub fn unknown(&self) -> &Value {
        &self.change.after_unknown
    }

    /// The attributes that force a replacement, each as a path in Terraform's form.
    pub fn replaced_because_of(&self) -> &[Value] {
        &self.change.replace_paths
    }

    /// Whether the object is imported by this plan.
    pub fn is_import(&self) -> bool {
        self.change.importing.is_some()
    }

    /// The top-level attributes that differ between [`before`](Self::before) and [`after`](Self::after), unknown ones included.
    pub fn changed_attributes(&self) -> Vec<&str> {
        let objects = [self.before(), self.after(), self.unknown()].map(Value::as_object);
        let [before, after, unknown] = objects;
        let mut names: Vec<&str> = objects
            .iter()
            .flatten()
            .flat_map(|object| object.keys().map(String::as_str))
            .collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| {
            before.and_then(|object| object.get(*name))
                != after.and_then(|object| object.get(*name))
                || unknown
                    .and_then(|object| object.get(*name))
                    .is_some_and(holds_true)
        });
        names
    }
}

fn holds_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Array(items) => items.iter().any(holds_true),
        Value::Object(members) => members.values().any(holds_true),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(actions: &[&str], before: Value, after: Value, unknown: Value) -> ResourceChange {
        serde_json::from_value(json!({
            "address": "ako_pod_routes.one",
            "change": {"actions": actions, "before": before, "after": after, "after_unknown": unknown},
        }))
        .unwrap()
    }

    #[test]
    fn the_order_of_a_replacement_is_told_apart() {
        let of = |actions: &[&str]| change(actions, json!(null), json!(null), json!({})).action();
        assert_eq!(of(&["delete", "create"]), Action::Replace);
        assert_eq!(of(&["create", "delete"]), Action::ReplaceCreateFirst);
        assert_eq!(of(&["no-op"]), Action::None);
    }

    #[test]
    fn changed_attributes_are_those_that_differ_or_are_not_known_yet() {
        let change = change(
            &["update"],
            json!({"same": 1, "other": 1, "unknown": 1, "partly": [1]}),
            json!({"same": 1, "other": 2, "partly": [1]}),
            json!({"unknown": true, "partly": [false], "same": false}),
        );
        assert_eq!(change.changed_attributes(), ["other", "unknown"]);
    }
}
