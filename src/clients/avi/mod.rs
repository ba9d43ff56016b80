//! The Avi controller: clouds and their credentials, SE groups, VRF contexts.
//!
//! One session for all calls of the process. Members of objects that this client does not know go back as they came,
//! and secrets that the controller masks are never sent back.

pub mod cloud_connector_users;
pub mod clouds;
pub mod events;
pub mod refs;
pub mod se_groups;
pub mod service_engines;
pub mod vrf_contexts;

mod address;
mod answers;
mod cookies;
mod error;
mod objects;
mod patch;
mod requests;
mod session;
#[cfg(test)]
mod tests;
mod version;

pub use super::WriteState;
pub use super::locks::LockGuard;
pub use cloud_connector_users::{AzureServicePrincipal, CloudConnectorUser, Secret};
pub use clouds::{AzureConfiguration, AzureNetworkInfo, Cloud, CloudState, CloudStatus, CustomTag};
pub use error::{Error, Refusal};
pub use events::RouteFailure;
pub use objects::{Filter, LockKey, Object};
pub use patch::Patch;
pub use refs::{NoReference, Reference};
pub use se_groups::SeGroup;
pub use service_engines::ServiceEngine;
pub use session::SignInError;
pub use version::Version;
pub use vrf_contexts::{IpAddr, IpAddrPrefix, StaticRoute, VrfContext};

use super::http::{Sender, Trust};
use super::locks::Locks;
use super::{Limits, NotReady, Setting, Variables};
use address::Address;
use reqwest::Certificate;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use session::{Credentials, Session};
use std::time::Duration;

/// What to do where the controller's certificate is refused.
const TRUST: &str = "avi.ca_certificate names the certificate authority of the controller, PEM; without it those of the file that SSL_CERT_FILE names count, or the system's; with avi.insecure nothing is checked";

/// The tenant unless another is named.
const ADMIN: &str = "admin";

/// A client of one Avi controller, in one tenant.
#[derive(Debug)]
pub struct Client {
    sender: Sender,
    address: Address,
    session: Session,
    locks: Locks<LockKey>,
}

/// The section `avi` of the provider block.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `host`, `host:port` or `https://host:port`.
    pub controller: Setting<String>,
    /// The user.
    pub username: Setting<String>,
    /// The user's password.
    pub password: Setting<SecretString>,
    /// A token in place of the password.
    pub authtoken: Setting<SecretString>,
    /// The tenant in which objects are read and made.
    pub tenant: Setting<String>,
    /// The version of the API to speak.
    pub version: Setting<String>,
    /// The longest that one request may take, in seconds.
    pub api_timeout: Setting<i64>,
    /// The controller's certificate authority, PEM.
    pub ca_certificate: Setting<String>,
    /// Whether not to check the controller's certificate.
    pub insecure: Setting<bool>,
}

/// A label, or another pair of a key and a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValue {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An entry of `markers`: a key with its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Its key.
    pub key: String,
    /// Its values.
    #[serde(default)]
    pub values: Vec<String>,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Client {
    /// A client of the controller that the settings describe. Nothing is called yet.
    pub(super) fn new(settings: &super::Settings) -> Result<Client, NotReady> {
        let (section, variables) = (&settings.avi, &settings.variables);
        let controller =
            section
                .controller
                .required("avi.controller", variables, "AVI_CONTROLLER")?;
        let address = Address::parse(&controller)?;
        let credentials = credentials(section, variables)?;
        let tenant = section
            .tenant
            .or_variable("avi.tenant", variables, &["AVI_TENANT"])?;
        let version = section
            .version
            .or_variable("avi.version", variables, &["AVI_VERSION"])?;
        let version = version.as_deref().map(Version::configured).transpose()?;
        let request_timeout = request_timeout(section, variables, settings.request_timeout)?;
        let trust = trust(section, variables)?;
        let agent = &settings.user_agent;
        let sender = Sender::new(agent, request_timeout, variables, trust, TRUST)?;
        let tenant = tenant.unwrap_or_else(|| ADMIN.to_owned());
        Ok(Client {
            session: Session::new(
                sender.clone(),
                address.clone(),
                credentials,
                tenant,
                version,
            )?,
            sender,
            address,
            locks: Locks::default(),
        })
    }

    /// The tenant in which objects are read and made.
    pub fn tenant(&self) -> &str {
        self.session.tenant()
    }

    /// The version of the API that is spoken, which is at most the controller's own. Signs in for that.
    pub async fn version(&self, limits: &Limits) -> Result<Version, Error> {
        let action = "asking the Avi controller for its version";
        let signed_in = self.session.get(limits, action, None).await?;
        Ok(signed_in.version())
    }

    /// Takes the locks of `keys`, so that nothing else in this process writes these objects until the guard is
    /// dropped. Take all that an operation needs in one call: two calls that hold and wait may block each other.
    pub async fn lock(
        &self,
        limits: &Limits,
        keys: impl IntoIterator<Item = impl Into<LockKey>>,
    ) -> Result<LockGuard, Error> {
        let locked = self.locks.lock(limits, keys).await;
        locked.map_err(|(key, cause)| key.not_locked(cause))
    }

    /// Ends the session, if there is one; what the controller says to that matters to nobody.
    pub async fn log_out(&self) {
        self.session.log_out().await;
    }
}

fn credentials(section: &Settings, variables: &Variables) -> Result<Credentials, NotReady> {
    let username = section
        .username
        .or_variable("avi.username", variables, &["AVI_USERNAME"])?;
    let username = username.unwrap_or_else(|| ADMIN.to_owned());
    let (password, token) = (section.password.exposed(), section.authtoken.exposed());
    let token = match (&password, &token) {
        (Setting::Known(_), Setting::Known(_)) => {
            return Err(NotReady::Invalid {
                argument: "avi.authtoken".to_owned(),
                reason: "it is set beside avi.password: sign in by one of them".to_owned(),
            });
        }
        // What the block says counts before the environment: its password before a token there.
        (Setting::Known(_) | Setting::Unknown, Setting::Unset) => None,
        _ => token.or_variable("avi.authtoken", variables, &["AVI_AUTHTOKEN"])?,
    };
    if let Some(token) = token {
        return Ok(Credentials::token(username, token));
    }
    let password = password.required("avi.password", variables, "AVI_PASSWORD")?;
    Ok(Credentials::password(username, password))
}

fn request_timeout(
    section: &Settings,
    variables: &Variables,
    default: Duration,
) -> Result<Duration, NotReady> {
    let seconds = section
        .api_timeout
        .or_number("avi.api_timeout", variables, "AVI_API_TIMEOUT")?;
    match seconds {
        None => Ok(default),
        Some(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds.unsigned_abs())),
        Some(seconds) => Err(NotReady::Invalid {
            argument: "avi.api_timeout".to_owned(),
            reason: format!("{seconds} is not between 1 and 3600 seconds"),
        }),
    }
}

// Assumed: the names of both variables. The official provider has none of the two, it checks no certificate.
fn trust(section: &Settings, variables: &Variables) -> Result<Trust, NotReady> {
    let name = "avi.insecure";
    if section
        .insecure
        .or_flag(name, variables, "AVI_INSECURE", false)?
    {
        return Ok(Trust::Anybody);
    }
    let name = "avi.ca_certificate";
    let pem = section
        .ca_certificate
        .or_variable(name, variables, &["AVI_CA_CERTIFICATE"])?;
    let Some(pem) = pem else {
        return Ok(Trust::OfEnvironment);
    };
    let invalid = |reason: String| NotReady::Invalid {
        argument: name.to_owned(),
        reason,
    };
    let found = Certificate::from_pem_bundle(pem.as_bytes());
    let found = found.map_err(|error| invalid(crate::wording::with_causes(&error)))?;
    match found.is_empty() {
        true => Err(invalid(
            "it holds no certificate: it is the text of a PEM file, as file(\"ca.pem\") gives it"
                .to_owned(),
        )),
        false => Ok(Trust::Only(found)),
    }
}

/// The error of something that is not in order, and was not sent.
fn not_whole(action: &str, reason: String) -> Error {
    Error::BadAnswer {
        action: action.to_owned(),
        reason,
        status: None,
        write: WriteState::NotSent,
    }
}
