//! The services that hand out tokens to the identities of a machine: the instance metadata service of virtual machines
//! and that of App Service. Plain HTTP, as the real ones.
//!
//! Forms and refusals are those of Microsoft's pages on both ("How to use managed identities on a VM to acquire a
//! token", "REST endpoint reference"); the system-assigned identity of the machine is the lab's principal.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Azure, Core, login};
use crate::front::Service;
use crate::http::{Request, Response};
use crate::sync::lock;

/// Where virtual machines ask.
pub(crate) const INSTANCE_METADATA: &str = "/metadata/identity/oauth2/token";

/// Where apps ask.
pub(crate) const APP_SERVICE: &str = "/msi/token";

/// What App Service tells an app, and the app shows.
pub(crate) const IDENTITY_HEADER: &str = "lab-identity-header";

/// Both services.
pub(crate) struct ManagedIdentities(pub(crate) Arc<Azure>);

impl Service for ManagedIdentities {
    fn label(&self, _request: &Request) -> String {
        "identity".to_owned()
    }

    fn handle(&self, request: &Request) -> Response {
        let header = |name: &str| request.headers.get(name)?.to_str().ok();
        let mut core = lock(&self.0.core);
        match request.path.as_str() {
            _ if request.headers.contains_key("x-forwarded-for") => {
                refuse("invalid_request", "Requests through a proxy are refused")
            }
            INSTANCE_METADATA if header("metadata") != Some("true") => {
                refuse("bad_request_102", "Required metadata header not specified")
            }
            INSTANCE_METADATA => token(&mut core, request, &["2018-02-01", "2021-02-01"]),
            APP_SERVICE if header("x-identity-header") != Some(IDENTITY_HEADER) => {
                Response::empty(StatusCode::UNAUTHORIZED)
            }
            APP_SERVICE => token(&mut core, request, &["2019-08-01"]),
            _ => Response::empty(StatusCode::NOT_FOUND),
        }
    }
}

fn token(core: &mut Core, request: &Request, versions: &[&str]) -> Response {
    let version = request.parameter("api-version").unwrap_or_default();
    if !versions.contains(&version.as_str()) {
        return refuse("invalid_request", "The api-version is not supported");
    }
    let resource = request.parameter("resource").unwrap_or_default();
    let Some(audience) = login::known_audience(core, &resource) else {
        let message = format!("The resource principal named {resource} was not found");
        return refuse("invalid_resource", &message);
    };
    let asked = request.parameter("client_id");
    let asked = asked.unwrap_or_else(|| core.identity.client_id.clone());
    let mut principals = core.access.principals.iter();
    let principal = principals.find(|p| p.client_id.eq_ignore_ascii_case(&asked));
    let Some(principal) = principal.cloned() else {
        return refuse("invalid_request", "Identity not found");
    };
    let (token, life) = login::hand_out(core, &principal, &audience);
    let now = Timestamp::now().as_second();
    // Numbers come as text.
    let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX - now);
    let mut body = json!({
        "access_token": token,
        "client_id": principal.client_id,
        "expires_on": (now + seconds).to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    if request.path == INSTANCE_METADATA {
        body["expires_in"] = Value::from(seconds.to_string());
        body["ext_expires_in"] = Value::from(seconds.to_string());
        body["not_before"] = Value::from(now.to_string());
    }
    Response::json(StatusCode::OK, &body)
}

fn refuse(error: &str, description: &str) -> Response {
    let body = json!({"error": error, "error_description": description});
    Response::json(StatusCode::BAD_REQUEST, &body)
}
