//! Every state that a route table's routes and a virtual network's subnets were in, so that a test can prove
//! that something was never missing.

use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};

use super::store::{Object, Resource, Store, reference, same_id};

/// A state that a resource came into.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Its place among all changes, from 1.
    pub n: u64,
    /// Milliseconds since the lab began.
    pub at_milliseconds: u64,
    /// The route table or virtual network.
    pub id: String,
    /// `routes` or `subnets` by name and content, and `tags`; null once the resource is gone.
    pub state: Value,
}

#[derive(Debug)]
pub(super) struct History {
    begun: Instant,
    changes: Vec<Change>,
}

impl History {
    pub(super) fn new() -> History {
        History {
            begun: Instant::now(),
            changes: Vec::new(),
        }
    }

    /// Notes the state of a resource if it differs from the one noted last.
    pub(super) fn note(&mut self, id: &str, store: &Store) {
        let state = store.resource(id).map_or(Value::Null, summary);
        let last = self.changes.iter().rev().find(|c| same_id(&c.id, id));
        let known = last.map_or(&Value::Null, |change| &change.state);
        if *known == state {
            return;
        }
        self.changes.push(Change {
            n: self.changes.len() as u64 + 1,
            at_milliseconds: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            id: id.to_owned(),
            state,
        });
    }

    /// The states of one resource, or of all.
    pub(super) fn of(&self, id: Option<&str>) -> Vec<Change> {
        self.changes
            .iter()
            .filter(|change| id.is_none_or(|id| same_id(&change.id, id)))
            .cloned()
            .collect()
    }
}

fn summary(resource: &Resource) -> Value {
    let children: Value = resource
        .children
        .iter()
        .map(|child| {
            let mut shown = Object::new();
            shown.insert("name".to_owned(), json!(child.name));
            for name in SHOWN {
                if let Some(value) = child.properties.get(name) {
                    let value = reference(value).map_or_else(|| value.clone(), |id| json!(id));
                    shown.insert(name.to_owned(), value);
                }
            }
            Value::Object(shown)
        })
        .collect();
    let list = resource.kind.child_segment().unwrap_or("children");
    json!({"tags": resource.tags, list: children})
}

/// The properties of children that tests ask about.
const SHOWN: [&str; 7] = [
    "addressPrefix",
    "addressPrefixes",
    "nextHopType",
    "nextHopIpAddress",
    "routeTable",
    "networkSecurityGroup",
    "priority",
];
