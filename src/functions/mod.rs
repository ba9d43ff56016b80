//! Functions that configurations may call: offline and pure.

pub mod cidr_conflicts;
pub mod pod_routes;
