//! One writer at a time for each object that several resources of a configuration share.

use super::super::Limits;
use super::error::{Error, WriteState};
use super::ids::{NetworkSecurityGroupId, RouteTableId, SubnetId, VirtualNetworkId};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// What can be locked. The order of the variants is the order in which locks are taken, as azurerm does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LockKey {
    /// A network security group.
    NetworkSecurityGroup(NetworkSecurityGroupId),
    /// A route table.
    RouteTable(RouteTableId),
    /// A virtual network: needed for any write in it, because Azure refuses two at a time.
    VirtualNetwork(VirtualNetworkId),
    /// A subnet.
    Subnet(SubnetId),
}

/// Locks that are held until this is dropped.
#[derive(Debug)]
#[must_use = "the locks are given back when the guard is dropped"]
pub struct LockGuard {
    _held: Vec<OwnedMutexGuard<()>>,
}

macro_rules! key_of {
    ($($id:ty => $key:ident),*) => {$(
        impl From<$id> for LockKey {
            fn from(id: $id) -> LockKey {
                LockKey::$key(id)
            }
        }

        impl From<&$id> for LockKey {
            fn from(id: &$id) -> LockKey {
                LockKey::$key(id.clone())
            }
        }
    )*};
}

key_of!(
    NetworkSecurityGroupId => NetworkSecurityGroup,
    RouteTableId => RouteTable,
    VirtualNetworkId => VirtualNetwork,
    SubnetId => Subnet
);

/// The locks of one client.
///
/// An entry stays once it is there: there are as many as objects in the configuration.
#[derive(Debug, Default)]
pub(super) struct Locks {
    by_key: Mutex<HashMap<LockKey, Arc<AsyncMutex<()>>>>,
}

impl Locks {
    /// Takes the locks of `keys` in their one order, so that no two callers can wait for each other.
    pub(super) async fn lock(
        &self,
        limits: &Limits,
        keys: impl IntoIterator<Item = impl Into<LockKey>>,
    ) -> Result<LockGuard, Error> {
        let keys: BTreeSet<LockKey> = keys.into_iter().map(Into::into).collect();
        let mut held = Vec::with_capacity(keys.len());
        for key in keys {
            held.push(self.lock_one(limits, key).await?);
        }
        Ok(LockGuard { _held: held })
    }

    async fn lock_one(&self, limits: &Limits, key: LockKey) -> Result<OwnedMutexGuard<()>, Error> {
        let action = key.action();
        let lock = {
            let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(by_key.entry(key).or_default())
        };
        tokio::select! {
            biased;
            guard = lock.lock_owned() => Ok(guard),
            interrupted = limits.ended() => Err(Error::interrupted(
                interrupted,
                &action,
                "other changes of this configuration to the same object",
                "another change is still running",
                WriteState::NotSent,
            )),
        }
    }
}

impl LockKey {
    fn action(&self) -> String {
        let (noun, name) = match self {
            LockKey::NetworkSecurityGroup(id) => ("network security group", id.name()),
            LockKey::RouteTable(id) => ("route table", id.name()),
            LockKey::VirtualNetwork(id) => ("virtual network", id.name()),
            LockKey::Subnet(id) => ("subnet", id.name()),
        };
        format!("waiting for {noun} {name:?}")
    }
}
