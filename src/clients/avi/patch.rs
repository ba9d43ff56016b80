//! Changes of some members of an object.

use super::super::http::Repeat;
use serde::Serialize;
use serde_json::{Map, Value};

/// A change of some members: what is not named stays as it is.
///
/// It is built from the typed objects, of which only the members that are set take part.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    add: Map<String, Value>,
    replace: Map<String, Value>,
    delete: Map<String, Value>,
    fault: Option<String>,
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

    /// The body: `{"replace": {…}, "delete": {…}}`.
    pub(super) fn body(&self) -> Result<Value, String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let parts = [
            ("add", &self.add),
            ("replace", &self.replace),
            ("delete", &self.delete),
        ];
        let parts = parts.into_iter().filter(|(_, members)| !members.is_empty());
        Ok(Value::Object(
            parts
                .map(|(verb, members)| (verb.to_owned(), Value::Object(members.clone())))
                .collect(),
        ))
    }

    /// An entry that is added twice is there twice; all else is the same the second time.
    pub(super) fn repeat(&self) -> Repeat {
        match self.add.is_empty() {
            true => Repeat::Always,
            false => Repeat::IfRefused,
        }
    }
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
    use crate::clients::avi::SeGroup;
    use serde_json::json;

    #[test]
    fn a_change_has_the_members_that_are_set_and_no_others() {
        let replaced = SeGroup {
            max_se: Some(4),
            labels: Some(Vec::new()),
            ..SeGroup::default()
        };
        let deleted = SeGroup {
            data_network_id: Some("subnet1".to_owned()),
            ..SeGroup::default()
        };
        let patch = Patch::new().replace(&replaced).delete(&deleted);
        let expected = json!({
            "replace": {"max_se": 4, "labels": []},
            "delete": {"data_network_id": "subnet1"},
        });
        assert_eq!(patch.body().unwrap(), expected);
        assert_eq!(patch.repeat(), Repeat::Always);
        assert!(Patch::new().replace(&SeGroup::default()).is_empty());
    }

    #[test]
    fn entries_are_not_added_twice() {
        let added = SeGroup {
            labels: Some(Vec::new()),
            ..SeGroup::default()
        };
        assert_eq!(Patch::new().add(&added).repeat(), Repeat::IfRefused);
    }
}
