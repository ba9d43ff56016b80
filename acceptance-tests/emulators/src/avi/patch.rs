//! PATCH: `add`, `replace` and `delete` by member, and `json_patch` (documented by the vendor).

use serde_json::{Map, Value};

use super::errors::Refusal;
use super::store::Object;

/// The members after a patch of one operation. The vendor documents the operations as alternatives; two in one request
/// are refused (assumed).
pub(super) fn patched(members: &Object, patch: &Object) -> Result<Object, Refusal> {
    if patch.len() > 1 {
        let verbs: Vec<_> = patch.keys().map(String::as_str).collect();
        let verbs = verbs.join(", ");
        return Err(Refusal::bad(format!("Invalid patch: one of {verbs}")));
    }
    let mut changed = members.clone();
    for (verb, change) in patch {
        match (verb.as_str(), change) {
            ("add", Value::Object(change)) => add(&mut changed, change),
            // Of a nested object the whole is replaced, as of a list (assumed).
            ("replace", Value::Object(change)) => changed.extend(change.clone()),
            ("delete", Value::Object(change)) => delete(&mut changed, change),
            ("json_patch", Value::Array(operations)) => {
                let mut whole = Value::Object(changed);
                for operation in operations {
                    apply(&mut whole, operation)?;
                }
                changed = whole.as_object().cloned().unwrap_or_default();
            }
            (verb, _) => return Err(Refusal::bad(format!("Invalid patch: {verb}"))),
        }
    }
    Ok(changed)
}

/// The members that a patch names, for the check of their versions.
pub(super) fn named(patch: &Object) -> Object {
    let mut named = Object::new();
    for change in patch.values() {
        match change {
            Value::Object(change) => named.extend(change.clone()),
            Value::Array(operations) => {
                let paths = operations.iter().filter_map(|it| it["path"].as_str());
                let members = paths.filter_map(|path| path.split('/').nth(1));
                named.extend(members.map(|member| (member.to_owned(), Value::Null)));
            }
            _ => {}
        }
    }
    named
}

fn add(members: &mut Object, change: &Object) {
    for (name, value) in change {
        match (members.get_mut(name), value) {
            (Some(Value::Array(old)), Value::Array(new)) => old.extend(new.clone()),
            (Some(Value::Object(old)), Value::Object(new)) => add(old, new),
            _ => {
                members.insert(name.clone(), value.clone());
            }
        }
    }
}

fn delete(members: &mut Object, change: &Object) {
    for (name, value) in change {
        match (members.get_mut(name), value) {
            (Some(Value::Array(old)), Value::Array(gone)) => {
                old.retain(|entry| !gone.iter().any(|gone| covers(entry, gone)));
                if old.is_empty() {
                    members.remove(name);
                }
            }
            (Some(Value::Object(old)), Value::Object(gone)) if !gone.is_empty() => {
                delete(old, gone);
            }
            _ => {
                members.remove(name);
            }
        }
    }
}

/// Whether an entry has everything that the one to delete says.
fn covers(entry: &Value, gone: &Value) -> bool {
    match (entry, gone) {
        (Value::Object(entry), Value::Object(gone)) => gone
            .iter()
            .all(|(name, value)| entry.get(name) == Some(value)),
        (entry, gone) => entry == gone,
    }
}

fn apply(whole: &mut Value, operation: &Value) -> Result<(), Refusal> {
    let path = operation["path"].as_str().unwrap_or_default();
    let refuse = || Refusal::bad(format!("Invalid json_patch: {operation}"));
    let (parent, last) = path.rsplit_once('/').ok_or_else(refuse)?;
    let value = &operation["value"];
    let verb = operation["op"].as_str().unwrap_or_default();
    match whole.pointer_mut(parent).ok_or_else(refuse)? {
        Value::Object(members) => in_object(members, verb, last, value).ok_or_else(refuse),
        Value::Array(items) => in_list(items, verb, last, value).ok_or_else(refuse),
        _ => Err(refuse()),
    }
}

fn in_object(
    members: &mut Map<String, Value>,
    verb: &str,
    name: &str,
    value: &Value,
) -> Option<()> {
    match verb {
        "add" | "replace" => {
            members.insert(name.to_owned(), value.clone());
            Some(())
        }
        "remove" => members.remove(name).map(|_| ()),
        "test" => (members.get(name) == Some(value)).then_some(()),
        _ => None,
    }
}

fn in_list(items: &mut Vec<Value>, verb: &str, place: &str, value: &Value) -> Option<()> {
    let end = items.len();
    let place = if place == "-" {
        end
    } else {
        place.parse().ok()?
    };
    match verb {
        "add" if place <= end => items.insert(place, value.clone()),
        "replace" if place < end => items[place] = value.clone(),
        "remove" if place < end => {
            items.remove(place);
        }
        "test" if items.get(place) == Some(value) => {}
        _ => return None,
    }
    Some(())
}
