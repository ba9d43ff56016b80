//! The part of a plan that follows from the schema: defaults, what the provider fills in, what is unknown until
//! apply, what needs another object. Pure.
//!
//! Core's own proposal is not needed: it holds what configuration and prior state say, and marks nothing unknown.

#[cfg(test)]
mod tests;

use crate::framework::path::{Path, Place};
use crate::framework::schema::{Attribute, Nesting, Schema, Shape, TIMEOUTS};
use crate::framework::spelling::keep_spelling;
use crate::framework::value::Value;
use std::collections::BTreeSet;

/// What the schema's flags make of a configuration, with the object as it was unless it is to be created.
///
/// In this order an attribute is: null if it is write-only; as configured, in the prior spelling where that means
/// the same; its default; if the provider sets it, as it was, or unknown in what is new; else null.
pub fn plan_object(schema: &Schema, prior: Option<&Value>, config: &Value) -> Value {
    let mut planned = merge_object(&schema.attributes, prior, config);
    if let Some(prior) = prior {
        keep_spelling(&schema.attributes, prior, &mut planned);
    }
    if let Value::Map(members) = &mut planned
        && schema.timeouts.is_some()
    {
        members.insert(TIMEOUTS.to_owned(), config.get(TIMEOUTS).clone());
    }
    planned
}

/// The attributes that cannot change on an object and are planned to.
pub fn forced_replacements(schema: &Schema, prior: &Value, planned: &Value) -> BTreeSet<Path> {
    let mut found = BTreeSet::new();
    find_replacements(&schema.attributes, prior, planned, Place::Root, &mut found);
    found
}

fn merge_object(attributes: &[Attribute], prior: Option<&Value>, config: &Value) -> Value {
    let Value::Map(members) = config else {
        return config.clone();
    };
    Value::object(attributes.iter().map(|attribute| {
        let config = members.get(&attribute.name).unwrap_or(&Value::Null);
        let prior = prior.map(|prior| prior.get(&attribute.name));
        let merged = merge_attribute(attribute, prior, config);
        (attribute.name.clone(), merged)
    }))
}

fn merge_attribute(attribute: &Attribute, prior: Option<&Value>, config: &Value) -> Value {
    if attribute.write_only {
        return Value::Null;
    }
    if config.is_null() {
        return match (&attribute.default, prior) {
            (Some(default), _) => default.clone(),
            (None, Some(prior)) if attribute.is_computed() => prior.clone(),
            (None, None) if attribute.is_computed() => Value::Unknown,
            _ => Value::Null,
        };
    }
    match &attribute.shape {
        Shape::Plain(_) => config.clone(),
        Shape::Nested(nesting, attributes) => {
            let prior = prior.unwrap_or(&Value::Null);
            merge_nested(*nesting, attributes, prior, config)
        }
    }
}

fn merge_nested(
    nesting: Nesting,
    attributes: &[Attribute],
    prior: &Value,
    config: &Value,
) -> Value {
    match (nesting, config) {
        (Nesting::Single, config) => {
            let prior = Some(prior).filter(|prior| prior.as_map().is_some());
            merge_object(attributes, prior, config)
        }
        (Nesting::Map, Value::Map(members)) => {
            Value::object(members.iter().map(|(key, config)| {
                let prior = prior.as_map().and_then(|prior| prior.get(key));
                (key.clone(), merge_object(attributes, prior, config))
            }))
        }
        (Nesting::List, Value::List(elements)) => {
            Value::list(elements.iter().enumerate().map(|(index, config)| {
                let prior = prior.as_list().and_then(|prior| prior.get(index));
                merge_object(attributes, prior, config)
            }))
        }
        (Nesting::Set, Value::List(elements)) => {
            let prior = prior.as_list().unwrap_or_default();
            let merged = elements
                .iter()
                .map(|config| merge_set_element(attributes, prior, config));
            Value::set(merged.collect())
        }
        (_, other) => other.clone(),
    }
}

/// Elements of sets have no name: one that was there is one which the configuration would leave as it was.
fn merge_set_element(attributes: &[Attribute], prior: &[Value], config: &Value) -> Value {
    let unchanged = |prior: &&Value| {
        let mut merged = merge_object(attributes, Some(prior), config);
        keep_spelling(attributes, prior, &mut merged);
        merged == **prior
    };
    let unchanged = prior.iter().find(unchanged).cloned();
    unchanged.unwrap_or_else(|| merge_object(attributes, None, config))
}

fn find_replacements(
    attributes: &[Attribute],
    prior: &Value,
    planned: &Value,
    place: Place<'_>,
    found: &mut BTreeSet<Path>,
) {
    for attribute in attributes {
        let (prior, planned) = (prior.get(&attribute.name), planned.get(&attribute.name));
        let place = Place::Attribute(&place, &attribute.name);
        if attribute.force_new && prior != planned {
            found.insert(place.path());
        } else if let Shape::Nested(Nesting::Single, attributes) = &attribute.shape {
            // The self-check of schemas sees to it that no element of a collection forces a replacement: a
            // collection that is unknown would not tell whether it does.
            find_replacements(attributes, prior, planned, place, found);
        }
    }
}
