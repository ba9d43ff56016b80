//! A Terraform provider for AKO in ClusterIP mode on Azure.

pub mod clients;
pub mod framework;

pub mod domain;
