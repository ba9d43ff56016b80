//! Changes of some members of an object.

use super::super::http::Repeat;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt;

/// A change of some members: what is not named stays as it is.
///
/// It is built from the typed objects, of which only the members that are set take part. The controller documents one
/// operation in a request: a change that needs several is sent as several requests.
#[derive(Clone, Default)]
pub struct Patch {
    add: Map<String, Value>,
    replace: Map<String, Value>,
    delete: Map<String, Value>,
    fault: Option<String>,
}

/// One request of a change.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) struct Step {
    /// The body: `{"replace": {…}}`.
    pub(super) body: Value,
    /// When it may be sent again.
    pub(super) repeat: Repeat,
}

impl Patch {
    /// No change.
    pub fn new() -> Patch {
        Patch::default()
    }

    /// Gives members these values; lists become these lists.
    #[must_use]
    pub fn replace(mut self, members: &impl Serialize) -> Patch {
        match to_members(members) {
            Ok(members) => self.replace.extend(members),
            Err(fault) => self.fault = Some(fault),
        }
        self
    }

    /// Appends these entries to lists.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "it is the controller's word, beside replace and delete"
    )]
    pub fn add(mut self, members: &impl Serialize) -> Patch {
        match to_members(members) {
            Ok(members) => self.add.extend(members),
            Err(fault) => self.fault = Some(fault),
        }
        self
    }

    /// Takes these entries out of lists, and gives other members their defaults, or none where there is none.
    #[must_use]
    pub fn delete(mut self, members: &impl Serialize) -> Patch {
        match to_members(members) {
            Ok(members) => self.delete.extend(members),
            Err(fault) => self.fault = Some(fault),
        }
        self
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.replace.is_empty() && self.delete.is_empty()
    }

    /// The requests, in their order.
    ///
    /// To add a value to a member that is no list is to replace it (documented): such a change goes with the entries
    /// that are added. Entries are added last, for that alone cannot be done twice.
    pub(super) fn steps(&self) -> Result<Vec<Step>, String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let (mut replace, mut add) = (self.replace.clone(), self.add.clone());
        if !add.is_empty() && replace.values().all(is_scalar) {
            add.extend(std::mem::take(&mut replace));
        }
        let parts = [
            ("replace", replace, Repeat::Always),
            ("delete", self.delete.clone(), Repeat::Always),
            ("add", add, Repeat::IfRefused),
        ];
        let parts = parts
            .into_iter()
            .filter(|(_, members, _)| !members.is_empty());
        Ok(parts
            .map(|(operation, members, repeat)| Step {
                body: json!({ operation: members }),
                repeat,
            })
            .collect())
    }
}

/// The names of the members alone: a value may be a secret.
impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |members: &Map<String, Value>| members.keys().cloned().collect::<Vec<_>>();
        f.debug_struct("Patch")
            .field("add", &names(&self.add))
            .field("replace", &names(&self.replace))
            .field("delete", &names(&self.delete))
            .field("fault", &self.fault)
            .finish()
    }
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn to_members(members: &impl Serialize) -> Result<Map<String, Value>, String> {
    match serde_json::to_value(members) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err("the change is no object".to_owned()),
        Err(error) => Err(format!("the change cannot be written as JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::avi::{AzureServicePrincipal, CloudConnectorUser, SeGroup, Secret};
    use serde_json::json;

    fn step(body: Value, repeat: Repeat) -> Step {
        Step { body, repeat }
    }

    #[test]
    fn each_operation_is_a_request_of_its_own_with_the_members_that_are_set() {
        let replaced = SeGroup {
            max_se: Some(4),
            availability_zone_refs: Some(Vec::new()),
            ..SeGroup::default()
        };
        let deleted = SeGroup {
            data_network_id: Some("subnet1".to_owned()),
            ..SeGroup::default()
        };
        let added = SeGroup {
            labels: Some(Vec::new()),
            ..SeGroup::default()
        };
        let patch = Patch::new().replace(&replaced).delete(&deleted).add(&added);
        let replaced = json!({"replace": {"max_se": 4, "availability_zone_refs": []}});
        let expected = [
            step(replaced, Repeat::Always),
            step(
                json!({"delete": {"data_network_id": "subnet1"}}),
                Repeat::Always,
            ),
            step(json!({"add": {"labels": []}}), Repeat::IfRefused),
        ];
        assert_eq!(patch.steps().unwrap(), expected);
        let nothing = Patch::new().replace(&SeGroup::default());
        assert!(nothing.is_empty() && nothing.steps().unwrap().is_empty());
    }

    #[test]
    fn a_value_goes_with_the_entries_that_are_added() {
        let replaced = SeGroup {
            max_se: Some(4),
            ..SeGroup::default()
        };
        let added = SeGroup {
            labels: Some(Vec::new()),
            ..SeGroup::default()
        };
        let patch = Patch::new().replace(&replaced).add(&added);
        let expected = json!({"add": {"labels": [], "max_se": 4}});
        assert_eq!(
            patch.steps().unwrap(),
            [step(expected, Repeat::IfRefused)],
            "an entry is not added twice"
        );
    }
    #[test]
    fn what_it_shows_of_itself_has_names_and_no_values() {
        let credential = CloudConnectorUser {
            azure_serviceprincipal: Some(AzureServicePrincipal {
                authentication_token: Some(Secret::new("hush")),
                ..AzureServicePrincipal::default()
            }),
            ..CloudConnectorUser::default()
        };
        let patch = Patch::new().add(&credential).delete(&credential);
        let shown = format!("{:?}", patch.replace(&credential));
        assert!(
            shown.contains("azure_serviceprincipal") && !shown.contains("hush"),
            "{shown}"
        );
    }
}
