//! The values that Terraform hands over: known, null or unknown.

use std::collections::BTreeMap;

/// A value of a configuration, a plan or a state.
///
/// It does not carry its type: the schema tells a list from a set and a map from an object. Unknown values occur
/// while validating and planning only.
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

/// A number as exact as Terraform has it: the decimal text of what fits neither integer nor float.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Integer(i128),
    /// A binary fraction.
    Float(f64),
    /// Any other number, in decimal notation.
    Decimal(String),
}
