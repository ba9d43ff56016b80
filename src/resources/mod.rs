//! The resources; the provider lists them in the order of the Day-0 checklist of a cluster.

pub mod azure_cloud;
pub mod cloud_credential;
pub mod cluster_subnet;
pub mod pod_route_sync;
pub mod pod_routes;
pub mod se_group;
pub mod se_group_override;
pub mod vrf_pod_routes;

pub mod avi_creation;
pub mod avi_errors;
pub mod azure_errors;
pub mod forecast;
pub mod nodes;
pub mod se_groups;

mod avi_cloud_refs;
mod azure_route_wait;
mod failures;
pub mod route_messages;
mod route_wait_messages;

#[cfg(test)]
mod tests;
