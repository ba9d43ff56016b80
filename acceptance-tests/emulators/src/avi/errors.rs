//! Refusals, in the controller's words where a source has them.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::version::Version;
use crate::http::Response;

/// A refusal.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Json(Value),
    /// Not JSON, although the content type says so, as recorded.
    Text(&'static str),
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Refusal {
        let body = Body::Json(json!({"error": error.into()}));
        Refusal { status, body }
    }

    /// 400; the texts of checks are assumed but for those that have a constructor here.
    pub(super) fn bad(error: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, error)
    }

    /// Wrong name or password (AKO's and AMKO's handling of it).
    pub(super) fn credentials() -> Refusal {
        Refusal::new(StatusCode::UNAUTHORIZED, "Invalid credentials")
    }

    /// No session, or one that nobody knows.
    pub(super) fn no_session() -> Refusal {
        let error = "Authentication credentials were not provided";
        Refusal::new(StatusCode::UNAUTHORIZED, error)
    }

    /// A session that has ended (recorded with 419 and this text).
    pub(super) fn expired(status: u16) -> Refusal {
        Refusal {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED),
            body: Body::Text("error"),
        }
    }

    /// A wrong token (recorded: text, under the content type of JSON).
    pub(super) fn csrf() -> Refusal {
        Refusal {
            status: StatusCode::UNAUTHORIZED,
            body: Body::Text("CSRF token missing or incorrect."),
        }
    }

    /// No Referer (the API guide calls it mandatory; status and text are assumed).
    pub(super) fn referer() -> Refusal {
        let error = "Referer checking failed - no Referer.";
        Refusal::new(StatusCode::FORBIDDEN, error)
    }

    /// The controller starts (API guide: 503 while it is INITIALIZING).
    pub(super) fn initializing() -> Refusal {
        let error = "INITIALIZING - controller not ready";
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    pub(super) fn tenant(name: &str) -> Refusal {
        let error = format!("Tenant '{name}' does not exist!");
        Refusal::new(StatusCode::FORBIDDEN, error)
    }

    /// The user's role does not let them (text assumed).
    pub(super) fn permission(access: &str, object: &str) -> Refusal {
        let error = format!("User does not have {access} permission for {object}");
        Refusal::new(StatusCode::FORBIDDEN, error)
    }

    /// A member that came after the version of the request (vmware/avi-helm-charts#90).
    pub(super) fn too_new(asked: Version, member: &str, since: Version) -> Refusal {
        Refusal::bad(format!(
            "Incoming request (v{asked}) has field ({member}) introduced in later versions(v{since})."
        ))
    }

    /// A version above the controller's (assumed; avisdk looks for the first two words).
    pub(super) fn version(asked: &str, own: &str) -> Refusal {
        Refusal::bad(format!(
            "Invalid version {asked}: the controller supports versions up to {own}"
        ))
    }

    pub(super) fn not_found(model: &str) -> Refusal {
        let error = format!("{model} object not found!");
        Refusal::new(StatusCode::NOT_FOUND, error)
    }

    /// A reference that leads nowhere: the same words with 400 (AKO's constants).
    pub(super) fn no_such_reference(model: &str) -> Refusal {
        Refusal::bad(format!("{model} object not found!"))
    }

    pub(super) fn unknown_path() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "Not found.")
    }

    /// As recorded for `DELETE /api/cluster` (vmware/terraform-provider-avi#593).
    pub(super) fn method(method: &str) -> Refusal {
        let body = Body::Json(json!({"detail": format!("Method '{method}' not allowed.")}));
        Refusal {
            status: StatusCode::METHOD_NOT_ALLOWED,
            body,
        }
    }

    /// A name that is taken; the VRF's text is recorded, the others follow it.
    pub(super) fn exists(model: &str) -> Refusal {
        let (kind, key) = match model {
            "VrfContext" => ("Vrf context", "Name, Tenant ref and Cloud ref"),
            "ServiceEngineGroup" => ("Service engine group", "Name, Tenant ref and Cloud ref"),
            "Network" => ("Network", "Name, Tenant ref and Cloud ref"),
            kind => (kind, "Name and Tenant ref"),
        };
        let error = format!("{kind} with this {key} already exists.");
        Refusal::new(StatusCode::CONFLICT, error)
    }

    /// A `_last_modified` that is not the newest (AKO#1755, from a controller's log). AKO knows another text of the
    /// same status, `Need to reload object data VsVip`; clients have to go by the status.
    pub(super) fn concurrent() -> Refusal {
        Refusal::new(StatusCode::PRECONDITION_FAILED, "Concurrent Update Error")
    }

    /// A delete of what others refer to (recorded in issues with 400, in newer tests with 403).
    pub(super) fn referred(status: u16, referrers: &[String]) -> Refusal {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let named: Vec<String> = referrers.iter().map(|name| format!("'{name}'")).collect();
        let error = format!(
            "Cannot delete, object is referred by: [{}]",
            named.join(", ")
        );
        Refusal::new(status, error)
    }

    pub(super) fn response(self) -> Response {
        match self.body {
            Body::Json(body) => json(self.status, &body),
            Body::Text(text) => {
                let mut response = json(self.status, &Value::Null);
                response.body = text.into();
                response
            }
        }
    }
}

/// A JSON answer under the content type that the controller gives it.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::json(status, body);
    let kind = HeaderValue::from_static("application/json");
    response.headers.insert(header::CONTENT_TYPE, kind);
    response
}
