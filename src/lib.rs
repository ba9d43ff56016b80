//! A Terraform provider for AKO in ClusterIP mode on Azure.

pub mod framework;

pub mod configured;
pub mod resources;

pub mod domain;

pub mod clients;
