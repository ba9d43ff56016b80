//! Azure Resource Manager: the objects of a network that pod traffic needs.
//!
//! Writes wait until Azure has carried them out and give what Azure holds then. Objects that others write too are
//! sent back whole, with what this client does not know, and guarded by their etag.

pub mod credentials;
pub mod ids;
pub mod route_tables;
pub mod subnets;
pub mod virtual_networks;

mod answers;
mod environment;
mod error;
mod locks;
mod operations;
mod requests;
#[cfg(test)]
mod tests;
mod tokens;

pub use super::WriteState;
pub use super::locks::LockGuard;
pub use credentials::Settings;
pub use error::{Detail, Error, Refusal};
pub use locks::LockKey;

use super::http::{Sender, TRUST, Trust};
use super::locks::Locks;
use super::{Limits, NotReady};
use credentials::Way;
use environment::{Cloud, CloudSource};
use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokens::Tokens;
use tokio::sync::OnceCell;

/// A client of Azure Resource Manager.
#[derive(Debug)]
pub struct Client {
    sender: Sender,
    tokens: Tokens,
    cloud_source: CloudSource,
    cloud: OnceCell<Cloud>,
    correlation_id: HeaderValue,
    locks: Locks<LockKey>,
}

/// A reference from one object to another by its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference<I> {
    /// The id of the other object.
    pub id: I,
    /// What this client does not know; it goes back as it came.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl<I> Reference<I> {
    /// A reference to `id`.
    pub fn to(id: I) -> Reference<I> {
        Reference {
            id,
            rest: Map::new(),
        }
    }
}

impl Client {
    /// A client for the cloud and the credential that the settings describe. Nothing is called yet.
    pub(super) fn new(settings: &super::Settings) -> Result<Client, NotReady> {
        let variables = &settings.variables;
        let way = Way::new(&settings.azure, variables)?;
        let cloud_source = CloudSource::new(&settings.azure, variables)?;
        let user_agent = match variables.get("AZURE_HTTP_USER_AGENT") {
            Some(suffix) => format!("{} {suffix}", settings.user_agent),
            None => settings.user_agent.clone(),
        };
        let sender = Sender::new(
            &user_agent,
            settings.request_timeout,
            variables,
            Trust::OfEnvironment,
            TRUST,
        )?;
        // One id for the whole process, as azurerm has it: it finds our calls in Azure's activity log.
        let correlation_id = variables
            .get("ARM_CORRELATION_REQUEST_ID")
            .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        Ok(Client {
            tokens: Tokens::new(way, sender.clone()),
            sender,
            cloud_source,
            cloud: OnceCell::new(),
            correlation_id: correlation_id.parse().map_err(|_| NotReady::Invalid {
                argument: "ARM_CORRELATION_REQUEST_ID".to_owned(),
                reason: "it cannot be sent in a header".to_owned(),
            })?,
            locks: Locks::default(),
        })
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
}
