//! What a provider, a resource or a data source consists of. Core, the planner and the docs pages read it here.

use super::value::Value;
use std::ops::RangeInclusive;
use std::time::Duration;

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

/// How long each operation may take where the user's `timeouts` block says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Limit of a create.
    pub create: Duration,
    /// Limit of a read.
    pub read: Duration,
    /// Limit of an update.
    pub update: Duration,
    /// Limit of a delete.
    pub delete: Duration,
}

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
}
