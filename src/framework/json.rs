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

#[cfg(test)]
mod tests {
    use super::from_json;
    use crate::framework::number::Number;
    use crate::framework::schema::Type;
    use crate::framework::value::Value;

    #[test]
    fn attributes_that_are_gone_are_dropped_and_new_ones_are_null() {
        let member = Type::Object(vec![("new".to_owned(), Type::String)]);
        let r#type = Type::Object(vec![("list".to_owned(), Type::list(member))]);
        let state = read(r#"{"list": [{"old": 1}], "older": true}"#, &r#type);
        let member = Value::object([("new", Value::Null)]);
        assert_eq!(state, Ok(Value::object([("list", Value::list([member]))])));
    }

    #[test]
    fn numbers_are_exact() {
        for (json, number) in [
            ("9007199254740993", Number::Integer(9_007_199_254_740_993)),
            ("18446744073709551615", Number::Integer(u64::MAX.into())),
            ("0.1", Number::Decimal("0.1".to_owned())),
            ("1.5", Number::Float(1.5)),
            ("3.0", Number::Integer(3)),
            (r#""18446744073709551616""#, Number::Integer(1 << 64)),
        ] {
            assert_eq!(
                read(json, &Type::Number),
                Ok(Value::Number(number)),
                "{json}"
            );
        }
    }

    #[test]
    fn sets_are_sorted() {
        let set = read(r#"["b", "a", "b"]"#, &Type::set(Type::String));
        assert_eq!(set, Ok(Value::list([Value::from("a"), Value::from("b")])));
    }

    #[test]
    fn a_value_of_another_type_is_refused_at_its_path() {
        let r#type = Type::map(Type::list(Type::Bool));
        let error = read(r#"{"k": [true, "true"]}"#, &r#type).unwrap_err();
        assert_eq!(error, r#"["k"][1]: a boolean is needed, not a string"#);
    }

    fn read(json: &str, r#type: &Type) -> Result<Value, String> {
        from_json(&serde_json::from_str(json).unwrap(), r#type)
            .map_err(|error| format!("{}: {error}", error.path))
    }
}
