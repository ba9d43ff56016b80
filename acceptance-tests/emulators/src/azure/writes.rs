//! PUT, PATCH and DELETE of network resources.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use super::call::Call;
use super::errors::ArmError;
use super::names;
use super::operations::{Operation, Work};
use super::resource_types::{Context, ResourceType};
use super::store::{Object, Resource, State, new_etag};
use super::target::ResourceName;
use super::{Core, ok};
use crate::http::Response;

impl Core {
    pub(super) fn put_resource(
        &mut self,
        call: &Call,
        name: &ResourceName,
    ) -> Result<Response, ArmError> {
        let kind = self.kind(call, &name.kind)?;
        self.find_group(&name.group)?;
        names::check(&name.name)?;
        let id = name.id(&self.identity.subscription_id, kind);
        let prior = self.store.resource(&id).cloned();
        let location = location(call, prior.as_ref(), &name.group)?;
        self.check_write(call, &id, prior.as_ref(), prior.as_ref().map(|p| p.state))?;

        let mut candidate = self.candidate(kind, name, prior.as_ref(), location);
        candidate.tags = call.body.get("tags").filter(|t| !t.is_null()).cloned();
        let context = self.context(call);
        kind.accept(properties(&call.body), &mut candidate, &context)?;
        kind.check(&candidate, prior.as_ref(), &context)?;
        for child in &candidate.children {
            let scope = candidate.child_id(&child.name);
            self.check_links(call, &candidate, child, &scope)?;
        }
        match prior {
            Some(prior) if self.is_unchanged(&prior, &candidate) => Ok(self.keep(call, &prior)),
            prior => Ok(self.replace(call, candidate, prior.is_none())),
        }
    }

    /// Tags, replaced as a whole; synchronous, everything else untouched (recorded: azure-libraries-for-net).
    pub(super) fn patch_resource(
        &mut self,
        call: &Call,
        name: &ResourceName,
    ) -> Result<Response, ArmError> {
        let prior = self.find_resource(call, name)?.clone();
        self.check_write(call, &prior.id, Some(&prior), Some(prior.state))?;
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
            self.check_write(call, &resource.id, Some(&resource), Some(resource.state))?;
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

    /// The resource that a PUT makes, without the properties that its type has to accept yet.
    fn candidate(
        &self,
        kind: &'static dyn ResourceType,
        name: &ResourceName,
        prior: Option<&Resource>,
        location: String,
    ) -> Resource {
        if let Some(prior) = prior {
            return Resource {
                properties: Object::new(),
                ..prior.clone()
            };
        }
        // New ids take the group's own casing.
        let group = self.store.group(&name.group);
        let own = ResourceName {
            group: group.map_or_else(|| name.group.clone(), |group| group.name.clone()),
            ..name.clone()
        };
        Resource {
            kind,
            id: own.id(&self.identity.subscription_id, kind),
            name: own.name,
            location,
            tags: None,
            etag: new_etag(),
            guid: Uuid::new_v4(),
            state: State::Updating,
            properties: Object::new(),
            children: Vec::new(),
        }
    }

    /// The answer to a PUT that changes nothing.
    fn keep(&mut self, call: &Call, prior: &Resource) -> Response {
        // A virtual network answers 201 here, the other types 200 (both recorded).
        let status = match prior.kind.segment() {
            "virtualNetworks" => StatusCode::CREATED,
            _ => StatusCode::OK,
        };
        let work = Work::Put {
            id: prior.id.clone(),
            child: None,
        };
        let operation = self
            .operations
            .finished(work, &prior.location, &call.api_version);
        let body = prior.render(&self.store);
        self.accepted(status, Some(&body), &operation, true)
    }

    /// Carries out a PUT and answers it.
    fn replace(&mut self, call: &Call, mut candidate: Resource, new: bool) -> Response {
        candidate.state = State::Updating;
        for child in &mut candidate.children {
            child.state = State::Updating;
        }
        let work = Work::Put {
            id: candidate.id.clone(),
            child: None,
        };
        let (id, region) = self.commit(candidate);
        let operation = self.begin(call, work, &region);
        let body = self.store.resource(&id).map(|r| r.render(&self.store));
        self.accepted(created(new), body.as_ref(), &operation, true)
    }

    /// Whether there is nothing to carry out. What has failed is carried out now, also where only a child of the
    /// resource has (assumed).
    fn is_unchanged(&self, prior: &Resource, candidate: &Resource) -> bool {
        prior.state == State::Succeeded
            && prior
                .children
                .iter()
                .all(|child| child.state == State::Succeeded)
            && prior.same_content(candidate)
            && !self.is_busy(&prior.id, None)
    }

    pub(super) fn context<'a>(&'a self, call: &'a Call) -> Context<'a> {
        Context {
            store: &self.store,
            settings: &self.settings,
            api_version: &call.api_version,
        }
    }

    /// Stores a resource under a fresh etag and returns its id and region.
    pub(super) fn commit(&mut self, mut resource: Resource) -> (String, String) {
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
    pub(super) fn accepted(
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

/// The properties in a body.
pub(super) fn properties(body: &Object) -> Object {
    match body.get("properties") {
        Some(Value::Object(properties)) => properties.clone(),
        _ => Object::new(),
    }
}

/// The status of an accepted PUT.
pub(super) fn created(new: bool) -> StatusCode {
    if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    }
}
