//! Managed identities: tokens that the machine hands out to whoever runs on it.
//!
//! `azure_identity` knows them too, but takes neither another endpoint nor another api-version, both of which azurerm
//! has arguments for.

use super::super::super::Limits;
use super::super::super::http::{Answer, Call, NoAnswer, Repeat, Sender, Verdict};
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::time::{Duration as Span, OffsetDateTime};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// How long the service, which is on this machine, may take to accept a connection.
const NEAR: Duration = Duration::from_secs(2);

/// A managed identity of this machine.
#[derive(Clone, Debug)]
pub(in super::super) struct ManagedIdentity {
    pub(super) service: Service,
    /// The application id of a user-assigned identity; the machine's own where there is none.
    pub(super) client: Option<String>,
}

/// Who hands out the tokens.
#[derive(Clone, Debug)]
pub(in super::super) enum Service {
    /// The instance metadata service of a virtual machine.
    InstanceMetadata { endpoint: Url, api_version: String },
    /// App Service and its like, which show a secret to what runs in them.
    AppService {
        endpoint: Url,
        api_version: String,
        header: Secret,
    },
}

/// What signs in as the identity.
#[derive(Debug)]
pub(super) struct ManagedIdentityCredential {
    pub(super) identity: ManagedIdentity,
    /// A sender that no proxy stands before.
    pub(super) sender: Sender,
}

#[async_trait::async_trait]
impl TokenCredential for ManagedIdentityCredential {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let scope = scopes.first().copied().unwrap_or_default();
        let resource = scope.strip_suffix("/.default").unwrap_or(scope);
        let token = self.ask(resource).await;
        token.map_err(|text| azure_core::Error::with_message(ErrorKind::Credential, text))
    }
}

impl ManagedIdentityCredential {
    async fn ask(&self, resource: &str) -> Result<AccessToken, String> {
        let call = self.identity.call(resource)?;
        self.reach(&call.url).await?;
        let limits = Limits {
            // Microsoft's page: while the service is updated it answers 410 for up to 70 seconds.
            deadline: Instant::now() + self.sender.request_timeout() * 3,
            stop: CancellationToken::new(),
        };
        let answer = self.sender.send(&limits, &call, judge).await;
        let answer = answer.map_err(|cause| {
            format!(
                "asking {}: {}",
                call.url.authority(),
                NoAnswer::reason(cause)
            )
        })?;
        match answer.status.is_success() {
            true => read(&answer),
            false => Err(refusal(&answer)),
        }
    }

    /// Fails at once where nobody listens: off Azure packets to the metadata address vanish without an answer.
    async fn reach(&self, url: &Url) -> Result<(), String> {
        // IPv6 addresses stand in brackets there, which sockets do not know.
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or(80);
        let limit = NEAR.min(self.sender.request_timeout());
        let reason = match tokio::time::timeout(limit, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no connection within {} seconds", limit.as_secs()),
        };
        Err(format!(
            "there is no managed identity service at {host}:{port} ({reason}). Check that this machine runs in Azure and has a managed identity, and azure.msi_endpoint (ARM_MSI_ENDPOINT) where it is set"
        ))
    }
}

impl ManagedIdentity {
    fn call(&self, resource: &str) -> Result<Call, String> {
        let (endpoint, api_version, name, value) = match &self.service {
            Service::InstanceMetadata {
                endpoint,
                api_version,
            } => (endpoint, api_version, "metadata", "true"),
            Service::AppService {
                endpoint,
                api_version,
                header,
            } => (endpoint, api_version, "x-identity-header", header.secret()),
        };
        let mut url = endpoint.clone();
        let client = self.client.iter().map(|id| ("client_id", id.as_str()));
        url.query_pairs_mut()
            .append_pair("api-version", api_version)
            .append_pair("resource", resource)
            .extend_pairs(client);
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| "IDENTITY_HEADER cannot be sent in a header".to_owned())?;
        value.set_sensitive(true);
        Ok(Call {
            method: Method::GET,
            url,
            headers: HeaderMap::from_iter([(HeaderName::from_static(name), value)]),
            body: None,
            repeat: Repeat::Always,
            alias: None,
        })
    }
}

/// Microsoft's page on the service asks to repeat 410, 429 and 5xx; a 404 is more often a wrong endpoint.
fn judge(answer: &Answer) -> Verdict {
    let status = answer.status;
    let busy = [StatusCode::GONE, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    match busy || status.is_server_error() {
        true => Verdict::Busy(answer.retry_after(), format!("status {status}")),
        false => Verdict::Final,
    }
}

fn read(answer: &Answer) -> Result<AccessToken, String> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let token = body.get("access_token").and_then(Value::as_str);
    match (token, expiry(&body)) {
        (Some(token), Some(expiry)) => Ok(AccessToken::new(token.to_owned(), expiry)),
        _ => Err("the answer holds no token with an expiry".to_owned()),
    }
}

/// `expires_in` counts from now, `expires_on` from 1970; both come as text or as a number.
fn expiry(body: &Value) -> Option<OffsetDateTime> {
    let number = |name: &str| match body.get(name)? {
        Value::String(text) => text.parse().ok(),
        value => value.as_i64().or_else(|| value.as_f64().map(|n| n as i64)),
    };
    match number("expires_in") {
        Some(seconds) => OffsetDateTime::now_utc().checked_add(Span::seconds(seconds)),
        None => OffsetDateTime::from_unix_timestamp(number("expires_on")?).ok(),
    }
}

fn refusal(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let said = text("error_description")
        .or(text("message"))
        .or(text("error"));
    let status = answer.status.as_u16();
    let said = said.unwrap_or("no more was said");
    // 400 and 404 are what the services say of an identity that this machine does not have.
    let advice = match status {
        400 | 404 => {
            ". Check that the machine has a managed identity, and that azure.client_id (ARM_CLIENT_ID), if it is set, is the client id of one of them"
        }
        _ => "",
    };
    format!("status {status}: {said}{advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_expiry_is_read_in_each_of_its_forms() {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        for body in [
            json!({"expires_in": "3600"}),
            json!({"expires_in": 3600}),
            json!({"expires_in": 3600.0}),
            json!({"expires_on": (now + 3600).to_string()}),
            json!({"expires_on": now + 3600}),
        ] {
            let expiry = expiry(&body).unwrap().unix_timestamp();
            assert!((3599..=3605).contains(&(expiry - now)), "{body}");
        }
        assert_eq!(expiry(&json!({"expires_in": "soon"})), None);
        assert_eq!(expiry(&json!({})), None);
        assert_eq!(expiry(&json!({"expires_in": i64::MAX})), None);
    }
}
