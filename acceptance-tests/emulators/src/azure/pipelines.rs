//! The services that hand out OIDC tokens to what runs in GitHub Actions and in Azure Pipelines, as far as
//! go-azure-sdk's `github_oidc_authorizer` and `ado_pipeline_oidc_authorizer` ask them.

use http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::Core;
use super::federation::FederatedToken;
use crate::http::{Request, Response};

/// Where GitHub's service is; the query is part of the URL that GitHub hands to a job.
pub(crate) const GITHUB: &str = "/pipelines/github/token?api-version=2.0";

/// Where that of Azure DevOps is.
pub(crate) const AZURE_DEVOPS: &str = "/pipelines/devops/oidctoken";

/// What a job shows to either.
pub(crate) const REQUEST_TOKEN: &str = "lab-request-token";

/// The service connection whose tokens Azure DevOps hands out.
pub(crate) const SERVICE_CONNECTION: &str = "0a0b0000-0000-4000-8000-00000000000e";

/// Whether a path belongs to these services.
pub(super) fn is_pipeline(path: &str) -> bool {
    path.starts_with("/pipelines/")
}

/// Answers a request for a token.
pub(super) fn handle(core: &mut Core, request: &Request) -> Response {
    let bearer = request.headers.get(header::AUTHORIZATION);
    let bearer = bearer.and_then(|value| value.to_str().ok());
    if bearer != Some(format!("Bearer {REQUEST_TOKEN}").as_str()) {
        return refuse(StatusCode::UNAUTHORIZED, "the request token is not valid");
    }
    let audience = request.parameter("audience");
    match (&request.method, request.path.as_str()) {
        (&Method::GET, path) if GITHUB.starts_with(path) => {
            // Without an audience GitHub names the owner of the repository (GitHub's page on OIDC).
            let audience = audience.unwrap_or_else(|| "https://github.com/ako-lab".to_owned());
            let token = issue(core, audience);
            answer(&json!({"count": token.len(), "value": token}))
        }
        (&Method::POST, AZURE_DEVOPS) => {
            if request.parameter("api-version").is_none() {
                return refuse(StatusCode::BAD_REQUEST, "no api-version was supplied");
            }
            if request.parameter("serviceConnectionId").as_deref() != Some(SERVICE_CONNECTION) {
                return refuse(StatusCode::NOT_FOUND, "there is no such service connection");
            }
            let token = issue(core, FederatedToken::default().audience);
            answer(&json!({"oidcToken": token}))
        }
        _ => refuse(StatusCode::NOT_FOUND, "no such service"),
    }
}

fn issue(core: &mut Core, audience: String) -> String {
    core.federation.issue(&FederatedToken {
        audience,
        ..FederatedToken::default()
    })
}

fn answer(body: &Value) -> Response {
    Response::json(StatusCode::OK, body)
}

fn refuse(status: StatusCode, message: &str) -> Response {
    Response::json(status, &json!({"message": message}))
}
