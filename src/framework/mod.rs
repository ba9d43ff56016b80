//! Terraform's vocabulary in Rust: schemas, values, plans and the traits that resources implement. No protobuf, no
//! HTTP, nothing of AKO.
//!
//! A resource implements [`resource::Resource`] and describes its attributes by a [`schema::Schema`]; the rest is
//! derived: checks of a configuration, defaults, what becomes unknown, what forces a replacement, the docs page.

pub mod provider;

pub mod resource;

pub mod schema;

mod schema_check;

pub mod timeouts;

pub mod value;

pub mod number;

pub mod path;

pub mod diagnostics;

pub mod server;

pub mod handler;

pub mod function;

pub mod guard;

pub mod validate;

pub mod plan;

pub mod planner;

mod spelling;

pub mod state;

pub mod codec;

pub mod json;
