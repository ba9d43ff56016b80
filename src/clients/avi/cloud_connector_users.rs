//! Credentials of clouds.

use super::objects::Object;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A credential with which the controller signs in to a cloud.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudConnectorUser {
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
    /// A service principal of Azure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure_serviceprincipal: Option<AzureServicePrincipal>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Object for CloudConnectorUser {
    const TYPE: &'static str = "cloudconnectoruser";
    const NOUN: &'static str = "cloud credential";

    fn name(&self) -> &str {
        &self.name
    }

    fn uuid(&self) -> Option<&str> {
        self.uuid.as_deref()
    }

    fn last_modified(&self) -> Option<&str> {
        self.last_modified.as_deref()
    }
}

/// A service principal of Azure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AzureServicePrincipal {
    /// Its application (client) id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// Its tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Its secret. The controller shows a mask in its place, which never goes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_token: Option<Secret>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A secret in the body of a request. It is shown nowhere else.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// This secret.
    pub fn new(secret: impl Into<String>) -> Secret {
        Secret(SecretString::from(secret.into()))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}
