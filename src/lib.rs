//! A Terraform provider for AKO in ClusterIP mode on Azure.

pub mod provider;

pub mod plugin;

pub mod framework;

pub mod configured;
pub mod resources;

pub mod data_sources;

pub mod functions;

pub mod domain;

pub mod clients;

pub mod wording;
