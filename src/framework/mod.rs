//! Terraform's vocabulary in Rust: schemas, values, plans and the traits that resources implement. No protobuf, no
//! HTTP, nothing of AKO.
//!
//! A resource implements [`resource::Resource`] and describes its attributes by a [`schema::Schema`]; the rest is
//! derived: checks of a configuration, defaults, what becomes unknown, what forces a replacement, the docs page.
//! [`server::Server`] answers what Terraform asks; the `plugin` layer hands it over.

// What authors write.
pub mod provider;
pub mod resource;

// What they describe it with.
pub mod diagnostics;
pub mod number;
pub mod path;
pub mod schema;
pub mod schema_check;
pub mod timeouts;
pub mod value;

// What is derived from that. All of it is pure.
pub mod plan;
pub mod planner;
mod spelling;
pub mod state;
pub mod validate;

// How values travel and are stored.
pub mod codec;
pub mod json;

// What answers Terraform.
pub mod function;
pub mod guard;
pub mod handler;
pub mod server;
