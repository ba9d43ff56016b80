//! Pure decisions: no I/O, no async, no clock, no Terraform, no HTTP.

pub mod cidr;
pub mod nodes;
pub mod pod_routes;
pub mod route_merge;
pub mod route_names;
