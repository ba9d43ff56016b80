//! Between the values of a state and the typed model that a resource works with.

mod de;
mod ser;

use super::path::Place;
use super::schema::{Attribute, Nesting, Schema, Shape, TIMEOUTS};
use super::value::{TypeError, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The model of an object. What is null or unknown is `None`; a model has no field for `timeouts`.
pub fn to_model<M: DeserializeOwned>(object: &Value) -> Result<M, TypeError> {
    let mut object = object.clone();
    if let Value::Map(members) = &mut object {
        members.remove(TIMEOUTS);
    }
    de::from_value(&object)
}

/// The object of a model: exactly the attributes of the schema, write-only ones null, with this `timeouts` block.
pub fn to_object<M: Serialize>(
    schema: &Schema,
    model: &M,
    timeouts: &Value,
) -> Result<Value, TypeError> {
    let mut object = ser::to_value(model)?;
    if let Value::Map(members) = &mut object
        && schema.timeouts.is_some()
    {
        members.insert(TIMEOUTS.to_owned(), timeouts.clone());
    }
    let mut object = object.conform(&schema.object_type())?;
    if !object.is_wholly_known() {
        return Err(TypeError::at(
            Place::Root,
            "the model holds an unknown value",
        ));
    }
    forget_write_only(&schema.attributes, &mut object);
    Ok(object)
}

/// Puts null in place of every write-only value.
pub(super) fn forget_write_only(attributes: &[Attribute], object: &mut Value) {
    let Value::Map(members) = object else { return };
    for attribute in attributes {
        let Some(value) = members.get_mut(&attribute.name) else {
            continue;
        };
        if attribute.write_only {
            *value = Value::Null;
        } else if let Shape::Nested(nesting, attributes) = &attribute.shape {
            for object in objects(*nesting, value) {
                forget_write_only(attributes, object);
            }
        }
    }
}

/// Puts its default in place of every attribute that is null.
pub(super) fn fill_defaults(attributes: &[Attribute], object: &mut Value) {
    let Value::Map(members) = object else { return };
    for attribute in attributes {
        let Some(value) = members.get_mut(&attribute.name) else {
            continue;
        };
        match (&attribute.default, &attribute.shape) {
            (Some(default), _) if value.is_null() => *value = default.clone(),
            (_, Shape::Nested(nesting, attributes)) => {
                for object in objects(*nesting, value) {
                    fill_defaults(attributes, object);
                }
            }
            _ => {}
        }
    }
}

fn objects(nesting: Nesting, value: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    match (nesting, value) {
        (Nesting::Single, object) => Box::new(std::iter::once(object)),
        (_, Value::List(elements)) => Box::new(elements.iter_mut()),
        (_, Value::Map(members)) => Box::new(members.values_mut()),
        _ => Box::new(std::iter::empty()),
    }
}

/// Why a value and a model do not fit, with the way to the place.
#[derive(Debug)]
struct Mismatch {
    steps: Vec<super::path::Step>,
    problem: String,
}

impl Mismatch {
    fn new(problem: impl Into<String>) -> Mismatch {
        Mismatch {
            steps: Vec::new(),
            problem: problem.into(),
        }
    }

    /// The same, seen from one level further out.
    fn under(mut self, step: super::path::Step) -> Mismatch {
        self.steps.push(step);
        self
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Mismatch {}

impl serde::de::Error for Mismatch {
    fn custom<T: std::fmt::Display>(problem: T) -> Mismatch {
        Mismatch::new(problem.to_string())
    }
}

impl serde::ser::Error for Mismatch {
    fn custom<T: std::fmt::Display>(problem: T) -> Mismatch {
        Mismatch::new(problem.to_string())
    }
}

impl From<Mismatch> for TypeError {
    fn from(mismatch: Mismatch) -> TypeError {
        TypeError {
            path: mismatch.steps.into_iter().rev().collect(),
            problem: mismatch.problem,
        }
    }
}
