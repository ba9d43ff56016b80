//! What the API server says when it refuses: `Status` objects, and one plain text.
//!
//! Recorded: kube-apiserver 1.36, every variant that does not say "assumed".

use ::http::{HeaderValue, StatusCode, header};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::store::ResourceId;
use crate::http::Response;

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// Credentials were sent, and nobody is known by them.
    Unauthorized,
    /// The user may not do this to the resource; the text names who, what and where.
    Forbidden {
        resource: ResourceId,
        name: Option<String>,
        cause: String,
    },
    /// The user may not read this path.
    PathForbidden {
        user: String,
        verb: String,
        path: String,
    },
    /// The path belongs to no API group; the answer is plain text.
    NoSuchPath,
    /// The group exists, the resource does not.
    NoSuchResource,
    /// The resource exists, the object does not.
    NotFound { resource: ResourceId, name: String },
    /// The resource does not answer this method.
    MethodNotAllowed,
    /// A parameter or the body cannot be understood.
    BadRequest(String),
    /// An object of that name is there already.
    AlreadyExists { resource: ResourceId, name: String },
    /// The object has another resourceVersion than the one that was sent (assumed wording).
    Conflict { resource: ResourceId, name: String },
    /// The object would not be valid; `group` is set outside the core group.
    Invalid {
        kind: String,
        group: String,
        name: String,
        field: &'static str,
        reason: &'static str,
        message: &'static str,
    },
    /// The snapshot that was asked for is gone; `again` continues without it.
    Expired {
        message: &'static str,
        again: Option<String>,
    },
    /// A version was asked for that the server has not reached.
    ResourceVersionTooLarge { asked: u64, current: u64 },
    /// No media type of the Accept header can be produced (assumed).
    NotAcceptable,
    /// The body has a media type that is not read here (assumed).
    UnsupportedMediaType,
}

impl Failure {
    /// The refusal as the answer to a request.
    pub(super) fn response(&self) -> Response {
        let (status, reason, message) = self.summary();
        if *self == Failure::NoSuchPath {
            return text(status, message);
        }
        let mut metadata = Map::new();
        if let Failure::Expired {
            again: Some(token), ..
        } = self
        {
            metadata.insert("continue".into(), json!(token));
        }
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": metadata,
            "status": "Failure", "message": message, "reason": reason,
        });
        if let Some(details) = self.details() {
            body["details"] = details;
        }
        body["code"] = json!(status.as_u16());
        let mut response = json(status, &body);
        self.add_headers(&mut response);
        response
    }

    fn add_headers(&self, response: &mut Response) {
        let headers = &mut response.headers;
        match self {
            Failure::Forbidden { .. } | Failure::PathForbidden { .. } => {
                headers.insert(
                    header::X_CONTENT_TYPE_OPTIONS,
                    HeaderValue::from_static("nosniff"),
                );
            }
            Failure::ResourceVersionTooLarge { .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
    }

    fn summary(&self) -> (StatusCode, &'static str, String) {
        match self {
            Failure::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "Unauthorized",
                "Unauthorized".into(),
            ),
            Failure::Forbidden {
                resource,
                name,
                cause,
            } => {
                let name = name
                    .as_ref()
                    .map(|name| format!(" \"{name}\""))
                    .unwrap_or_default();
                let message = format!("{}{name} is forbidden: {cause}", resource.qualified());
                (StatusCode::FORBIDDEN, "Forbidden", message)
            }
            Failure::PathForbidden { user, verb, path } => (
                StatusCode::FORBIDDEN,
                "Forbidden",
                format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\""),
            ),
            Failure::NoSuchPath => (
                StatusCode::NOT_FOUND,
                "NotFound",
                "404 page not found\n".into(),
            ),
            Failure::NoSuchResource => (
                StatusCode::NOT_FOUND,
                "NotFound",
                "the server could not find the requested resource".into(),
            ),
            Failure::NotFound { resource, name } => (
                StatusCode::NOT_FOUND,
                "NotFound",
                format!("{} \"{name}\" not found", resource.qualified()),
            ),
            Failure::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource".into(),
            ),
            Failure::BadRequest(message) => {
                (StatusCode::BAD_REQUEST, "BadRequest", message.clone())
            }
            Failure::AlreadyExists { resource, name } => (
                StatusCode::CONFLICT,
                "AlreadyExists",
                format!("{} \"{name}\" already exists", resource.qualified()),
            ),
            Failure::Conflict { resource, name } => (
                StatusCode::CONFLICT,
                "Conflict",
                format!(
                    "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; \
                     please apply your changes to the latest version and try again",
                    resource.qualified()
                ),
            ),
            Failure::Invalid {
                kind,
                group,
                name,
                field,
                message,
                ..
            } => {
                let dot = if group.is_empty() { "" } else { "." };
                let message =
                    format!("{kind}{dot}{group} \"{name}\" is invalid: {field}: {message}");
                (StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
            }
            Failure::Expired { message, .. } => {
                (StatusCode::GONE, "Expired", (*message).to_owned())
            }
            Failure::ResourceVersionTooLarge { asked, current } => (
                StatusCode::GATEWAY_TIMEOUT,
                "Timeout",
                format!("Timeout: Too large resource version: {asked}, current: {current}"),
            ),
            Failure::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "NotAcceptable",
                "only the following media types are accepted: application/json".into(),
            ),
            Failure::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json"
                    .into(),
            ),
        }
    }

    // Absent and `{}` differ on the wire: a refused parameter has no details, an unknown resource has empty ones.
    fn details(&self) -> Option<Value> {
        match self {
            Failure::Forbidden { resource, name, .. } => {
                Some(object_details(name.as_deref(), resource))
            }
            Failure::NotFound { resource, name }
            | Failure::AlreadyExists { resource, name }
            | Failure::Conflict { resource, name } => Some(object_details(Some(name), resource)),
            Failure::PathForbidden { .. } | Failure::NoSuchResource | Failure::MethodNotAllowed => {
                Some(json!({}))
            }
            Failure::Invalid {
                kind,
                group,
                name,
                field,
                reason,
                message,
            } => {
                let mut details = json!({ "name": name });
                if !group.is_empty() {
                    details["group"] = json!(group);
                }
                details["kind"] = json!(kind);
                details["causes"] =
                    json!([{ "reason": reason, "message": message, "field": field }]);
                Some(details)
            }
            Failure::ResourceVersionTooLarge { .. } => Some(json!({
                "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
                "retryAfterSeconds": 1,
            })),
            _ => None,
        }
    }
}

/// An answer with a JSON body, ended by a newline as the API server's are.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::empty(status);
    response.body = Bytes::from(format!("{body}\n"));
    let media_type = HeaderValue::from_static("application/json");
    response.headers.insert(header::CONTENT_TYPE, media_type);
    response
}

/// An answer in plain text.
pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::empty(status);
    response.body = body.into();
    let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers.insert(header::CONTENT_TYPE, media_type);
    response.headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

fn object_details(name: Option<&str>, resource: &ResourceId) -> Value {
    let mut details = Map::new();
    if let Some(name) = name {
        details.insert("name".into(), json!(name));
    }
    if !resource.group.is_empty() {
        details.insert("group".into(), json!(resource.group));
    }
    details.insert("kind".into(), json!(resource.plural));
    Value::Object(details)
}
