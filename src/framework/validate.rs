//! What the schema alone says about a configuration.
//!
//! Core lets null through for required attributes, and values for computed ones; both are refused here.

use super::diagnostics::{Diagnostic, Diagnostics};
use super::number::Number;
use super::path::Place;
use super::schema::{Attribute, Check, Nesting, Presence, Schema, Shape, TIMEOUTS, Type};
use super::value::Value;

/// Every way in which the configuration breaks the rules of the schema. What is unknown breaks none.
///
/// `write_only_allowed` tells whether the client keeps write-only values out of its files.
pub fn validate(schema: &Schema, config: &Value, write_only_allowed: bool) -> Diagnostics {
    let mut validation = Validation {
        write_only_allowed,
        found: Diagnostics::new(),
    };
    validation.object(&schema.attributes, config, Place::Root);
    if let Some(timeouts) = &schema.timeouts {
        let place = Place::Attribute(&Place::Root, TIMEOUTS);
        validation.object(&timeouts.attributes(), config.get(TIMEOUTS), place);
    }
    validation.found
}

struct Validation {
    write_only_allowed: bool,
    found: Diagnostics,
}

impl Validation {
    fn object(&mut self, attributes: &[Attribute], object: &Value, place: Place<'_>) {
        let Value::Map(members) = object else { return };
        for attribute in attributes {
            let value = members.get(&attribute.name).unwrap_or(&Value::Null);
            self.attribute(attribute, value, Place::Attribute(&place, &attribute.name));
        }
    }

    fn attribute(&mut self, attribute: &Attribute, value: &Value, place: Place<'_>) {
        match attribute.presence {
            Presence::Required if value.is_null() => return self.missing(attribute, place),
            Presence::Computed if !value.is_null() => return self.not_settable(attribute, place),
            _ => {}
        }
        if value.is_null() {
            return;
        }
        if attribute.write_only && !self.write_only_allowed {
            self.write_only(attribute, place);
        }
        match &attribute.shape {
            Shape::Plain(r#type) => self.plain(attribute, r#type, value, place),
            Shape::Nested(nesting, attributes) => {
                self.keys(attribute, value, place);
                self.nested(*nesting, attributes, value, place);
            }
        }
    }

    fn nested(
        &mut self,
        nesting: Nesting,
        attributes: &[Attribute],
        value: &Value,
        place: Place<'_>,
    ) {
        match (nesting, value) {
            (Nesting::Single, object) => self.object(attributes, object, place),
            (Nesting::Map, Value::Map(members)) => {
                for (key, object) in members {
                    self.element(attributes, object, Place::Key(&place, key));
                }
            }
            (Nesting::Set, Value::List(elements)) => {
                for object in elements {
                    self.element(attributes, object, Place::Element(&place));
                }
            }
            (_, Value::List(elements)) => {
                for (index, object) in elements.iter().enumerate() {
                    self.element(attributes, object, Place::Index(&place, index));
                }
            }
            _ => {}
        }
    }

    fn element(&mut self, attributes: &[Attribute], object: &Value, place: Place<'_>) {
        if object.is_null() {
            return self.null_element(place);
        }
        self.object(attributes, object, place);
    }

    fn plain(&mut self, attribute: &Attribute, r#type: &Type, value: &Value, place: Place<'_>) {
        match (r#type, value) {
            (Type::List(element), Value::List(elements)) => {
                for (index, value) in elements.iter().enumerate() {
                    self.plain_element(attribute, element, value, Place::Index(&place, index));
                }
            }
            (Type::Set(element), Value::List(elements)) => {
                for value in elements {
                    self.plain_element(attribute, element, value, Place::Element(&place));
                }
            }
            (Type::Map(element), Value::Map(members)) => {
                self.keys(attribute, value, place);
                for (key, value) in members {
                    self.plain_element(attribute, element, value, Place::Key(&place, key));
                }
            }
            (Type::Object(types), Value::Map(members)) => {
                for (name, r#type) in types {
                    let value = members.get(name).unwrap_or(&Value::Null);
                    let place = Place::Attribute(&place, name);
                    self.plain(attribute, r#type, value, place);
                }
            }
            _ => {
                for check in &attribute.checks {
                    if let Err(problem) = fulfils(check, value) {
                        self.invalid(attribute, value, &problem, place);
                    }
                }
            }
        }
    }

    fn plain_element(
        &mut self,
        attribute: &Attribute,
        r#type: &Type,
        value: &Value,
        place: Place<'_>,
    ) {
        if value.is_null() {
            return self.null_element(place);
        }
        self.plain(attribute, r#type, value, place);
    }

    fn keys(&mut self, attribute: &Attribute, value: &Value, place: Place<'_>) {
        let Value::Map(members) = value else { return };
        for check in &attribute.checks {
            let Check::Key(check) = check else { continue };
            for key in members.keys() {
                if let Err(problem) = check(key) {
                    let place = Place::Key(&place, key);
                    self.invalid(attribute, &Value::Null, &problem, place);
                }
            }
        }
    }

    fn missing(&mut self, attribute: &Attribute, place: Place<'_>) {
        self.report(
            format!("Required argument {:?} is not set", attribute.name),
            format!(
                "{} needs a value, but is null. {}",
                place.path(),
                attribute.description
            ),
            place,
        );
    }

    fn not_settable(&mut self, attribute: &Attribute, place: Place<'_>) {
        self.report(
            format!("Attribute {:?} cannot be set", attribute.name),
            format!(
                "{} is decided by the provider. Remove it from the configuration.",
                place.path()
            ),
            place,
        );
    }

    fn write_only(&mut self, attribute: &Attribute, place: Place<'_>) {
        self.report(
            format!("Argument {:?} needs a newer Terraform", attribute.name),
            format!(
                "{} is write-only: it must not be stored in a plan or a state. This version of Terraform does not support such arguments and would store it. Use Terraform 1.11 or later.",
                place.path()
            ),
            place,
        );
    }

    fn null_element(&mut self, place: Place<'_>) {
        let path = place.path();
        self.report(
            format!("{path} holds a null element"),
            format!("An element of {path} is null. Remove it or give it a value."),
            place,
        );
    }

    fn invalid(&mut self, attribute: &Attribute, value: &Value, problem: &str, place: Place<'_>) {
        let path = place.path();
        let mut detail = format!("{path}: {}.", problem.trim_end_matches('.'));
        let secret = attribute.sensitive || attribute.write_only;
        if let Some(text) = value.as_str().filter(|text| secret && !text.is_empty()) {
            // A problem that quotes the value escapes its quotes and line feeds.
            let quoted = format!("{text:?}");
            let escaped = &quoted[1..quoted.len() - 1];
            detail = detail.replace(escaped, "(sensitive value)");
            if escaped != text {
                detail = detail.replace(text, "(sensitive value)");
            }
        }
        self.report(format!("Invalid value for {path}"), detail, place);
    }

    fn report(&mut self, summary: String, detail: String, place: Place<'_>) {
        self.found
            .push(Diagnostic::error(summary, detail).at(place.path()));
    }
}

fn fulfils(check: &Check, value: &Value) -> Result<(), String> {
    match (check, value) {
        (Check::Text(check), Value::String(text)) => check(text),
        (Check::OneOf(words), Value::String(text)) if !words.contains(&text.as_str()) => {
            let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
            Err(format!(
                "must be one of {}, but is {text:?}",
                words.join(", ")
            ))
        }
        (Check::Range(range), Value::Number(number)) if !in_range(range, number) => Err(format!(
            "must be a whole number from {} to {}, but is {number}",
            range.start(),
            range.end()
        )),
        (Check::RangeOr(range, special), Value::Number(number))
            if !in_range(range, number) && !is_one_of(special, number) =>
        {
            let special: Vec<_> = special.iter().map(i64::to_string).collect();
            Err(format!(
                "must be {} or a whole number from {} to {}, but is {number}",
                special.join(", "),
                range.start(),
                range.end()
            ))
        }
        _ => Ok(()),
    }
}

fn in_range(range: &std::ops::RangeInclusive<i64>, number: &Number) -> bool {
    match number {
        Number::Integer(integer) => {
            i64::try_from(*integer).is_ok_and(|integer| range.contains(&integer))
        }
        _ => false,
    }
}

fn is_one_of(special: &[i64], number: &Number) -> bool {
    special
        .iter()
        .any(|special| in_range(&(*special..=*special), number))
}

#[cfg(test)]
mod tests {
    use super::validate;
    use crate::framework::schema::{Attribute, Check, Schema, Shape, Type};
    use crate::framework::timeouts::Timeouts;
    use crate::framework::value::Value;

    #[test]
    fn a_sound_configuration_passes() {
        let node = Value::object([("ip", s("10.0.0.1")), ("id", Value::Null)]);
        let nodes = Value::object([("node-1", node)]);
        assert_eq!(
            found(&config([("name", s("x")), ("nodes", nodes)])),
            [""; 0]
        );
    }

    #[test]
    fn what_is_unknown_breaks_no_rule() {
        for name in ["name", "nodes", "limit", "tags", "secret"] {
            let config = config([("name", s("x")), (name, Value::Unknown)]);
            assert_eq!(found(&config), [""; 0], "{name}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_found_at_its_path() {
        let nodes = |key: &str, ip: Value, id: Value| {
            let node = Value::object([("ip", ip), ("id", id)]);
            ("nodes", Value::object([(key, node)]))
        };
        for (member, path) in [
            (("name", Value::Null), "name"),
            (("id", s("x")), "id"),
            (("id", Value::Unknown), "id"),
            (nodes("a", Value::Null, Value::Null), r#"nodes["a"].ip"#),
            (nodes("a", s("10.0.0.1"), s("x")), r#"nodes["a"].id"#),
            (nodes("a", s("bad"), Value::Null), r#"nodes["a"].ip"#),
            (nodes("_", s("10.0.0.1"), Value::Null), r#"nodes["_"]"#),
            (
                ("nodes", Value::object([("a", Value::Null)])),
                r#"nodes["a"]"#,
            ),
            (("words", Value::list([s("a"), s("d")])), "words[1]"),
            (("words", Value::list([Value::Null])), "words[0]"),
            (("set", Value::list([s("d")])), "set"),
            (
                ("tags", Value::object([("k", Value::Null)])),
                r#"tags["k"]"#,
            ),
            (("limit", Value::from(0)), "limit"),
            (
                (
                    "limit",
                    Value::Number(crate::framework::number::Number::Float(1.5)),
                ),
                "limit",
            ),
            (
                ("timeouts", Value::object([("create", s("5 minutes"))])),
                "timeouts.create",
            ),
        ] {
            let config = config([("name", s("x")), member.clone()]);
            assert_eq!(found(&config), [path], "{member:?}");
        }
    }

    #[test]
    fn a_number_outside_of_its_range_may_have_a_meaning_of_its_own() {
        for (number, is_right) in [
            (0, true),
            (1, false),
            (119, false),
            (120, true),
            (901, false),
        ] {
            let config = config([("name", s("x")), ("interval", Value::from(number))]);
            assert_eq!(found(&config).is_empty(), is_right, "{number}");
        }
        let config = config([("name", s("x")), ("interval", Value::from(7))]);
        let error = validate(&schema(), &config, true);
        let detail = &error.iter().next().unwrap().detail;
        assert!(
            detail.contains("must be 0 or a whole number from 120 to 900, but is 7"),
            "{detail}"
        );
    }

    #[test]
    fn the_text_of_a_secret_is_not_repeated() {
        for secret in ["hunter2", "hunter\"2\n", "hunter'2"] {
            let config = config([("name", s("x")), ("secret", s(secret))]);
            let found = validate(&schema(), &config, true);
            let detail = &found.iter().next().unwrap().detail;
            assert!(detail.contains("(sensitive value)"), "{detail}");
            assert!(!detail.contains("hunter"), "{detail}");
        }
    }

    /// The paths of the errors.
    fn found(config: &Value) -> Vec<String> {
        validate(&schema(), config, true)
            .iter()
            .map(|error| error.attribute.clone().unwrap_or_default().to_string())
            .collect()
    }

    fn config<const N: usize>(members: [(&str, Value); N]) -> Value {
        let names = [
            "name", "id", "nodes", "words", "set", "tags", "limit", "interval", "secret",
            "timeouts",
        ];
        let unset = names.map(|name| (name, Value::Null));
        Value::object(unset.into_iter().chain(members))
    }

    fn schema() -> Schema {
        let one_of = Check::OneOf(&["a", "b"]);
        let node = vec![
            Attribute::required("ip", Type::String, "An address.").check(Check::Text(|text| {
                text.parse::<std::net::Ipv4Addr>()
                    .map(drop)
                    .map_err(|_| "must be an IPv4 address".to_owned())
            })),
            Attribute::computed("id", Type::String, "An id."),
        ];
        let key = Check::Key(|key| match key {
            "_" => Err("must be a node name".to_owned()),
            _ => Ok(()),
        });
        Schema::new(
            "A thing.",
            vec![
                Attribute::required("name", Type::String, "A name."),
                Attribute::computed("id", Type::String, "An id."),
                Attribute::optional("nodes", Shape::map_of(node), "Nodes.").check(key),
                Attribute::optional("words", Type::list(Type::String), "Words.")
                    .check(one_of.clone()),
                Attribute::optional("set", Type::set(Type::String), "Words.").check(one_of),
                Attribute::optional("tags", Type::map(Type::String), "Tags."),
                Attribute::optional("limit", Type::Number, "A limit.").check(Check::Range(1..=9)),
                Attribute::optional("interval", Type::Number, "Seconds; 0 is never.")
                    .check(Check::RangeOr(120..=900, &[0])),
                Attribute::optional("secret", Type::String, "A secret.")
                    .sensitive()
                    .check(Check::Text(|text| {
                        Err(format!("must be long, but is {text:?}"))
                    })),
            ],
        )
        .with_timeouts(Timeouts::default())
    }

    fn s(text: &str) -> Value {
        Value::from(text)
    }
}
