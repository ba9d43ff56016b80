//! The data sources. They never wait and never write.

pub mod azure_cloud;
pub mod cluster_nodes;
pub mod config;
pub mod se_group;

mod connection;
