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

#[cfg(test)]
mod tests {
    use super::{to_model, to_object};
    use crate::framework::schema::{Attribute, Schema, Shape, Type};
    use crate::framework::timeouts::Timeouts;
    use crate::framework::value::Value;
    use ipnet::Ipv4Net;
    use serde::{Deserialize, Serialize};
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::Ipv4Addr;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Model {
        name: Name,
        mode: Option<Mode>,
        limit: Option<u32>,
        share: f64,
        nodes: BTreeMap<String, Node>,
        routes: Option<BTreeMap<Ipv4Net, Option<String>>>,
        zones: BTreeSet<u8>,
        enabled: bool,
        secret: Option<String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Name(String);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        KeepAll,
        Replace,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Node {
        internal_ip: Ipv4Addr,
        pod_cidrs: Vec<Ipv4Net>,
    }

    #[test]
    fn an_object_becomes_a_model_and_comes_back() {
        let model: Model = to_model(&object()).unwrap();
        assert_eq!(model.mode, Some(Mode::KeepAll));
        assert_eq!(model.nodes["a"].internal_ip, Ipv4Addr::new(10, 0, 0, 4));
        let limits = object().get("timeouts").clone();
        assert_eq!(to_object(&schema(), &model, &limits), Ok(object()));
    }

    #[test]
    fn null_and_unknown_are_none() {
        for nothing in [Value::Null, Value::Unknown] {
            let object = with("limit", nothing.clone());
            assert_eq!(to_model::<Model>(&object).unwrap().limit, None);
            let object = with("routes", Value::object([("10.0.0.0/24", nothing)]));
            let routes = to_model::<Model>(&object).unwrap().routes.unwrap();
            assert_eq!(routes.into_values().collect::<Vec<_>>(), [None]);
        }
    }

    #[test]
    fn what_does_not_fit_the_model_is_named() {
        let node = |ip: &str| {
            let cidrs = Value::list([Value::from("10.1.0.0/24"), Value::from(ip)]);
            let node = [
                ("internal_ip", Value::from("10.0.0.4")),
                ("pod_cidrs", cidrs),
            ];
            Value::object([("a", Value::object(node))])
        };
        for (name, value, path) in [
            ("name", Value::Null, "name"),
            ("name", Value::Unknown, "name"),
            ("limit", Value::from(-1), "limit"),
            ("limit", Value::from(1 << 40), "limit"),
            ("mode", Value::from("other"), "mode"),
            ("nodes", node("x"), r#"nodes["a"].pod_cidrs[1]"#),
            ("enabled", Value::from("true"), "enabled"),
            ("surplus", Value::Null, "surplus"),
        ] {
            let error = to_model::<Model>(&with(name, value)).unwrap_err();
            assert_eq!(error.path.to_string(), path, "{error}");
        }
    }

    #[test]
    fn a_model_that_does_not_fit_its_schema_is_refused() {
        let model: Model = to_model(&object()).unwrap();
        let mut schema = schema();
        schema.attributes.pop();
        let error = to_object(&schema, &model, &Value::Null).unwrap_err();
        assert_eq!(error.problem, r#"there is no attribute "secret""#);
        let infinite = Model {
            share: f64::INFINITY,
            ..model
        };
        let error = to_object(&schema, &infinite, &Value::Null).unwrap_err();
        assert_eq!(error.path.to_string(), "share");
    }

    #[test]
    fn write_only_values_are_not_stored() {
        let model: Model = to_model(&with("secret", Value::from("hunter2"))).unwrap();
        let stored = to_object(&schema(), &model, &Value::Null).unwrap();
        assert_eq!(stored.get("secret"), &Value::Null);
    }

    fn with(name: &str, value: Value) -> Value {
        let mut members = object().as_map().unwrap().clone();
        members.insert(name.to_owned(), value);
        Value::Map(members)
    }

    fn object() -> Value {
        let cidrs = Value::list([Value::from("10.1.0.0/24")]);
        let node = [
            ("internal_ip", Value::from("10.0.0.4")),
            ("pod_cidrs", cidrs),
        ];
        let share = crate::framework::number::Number::Decimal("0.1".to_owned());
        Value::object([
            ("name", Value::from("x")),
            ("mode", Value::from("keep_all")),
            ("limit", Value::from(400)),
            ("share", Value::Number(share)),
            ("nodes", Value::object([("a", Value::object(node))])),
            ("routes", Value::Null),
            ("zones", Value::list([Value::from(1), Value::from(2)])),
            ("enabled", Value::from(true)),
            ("secret", Value::Null),
            (
                "timeouts",
                Value::object(
                    [
                        ("create", "1h"),
                        ("read", "5m"),
                        ("update", "1h"),
                        ("delete", "1h"),
                    ]
                    .map(|(name, limit)| (name, Value::from(limit))),
                ),
            ),
        ])
    }

    fn schema() -> Schema {
        let node = vec![
            Attribute::required("internal_ip", Type::String, "An address."),
            Attribute::required("pod_cidrs", Type::list(Type::String), "CIDRs."),
        ];
        Schema::new(
            "A thing.",
            vec![
                Attribute::required("name", Type::String, "A name."),
                Attribute::optional("mode", Type::String, "A mode."),
                Attribute::optional("limit", Type::Number, "A limit."),
                Attribute::required("share", Type::Number, "A share."),
                Attribute::required("nodes", Shape::map_of(node), "Nodes."),
                Attribute::computed("routes", Type::map(Type::String), "Routes."),
                Attribute::required("zones", Type::set(Type::Number), "Zones."),
                Attribute::required("enabled", Type::Bool, "Whether."),
                Attribute::optional("secret", Type::String, "A secret.").write_only(),
            ],
        )
        .with_timeouts(Timeouts::default())
    }
}
