//! Writes, as far as a second client needs them to change a cluster behind Terraform's back.
//!
//! Recorded: 409 for a name that is taken, 422 for a changed pod CIDR. Everything else is assumed. JSON bodies and
//! merge patches only; nothing is defaulted or validated beyond the name.

use ::http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::route::ResourceRequest;
use super::status::{Failure, json as json_response};
use super::store::{Key, Kind, Store};
use super::table::{View, show_object};
use crate::http::{Request, Response};

/// Carries out a POST, PUT, PATCH or DELETE.
pub(super) fn apply(
    request: &Request,
    target: &ResourceRequest,
    kind: &Kind,
    store: &mut Store,
) -> Result<Response, Failure> {
    match (&request.method, target.name.as_deref()) {
        (&Method::POST, None) => create(request, target, kind, store),
        (&Method::PUT, Some(name)) => {
            let body = read_body(request, &["application/json"])?;
            replace(body, name, target, kind, store)
        }
        (&Method::PATCH, Some(name)) => {
            let patch = read_body(request, &["application/merge-patch+json"])?;
            let current = store
                .get(&kind.id, &key(target, name))
                .ok_or_else(|| not_found(kind, name))?;
            let mut object = Value::clone(&current);
            merge(&mut object, &patch);
            replace(object, name, target, kind, store)
        }
        (&Method::DELETE, Some(name)) => {
            let removed = store
                .remove(&kind.id, &key(target, name))
                .ok_or_else(|| not_found(kind, name))?;
            Ok(deleted(kind, name, &removed))
        }
        _ => Err(Failure::MethodNotAllowed),
    }
}

fn create(
    request: &Request,
    target: &ResourceRequest,
    kind: &Kind,
    store: &mut Store,
) -> Result<Response, Failure> {
    let mut object = read_body(request, &["application/json"])?;
    let name = object["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if name.is_empty() {
        return Err(invalid(
            kind,
            "",
            "metadata.name",
            "FieldValueRequired",
            "Required value: name is required",
        ));
    }
    if store.get(&kind.id, &key(target, &name)).is_some() {
        return Err(Failure::AlreadyExists {
            resource: kind.id.clone(),
            name,
        });
    }
    if let Some(namespace) = &target.namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    stored(StatusCode::CREATED, object, &name, target, kind, store)
}

fn replace(
    object: Value,
    name: &str,
    target: &ResourceRequest,
    kind: &Kind,
    store: &mut Store,
) -> Result<Response, Failure> {
    let current = store
        .get(&kind.id, &key(target, name))
        .ok_or_else(|| not_found(kind, name))?;
    let version = &object["metadata"]["resourceVersion"];
    if version.is_string() && *version != current["metadata"]["resourceVersion"] {
        return Err(Failure::Conflict {
            resource: kind.id.clone(),
            name: name.to_owned(),
        });
    }
    let (old, new) = (&current["spec"]["podCIDRs"], &object["spec"]["podCIDRs"]);
    if kind.kind == "Node" && old.is_array() && old != new {
        let message = "Forbidden: node updates may not change podCIDR except from \"\" to valid";
        return Err(invalid(
            kind,
            name,
            "spec.podCIDRs",
            "FieldValueForbidden",
            message,
        ));
    }
    stored(StatusCode::OK, object, name, target, kind, store)
}

fn stored(
    status: StatusCode,
    mut object: Value,
    name: &str,
    target: &ResourceRequest,
    kind: &Kind,
    store: &mut Store,
) -> Result<Response, Failure> {
    if !kind.is_custom()
        && let Some(members) = object.as_object_mut()
    {
        members.shift_remove("kind");
        members.shift_remove("apiVersion");
    }
    let object = store
        .put(&kind.id, &key(target, name), object)
        .ok_or(Failure::NoSuchResource)?;
    Ok(json_response(
        status,
        &show_object(kind, &object, View::Whole),
    ))
}

fn key(target: &ResourceRequest, name: &str) -> Key {
    Key::new(target.namespace.as_deref(), name)
}

fn read_body(request: &Request, media_types: &[&str]) -> Result<Value, Failure> {
    let media_type = request
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = media_type
        .unwrap_or("application/json")
        .split(';')
        .next()
        .unwrap_or_default();
    if !media_types.contains(&media_type.trim()) {
        return Err(Failure::UnsupportedMediaType);
    }
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|error| Failure::BadRequest(format!("the body could not be decoded: {error}")))?;
    if !body.is_object() {
        return Err(Failure::BadRequest("the body is no object".to_owned()));
    }
    Ok(body)
}

// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (member, value) in patch {
        if !value.is_null() {
            merge(&mut target[member], value);
        } else if let Some(members) = target.as_object_mut() {
            members.shift_remove(member);
        }
    }
}

fn deleted(kind: &Kind, name: &str, removed: &Value) -> Response {
    let mut details = json!({ "name": name });
    if kind.is_custom() {
        details["group"] = json!(kind.id.group);
    }
    details["kind"] = json!(kind.id.plural);
    details["uid"] = removed["metadata"]["uid"].clone();
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": details,
    });
    json_response(StatusCode::OK, &body)
}

fn not_found(kind: &Kind, name: &str) -> Failure {
    Failure::NotFound {
        resource: kind.id.clone(),
        name: name.to_owned(),
    }
}

fn invalid(
    kind: &Kind,
    name: &str,
    field: &'static str,
    reason: &'static str,
    message: &'static str,
) -> Failure {
    Failure::Invalid {
        kind: kind.kind.clone(),
        group: kind.id.group.clone(),
        name: name.to_owned(),
        field,
        reason,
        message,
    }
}
