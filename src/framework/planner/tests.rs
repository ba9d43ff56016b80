//! Each rule of the planner, one row; and the size of plan that it must stand.

use super::{forced_replacements, plan_object};
use crate::framework::codec::{decode, encode};
use crate::framework::schema::{Attribute, Schema, Shape, Type};
use crate::framework::timeouts::Timeouts;
use crate::framework::value::Value;
use std::time::{Duration, Instant};

/// One rule: an attribute, what the configuration says of it, what it was (`None`: there was no object), and what
/// is planned.
struct Rule {
    rule: &'static str,
    attribute: Attribute,
    config: Value,
    prior: Option<Value>,
    planned: Value,
}

#[test]
fn every_rule_holds() {
    for rule in rules() {
        let schema = Schema::new("A thing.", vec![rule.attribute]);
        let config = Value::object([("a", rule.config)]);
        let prior = rule.prior.map(|prior| Value::object([("a", prior)]));
        let planned = plan_object(&schema, prior.as_ref(), &config);
        assert_eq!(planned.get("a"), &rule.planned, "{}", rule.rule);
    }
}

fn rules() -> Vec<Rule> {
    let rule = |rule, attribute, config, prior, planned| Rule {
        rule,
        attribute,
        config,
        prior,
        planned,
    };
    vec![
        rule(
            "configured values are planned",
            text(),
            s("x"),
            None,
            s("x"),
        ),
        rule(
            "unknown values stay unknown",
            text(),
            Value::Unknown,
            Some(s("x")),
            Value::Unknown,
        ),
        rule(
            "what is not configured is null",
            text(),
            Value::Null,
            Some(s("x")),
            Value::Null,
        ),
        rule(
            "a default fills in",
            text().default_to(s("d")),
            Value::Null,
            Some(s("x")),
            s("d"),
        ),
        rule(
            "a default gives way",
            text().default_to(s("d")),
            s("x"),
            None,
            s("x"),
        ),
        rule(
            "what is computed is unknown in a create",
            computed(),
            Value::Null,
            None,
            Value::Unknown,
        ),
        rule(
            "what is computed stays in an update",
            computed(),
            Value::Null,
            Some(s("x")),
            s("x"),
        ),
        rule(
            "a computed null stays null",
            computed(),
            Value::Null,
            Some(Value::Null),
            Value::Null,
        ),
        rule(
            "optional and computed: unknown in a create",
            text().computed_too(),
            Value::Null,
            None,
            Value::Unknown,
        ),
        rule(
            "optional and computed: kept in an update",
            text().computed_too(),
            Value::Null,
            Some(s("x")),
            s("x"),
        ),
        rule(
            "optional and computed: the configuration wins",
            text().computed_too(),
            s("y"),
            Some(s("x")),
            s("y"),
        ),
        rule(
            "write-only values are planned as null",
            text().write_only(),
            s("secret"),
            Some(Value::Null),
            Value::Null,
        ),
        rule(
            "another spelling keeps the prior one",
            caseless(Type::String),
            s("X"),
            Some(s("x")),
            s("x"),
        ),
        rule(
            "another meaning does not",
            caseless(Type::String),
            s("y"),
            Some(s("x")),
            s("y"),
        ),
        rule(
            "a list respelled keeps its prior form",
            caseless(Type::list(Type::String)),
            list(["X", "y"]),
            Some(list(["x", "y"])),
            list(["x", "y"]),
        ),
        rule(
            "a list respelled and changed is as configured",
            caseless(Type::list(Type::String)),
            list(["X", "z"]),
            Some(list(["x", "y"])),
            list(["X", "z"]),
        ),
        rule(
            "a set respelled keeps its prior form",
            caseless(Type::set(Type::String)),
            list(["Y", "x"]),
            Some(list(["X", "y"])),
            list(["X", "y"]),
        ),
        rule(
            "a set in which two elements are one is another set",
            caseless(Type::set(Type::String)),
            list(["X", "x"]),
            Some(list(["x", "y"])),
            list(["X", "x"]),
        ),
        rule(
            "a map respelled keeps its prior form",
            caseless(Type::map(Type::String)),
            Value::object([("k", s("X"))]),
            Some(Value::object([("k", s("x"))])),
            Value::object([("k", s("x"))]),
        ),
        rule(
            "keys are not respelled",
            caseless(Type::map(Type::String)),
            Value::object([("K", s("x"))]),
            Some(Value::object([("k", s("x"))])),
            Value::object([("K", s("x"))]),
        ),
        rule(
            "a new element of a map has unknown members",
            nested(Shape::map_of),
            Value::object([
                ("old", object("x", Value::Null)),
                ("new", object("y", Value::Null)),
            ]),
            Some(Value::object([("old", object("x", s("1")))])),
            Value::object([
                ("old", planned_object("x", s("1"))),
                ("new", planned_object("y", Value::Unknown)),
            ]),
        ),
        rule(
            "an element of a list is known by its position",
            nested(Shape::list_of),
            Value::list([object("y", Value::Null), object("z", Value::Null)]),
            Some(Value::list([object("x", s("1"))])),
            Value::list([
                planned_object("y", s("1")),
                planned_object("z", Value::Unknown),
            ]),
        ),
        rule(
            "an element of a set is known by what is configured",
            nested(Shape::set_of),
            Value::list([object("X", Value::Null), object("z", Value::Null)]),
            Some(Value::list([
                planned_object("x", s("1")),
                planned_object("y", s("2")),
            ])),
            Value::list([
                planned_object("x", s("1")),
                planned_object("z", Value::Unknown),
            ]),
        ),
        rule(
            "a new single object has unknown members",
            nested(Shape::single),
            object("x", Value::Null),
            Some(Value::Null),
            planned_object("x", Value::Unknown),
        ),
        rule(
            "a single object keeps its members",
            nested(Shape::single),
            object("X", Value::Null),
            Some(object("x", s("1"))),
            planned_object("x", s("1")),
        ),
        rule(
            "an unknown object is unknown",
            nested(Shape::single),
            Value::Unknown,
            Some(object("x", s("1"))),
            Value::Unknown,
        ),
        rule(
            "an unknown element stays unknown",
            nested(Shape::map_of),
            Value::object([("k", Value::Unknown)]),
            None,
            Value::object([("k", Value::Unknown)]),
        ),
        rule(
            "a computed collection is unknown as a whole",
            Attribute::computed(
                "a",
                Shape::map_of(vec![Attribute::computed("c", Type::String, "C.")]),
                "A.",
            ),
            Value::Null,
            None,
            Value::Unknown,
        ),
    ]
}

#[test]
fn timeouts_are_as_configured() {
    let schema = Schema::new("A thing.", vec![text()]).with_timeouts(Timeouts::default());
    let limits = Value::object([("create", s("1h")), ("read", Value::Null)]);
    let config = Value::object([("a", Value::Null), ("timeouts", limits.clone())]);
    let prior = Value::object([("a", Value::Null), ("timeouts", Value::Null)]);
    let planned = plan_object(&schema, Some(&prior), &config);
    assert_eq!(planned.get("timeouts"), &limits);
}

#[test]
fn replacement_needs_a_real_change_of_a_fixed_attribute() {
    let fixed = || caseless(Type::String).force_new();
    let within = Attribute::optional("a", Shape::single(vec![fixed()]), "A.");
    for (rule, attribute, prior, config, paths) in [
        ("a change", fixed(), s("x"), s("y"), vec!["a"]),
        ("none", fixed(), s("x"), s("x"), vec![]),
        ("another spelling", fixed(), s("x"), s("X"), vec![]),
        (
            "perhaps a change",
            fixed(),
            s("x"),
            Value::Unknown,
            vec!["a"],
        ),
        ("a removal", fixed(), s("x"), Value::Null, vec!["a"]),
        ("a free attribute", text(), s("x"), s("y"), vec![]),
        (
            "inside an object",
            within.clone(),
            Value::object([("a", s("x"))]),
            Value::object([("a", s("y"))]),
            vec!["a.a"],
        ),
        (
            "with its object",
            within,
            Value::object([("a", s("x"))]),
            Value::Null,
            vec!["a.a"],
        ),
    ] {
        let schema = Schema::new("A thing.", vec![attribute]);
        let prior = Value::object([("a", prior)]);
        let planned = plan_object(&schema, Some(&prior), &Value::object([("a", config)]));
        let found = forced_replacements(&schema, &prior, &planned);
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, paths, "{rule}");
    }
}

/// 100 ms is the aim for an optimised build; an unoptimised one on a busy machine gets twenty times as much, and
/// still shows an algorithm that is quadratic.
#[test]
fn a_plan_for_five_thousand_nodes_takes_no_time_to_speak_of() {
    let schema = Schema::new(
        "Routes.",
        vec![
            Attribute::required(
                "nodes",
                Shape::map_of(vec![
                    Attribute::required("internal_ip", Type::String, "An address."),
                    caseless(Type::list(Type::String)),
                ]),
                "The nodes.",
            ),
            Attribute::computed(
                "routes",
                Shape::map_of(vec![Attribute::computed("name", Type::String, "A name.")]),
                "The routes.",
            ),
        ],
    );
    let r#type = schema.object_type();
    let bytes = |prefix: &str, routes: Value| {
        let nodes = (0..5000).map(|number| {
            let cidr = format!("{prefix}.{}.{}.0/24", number / 256, number % 256);
            let node = [("internal_ip", s("10.0.0.1")), ("a", list([cidr.as_str()]))];
            (format!("node-{number}"), Value::object(node))
        });
        encode(&Value::object([
            ("nodes", Value::object(nodes)),
            ("routes", routes),
        ]))
    };
    let routes = (0..5000).map(|number| {
        let name = format!("cluster.node-{number}");
        (
            number.to_string(),
            Value::object([("name", Value::from(name))]),
        )
    });
    let prior = bytes("a", Value::object(routes));
    let config = bytes("A", Value::Null);

    let started = Instant::now();
    let prior = decode(&prior, &r#type).unwrap();
    let config = decode(&config, &r#type).unwrap();
    let planned = plan_object(&schema, Some(&prior), &config);
    let length = encode(&planned).len();
    let taken = started.elapsed();

    println!("{length} bytes in {taken:?}");
    assert_eq!(planned, prior);
    assert!(taken < Duration::from_secs(2), "{taken:?}");
}

fn text() -> Attribute {
    Attribute::optional("a", Type::String, "A.")
}

fn computed() -> Attribute {
    Attribute::computed("a", Type::String, "A.")
}

fn caseless(r#type: Type) -> Attribute {
    Attribute::optional("a", r#type, "A.").same_when(|a, b| a.eq_ignore_ascii_case(b))
}

/// Objects with one attribute that is configured, one that is computed and one that has a default.
fn nested(shape: fn(Vec<Attribute>) -> Shape) -> Attribute {
    let mut name = caseless(Type::String);
    name.name = "name".to_owned();
    let members = vec![
        name,
        Attribute::computed("id", Type::String, "An id."),
        Attribute::optional("size", Type::Number, "A size.").default_to(Value::from(1)),
    ];
    Attribute::optional("a", shape(members), "A.")
}

fn object(name: &str, id: Value) -> Value {
    Value::object([("name", s(name)), ("id", id), ("size", Value::Null)])
}

fn planned_object(name: &str, id: Value) -> Value {
    Value::object([("name", s(name)), ("id", id), ("size", Value::from(1))])
}

fn s(text: &str) -> Value {
    Value::from(text)
}

fn list<const N: usize>(words: [&str; N]) -> Value {
    Value::list(words.map(Value::from))
}
