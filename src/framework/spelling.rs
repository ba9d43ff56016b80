//! Values that are spelled differently and mean the same: the spelling that is already stored stays, because any
//! other would show as a change.

use super::schema::{Attribute, Nesting, Shape, Type};
use super::value::Value;
use std::collections::BTreeMap;

/// Gives every attribute of `object` the spelling that it has in `reference`, where both mean the same.
///
/// An attribute of a plain type keeps its spelling as a whole or not at all: core takes the configured value or the
/// prior one in a plan, not a mixture of both.
pub(super) fn keep_spelling(attributes: &[Attribute], reference: &Value, object: &mut Value) {
    let (Value::Map(reference), Value::Map(members)) = (reference, object) else {
        return;
    };
    for attribute in attributes {
        let names = (
            reference.get(&attribute.name),
            members.get_mut(&attribute.name),
        );
        if let (Some(reference), Some(value)) = names
            && reference != value
        {
            keep_attribute(attribute, reference, value);
        }
    }
}

fn keep_attribute(attribute: &Attribute, reference: &Value, value: &mut Value) {
    match (&attribute.shape, attribute.same) {
        (Shape::Plain(r#type), Some(same)) if means_same(same, r#type, reference, value) => {
            *value = reference.clone();
        }
        (Shape::Plain(_), _) => {}
        (Shape::Nested(nesting, attributes), _) => {
            keep_nested(*nesting, attributes, reference, value);
        }
    }
}

fn keep_nested(nesting: Nesting, attributes: &[Attribute], reference: &Value, value: &mut Value) {
    match (nesting, reference, value) {
        (Nesting::Single, reference, value) => keep_spelling(attributes, reference, value),
        (Nesting::Map, Value::Map(reference), Value::Map(members)) => {
            for (key, element) in members {
                if let Some(reference) = reference.get(key) {
                    keep_spelling(attributes, reference, element);
                }
            }
        }
        (Nesting::List, Value::List(reference), Value::List(elements)) => {
            for (reference, element) in reference.iter().zip(elements) {
                keep_spelling(attributes, reference, element);
            }
        }
        (Nesting::Set, Value::List(reference), Value::List(elements)) => {
            for element in elements.iter_mut() {
                keep_element(attributes, reference, element);
            }
            *elements = match Value::set(std::mem::take(elements)) {
                Value::List(sorted) => sorted,
                _ => Vec::new(),
            };
        }
        _ => {}
    }
}

/// Elements of sets have no name: the one that means the same is the one that they were.
fn keep_element(attributes: &[Attribute], reference: &[Value], element: &mut Value) {
    let respelled = reference.iter().find(|reference| {
        let mut respelled = element.clone();
        keep_spelling(attributes, reference, &mut respelled);
        respelled == **reference
    });
    if let Some(respelled) = respelled {
        *element = respelled.clone();
    }
}

fn means_same(same: fn(&str, &str) -> bool, r#type: &Type, a: &Value, b: &Value) -> bool {
    match (r#type, a, b) {
        (_, Value::String(a), Value::String(b)) => a == b || same(a, b),
        (Type::List(element), Value::List(a), Value::List(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| means_same(same, element, a, b))
        }
        (Type::Set(element), Value::List(a), Value::List(b)) => sets_mean_same(same, element, a, b),
        (Type::Map(element), Value::Map(a), Value::Map(b)) => {
            members_mean_same(a, b, |_, a, b| means_same(same, element, a, b))
        }
        (Type::Object(types), Value::Map(a), Value::Map(b)) => {
            members_mean_same(a, b, |name, a, b| {
                types
                    .iter()
                    .find(|(known, _)| known == name)
                    .is_some_and(|(_, r#type)| means_same(same, r#type, a, b))
            })
        }
        _ => a == b,
    }
}

fn sets_mean_same(same: fn(&str, &str) -> bool, element: &Type, a: &[Value], b: &[Value]) -> bool {
    let mut unmatched: Vec<&Value> = b.iter().collect();
    a.len() == b.len()
        && a.iter().all(|a| {
            let twin = unmatched
                .iter()
                .position(|b| means_same(same, element, a, b));
            twin.map(|position| unmatched.swap_remove(position))
                .is_some()
        })
}

fn members_mean_same(
    a: &BTreeMap<String, Value>,
    b: &BTreeMap<String, Value>,
    same: impl Fn(&str, &Value, &Value) -> bool,
) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|(key, a)| b.get(key).is_some_and(|b| same(key, a, b)))
}

#[cfg(test)]
mod tests {
    use super::keep_spelling;
    use crate::framework::schema::{Attribute, Shape, Type};
    use crate::framework::value::Value;

    #[test]
    fn what_an_api_gives_back_in_other_letters_is_no_drift() {
        let member = || {
            vec![
                Attribute::computed("id", Type::String, "An id.")
                    .same_when(|a, b| a.eq_ignore_ascii_case(b)),
                Attribute::computed("size", Type::Number, "A size."),
            ]
        };
        let object = |id: &str, size: i64| {
            Value::object([("id", Value::from(id)), ("size", Value::from(size))])
        };
        let keyed = |object: Value| Value::object([("k", object)]);
        for (shape, stored, actual, kept) in [
            (
                Shape::single(member()),
                object("/a", 1),
                object("/A", 2),
                object("/a", 2),
            ),
            (
                Shape::map_of(member()),
                keyed(object("/a", 1)),
                keyed(object("/A", 1)),
                keyed(object("/a", 1)),
            ),
            (
                Shape::list_of(member()),
                Value::list([object("/a", 1)]),
                Value::list([object("/A", 1), object("/B", 1)]),
                Value::list([object("/a", 1), object("/B", 1)]),
            ),
            (
                Shape::set_of(member()),
                Value::list([object("/a", 1), object("/b", 1)]),
                Value::list([object("/A", 2), object("/B", 1)]),
                Value::list([object("/A", 2), object("/b", 1)]),
            ),
        ] {
            let attributes = [Attribute::computed("a", shape, "A.")];
            let stored = Value::object([("a", stored)]);
            let mut actual = Value::object([("a", actual)]);
            keep_spelling(&attributes, &stored, &mut actual);
            assert_eq!(actual.get("a"), &kept);
        }
    }
}
