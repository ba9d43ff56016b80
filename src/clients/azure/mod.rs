//! Azure Resource Manager: the objects of a network that pod traffic needs.
//!
//! Writes wait until Azure has carried them out and give what Azure holds then. Objects that others write too are
//! sent back whole, with what this client does not know, and guarded by their etag.

pub mod credentials;
pub mod ids;
pub mod route_tables;
pub mod subnets;
pub mod virtual_networks;

mod error;
mod locks;

pub use credentials::Settings;
pub use error::{Detail, Error, Refusal, WriteState};
pub use locks::{LockGuard, LockKey};

use super::{Limits, NotReady};
use ids::{RouteTableId, SubnetId, VirtualNetworkId};
use locks::Locks;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A client of Azure Resource Manager.
#[derive(Debug)]
pub struct Client {
    locks: Locks,
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
    pub(super) fn new(_settings: &super::Settings) -> Result<Client, NotReady> {
        Ok(Client {
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
        self.locks.lock(limits, keys).await
    }

    fn route_table_object(&self, id: &RouteTableId) -> Object {
        Object {
            noun: "route table",
            name: id.name().to_owned(),
            id: id.to_string(),
        }
    }

    fn subnet_object(&self, id: &SubnetId) -> Object {
        Object {
            noun: "subnet",
            name: id.name().to_owned(),
            id: id.to_string(),
        }
    }

    fn virtual_network_object(&self, id: &VirtualNetworkId) -> Object {
        Object {
            noun: "virtual network",
            name: id.name().to_owned(),
            id: id.to_string(),
        }
    }

    async fn get<T: DeserializeOwned>(
        &self,
        _limits: &Limits,
        object: &Object,
    ) -> Result<Option<T>, Error> {
        Err(object.not_built())
    }

    async fn put<T: Serialize + DeserializeOwned>(
        &self,
        _limits: &Limits,
        object: &Object,
        _etag: Option<&str>,
        _body: &T,
    ) -> Result<T, Error> {
        Err(object.not_built())
    }

    async fn patch<T: DeserializeOwned>(
        &self,
        _limits: &Limits,
        object: &Object,
        _etag: Option<&str>,
        _body: &Value,
    ) -> Result<T, Error> {
        Err(object.not_built())
    }

    async fn delete(&self, _limits: &Limits, object: &Object) -> Result<(), Error> {
        Err(object.not_built())
    }
}

struct Object {
    noun: &'static str,
    name: String,
    id: String,
}

impl Object {
    fn not_built(&self) -> Error {
        Error::BadAnswer {
            action: format!("calling {} {:?} {}", self.noun, self.name, self.id),
            reason: "not built".to_owned(),
            status: None,
            request_id: None,
            write: WriteState::NotSent,
        }
    }
}
