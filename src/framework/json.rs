//! Stored state: values as JSON, directed by their type.

use super::number::Number;
use super::path::Place;
use super::schema::Type;
use super::value::{TypeError, Value};
use serde_json::Value as Json;

/// Reads a value of this type. Attributes that the type does not have any more are dropped, those that it has got
/// since are null.
///
/// Whole numbers of 64 bits are exact, others as exact as 17 digits are; longer ones may be given as text.
pub fn from_json(json: &Json, r#type: &Type) -> Result<Value, TypeError> {
    value(json, r#type, Place::Root)
}

fn value(json: &Json, r#type: &Type, place: Place<'_>) -> Result<Value, TypeError> {
    Ok(match (r#type, json) {
        (_, Json::Null) => Value::Null,
        (Type::Bool, Json::Bool(value)) => Value::Bool(*value),
        (Type::Number, Json::Number(digits)) => number(&digits.to_string(), place)?,
        (Type::Number, Json::String(digits)) => number(digits, place)?,
        (Type::String, Json::String(text)) => Value::String(text.clone()),
        (Type::List(element), Json::Array(elements)) => elements
            .iter()
            .enumerate()
            .map(|(index, json)| value(json, element, Place::Index(&place, index)))
            .collect::<Result<_, _>>()
            .map(Value::List)?,
        (Type::Set(element), Json::Array(elements)) => elements
            .iter()
            .map(|json| value(json, element, Place::Element(&place)))
            .collect::<Result<_, _>>()
            .map(Value::set)?,
        (Type::Map(element), Json::Object(members)) => members
            .iter()
            .map(|(key, json)| {
                Ok::<_, TypeError>((key.clone(), value(json, element, Place::Key(&place, key))?))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map)?,
        (Type::Object(types), Json::Object(members)) => types
            .iter()
            .map(|(name, r#type)| {
                let json = members.get(name).unwrap_or(&Json::Null);
                let value = value(json, r#type, Place::Attribute(&place, name))?;
                Ok::<_, TypeError>((name.clone(), value))
            })
            .collect::<Result<_, _>>()
            .map(Value::Map)?,
        (r#type, json) => {
            return Err(TypeError::at(
                place,
                format!("{} is needed, not {}", r#type.kind(), kind(json)),
            ));
        }
    })
}

fn number(digits: &str, place: Place<'_>) -> Result<Value, TypeError> {
    Number::parse(digits)
        .map(Value::Number)
        .ok_or_else(|| TypeError::at(place, "the digits of a number are malformed"))
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}
