//! References on input: every spelling that clients use, brought into the stored one.

use serde_json::Value;

use super::call::Tenant;
use super::errors::Refusal;
use super::query::Query;
use super::store::{Object, Store, Stored, Type, type_of_model, type_of_path};

/// Where references are looked up: what the caller sees, and the cloud of the object that refers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) store: &'a Store,
    pub(super) tenant: &'a Tenant,
    pub(super) cloud: Option<&'a str>,
}

impl Place<'_> {
    /// A reference or a list of them; `model` is what it must lead to, where that is known.
    pub(super) fn resolve(&self, value: &Value, model: Option<&str>) -> Result<Value, Refusal> {
        match value {
            Value::Array(items) => items
                .iter()
                .map(|item| self.resolve(item, model))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Array),
            Value::String(text) => Ok(self.find(text, model)?.reference().into()),
            other => Err(Refusal::bad(format!("Invalid reference: {other}"))),
        }
    }

    /// A whole URL or `/api/…`, with a uuid or `?name=`, with or without `#name`; or a uuid alone.
    fn find(&self, text: &str, model: Option<&str>) -> Result<&Stored, Refusal> {
        let text = text.split('#').next().unwrap_or_default();
        let missing = || Refusal::no_such_reference(model.unwrap_or("Referenced"));
        let Some((_, below)) = text.split_once("/api/") else {
            let kind = model.and_then(type_of_model).ok_or_else(missing)?;
            return self.store.get(kind, text).ok_or_else(missing);
        };
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        let (path, uuid) = path.split_once('/').unwrap_or((path, ""));
        let kind = type_of_path(path).ok_or_else(missing)?;
        if model.is_some_and(|model| model != kind.model) {
            return Err(missing());
        }
        let found = match (uuid.trim_end_matches('/'), Query::read(query).get("name")) {
            ("", Some(name)) => self.by_name(kind, name),
            (uuid, _) => self.store.get(kind, uuid),
        };
        found.ok_or_else(|| Refusal::no_such_reference(kind.model))
    }

    fn by_name(&self, kind: Type, name: &str) -> Option<&Stored> {
        let mut named = self
            .store
            .of(kind)
            .filter(|object| object.name() == name && self.tenant.sees(object));
        match self.cloud.filter(|_| kind.in_cloud) {
            Some(cloud) => named.find(|object| object.text("cloud_ref") == cloud),
            None => named.next(),
        }
    }
}

/// What references under a member's name lead to, in objects whose model the table lacks.
pub(super) fn model_behind(member: &str) -> Option<&'static str> {
    let stem = member.trim_end_matches("_refs").trim_end_matches("_ref");
    let path = match stem {
        "se_group" => "serviceenginegroup",
        "vrf" | "vrf_context" => "vrfcontext",
        stem => stem,
    };
    type_of_path(path).map(|kind| kind.model)
}

/// The reference that a member holds.
pub(super) fn held<'a>(members: &'a Object, member: &str) -> Option<&'a str> {
    members.get(member)?.as_str()
}
