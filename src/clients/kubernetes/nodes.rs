//! The nodes of a cluster, as far as routes need them.

use super::{Client, Error};
use crate::clients::Limits;
use std::collections::BTreeMap;

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// `spec.podCIDRs`, else `spec.podCIDR`.
    pub pod_cidrs: Vec<String>,
    /// Its addresses with their types (`InternalIP`, `Hostname`, …), in the order of the API.
    pub addresses: Vec<(String, String)>,
}

impl Client {
    /// All nodes of the cluster.
    pub async fn list_nodes(&self, _limits: &Limits) -> Result<Vec<Node>, Error> {
        Err(Error::NotConfigured)
    }
}
