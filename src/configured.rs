//! The provider as its block configures it: what all resources, data sources and operations share.

use crate::clients::{Clients, Limits};
use crate::framework::resource::Context;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What a `provider "ako"` block comes to.
#[derive(Debug)]
pub struct Configured {
    /// The clients, not built before their first use.
    pub clients: Clients,
    /// Whether a create takes over what an interrupted run of it left; otherwise that is an error.
    pub adopt_remnants: bool,
    /// What creates of this run have taken over.
    pub claims: Claims,
    /// What the state holds and this run may replace: a create that finds it has not found a stranger.
    pub replaced: Claims,
}

/// Names of things that a create of this run has made or taken over.
///
/// When an object is replaced by one of the same name and the new one is made first, the old one must not delete what
/// the new one has just taken over. Both happen in one run of the provider, so that it is enough to remember it here.
#[derive(Debug, Default)]
pub struct Claims(Mutex<BTreeSet<String>>);

impl Claims {
    /// Remembers these names.
    pub fn claim(&self, names: impl IntoIterator<Item = String>) {
        let mut claimed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.extend(names);
    }

    /// Whether a create of this run has claimed the name.
    pub fn holds(&self, name: &str) -> bool {
        let claimed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.contains(name)
    }
}

/// The limits of a running operation, as clients take them.
pub fn limits_of(context: &Context) -> Limits {
    Limits {
        deadline: context.deadline(),
        stop: context.stop().clone(),
    }
}
