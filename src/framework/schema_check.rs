//! The self-check of schemas. Core refuses a provider as a whole for one attribute that breaks its rules, and some
//! of ours it would accept and misunderstand.

use super::schema::{Attribute, Check, Nesting, Presence, Schema, Shape, TIMEOUTS, Type};

/// Whose schema it is: each kind of object has rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The block of a provider.
    Provider,
    /// A resource.
    Resource,
    /// A data source.
    DataSource,
}

impl Schema {
    /// What core, the planner or the docs cannot do with this schema of a resource.
    pub fn check(&self) -> Result<(), Vec<String>> {
        self.check_as(Kind::Resource)
    }

    /// What core, the planner or the docs cannot do with this schema.
    pub fn check_as(&self, kind: Kind) -> Result<(), Vec<String>> {
        let mut check = SchemaCheck {
            kind,
            problems: Vec::new(),
        };
        check.schema(self);
        match check.problems.is_empty() {
            true => Ok(()),
            false => Err(check.problems),
        }
    }
}

/// Whether core takes it for the name of an attribute.
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Names that core takes for its own at the root of a block.
const META_ARGUMENTS: [&str; 7] = [
    "count",
    "for_each",
    "depends_on",
    "lifecycle",
    "provider",
    "connection",
    "provisioner",
];

/// The same in the block of a provider.
const PROVIDER_META_ARGUMENTS: [&str; 2] = ["alias", "version"];

struct SchemaCheck {
    kind: Kind,
    problems: Vec<String>,
}

/// Where an attribute stands in its schema.
#[derive(Clone, Copy)]
struct Inside {
    set: bool,
    collection: bool,
    computed: bool,
}

impl SchemaCheck {
    fn schema(&mut self, schema: &Schema) {
        self.expect(
            !schema.description.trim().is_empty(),
            "",
            "needs a description",
        );
        self.expect(
            schema.timeouts.is_none() || self.kind != Kind::Provider,
            TIMEOUTS,
            "is no block of a provider",
        );
        for attribute in &schema.attributes {
            let name = attribute.name.as_str();
            let reserved = match self.kind {
                Kind::Provider => PROVIDER_META_ARGUMENTS.contains(&name),
                _ => META_ARGUMENTS.contains(&name),
            };
            self.expect(!reserved, name, "is a name of core's own");
            self.expect(name != TIMEOUTS, name, "is the block of that name");
            if name == "id" && self.kind == Kind::Resource {
                // Generated configurations leave out an `id` that is both, others would make it an argument.
                let right = attribute.presence == Presence::Computed
                    && matches!(attribute.shape, Shape::Plain(Type::String));
                self.expect(right, name, "must be a computed string");
            }
        }
        let inside = Inside {
            set: false,
            collection: false,
            computed: false,
        };
        self.attributes(&schema.attributes, "", inside);
    }

    fn attributes(&mut self, attributes: &[Attribute], parent: &str, inside: Inside) {
        self.expect(
            !attributes.is_empty() || parent.is_empty(),
            parent,
            "needs attributes",
        );
        for (position, attribute) in attributes.iter().enumerate() {
            let path = match parent {
                "" => attribute.name.clone(),
                parent => format!("{parent}.{}", attribute.name),
            };
            let earlier = attributes[..position].iter();
            let twice = earlier
                .into_iter()
                .any(|other| other.name == attribute.name);
            self.expect(!twice, &path, "occurs twice");
            self.attribute(attribute, &path, inside);
        }
    }

    fn attribute(&mut self, attribute: &Attribute, path: &str, inside: Inside) {
        self.texts(attribute, path);
        self.presence(attribute, path, inside);
        self.write_only(attribute, path, inside);
        self.expect(
            !attribute.force_new || (self.kind == Kind::Resource && !inside.collection),
            path,
            "can force another object at the root of a resource or in single objects only",
        );
        self.default(attribute, path);
        for check in &attribute.checks {
            let fits = check_fits(check, &attribute.shape);
            self.expect(fits, path, "has a check that fits none of its values");
        }
        self.expect(
            attribute.same.is_none() || holds(&attribute.shape, &Type::String),
            path,
            "compares spellings, but holds no text",
        );
        if let Shape::Nested(nesting, attributes) = &attribute.shape {
            let inside = Inside {
                set: inside.set || *nesting == Nesting::Set,
                collection: inside.collection || *nesting != Nesting::Single,
                computed: inside.computed || attribute.presence == Presence::Computed,
            };
            self.attributes(attributes, path, inside);
        }
    }

    fn texts(&mut self, attribute: &Attribute, path: &str) {
        let said = |text: &str| !text.trim().is_empty();
        self.expect(is_name(&attribute.name), path, "is no name that core takes");
        self.expect(said(&attribute.description), path, "needs a description");
        let reason = attribute.deprecated.as_deref();
        self.expect(
            reason.is_none_or(said),
            path,
            "is deprecated without a reason",
        );
    }

    fn presence(&mut self, attribute: &Attribute, path: &str, inside: Inside) {
        self.expect(
            self.kind != Kind::Provider || !attribute.is_computed(),
            path,
            "cannot be computed: nobody computes attributes of a provider",
        );
        // Core lets a computed object through whatever its members say; the docs would call them arguments.
        self.expect(
            !inside.computed || attribute.presence == Presence::Computed,
            path,
            "must be computed, because the object that it is in is",
        );
    }

    fn write_only(&mut self, attribute: &Attribute, path: &str, inside: Inside) {
        if !attribute.write_only {
            return;
        }
        for (wrong, problem) in [
            (
                self.kind != Kind::Resource,
                "can be write-only in resources only",
            ),
            (
                attribute.is_computed(),
                "cannot be both computed and write-only",
            ),
            (
                attribute.force_new,
                "cannot force another object: nobody knows its prior value",
            ),
            (inside.set, "cannot be write-only inside a set"),
            (
                matches!(attribute.shape, Shape::Nested(..)),
                "cannot be write-only as an object: its members can",
            ),
        ] {
            self.expect(!wrong, path, problem);
        }
    }

    fn default(&mut self, attribute: &Attribute, path: &str) {
        let Some(default) = &attribute.default else {
            return;
        };
        let optional = attribute.presence == Presence::OptionalComputed;
        self.expect(
            optional,
            path,
            "has a default, but is not optional and computed",
        );
        let r#type = attribute.shape.value_type();
        let fits = !default.is_null()
            && default.is_wholly_known()
            && default.clone().conform(&r#type).as_ref() == Ok(default);
        self.expect(fits, path, "has a default of another type");
    }

    fn expect(&mut self, right: bool, path: &str, problem: &str) {
        if !right {
            self.problems.push(format!("{path:?} {problem}"));
        }
    }
}

fn check_fits(check: &Check, shape: &Shape) -> bool {
    match check {
        Check::Text(_) | Check::OneOf(_) => holds(shape, &Type::String),
        Check::Range(_) | Check::RangeOr(..) => holds(shape, &Type::Number),
        Check::Key(_) => matches!(
            shape,
            Shape::Plain(Type::Map(_)) | Shape::Nested(Nesting::Map, _)
        ),
    }
}

/// Whether values of this type occur in it, members of nested objects apart.
fn holds(shape: &Shape, sought: &Type) -> bool {
    fn occurs(r#type: &Type, sought: &Type) -> bool {
        match r#type {
            Type::List(element) | Type::Set(element) | Type::Map(element) => {
                occurs(element, sought)
            }
            Type::Object(members) => members.iter().any(|(_, member)| occurs(member, sought)),
            plain => plain == sought,
        }
    }
    matches!(shape, Shape::Plain(r#type) if occurs(r#type, sought))
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use crate::framework::schema::{Attribute, Check, Schema, Shape, Type};
    use crate::framework::value::Value;

    #[test]
    fn a_sound_schema_passes() {
        let schema = Schema::new(
            "A thing.",
            vec![
                text("name").force_new(),
                Attribute::optional("limit", Type::Number, "A limit.").default_to(Value::from(400)),
                Attribute::computed("id", Type::String, "Its id."),
                Attribute::required("nodes", Shape::map_of(vec![text("address")]), "The nodes."),
            ],
        );
        assert_eq!(schema.check(), Ok(()));
    }

    #[test]
    fn what_core_or_the_planner_would_refuse_is_found() {
        let object = || Shape::single(vec![text("member")]);
        for (attribute, problem) in [
            (text("Name"), "no name that core takes"),
            (text("1st"), "no name that core takes"),
            (text("for_each"), "core's own"),
            (text("timeouts"), "the block of that name"),
            (text("id"), "must be a computed string"),
            (
                Attribute::optional("a", Type::String, " "),
                "needs a description",
            ),
            (text("a").deprecated(""), "without a reason"),
            (
                text("a").computed_too().write_only(),
                "both computed and write-only",
            ),
            (
                text("a").write_only().force_new(),
                "nobody knows its prior value",
            ),
            (
                Attribute::optional("a", object(), "A.").write_only(),
                "as an object",
            ),
            (
                Attribute::optional("a", Shape::set_of(vec![text("b").write_only()]), "A."),
                "write-only inside a set",
            ),
            (
                Attribute::optional("a", Shape::map_of(vec![text("b").force_new()]), "A."),
                "in single objects only",
            ),
            (
                Attribute::required("a", Type::String, "A.").default_to(Value::from("x")),
                "not optional and computed",
            ),
            (
                text("a").default_to(Value::from(1)),
                "default of another type",
            ),
            (text("a").default_to(Value::Null), "default of another type"),
            (
                text("a").check(Check::Range(0..=1)),
                "fits none of its values",
            ),
            (
                text("a").check(Check::Key(|_| Ok(()))),
                "fits none of its values",
            ),
            (
                Attribute::optional("a", Type::Number, "A.").same_when(|a, b| a == b),
                "holds no text",
            ),
            (
                Attribute::optional("a", Shape::list_of(vec![]), "A."),
                "needs attributes",
            ),
            (
                Attribute::computed("a", object(), "A."),
                "because the object that it is in is",
            ),
        ] {
            let schema = Schema::new("A thing.", vec![attribute.clone()]);
            let problems = schema.check().unwrap_err();
            assert!(
                problems.iter().any(|found| found.contains(problem)),
                "{problem}: {problems:?}"
            );
        }
        let twice = Schema::new("A thing.", vec![text("a"), text("a")]);
        assert!(twice.check().is_err());
    }

    #[test]
    fn a_provider_computes_nothing_and_keeps_nothing() {
        for attribute in [
            Attribute::computed("a", Type::String, "A."),
            text("a").write_only(),
            text("a").force_new(),
            text("alias"),
        ] {
            let schema = Schema::new("A provider.", vec![attribute]);
            assert!(schema.check_as(Kind::Provider).is_err());
        }
    }

    fn text(name: &str) -> Attribute {
        Attribute::optional(name, Type::String, "A text.")
    }
}
