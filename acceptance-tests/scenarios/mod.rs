//! One file per resource, data source and theme; each function is one sentence about the provider.

mod avi_calls;
mod avi_session;
mod azure_cloud;
mod bad_input;
mod calls;
mod cloud_credential;
mod cluster_nodes;
mod cluster_subnet;
mod config;
mod demo;
mod examples;
mod fleet;
mod functions;
mod interruptions;
mod kubernetes_connection;
mod network_plugins;
mod pod_route_sync;
mod pod_routes;
mod provider_block;
mod proxies;
mod se_group;
mod se_group_override;
mod sign_in;
mod vrf_pod_routes;
mod waits;
