//! VRF contexts and their static routes.

use super::objects::Object;
use super::{KeyValue, Marker};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A VRF context, with the static routes that AKO writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VrfContext {
    /// What the controller knows it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was last written.
    #[serde(rename = "_last_modified", skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Its name; empty in changes that keep it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The tenant to which it belongs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_ref: Option<String>,
    /// The cloud in which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_ref: Option<String>,
    /// Its static routes, in no order that means something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub static_routes: Option<Vec<StaticRoute>>,
    /// Whether it came with the cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_default: Option<bool>,
    /// Its markers, which take part in access control.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub markers: Option<Vec<Marker>>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Object for VrfContext {
    const TYPE: &'static str = "vrfcontext";
    const NOUN: &'static str = "VRF context";

    fn name(&self) -> &str {
        &self.name
    }

    fn uuid(&self) -> Option<&str> {
        self.uuid.as_deref()
    }

    fn last_modified(&self) -> Option<&str> {
        self.last_modified.as_deref()
    }

    fn cloud_ref(&self) -> Option<&str> {
        self.cloud_ref.as_deref()
    }
}

/// A static route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StaticRoute {
    /// What tells it from the others of its VRF context. AKO gives its own a new one at each start.
    pub route_id: String,
    /// What it leads to.
    pub prefix: IpAddrPrefix,
    /// Where it leads.
    pub next_hop: IpAddr,
    /// Its labels, one at most: whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<KeyValue>>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A network: an address and how many of its bits count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IpAddrPrefix {
    /// The address.
    pub ip_addr: IpAddr,
    /// How many of its bits count.
    pub mask: i64,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IpAddr {
    /// The address as text.
    pub addr: String,
    /// What it is: `V4`, `V6`, `DNS`.
    pub r#type: String,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl IpAddr {
    /// An IPv4 address.
    pub fn v4(addr: impl Into<String>) -> IpAddr {
        IpAddr {
            addr: addr.into(),
            r#type: "V4".to_owned(),
            other: Map::new(),
        }
    }
}

impl IpAddrPrefix {
    /// An IPv4 network.
    pub fn v4(addr: impl Into<String>, mask: u8) -> IpAddrPrefix {
        IpAddrPrefix {
            ip_addr: IpAddr::v4(addr),
            mask: mask.into(),
            other: Map::new(),
        }
    }
}

impl StaticRoute {
    /// A route to an IPv4 address with one label.
    pub fn labelled(
        route_id: String,
        prefix: IpAddrPrefix,
        next_hop: IpAddr,
        (key, value): (&str, &str),
    ) -> StaticRoute {
        StaticRoute {
            route_id,
            prefix,
            next_hop,
            labels: Some(vec![KeyValue {
                key: key.to_owned(),
                value: Some(value.to_owned()),
                other: Map::new(),
            }]),
            other: Map::new(),
        }
    }
}
