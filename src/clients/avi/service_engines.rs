//! Service Engines, which are only read.

use super::objects::Object;
use super::vrf_contexts::IpAddrPrefix;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A Service Engine: a virtual machine that the controller made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceEngine {
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
    /// The SE group after which it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se_group_ref: Option<String>,
    /// Its interfaces for data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_vnics: Option<Vec<Vnic>>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Object for ServiceEngine {
    const TYPE: &'static str = "serviceengine";
    const NOUN: &'static str = "Service Engine";

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

impl ServiceEngine {
    /// The addresses of its interfaces for data.
    pub fn data_addresses(&self) -> impl Iterator<Item = &str> {
        let vnics = self.data_vnics.iter().flatten();
        let networks = vnics.flat_map(|vnic| &vnic.vnic_networks);
        networks.map(|network| network.ip.ip_addr.addr.as_str())
    }
}

/// An interface of a Service Engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vnic {
    /// The networks in which it is.
    pub vnic_networks: Vec<VnicNetwork>,
    /// What this client does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A network of an interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VnicNetwork {
    /// The interface's address in it.
    pub ip: IpAddrPrefix,
    /// What this client does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
