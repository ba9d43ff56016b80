//! A Terraform provider for AKO in ClusterIP mode on Azure.

pub mod domain;
pub mod framework;
pub mod plugin;
