//! One writer at a time for each object that several resources of a configuration share.

use super::{Interrupted, Limits};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Locks that are held until this is dropped.
#[derive(Debug)]
#[must_use = "the locks are given back when the guard is dropped"]
pub struct LockGuard {
    _held: Vec<OwnedMutexGuard<()>>,
}

/// The locks of one client, by what they guard.
///
/// An entry stays once it is there: there are as many as objects in the configuration.
#[derive(Debug)]
pub(super) struct Locks<K> {
    by_key: Mutex<HashMap<K, Arc<AsyncMutex<()>>>>,
}

impl<K: Clone + Eq + Hash + Ord> Locks<K> {
    /// Takes the locks of `keys` in their one order, so that no two callers can wait for each other. The error has
    /// the key that was waited for.
    pub(super) async fn lock(
        &self,
        limits: &Limits,
        keys: impl IntoIterator<Item = impl Into<K>>,
    ) -> Result<LockGuard, (K, Interrupted)> {
        let keys: BTreeSet<K> = keys.into_iter().map(Into::into).collect();
        let mut held = Vec::with_capacity(keys.len());
        for key in keys {
            let lock = self.of(&key);
            held.push(tokio::select! {
                biased;
                guard = lock.lock_owned() => guard,
                cause = limits.ended() => return Err((key, cause)),
            });
        }
        Ok(LockGuard { _held: held })
    }

    fn of(&self, key: &K) -> Arc<AsyncMutex<()>> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(by_key.entry(key.clone()).or_default())
    }
}

impl<K> Default for Locks<K> {
    fn default() -> Locks<K> {
        Locks {
            by_key: Mutex::default(),
        }
    }
}
