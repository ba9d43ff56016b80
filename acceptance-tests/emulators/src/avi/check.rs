//! What the controller checks of an object that is written, and what it fills in.
//!
//! That it checks is documented (types, enumerations, ranges, numbers of entries); the texts are assumed, and so
//! is that it refuses members it does not know. Members that begin with `x_` stand for those of later versions:
//! they are kept, so that it can be seen who wipes what they do not know.

use serde_json::Value;

use super::errors::Refusal;
use super::models::{Kind, Member, Model, model};
use super::refs::{Place, model_behind};
use super::store::{Object, is_reference};
use super::version::Version;

/// Members that every object has and no writer sets.
pub(super) const READ_ONLY: [&str; 3] = ["uuid", "url", "_last_modified"];

/// Refuses members that came after a version.
pub(super) fn check_versions(
    members: &Object,
    table: Option<&Model>,
    asked: Version,
) -> Result<(), Refusal> {
    for (name, value) in members {
        let Some(member) = table.and_then(|table| table.get(name.as_str())) else {
            continue;
        };
        if let Some(since) = member.since.as_ref().filter(|_| !member.is_in(asked)) {
            return Err(Refusal::too_new(asked, name, since.named));
        }
        for (inner, members) in inner_objects(&member.kind, value) {
            check_versions(members, model(inner), asked)?;
        }
    }
    Ok(())
}

/// The members as they are stored: checked, with references resolved, without nulls and empty lists.
pub(super) fn checked(
    members: &Object,
    table: Option<&Model>,
    place: Place<'_>,
) -> Result<Object, Refusal> {
    let mut kept = Object::new();
    for (name, value) in members {
        if value.is_null() {
            continue;
        }
        let value = match table.and_then(|table| table.get(name.as_str())) {
            _ if is_reference(name) => {
                let member = table.and_then(|table| table.get(name.as_str()));
                let model = member.and_then(|member| member.reference);
                place.resolve(value, model.or_else(|| model_behind(name)))?
            }
            Some(member) => check_member(name, member, value, place)?,
            None if table.is_none() || name.starts_with("x_") => value.clone(),
            None => return Err(Refusal::bad(format!("Unknown field: {name}"))),
        };
        if value.as_array().is_some_and(Vec::is_empty) {
            // As in the mocks of AKO's tests, a VRF without routes has no list of them.
            continue;
        }
        kept.insert(name.clone(), value);
    }
    Ok(kept)
}

/// Fills in the defaults of a version.
pub(super) fn fill_in(members: &mut Object, table: Option<&Model>, version: Version) {
    let Some(table) = table else { return };
    for (name, member) in table {
        if let Some(value) = members.get_mut(*name) {
            for_inner(&member.kind, value, &mut |inner, members| {
                fill_in(members, model(inner), version);
            });
        } else if let Some(default) = &member.default
            && member.is_in(version)
        {
            members.insert((*name).to_owned(), default.clone());
        }
    }
}

/// Refuses an object that lacks what it must have.
pub(super) fn check_required(members: &Object, table: Option<&Model>) -> Result<(), Refusal> {
    // A type without a table is still known by its name.
    let Some(table) = table else {
        let named = members.contains_key("name");
        return named.then_some(()).ok_or_else(|| missing("name"));
    };
    check_presence(members, table)
}

fn check_presence(members: &Object, table: &Model) -> Result<(), Refusal> {
    for (name, member) in table {
        let Some(value) = members.get(*name) else {
            if member.required {
                return Err(missing(name));
            }
            continue;
        };
        if value.as_str() == Some("") && member.required {
            return Err(missing(name));
        }
        for (inner, members) in inner_objects(&member.kind, value) {
            if let Some(table) = model(inner) {
                check_presence(members, table)?;
            }
        }
    }
    Ok(())
}

fn missing(name: &str) -> Refusal {
    Refusal::bad(format!("Missing required field: {name}"))
}

fn check_member(
    name: &str,
    member: &Member,
    value: &Value,
    place: Place<'_>,
) -> Result<Value, Refusal> {
    let value = check_kind(name, &member.kind, value, place)?;
    if let Value::Array(items) = &value {
        let count = items.len();
        if count < member.min_items || count > member.max_items {
            return Err(Refusal::bad(format!(
                "Field check for {name} failed: {count} items, {} to {} are allowed",
                member.min_items, member.max_items
            )));
        }
        for item in items {
            check_value(name, member, item)?;
        }
        return Ok(value);
    }
    check_value(name, member, &value)?;
    Ok(value)
}

fn check_value(name: &str, member: &Member, value: &Value) -> Result<(), Refusal> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_special =
        value.as_i64().is_some() && value.as_i64() == member.special || member.is_default(value);
    let in_range = match (member.range, value.as_i64()) {
        (Some((low, high)), Some(number)) => (low..=high).contains(&number),
        _ => true,
    };
    let is_one = member.one_of.is_empty() || member.one_of.contains(&text.as_str());
    if is_special || (in_range && is_one) {
        return Ok(());
    }
    Err(Refusal::bad(format!(
        "Field check for {name} failed: {text} is not allowed"
    )))
}

fn check_kind(name: &str, kind: &Kind, value: &Value, place: Place<'_>) -> Result<Value, Refusal> {
    // Numbers and booleans as texts are refused (assumed; no recorded client sends them).
    let fits = match (kind, value) {
        (Kind::Text, value) => value.is_string(),
        (Kind::Integer, value) => value.is_i64() || value.is_u64(),
        (Kind::Number, value) => value.is_number(),
        (Kind::Boolean, value) => value.is_boolean(),
        (Kind::Any, _) => true,
        (Kind::Model(inner), Value::Object(members)) => {
            return checked(members, model(inner), place).map(Value::Object);
        }
        (Kind::List(kind), Value::Array(items)) => {
            let items = items.iter().map(|item| check_kind(name, kind, item, place));
            return items.collect::<Result<Vec<_>, _>>().map(Value::Array);
        }
        (Kind::Model(_) | Kind::List(_), _) => false,
    };
    if fits {
        return Ok(value.clone());
    }
    Err(Refusal::bad(format!(
        "Field check for {name} failed: {value} is of the wrong type"
    )))
}

/// The objects of known models that a value holds.
fn inner_objects<'a>(kind: &Kind, value: &'a Value) -> Vec<(&'static str, &'a Object)> {
    match (kind, value) {
        (Kind::Model(name), Value::Object(members)) => vec![(name, members)],
        (Kind::List(kind), Value::Array(items)) => items
            .iter()
            .flat_map(|item| inner_objects(kind, item))
            .collect(),
        _ => Vec::new(),
    }
}

fn for_inner(kind: &Kind, value: &mut Value, act: &mut impl FnMut(&'static str, &mut Object)) {
    match (kind, value) {
        (Kind::Model(name), Value::Object(members)) => act(name, members),
        (Kind::List(kind), Value::Array(items)) => {
            for item in items {
                for_inner(kind, item, act);
            }
        }
        _ => {}
    }
}
