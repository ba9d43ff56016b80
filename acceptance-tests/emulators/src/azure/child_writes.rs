//! PUT and DELETE of routes, subnets and security rules.

use http::StatusCode;

use super::call::Call;
use super::errors::ArmError;
use super::operations::Work;
use super::store::{Child, Resource, State};
use super::target::ResourceName;
use super::{Core, names, writes};
use crate::http::Response;

impl Core {
    pub(super) fn put_child(
        &mut self,
        call: &Call,
        name: &ResourceName,
        kind: &str,
        child: &str,
    ) -> Result<Response, ArmError> {
        let parent = self.find_parent(call, name, kind)?.clone();
        names::check(child)?;
        let prior = parent.child(child);
        let id = parent.child_id(child);
        self.check_write(call, &id, Some(&parent), prior.map(|prior| prior.state))?;

        let context = self.context(call);
        let sent = writes::properties(&call.body);
        let written = Child {
            name: prior.map_or_else(|| child.to_owned(), |prior| prior.name.clone()),
            state: State::Updating,
            properties: parent.kind.accept_child(child, sent, &parent, &context)?,
        };
        let mut candidate = parent.clone();
        match candidate.child_mut(child) {
            Some(place) => *place = written.clone(),
            None => candidate.children.push(written.clone()),
        }
        parent.kind.check(&candidate, Some(&parent), &context)?;
        self.check_links(call, &parent, &written, &id)?;

        let unchanged = prior
            .filter(|p| p.state == State::Succeeded && p.properties == written.properties)
            .filter(|_| !self.is_busy(&parent.id, Some(child)));
        match unchanged {
            Some(prior) => Ok(self.keep_child(call, &parent, prior)),
            None => Ok(self.replace_child(call, candidate, &written.name, prior.is_none())),
        }
    }

    pub(super) fn delete_child(
        &mut self,
        call: &Call,
        name: &ResourceName,
        kind: &str,
        child: &str,
    ) -> Result<Response, ArmError> {
        let parent = self.find_parent(call, name, kind)?.clone();
        let Some(found) = parent.child(child) else {
            return Ok(Response::empty(StatusCode::NO_CONTENT));
        };
        if found.state != State::Deleting {
            let id = parent.child_id(&found.name);
            self.check_write(call, &id, Some(&parent), Some(found.state))?;
        }
        parent
            .kind
            .check_delete_child(&parent, found, &self.store)?;
        let work = Work::Delete {
            id: parent.id.clone(),
            child: Some(found.name.clone()),
        };
        let mut candidate = parent.clone();
        candidate.state = State::Updating;
        if let Some(leaving) = candidate.child_mut(child) {
            leaving.state = State::Deleting;
        }
        let (_, region) = self.commit(candidate);
        let operation = self.begin(call, work, &region);
        Ok(self.accepted(StatusCode::ACCEPTED, None, &operation, notifies(&parent)))
    }

    /// The answer to a PUT that changes nothing.
    fn keep_child(&mut self, call: &Call, parent: &Resource, prior: &Child) -> Response {
        let work = Work::Put {
            id: parent.id.clone(),
            child: Some(prior.name.clone()),
        };
        let operation = self
            .operations
            .finished(work, &parent.location, &call.api_version);
        let body = parent.render_child(prior, &self.store);
        self.accepted(StatusCode::OK, Some(&body), &operation, notifies(parent))
    }

    /// Carries out a PUT and answers it. The parent is updating as long as a child of it is (assumed; azurerm
    /// waits for both).
    fn replace_child(
        &mut self,
        call: &Call,
        mut candidate: Resource,
        child: &str,
        new: bool,
    ) -> Response {
        candidate.state = State::Updating;
        let notify = notifies(&candidate);
        let work = Work::Put {
            id: candidate.id.clone(),
            child: Some(child.to_owned()),
        };
        let (id, region) = self.commit(candidate);
        let operation = self.begin(call, work, &region);
        let body = self.store.resource(&id).and_then(|parent| {
            let child = parent.child(child)?;
            Some(parent.render_child(child, &self.store))
        });
        self.accepted(writes::created(new), body.as_ref(), &operation, notify)
    }
}

/// Recorded: no `azure-asyncnotification` on the answers to routes.
fn notifies(parent: &Resource) -> bool {
    parent.kind.child_segment() != Some("routes")
}
