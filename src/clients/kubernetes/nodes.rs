//! The nodes of a cluster, as far as routes need them.

use super::{Client, Error};
use crate::clients::Limits;
use serde::Deserialize;
use std::collections::BTreeMap;
use url::form_urlencoded;

/// How many nodes one answer holds at most.
const PAGE: &str = "500";

/// How often a list is begun again because the server forgot where it was.
const RESTARTS: u32 = 3;

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
    /// All nodes of the cluster, in the order of the API.
    pub async fn list_nodes(&self, limits: &Limits) -> Result<Vec<Node>, Error> {
        let mut restarts = 0;
        loop {
            match self.list_once(limits).await {
                // The place in the list has expired while we read it (recorded: kube-apiserver 1.36).
                Err(Error::Refused { status: 410, .. }) if restarts < RESTARTS => restarts += 1,
                outcome => return outcome,
            }
        }
    }

    async fn list_once(&self, limits: &Limits) -> Result<Vec<Node>, Error> {
        let mut nodes = Vec::new();
        let mut next = None;
        loop {
            let page: Page = self.get(limits, &path(next.as_deref())).await?;
            nodes.extend(page.items.into_iter().map(Node::from));
            match page.metadata.r#continue {
                Some(token) if !token.is_empty() => next = Some(token),
                _ => return Ok(nodes),
            }
        }
    }
}

fn path(next: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", PAGE);
    if let Some(token) = next {
        query.append_pair("continue", token);
    }
    format!("/api/v1/nodes?{}", query.finish())
}

/// One answer. The types hold what is used only: a whole node carries its images and conditions.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    items: Vec<Item>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    r#continue: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(rename = "podCIDR")]
    pod_cidr: Option<String>,
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
struct Status {
    addresses: Option<Vec<Address>>,
}

#[derive(Deserialize)]
struct Address {
    r#type: String,
    address: String,
}

impl From<Item> for Node {
    fn from(item: Item) -> Node {
        let Item {
            metadata,
            spec,
            status,
        } = item;
        let listed = spec.pod_cidrs.unwrap_or_default();
        let single = spec.pod_cidr.filter(|cidr| !cidr.is_empty());
        let addresses = status.addresses.unwrap_or_default().into_iter();
        Node {
            name: metadata.name,
            labels: metadata.labels.unwrap_or_default(),
            annotations: metadata.annotations.unwrap_or_default(),
            pod_cidrs: match listed.is_empty() {
                true => single.into_iter().collect(),
                false => listed,
            },
            addresses: addresses
                .map(|address| (address.r#type, address.address))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_pod_cidrs_wins_over_the_single_one() {
        let node = |spec: &str| {
            let text = format!(r#"{{"metadata": {{"name": "n"}}, "spec": {spec}}}"#);
            Node::from(serde_json::from_str::<Item>(&text).unwrap())
        };
        let both = node(r#"{"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.1.0/24", "fd00::/64"]}"#);
        assert_eq!(both.pod_cidrs, ["10.0.1.0/24", "fd00::/64"]);
        assert_eq!(
            node(r#"{"podCIDR": "10.0.0.0/24"}"#).pod_cidrs,
            ["10.0.0.0/24"]
        );
        assert!(node("{}").pod_cidrs.is_empty());
    }
}
