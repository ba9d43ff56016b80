//! From configuration and prior state to a plan, by the flags of the schema.

use super::path::Path;
use super::value::Value;
use std::collections::BTreeSet;

/// A configuration that may hold unknown values, read attribute by attribute.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a>(&'a Value);

impl<'a> Config<'a> {
    /// The configuration in this object value.
    pub fn new(value: &'a Value) -> Config<'a> {
        Config(value)
    }

    /// The attribute of that name; null where there is none.
    pub fn get(&self, name: &str) -> &'a Value {
        self.0.get(name)
    }
}

/// A plan in the making: what the schema's rules have prepared and a resource's own `plan` completes.
#[derive(Debug)]
pub struct Plan<'a> {
    /// What the user wrote.
    pub config: Config<'a>,
    prior: Option<&'a Value>,
    planned: &'a mut Value,
    replaced_by: BTreeSet<Path>,
}

impl<'a> Plan<'a> {
    /// A plan that starts from what the schema's rules gave.
    pub fn new(config: Config<'a>, prior: Option<&'a Value>, planned: &'a mut Value) -> Plan<'a> {
        Plan {
            config,
            prior,
            planned,
            replaced_by: BTreeSet::new(),
        }
    }

    /// Whether there is no object yet (or another one is made in its place).
    pub fn is_create(&self) -> bool {
        self.prior.is_none()
    }

    /// The attribute as it was; null where there is no prior object.
    pub fn prior(&self, name: &str) -> &Value {
        self.prior
            .map_or(&Value::Null, |prior| Config::new(prior).get(name))
    }

    /// The attribute as it is planned now.
    pub fn planned(&self, name: &str) -> &Value {
        Config::new(self.planned).get(name)
    }

    /// The whole object as it is planned now.
    pub fn planned_object(&self) -> &Value {
        self.planned
    }

    /// Whether the plan differs from what was; always on create.
    pub fn changes(&self, name: &str) -> bool {
        self.is_create() || self.prior(name) != self.planned(name)
    }

    /// Plans this value for the attribute.
    pub fn set(&mut self, name: &str, value: Value) {
        if let Value::Map(attributes) = self.planned {
            attributes.insert(name.to_owned(), value);
        }
    }

    /// Plans the attribute to be known after apply only.
    pub fn set_unknown(&mut self, name: &str) {
        self.set(name, Value::Unknown);
    }

    /// Asks for another object in place of this one because of the attribute at `path`.
    pub fn replace(&mut self, path: Path) {
        self.replaced_by.insert(path);
    }

    /// The attributes because of which another object is needed.
    pub fn replaced_by(&self) -> &BTreeSet<Path> {
        &self.replaced_by
    }
}
