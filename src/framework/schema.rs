//! What a provider, a resource or a data source consists of. Core, the planner and the docs pages read it here.

use super::path::{Path, Step};
use super::timeouts::Timeouts;
use super::value::Value;
use std::ops::RangeInclusive;

/// The attributes of one resource, data source or provider, and what they mean.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Grows by one with each change of shape that needs a state upgrade.
    pub version: u32,
    /// What the object is, in Markdown; the first sentence complete by itself.
    pub description: String,
    /// The attributes, in the order in which the docs show them.
    pub attributes: Vec<Attribute>,
    /// Blocks: only `timeouts`, which every resource has.
    pub timeouts: Option<Timeouts>,
    /// Why not to use it any more, and what instead.
    pub deprecated: Option<String>,
}

impl Schema {
    /// The first version of a schema, without a `timeouts` block.
    pub fn new(description: impl Into<String>, attributes: Vec<Attribute>) -> Schema {
        Schema {
            version: 0,
            description: description.into(),
            attributes,
            timeouts: None,
            deprecated: None,
        }
    }

    /// The same with a `timeouts` block whose defaults are these.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Schema {
        self.timeouts = Some(timeouts);
        self
    }

    /// The attribute of that name at the root.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }

    /// The type of the whole object as core sees it, the `timeouts` block included.
    pub fn object_type(&self) -> Type {
        let mut members = member_types(&self.attributes);
        if self.timeouts.is_some() {
            members.push((TIMEOUTS.to_owned(), Timeouts::object_type()));
        }
        Type::Object(members)
    }

    /// As much of the path as leads to something that objects of this schema have.
    pub fn known_part(&self, path: &Path) -> Path {
        let mut r#type = &self.object_type();
        let known = path.steps().iter().take_while(|step| {
            let next = match (r#type, step) {
                (Type::Object(members), Step::Attribute(name)) => members
                    .iter()
                    .find(|(known, _)| known == name)
                    .map(|(_, r#type)| r#type),
                (Type::Map(element), Step::Key(_)) | (Type::List(element), Step::Index(_)) => {
                    Some(element.as_ref())
                }
                _ => None,
            };
            next.map(|next| r#type = next).is_some()
        });
        known.cloned().collect()
    }
}

/// The name of the block with the limits of operations.
pub const TIMEOUTS: &str = "timeouts";

/// One attribute. Made by [`Attribute::required`], [`Attribute::optional`] or [`Attribute::computed`], which demand
/// its description.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name in HCL.
    pub name: String,
    /// What values it takes.
    pub shape: Shape,
    /// What it means, in Markdown: units, shape, source of a fact.
    pub description: String,
    /// Who sets it.
    pub presence: Presence,
    /// Hidden in output.
    pub sensitive: bool,
    /// Handed to the provider at apply and never stored.
    pub write_only: bool,
    /// A change means another object.
    pub force_new: bool,
    /// The value where the configuration has none.
    pub default: Option<Value>,
    /// What a known value must fulfil.
    pub checks: Vec<Check>,
    /// Whether two spellings of a string mean the same; the prior one is then kept.
    pub same: Option<fn(&str, &str) -> bool>,
    /// Why not to use it any more, and what instead.
    pub deprecated: Option<String>,
}

impl Attribute {
    /// An attribute that the configuration must set.
    pub fn required(
        name: impl Into<String>,
        shape: impl Into<Shape>,
        description: impl Into<String>,
    ) -> Attribute {
        Attribute::new(
            name.into(),
            shape.into(),
            description.into(),
            Presence::Required,
        )
    }

    /// An attribute that the configuration may set.
    pub fn optional(
        name: impl Into<String>,
        shape: impl Into<Shape>,
        description: impl Into<String>,
    ) -> Attribute {
        Attribute::new(
            name.into(),
            shape.into(),
            description.into(),
            Presence::Optional,
        )
    }

    /// An attribute that only the provider sets.
    pub fn computed(
        name: impl Into<String>,
        shape: impl Into<Shape>,
        description: impl Into<String>,
    ) -> Attribute {
        Attribute::new(
            name.into(),
            shape.into(),
            description.into(),
            Presence::Computed,
        )
    }

    /// Hidden in output.
    #[must_use]
    pub fn sensitive(mut self) -> Attribute {
        self.sensitive = true;
        self
    }

    /// Handed to the provider at apply and never stored.
    #[must_use]
    pub fn write_only(mut self) -> Attribute {
        self.write_only = true;
        self
    }

    /// A change means another object.
    #[must_use]
    pub fn force_new(mut self) -> Attribute {
        self.force_new = true;
        self
    }

    /// An optional attribute that has this value where the configuration has none. Core lets the provider fill in
    /// computed attributes only, therefore the attribute becomes that as well.
    #[must_use]
    pub fn default_to(mut self, value: Value) -> Attribute {
        self.default = Some(value);
        self.computed_too()
    }

    /// Adds something that a known value must fulfil.
    #[must_use]
    pub fn check(mut self, check: Check) -> Attribute {
        self.checks.push(check);
        self
    }

    /// Two spellings for which this holds mean the same: the prior one is kept.
    #[must_use]
    pub fn same_when(mut self, same: fn(&str, &str) -> bool) -> Attribute {
        self.same = Some(same);
        self
    }

    /// Not to be used any more; the text says why, and what instead.
    #[must_use]
    pub fn deprecated(mut self, text: impl Into<String>) -> Attribute {
        self.deprecated = Some(text.into());
        self
    }

    /// An optional attribute that the provider sets where the configuration does not.
    #[must_use]
    pub fn computed_too(mut self) -> Attribute {
        if self.presence == Presence::Optional {
            self.presence = Presence::OptionalComputed;
        }
        self
    }

    /// Whether the provider may set it.
    pub fn is_computed(&self) -> bool {
        matches!(
            self.presence,
            Presence::Computed | Presence::OptionalComputed
        )
    }

    fn new(name: String, shape: Shape, description: String, presence: Presence) -> Attribute {
        Attribute {
            name,
            shape,
            description,
            presence,
            sensitive: false,
            write_only: false,
            force_new: false,
            default: None,
            checks: Vec::new(),
            same: None,
            deprecated: None,
        }
    }
}

/// Who sets an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The configuration must.
    Required,
    /// The configuration may.
    Optional,
    /// The configuration may; otherwise the provider does.
    OptionalComputed,
    /// Only the provider.
    Computed,
}

/// What values an attribute takes.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A value of one of Terraform's types.
    Plain(Type),
    /// Objects with attributes of their own.
    Nested(Nesting, Vec<Attribute>),
}

impl Shape {
    /// One object with these attributes.
    pub fn single(attributes: Vec<Attribute>) -> Shape {
        Shape::Nested(Nesting::Single, attributes)
    }

    /// Objects with these attributes, in order.
    pub fn list_of(attributes: Vec<Attribute>) -> Shape {
        Shape::Nested(Nesting::List, attributes)
    }

    /// Objects with these attributes, without order.
    pub fn set_of(attributes: Vec<Attribute>) -> Shape {
        Shape::Nested(Nesting::Set, attributes)
    }

    /// Objects with these attributes, under keys.
    pub fn map_of(attributes: Vec<Attribute>) -> Shape {
        Shape::Nested(Nesting::Map, attributes)
    }

    /// The type of its values.
    pub fn value_type(&self) -> Type {
        match self {
            Shape::Plain(r#type) => r#type.clone(),
            Shape::Nested(nesting, attributes) => {
                let object = Type::Object(member_types(attributes));
                match nesting {
                    Nesting::Single => object,
                    Nesting::List => Type::list(object),
                    Nesting::Set => Type::set(object),
                    Nesting::Map => Type::map(object),
                }
            }
        }
    }
}

impl From<Type> for Shape {
    fn from(r#type: Type) -> Shape {
        Shape::Plain(r#type)
    }
}

/// How often the object of a nested attribute occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// Once.
    Single,
    /// Any number of times, in order.
    List,
    /// Any number of times, without order.
    Set,
    /// Under keys.
    Map,
}

/// Terraform's types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// true or false.
    Bool,
    /// Any number.
    Number,
    /// Text.
    String,
    /// Values of one type, in order.
    List(Box<Type>),
    /// Values of one type, each once, without order.
    Set(Box<Type>),
    /// Values of one type under keys.
    Map(Box<Type>),
    /// Attributes, each with its type.
    Object(Vec<(String, Type)>),
}

impl Type {
    /// Values of this type, in order.
    pub fn list(element: Type) -> Type {
        Type::List(Box::new(element))
    }

    /// Values of this type, each once, without order.
    pub fn set(element: Type) -> Type {
        Type::Set(Box::new(element))
    }

    /// Values of this type under keys.
    pub fn map(element: Type) -> Type {
        Type::Map(Box::new(element))
    }

    /// What a value of it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Type::Bool => "a boolean",
            Type::Number => "a number",
            Type::String => "a string",
            Type::List(_) => "a list",
            Type::Set(_) => "a set",
            Type::Map(_) => "a map",
            Type::Object(_) => "an object",
        }
    }
}

/// What a known value must fulfil. It is applied to every string or number inside the attribute, so that the
/// diagnostic names the element.
#[derive(Clone, Debug)]
pub enum Check {
    /// The text is right, or what is wrong with it ("… must …").
    Text(fn(&str) -> Result<(), String>),
    /// Every key of the map is right.
    Key(fn(&str) -> Result<(), String>),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number in this range.
    Range(RangeInclusive<i64>),
    /// A whole number in this range, or one of these outside of it, which mean something of their own.
    RangeOr(RangeInclusive<i64>, &'static [i64]),
}

fn member_types(attributes: &[Attribute]) -> Vec<(String, Type)> {
    attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), attribute.shape.value_type()))
        .collect()
}
