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
            "{path} was planned with one value and has another one after apply. What was done is kept in the state. This is a bug of the provider: please report it with the plan."
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
