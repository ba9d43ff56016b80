//! Microsoft Entra ID's token endpoint, as far as service principals need it.
//!
//! Tokens have the form of a JWT with the claims that clients read (`tid`, `oid`, `appid`); clients are told not
//! to check the signature of a token that is meant for somebody else, so there is none worth checking.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Core;
use super::access::Principal;
use crate::http::{Request, Response, decode};

/// Whether a path belongs to the login service.
pub(super) fn is_login(path: &str) -> bool {
    const ENDS: [&str; 5] = [
        "/oauth2/v2.0/token",
        "/oauth2/token",
        "/.well-known/openid-configuration",
        "/discovery/instance",
        "/discovery/v2.0/keys",
    ];
    ENDS.iter().any(|end| path.ends_with(end))
}

/// Answers a request to the login service.
pub(super) fn handle(core: &mut Core, request: &Request) -> Response {
    let path = request.path.as_str();
    let tenant = path.split('/').nth(1).unwrap_or_default().to_owned();
    if path.ends_with("/discovery/instance") {
        return ok(&instance(core));
    }
    if !tenant.eq_ignore_ascii_case(&core.identity.tenant_id) && tenant != "common" {
        let message = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are \
             signing into the correct cloud."
        );
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", 90002, &message);
    }
    if path.ends_with("/keys") {
        return ok(&json!({"keys": []}));
    }
    if path.ends_with("/openid-configuration") {
        return ok(&configuration(core));
    }
    if request.method != Method::POST {
        let message = "The endpoint only accepts POST requests.";
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", 900_561, message);
    }
    token(core, &form(&request.body))
}

fn token(core: &mut Core, form: &BTreeMap<String, String>) -> Response {
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "client_credentials" {
        let message = "The app requested an unsupported grant type.";
        return refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            70003,
            message,
        );
    }
    let client_id = field("client_id");
    let known = core.access.principals.iter();
    let Some(principal) = known
        .into_iter()
        .find(|principal| principal.client_id.eq_ignore_ascii_case(client_id))
        .cloned()
    else {
        let message = format!(
            "Application with identifier '{client_id}' was not found in the directory '{}'.",
            core.identity.tenant_id
        );
        return refuse(
            StatusCode::BAD_REQUEST,
            "unauthorized_client",
            700_016,
            &message,
        );
    };
    if let Err(refusal) = check_credential(core, &principal, form) {
        return refusal.response();
    }
    let Some(audience) = audience(core, form) else {
        let message = format!(
            "The resource principal named {} was not found in the tenant named {}.",
            field("scope"),
            core.identity.tenant_id
        );
        return refuse(
            StatusCode::BAD_REQUEST,
            "invalid_resource",
            500_011,
            &message,
        );
    };
    let (token, life) = hand_out(core, &principal, &audience);
    ok(&json!({
        "token_type": "Bearer",
        "expires_in": life.as_secs(),
        "ext_expires_in": life.as_secs(),
        "access_token": token,
    }))
}

/// A new token of a principal, and how long it is good for.
pub(super) fn hand_out(
    core: &mut Core,
    principal: &Principal,
    audience: &str,
) -> (String, Duration) {
    let life = core.settings.token_lifetime;
    let token = jwt(core, principal, audience, life);
    let for_arm = !audience.ends_with("/graph");
    core.access
        .issue(token.clone(), &principal.object_id, for_arm, life);
    (token, life)
}

/// Why somebody is not signed in.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) code: u64,
    pub(super) message: String,
}

impl Refusal {
    fn response(&self) -> Response {
        refuse(self.status, self.error, self.code, &self.message)
    }
}

fn check_credential(
    core: &Core,
    principal: &Principal,
    form: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    let refusal = |code: u64, message: String| Refusal {
        status: StatusCode::UNAUTHORIZED,
        error: "invalid_client",
        code,
        message,
    };
    if let Some(assertion) = form.get("client_assertion") {
        let tenant = format!("{}/{}", core.base_url, core.identity.tenant_id);
        let audiences = [
            format!("{tenant}/oauth2/v2.0/token"),
            format!("{tenant}/oauth2/token"),
            format!("{tenant}/v2.0"),
        ];
        let federation = &core.federation;
        return federation.check(assertion, &principal.client_id, &audiences);
    }
    match form.get("client_secret") {
        Some(secret) if *secret == principal.client_secret => Ok(()),
        Some(_) => Err(refusal(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client \
                 secret value, not the client secret ID, for a secret added to app '{}'.",
                principal.client_id
            ),
        )),
        None => Err(refusal(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
                .to_owned(),
        )),
    }
}

/// The resource that the scope names: Resource Manager, or Microsoft Graph as the metadata document has it.
fn audience(core: &Core, form: &BTreeMap<String, String>) -> Option<String> {
    let asked = match (form.get("scope"), form.get("resource")) {
        (Some(scope), _) => scope
            .split_whitespace()
            .find_map(|scope| scope.strip_suffix("/.default"))?,
        (None, Some(resource)) => resource,
        (None, None) => return None,
    };
    known_audience(core, asked)
}

/// The resource as tokens name it, if there is one of that name.
pub(super) fn known_audience(core: &Core, asked: &str) -> Option<String> {
    let asked = asked.trim_end_matches('/');
    let graph = format!("{}/graph", core.base_url);
    let known = [
        core.base_url.as_str(),
        graph.as_str(),
        "https://management.azure.com",
    ];
    let known = known.into_iter().find(|k| k.eq_ignore_ascii_case(asked));
    known.map(str::to_owned)
}

fn jwt(core: &Core, principal: &Principal, audience: &str, life: Duration) -> String {
    let now = Timestamp::now().as_second();
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "ako-lab"});
    let claims = json!({
        "aud": audience,
        "iss": format!("https://sts.windows.net/{}/", core.identity.tenant_id),
        "iat": now,
        "nbf": now,
        "exp": now + i64::try_from(life.as_secs()).unwrap_or(i64::MAX - now),
        "appid": principal.client_id,
        "idtyp": "app",
        "oid": principal.object_id,
        "sub": principal.object_id,
        "tid": core.identity.tenant_id,
        "ver": "1.0",
    });
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    // Random, so that no two tokens are equal even within one second.
    let signature = BASE64_URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes().repeat(16));
    format!("{}.{}.{signature}", part(&header), part(&claims))
}

fn configuration(core: &Core) -> Value {
    let tenant = format!("{}/{}", core.base_url, core.identity.tenant_id);
    json!({
        "token_endpoint": format!("{tenant}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": [
            "client_secret_post", "private_key_jwt", "client_secret_basic",
        ],
        "jwks_uri": format!("{tenant}/discovery/v2.0/keys"),
        "issuer": format!("{tenant}/v2.0"),
        "authorization_endpoint": format!("{tenant}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{tenant}/oauth2/v2.0/devicecode"),
        "tenant_region_scope": "EU",
    })
}

fn instance(core: &Core) -> Value {
    let host = core.base_url.trim_start_matches("https://");
    let tenant = format!("{}/{}", core.base_url, core.identity.tenant_id);
    json!({
        "tenant_discovery_endpoint": format!("{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    })
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    String::from_utf8_lossy(body)
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(&value.replace('+', " "))))
        .collect()
}

fn ok(body: &Value) -> Response {
    Response::json(StatusCode::OK, body)
}

fn refuse(status: StatusCode, error: &str, code: u64, message: &str) -> Response {
    let trace = Uuid::new_v4().to_string();
    let correlation = Uuid::new_v4().to_string();
    let now = Timestamp::now();
    let body = json!({
        "error": error,
        "error_description": format!(
            "AADSTS{code}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
        ),
        "error_codes": [code],
        "timestamp": now.to_string(),
        "trace_id": trace,
        "correlation_id": correlation,
    });
    Response::json(status, &body)
}
