//! What a write has to pass before its content is looked at.

use super::access::Caller;
use super::call::Call;
use super::errors::ArmError;
use super::store::{Child, Resource, State};
use super::{Busy, Core};

impl Core {
    /// Checks etags and what is still going on. `id` and `state` are those of what is written, a resource or
    /// a child of it; there is no state where it does not exist.
    pub(super) fn check_write(
        &self,
        call: &Call,
        id: &str,
        resource: Option<&Resource>,
        state: Option<State>,
    ) -> Result<(), ArmError> {
        check_etag(call, id, resource, state.is_some())?;
        let Some(resource) = resource else {
            return Ok(());
        };
        let leaving = resource.state == State::Deleting || state == Some(State::Deleting);
        if call.caller == Caller::Inside && !leaving {
            return Ok(());
        }
        self.check_busy(resource, leaving)
    }

    /// Whether the caller may join what the child names.
    pub(super) fn check_links(
        &self,
        call: &Call,
        parent: &Resource,
        child: &Child,
        scope: &str,
    ) -> Result<(), ArmError> {
        let write = call.action().unwrap_or_default();
        for (action, linked) in parent.kind.links(child) {
            let link = (action, linked.as_str());
            self.access
                .authorize_link(&call.caller, (&write, scope), link)?;
        }
        Ok(())
    }

    fn check_busy(&self, resource: &Resource, leaving: bool) -> Result<(), ArmError> {
        let mut pending = self.operations.pending();
        let running = pending.find(|operation| operation.work.resource() == Some(&resource.id));
        let Some(running) = running else {
            return Ok(());
        };
        match self.settings.busy {
            Busy::Queue if !leaving => Ok(()),
            Busy::Retryable => Err(ArmError::retryable_operation(&running.id, &resource.id)),
            // Assumed: what is going away takes no more writes.
            Busy::Queue | Busy::Conflict => {
                let path = running.poll_path(&self.identity.subscription_id, "operations");
                let uri = format!("{}{path}", self.base_url);
                // The quoted message ends its address after the api-version.
                let uri = uri.split('&').next().unwrap_or_default();
                Err(ArmError::another_operation(uri))
            }
        }
    }
}

/// One etag guards a resource and all its children, so that a new child may be guarded by it too.
fn check_etag(
    call: &Call,
    id: &str,
    resource: Option<&Resource>,
    exists: bool,
) -> Result<(), ArmError> {
    if call.header("if-none-match") == Some("*") && exists {
        return Err(ArmError::precondition_failed(id, "exists"));
    }
    match (call.header("if-match"), resource) {
        (None, _) => Ok(()),
        (Some("*"), _) if exists => Ok(()),
        (Some("*"), _) | (Some(_), None) => {
            Err(ArmError::precondition_failed(id, "does not exist"))
        }
        (Some(sent), Some(resource)) if same_etag(sent, &resource.etag) => Ok(()),
        (Some(sent), Some(resource)) => Err(ArmError::etag_mismatch(sent, &resource.etag, id)),
    }
}

fn same_etag(sent: &str, has: &str) -> bool {
    let bare = |etag: &str| {
        let etag = etag.trim().trim_start_matches("W/");
        etag.trim_matches('"').to_lowercase()
    };
    bare(sent) == bare(has)
}
