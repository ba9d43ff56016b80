//! Pure decisions: values in, values out. No I/O, no async, no clock, nothing of Terraform, nothing of an API.

pub mod cidr;
