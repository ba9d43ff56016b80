//! Whether an object became what was planned. Core checks this too; its message accuses the provider and leaves
//! the reader without the attribute's meaning.

use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::{Path, Place};
use crate::framework::schema::Type;
use crate::framework::value::Value;

/// An error for each attribute whose planned value was known and that became something else.
pub(super) fn check_applied(
    type_name: &str,
    r#type: &Type,
    planned: &Value,
    applied: &Value,
) -> Diagnostics {
    let mut found = Vec::new();
    compare(r#type, planned, applied, Place::Root, &mut found);
    found.dedup();
    let mut diagnostics = Diagnostics::new();
    for path in found {
        let detail = format!(
            "{path} was planned with one value and has another one after apply. This is a bug of the provider: please report it with the plan."
        );
        let summary = format!("{type_name} did not become what was planned");
        diagnostics.push(Diagnostic::error(summary, detail).at(path));
    }
    diagnostics
}

fn compare(
    r#type: &Type,
    planned: &Value,
    applied: &Value,
    place: Place<'_>,
    found: &mut Vec<Path>,
) {
    match (r#type, planned, applied) {
        (_, Value::Unknown, _) => {}
        (Type::Object(types), Value::Map(_), Value::Map(_)) => {
            for (name, r#type) in types {
                let place = Place::Attribute(&place, name);
                compare(r#type, planned.get(name), applied.get(name), place, found);
            }
        }
        (Type::Map(element), Value::Map(planned), Value::Map(applied))
            if planned.keys().eq(applied.keys()) =>
        {
            for ((key, planned), applied) in planned.iter().zip(applied.values()) {
                compare(element, planned, applied, Place::Key(&place, key), found);
            }
        }
        (Type::List(element), Value::List(planned), Value::List(applied))
            if planned.len() == applied.len() =>
        {
            for (index, (planned, applied)) in planned.iter().zip(applied).enumerate() {
                compare(
                    element,
                    planned,
                    applied,
                    Place::Index(&place, index),
                    found,
                );
            }
        }
        // Which element an unknown one became cannot be told.
        (Type::Set(_), planned, Value::List(_)) if !planned.is_wholly_known() => {}
        _ if planned == applied => {}
        _ => found.push(place.path()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_applied;
    use crate::framework::schema::Type;
    use crate::framework::value::Value;

    #[test]
    fn only_what_was_planned_as_known_is_compared() {
        let strings = || Value::list([Value::from("a"), Value::from("b")]);
        let unsure = || Value::list([Value::from("a"), Value::Unknown]);
        let keyed = |key: &str| Value::object([(key, Value::from("a"))]);
        let (list, set) = (Type::list(Type::String), Type::set(Type::String));
        let map = Type::map(Type::String);
        for (r#type, planned, applied, paths) in [
            (Type::String, Value::from("a"), Value::from("b"), &["a"][..]),
            (Type::String, Value::from("a"), Value::Null, &["a"]),
            (Type::String, Value::Null, Value::from("a"), &["a"]),
            (Type::String, Value::Unknown, Value::from("a"), &[]),
            (list.clone(), unsure(), strings(), &[]),
            (list.clone(), strings(), unsure(), &["a[1]"]),
            (list, strings(), Value::list([]), &["a"]),
            (set.clone(), unsure(), strings(), &[]),
            (set, strings(), Value::list([]), &["a"]),
            (map.clone(), keyed("k"), keyed("l"), &["a"]),
            (
                map,
                Value::object([("k", Value::from("b"))]),
                keyed("k"),
                &[r#"a["k"]"#],
            ),
        ] {
            let r#type = Type::Object(vec![("a".to_owned(), r#type)]);
            let (planned, applied) = (
                Value::object([("a", planned)]),
                Value::object([("a", applied)]),
            );
            let found = check_applied("fake", &r#type, &planned, &applied);
            let found: Vec<_> = found
                .iter()
                .map(|error| error.attribute.clone().unwrap().to_string())
                .collect();
            assert_eq!(found, paths, "{planned:?} {applied:?}");
        }
    }
}
