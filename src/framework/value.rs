//! The values that Terraform hands over: known, null or unknown.

use super::number::Number;
use super::path::{Path, Place};
use super::schema::Type;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use thiserror::Error;

/// A value of a configuration, a plan or a state.
///
/// It does not carry its type: the schema tells a list from a set and a map from an object. Sets are kept sorted,
/// see [`Value::conform`], so that equal sets are equal values. Unknown values occur while validating and planning
/// only.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not known before apply.
    Unknown,
    /// Not set.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// A list, or a set in any order.
    List(Vec<Value>),
    /// A map, or an object with all of its attributes.
    Map(BTreeMap<String, Value>),
}

/// A value that is not of the type that it should have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct TypeError {
    /// Where in the value.
    pub path: Path,
    /// What is wrong there.
    pub problem: String,
}

impl Value {
    /// An object or a map of these members.
    pub fn object<N: Into<String>>(members: impl IntoIterator<Item = (N, Value)>) -> Value {
        Value::Map(
            members
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }

    /// A list of these elements.
    pub fn list(elements: impl IntoIterator<Item = Value>) -> Value {
        Value::List(elements.into_iter().collect())
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether it is unknown as a whole.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Value::Unknown)
    }

    /// Whether neither it nor anything in it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Value::Unknown => false,
            Value::List(elements) => elements.iter().all(Value::is_wholly_known),
            Value::Map(members) => members.values().all(Value::is_wholly_known),
            _ => true,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The whole number, if it is one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(Number::Integer(value)) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The elements of a list or a set.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// The members of a map or an object.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Value::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The member of that name of an object; null where there is none, unknown where the object is.
    pub fn get(&self, name: &str) -> &Value {
        match self {
            Value::Map(members) => members.get(name).unwrap_or(&Value::Null),
            Value::Unknown => &Value::Unknown,
            _ => &Value::Null,
        }
    }

    /// The same with null in place of everything unknown.
    #[must_use]
    pub fn without_unknowns(self) -> Value {
        match self {
            Value::Unknown => Value::Null,
            Value::List(elements) => Value::list(elements.into_iter().map(Value::without_unknowns)),
            Value::Map(members) => Value::object(
                members
                    .into_iter()
                    .map(|(name, value)| (name, value.without_unknowns())),
            ),
            known => known,
        }
    }

    /// The value in the one form that values of this type have, or where it is not of this type.
    ///
    /// Objects must have exactly their attributes. Sets are sorted and hold every known element once.
    pub fn conform(self, r#type: &Type) -> Result<Value, TypeError> {
        conform(self, r#type, Place::Root)
    }

    /// Sorts what is to become a set.
    pub(super) fn set(mut elements: Vec<Value>) -> Value {
        elements.sort_by(order);
        elements.dedup_by(|a, b| a == b && a.is_wholly_known());
        Value::List(elements)
    }

    /// What kind of value it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Unknown => "an unknown value",
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Number(Number::from(value))
    }
}

/// `None` is null.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl TypeError {
    pub(super) fn at(place: Place<'_>, problem: impl Into<String>) -> TypeError {
        TypeError {
            path: place.path(),
            problem: problem.into(),
        }
    }
}

fn conform(value: Value, r#type: &Type, place: Place<'_>) -> Result<Value, TypeError> {
    match (r#type, value) {
        (_, value @ (Value::Null | Value::Unknown)) => Ok(value),
        (Type::Bool, value @ Value::Bool(_))
        | (Type::Number, value @ Value::Number(_))
        | (Type::String, value @ Value::String(_)) => Ok(value),
        (Type::List(element), Value::List(elements)) => {
            let elements = elements.into_iter().enumerate();
            elements
                .map(|(index, value)| conform(value, element, Place::Index(&place, index)))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
        (Type::Set(element), Value::List(elements)) => {
            let elements = elements.into_iter();
            elements
                .map(|value| conform(value, element, Place::Element(&place)))
                .collect::<Result<_, _>>()
                .map(Value::set)
        }
        (Type::Map(element), Value::Map(members)) => members
            .into_iter()
            .map(|(key, value)| {
                let value = conform(value, element, Place::Key(&place, &key))?;
                Ok((key, value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map),
        (Type::Object(types), Value::Map(members)) => conform_object(members, types, place),
        (r#type, value) => Err(TypeError::at(
            place,
            format!("{} is needed, not {}", r#type.kind(), value.kind()),
        )),
    }
}

fn conform_object(
    mut members: BTreeMap<String, Value>,
    types: &[(String, Type)],
    place: Place<'_>,
) -> Result<Value, TypeError> {
    let mut object = BTreeMap::new();
    for (name, r#type) in types {
        let Some((name, value)) = members.remove_entry(name) else {
            return Err(TypeError::at(place, format!("{name:?} is missing")));
        };
        let value = conform(value, r#type, Place::Attribute(&place, &name))?;
        object.insert(name, value);
    }
    match members.into_keys().next() {
        Some(name) => Err(TypeError::at(
            place,
            format!("there is no attribute {name:?}"),
        )),
        None => Ok(Value::Map(object)),
    }
}

fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.order(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => order_all(a.iter().zip(b), a.len().cmp(&b.len())),
        (Value::Map(a), Value::Map(b)) => {
            let keys = a.keys().cmp(b.keys());
            keys.then_with(|| order_all(a.values().zip(b.values()), Ordering::Equal))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn order_all<'a>(
    mut pairs: impl Iterator<Item = (&'a Value, &'a Value)>,
    otherwise: Ordering,
) -> Ordering {
    pairs
        .find_map(|(a, b)| Some(order(a, b)).filter(|ordering| ordering.is_ne()))
        .unwrap_or(otherwise)
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::List(_) => 4,
        Value::Map(_) => 5,
        Value::Unknown => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::Value;
    use crate::framework::schema::Type;

    #[test]
    fn sets_in_any_order_are_equal_and_hold_an_element_once() {
        let r#type = Type::set(Type::String);
        let set = |words: &[&str]| {
            Value::list(words.iter().map(|&word| Value::from(word)))
                .conform(&r#type)
                .unwrap()
        };
        assert_eq!(set(&["b", "a", "b"]), set(&["a", "b"]));
    }

    #[test]
    fn unknown_elements_of_a_set_are_not_merged() {
        let set = Value::list([Value::Unknown, Value::from("a"), Value::Unknown]);
        let conformed = set.conform(&Type::set(Type::String)).unwrap();
        assert_eq!(conformed.as_list().unwrap().len(), 3);
    }

    #[test]
    fn a_value_of_another_type_is_refused_at_its_path() {
        let r#type = Type::map(Type::list(Type::Number));
        let value = Value::object([("a", Value::list([Value::from(1), Value::from("x")]))]);
        let error = value.conform(&r#type).unwrap_err();
        assert_eq!(error.path.to_string(), r#"["a"][1]"#);
        assert_eq!(error.problem, "a number is needed, not a string");
    }

    #[test]
    fn an_object_has_exactly_its_attributes() {
        let r#type = Type::Object(vec![("a".to_owned(), Type::String)]);
        let missing = Value::object::<&str>([]).conform(&r#type).unwrap_err();
        assert_eq!(missing.problem, r#""a" is missing"#);
        let surplus = Value::object([("a", Value::Null), ("b", Value::Null)])
            .conform(&r#type)
            .unwrap_err();
        assert_eq!(surplus.problem, r#"there is no attribute "b""#);
    }
}
