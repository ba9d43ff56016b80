//! Pure decisions: no I/O, no async, no clock, no Terraform, no HTTP.

pub mod azure_ids;
pub mod azure_names;
pub mod cluster_subnet;
pub mod marks;
