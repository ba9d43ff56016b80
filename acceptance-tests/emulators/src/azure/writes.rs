//! PUT, PATCH and DELETE of network resources and their children.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use super::access::Caller;
use super::call::Call;
use super::errors::ArmError;
use super::names;
use super::operations::{Operation, Work};
use super::resource_types::Context;
use super::store::{Child, Object, Resource, State, new_etag};
use super::target::ResourceName;
use super::{Busy, Core, ok};
use crate::http::Response;

impl Core {
    pub(super) fn put_resource(
        &mut self,
        call: &Call,
        name: &ResourceName,
    ) -> Result<Response, ArmError> {
        let kind = self.kind(call, &name.kind)?;
        let group = self.find_group(&name.group)?;
        names::check(&name.name)?;
        let id = name.id(&self.identity.subscription_id, kind);
        let prior = self.store.resource(&id).cloned();
        let location = location(call, prior.as_ref(), &name.group)?;
        self.check_write(call, prior.as_ref(), &id, None)?;

        let mut candidate = match &prior {
            Some(prior) => prior.clone(),
            None => Resource {
                kind,
                id: ResourceName {
                    group: group.name.clone(),
                    ..name.clone()
                }
                .id(&self.identity.subscription_id, kind),
                name: name.name.clone(),
                location,
                tags: None,
                etag: new_etag(),
                guid: Uuid::new_v4(),
                state: State::Updating,
                properties: Object::new(),
                children: Vec::new(),
            },
        };
        candidate.tags = call.body.get("tags").filter(|t| !t.is_null()).cloned();
        candidate.properties = Object::new();
        let context = self.context(call);
        kind.accept(properties(&call.body), &mut candidate, &context)?;
        kind.check(&candidate, prior.as_ref(), &context)?;
        for child in &candidate.children {
            let scope = candidate.child_id(&child.name);
            self.check_links(call, &candidate, child, &scope)?;
        }

        let work = Work::Put {
            id: candidate.id.clone(),
            child: None,
        };
        if let Some(prior) = prior.as_ref().filter(|p| self.is_unchanged(p, &candidate)) {
            // A virtual network answers 201 here, the other types 200 (both recorded).
            let status = match kind.segment() {
                "virtualNetworks" => StatusCode::CREATED,
                _ => StatusCode::OK,
            };
            let body = prior.render(&self.store);
            let (region, version) = (prior.location.clone(), &call.api_version);
            let operation = self.operations.finished(work, &region, version);
            return Ok(self.accepted(status, Some(&body), &operation, true));
        }
        candidate.state = State::Updating;
        for child in &mut candidate.children {
            child.state = State::Updating;
        }
        let status = created(prior.is_none());
        let (id, region) = self.commit(candidate);
        let operation = self.begin(call, work, &region);
        let body = self.store.resource(&id).map(|r| r.render(&self.store));
        Ok(self.accepted(status, body.as_ref(), &operation, true))
    }

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
        self.check_write(call, Some(&parent), &id, Some(prior.is_some()))?;

        let mut candidate = parent.clone();
        let context = self.context(call);
        let accepted =
            parent
                .kind
                .accept_child(child, properties(&call.body), &parent, &context)?;
        let written = Child {
            name: prior.map_or_else(|| child.to_owned(), |prior| prior.name.clone()),
            state: State::Updating,
            properties: accepted,
        };
        match candidate.child_mut(child) {
            Some(place) => *place = written.clone(),
            None => candidate.children.push(written.clone()),
        }
        parent.kind.check(&candidate, Some(&parent), &context)?;
        self.check_links(call, &parent, &written, &id)?;

        let work = Work::Put {
            id: parent.id.clone(),
            child: Some(written.name.clone()),
        };
        // Recorded: no azure-asyncnotification on the answers to routes.
        let notify = !kind.eq_ignore_ascii_case("routes");
        let unchanged = prior
            .filter(|p| p.state == State::Succeeded && p.properties == written.properties)
            .filter(|_| !self.is_busy(&parent.id, Some(child)));
        if let Some(prior) = unchanged {
            let body = parent.render_child(prior, &self.store);
            let operation = self
                .operations
                .finished(work, &parent.location, &call.api_version);
            return Ok(self.accepted(StatusCode::OK, Some(&body), &operation, notify));
        }
        let status = created(prior.is_none());
        candidate.state = State::Updating;
        let (id, region) = self.commit(candidate);
        let operation = self.begin(call, work, &region);
        let body = self.store.resource(&id).and_then(|parent| {
            let child = parent.child(child)?;
            Some(parent.render_child(child, &self.store))
        });
        Ok(self.accepted(status, body.as_ref(), &operation, notify))
    }

    /// Tags, replaced as a whole; synchronous, everything else untouched (recorded: azure-libraries-for-net).
    pub(super) fn patch_resource(
        &mut self,
        call: &Call,
        name: &ResourceName,
    ) -> Result<Response, ArmError> {
        let prior = self.find_resource(call, name)?.clone();
        self.check_write(call, Some(&prior), &prior.id, None)?;
        let mut patched = prior.clone();
        if let Some(tags) = call.body.get("tags") {
            patched.tags = Some(tags.clone()).filter(|tags| !tags.is_null());
        }
        let (id, _) = self.commit(patched);
        let body = self.store.resource(&id).map(|r| r.render(&self.store));
        Ok(ok(&body.unwrap_or_default()))
    }

    pub(super) fn delete_resource(
        &mut self,
        call: &Call,
        name: &ResourceName,
    ) -> Result<Response, ArmError> {
        let kind = self.kind(call, &name.kind)?;
        self.find_group(&name.group)?;
        let id = name.id(&self.identity.subscription_id, kind);
        let Some(resource) = self.store.resource(&id).cloned() else {
            return Ok(Response::empty(StatusCode::NO_CONTENT));
        };
        if resource.state != State::Deleting {
            self.check_write(call, Some(&resource), &resource.id, None)?;
        }
        kind.check_delete(&resource, &self.store)?;
        let work = Work::Delete {
            id: resource.id.clone(),
            child: None,
        };
        let mut leaving = resource;
        leaving.state = State::Deleting;
        let (_, region) = self.commit(leaving);
        let operation = self.begin(call, work, &region);
        Ok(self.accepted(StatusCode::ACCEPTED, None, &operation, true))
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
        let id = parent.child_id(&found.name);
        self.check_write(call, Some(&parent), &id, Some(true))?;
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
        let notify = !kind.eq_ignore_ascii_case("routes");
        Ok(self.accepted(StatusCode::ACCEPTED, None, &operation, notify))
    }

    pub(super) fn finish_put(&mut self, operation: &Operation, id: &str, child: Option<&str>) {
        let end = match operation.failure {
            Some(_) => State::Failed,
            None => State::Succeeded,
        };
        let still_busy = self.is_busy(id, None);
        let child_busy = child.is_some_and(|child| self.is_busy(id, Some(child)));
        let Some(resource) = self.store.resources.get_mut(&id.to_lowercase()) else {
            return;
        };
        for written in &mut resource.children {
            let meant = child.is_none_or(|child| written.name.eq_ignore_ascii_case(child));
            if meant && !child_busy && written.state == State::Updating {
                written.state = end;
            }
        }
        if !still_busy && resource.state == State::Updating {
            resource.state = end;
        }
        resource.renew_etag();
    }

    pub(super) fn finish_delete(&mut self, operation: &Operation, id: &str, child: Option<&str>) {
        let still_busy = self.is_busy(id, None);
        let failed = operation.failure.is_some();
        let key = id.to_lowercase();
        let Some(resource) = self.store.resources.get_mut(&key) else {
            return;
        };
        match child {
            None if failed => resource.state = State::Failed,
            None => {
                self.store.resources.remove(&key);
                self.history.note(id, &self.store);
                return;
            }
            Some(child) if failed => {
                if let Some(child) = resource.child_mut(child) {
                    child.state = State::Failed;
                }
            }
            Some(child) => resource
                .children
                .retain(|kept| !kept.name.eq_ignore_ascii_case(child)),
        }
        if !still_busy && resource.state == State::Updating {
            resource.state = State::Succeeded;
        }
        resource.renew_etag();
        self.history.note(id, &self.store);
    }

    /// What every write of a network resource passes: its etag, and what is still going on.
    fn check_write(
        &self,
        call: &Call,
        prior: Option<&Resource>,
        id: &str,
        child_exists: Option<bool>,
    ) -> Result<(), ArmError> {
        let exists = child_exists.unwrap_or(prior.is_some());
        if let Some(sent) = call.header("if-match") {
            match prior {
                // One etag guards the parent and all its children, so a new child may be guarded by it too.
                Some(prior) if sent != "*" && !same_etag(sent, &prior.etag) => {
                    return Err(ArmError::etag_mismatch(sent, &prior.etag, id));
                }
                Some(_) if sent != "*" || exists => {}
                _ => return Err(ArmError::precondition_failed(id, "does not exist")),
            }
        }
        if call.header("if-none-match") == Some("*") && exists {
            return Err(ArmError::precondition_failed(id, "exists"));
        }
        let Some(prior) = prior.filter(|_| call.caller != Caller::Inside) else {
            return Ok(());
        };
        let Some(running) = self
            .operations
            .pending()
            .find(|operation| operation.work.resource() == Some(&prior.id))
        else {
            return Ok(());
        };
        // Assumed: what is going away takes no more writes.
        let leaving = prior.state == State::Deleting;
        match self.settings.busy {
            Busy::Queue if !leaving => Ok(()),
            Busy::Retryable => Err(ArmError::retryable_operation(&running.id, &prior.id)),
            Busy::Queue | Busy::Conflict => {
                let path = running.poll_path(&self.identity.subscription_id, "operations");
                let uri = format!("{}{path}", self.base_url);
                // The quoted message ends its address after the api-version.
                let uri = uri.split('&').next().unwrap_or_default();
                Err(ArmError::another_operation(uri))
            }
        }
    }

    /// Whether the caller may join what the child names.
    fn check_links(
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

    fn is_unchanged(&self, prior: &Resource, candidate: &Resource) -> bool {
        prior.state == State::Succeeded
            && prior.same_content(candidate)
            && !self.is_busy(&prior.id, None)
    }

    fn context<'a>(&'a self, call: &'a Call) -> Context<'a> {
        Context {
            store: &self.store,
            settings: &self.settings,
            api_version: &call.api_version,
        }
    }

    /// Stores a resource under a fresh etag and returns its id and region.
    fn commit(&mut self, mut resource: Resource) -> (String, String) {
        resource.renew_etag();
        let (id, region) = (resource.id.clone(), resource.location.clone());
        self.store.resources.insert(id.to_lowercase(), resource);
        self.history.note(&id, &self.store);
        (id, region)
    }

    pub(super) fn begin(&mut self, call: &Call, work: Work, region: &str) -> Operation {
        let duration = self.latency.operation(self.operations.count());
        self.operations
            .begin(work, duration, region, &call.api_version, call.failure())
    }

    /// The answer to a write that an operation carries out.
    fn accepted(
        &self,
        status: StatusCode,
        body: Option<&Value>,
        operation: &Operation,
        notify: bool,
    ) -> Response {
        let mut response = match body {
            Some(body) => Response::json(status, body),
            None => Response::empty(status),
        };
        let subscription = &self.identity.subscription_id;
        let url = |what| {
            format!(
                "{}{}",
                self.base_url,
                operation.poll_path(subscription, what)
            )
        };
        insert(
            &mut response.headers,
            "azure-asyncoperation",
            &url("operations"),
        );
        if notify {
            insert(&mut response.headers, "azure-asyncnotification", "Enabled");
        }
        if status == StatusCode::ACCEPTED {
            insert(
                &mut response.headers,
                header::LOCATION.as_str(),
                &url("operationResults"),
            );
        }
        self.add_retry_after(&mut response);
        response
    }

    pub(super) fn add_retry_after(&self, response: &mut Response) {
        if let Some(seconds) = self.settings.retry_after {
            response
                .headers
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}

pub(super) fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

/// A location as Azure stores it: `West Europe` is `westeurope`.
pub(super) fn location_name(text: &str) -> String {
    text.to_lowercase().replace(' ', "")
}

fn location(call: &Call, prior: Option<&Resource>, group: &str) -> Result<String, ArmError> {
    let Some(asked) = call.body.get("location").and_then(Value::as_str) else {
        return Err(ArmError::location_required());
    };
    let asked = location_name(asked);
    match prior {
        Some(prior) if prior.location != asked => Err(ArmError::location_differs(
            &prior.name,
            group,
            &prior.location,
            &asked,
        )),
        _ => Ok(asked),
    }
}

fn properties(body: &Object) -> Object {
    match body.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => Object::new(),
    }
}

fn created(new: bool) -> StatusCode {
    if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    }
}

fn same_etag(sent: &str, has: &str) -> bool {
    let bare = |etag: &str| {
        let etag = etag.trim().trim_start_matches("W/");
        etag.trim_matches('"').to_lowercase()
    };
    bare(sent) == bare(has)
}
