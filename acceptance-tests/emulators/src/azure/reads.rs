//! GET of subscriptions and network resources.

use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ArmError;
use super::resource_types::{self, ResourceType};
use super::store::{Group, Resource};
use super::target::ResourceName;
use super::{Core, ok};
use crate::http::Response;

impl Core {
    pub(super) fn list_subscriptions(&self) -> Response {
        ok(&json!({"value": [self.subscription()]}))
    }

    pub(super) fn get_subscription(&self) -> Response {
        ok(&self.subscription())
    }

    pub(super) fn list_providers(&self) -> Response {
        let provider = |namespace: &str| {
            json!({
                "id": format!("/subscriptions/{}/providers/{namespace}", self.identity.subscription_id),
                "namespace": namespace,
                "registrationState": "Registered",
                "resourceTypes": [],
            })
        };
        let namespaces = [
            "Microsoft.Network",
            "Microsoft.Authorization",
            "Microsoft.Resources",
        ];
        ok(&json!({"value": namespaces.map(provider)}))
    }

    pub(super) fn list_everywhere(&self, call: &Call, kind: &str) -> Result<Response, ArmError> {
        let kind = self.kind(call, kind)?;
        let found = self.store.of_kind(kind.segment());
        let value: Value = found.map(|resource| resource.render(&self.store)).collect();
        Ok(ok(&json!({"value": value})))
    }

    pub(super) fn list_resources(
        &self,
        call: &Call,
        group: &str,
        kind: &str,
    ) -> Result<Response, ArmError> {
        let kind = self.kind(call, kind)?;
        let group = self.find_group(group)?;
        let found = self.store.in_group(group);
        let value: Value = found
            .filter(|resource| resource.kind.segment() == kind.segment())
            .map(|resource| resource.render(&self.store))
            .collect();
        Ok(ok(&json!({"value": value})))
    }

    pub(super) fn get_resource(
        &self,
        call: &Call,
        name: &ResourceName,
    ) -> Result<Response, ArmError> {
        let resource = self.find_resource(call, name)?;
        let body = resource.render(&self.store);
        Ok(with_etag(ok(&body), &resource.etag))
    }

    pub(super) fn list_children(
        &self,
        call: &Call,
        name: &ResourceName,
        kind: &str,
    ) -> Result<Response, ArmError> {
        let parent = self.find_parent(call, name, kind)?;
        Ok(ok(&json!({"value": parent.render_children(&self.store)})))
    }

    pub(super) fn get_child(
        &self,
        call: &Call,
        name: &ResourceName,
        kind: &str,
        child: &str,
    ) -> Result<Response, ArmError> {
        let parent = self.find_parent(call, name, kind)?;
        let Some(found) = parent.child(child) else {
            return Err(ArmError::child_not_found(&parent.child_id(child)));
        };
        let body = parent.render_child(found, &self.store);
        Ok(with_etag(ok(&body), &parent.etag))
    }

    /// The type, or the refusal of one that the lab does not have.
    pub(super) fn kind(
        &self,
        call: &Call,
        segment: &str,
    ) -> Result<&'static dyn ResourceType, ArmError> {
        resource_types::find(segment).ok_or_else(|| ArmError::unknown_type(&call.path))
    }

    pub(super) fn find_group(&self, name: &str) -> Result<&Group, ArmError> {
        self.store
            .group(name)
            .ok_or_else(|| ArmError::group_not_found(name))
    }

    pub(super) fn find_resource(
        &self,
        call: &Call,
        name: &ResourceName,
    ) -> Result<&Resource, ArmError> {
        let kind = self.kind(call, &name.kind)?;
        self.find_group(&name.group)?;
        let id = name.id(&self.identity.subscription_id, kind);
        self.store
            .resource(&id)
            .ok_or_else(|| ArmError::resource_not_found(kind.segment(), &name.name, &name.group))
    }

    /// The resource whose children of that type are meant.
    pub(super) fn find_parent(
        &self,
        call: &Call,
        name: &ResourceName,
        child_kind: &str,
    ) -> Result<&Resource, ArmError> {
        let kind = self.kind(call, &name.kind)?;
        let known = kind.child_segment();
        if !known.is_some_and(|known| known.eq_ignore_ascii_case(child_kind)) {
            return Err(ArmError::unknown_type(&call.path));
        }
        self.find_group(&name.group)?;
        let id = name.id(&self.identity.subscription_id, kind);
        self.store
            .resource(&id)
            .ok_or_else(|| ArmError::parent_not_found(&name.name))
    }

    fn subscription(&self) -> Value {
        json!({
            "id": format!("/subscriptions/{}", self.identity.subscription_id),
            "subscriptionId": self.identity.subscription_id,
            "tenantId": self.identity.tenant_id,
            "displayName": "ako-lab",
            "state": "Enabled",
        })
    }
}

/// GET answers the etag as a header too; PUT does not (recorded).
fn with_etag(mut response: Response, etag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers.insert(header::ETAG, value);
    }
    response
}
