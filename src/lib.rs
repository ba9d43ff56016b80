//! A Terraform provider for AKO in ClusterIP mode on Azure.

pub mod framework;
pub mod plugin;
pub mod provider;
