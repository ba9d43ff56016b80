//! Pure decisions: values in, values out. No I/O, no async, no clock, nothing of Terraform, nothing of an API.

pub mod ako_config;
pub mod avi_marks;
pub mod avi_objects;
pub mod azure_ids;
pub mod azure_names;
pub mod cidr;
pub mod cluster_subnet;
pub mod marks;
pub mod node_routes;
pub mod nodes;
pub mod pod_routes;
pub mod route_check;
pub mod route_merge;
pub mod route_names;
pub mod se_groups;
pub mod vrf_merge;
pub mod vrf_routes;
