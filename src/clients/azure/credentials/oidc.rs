//! Tokens of other identity providers that Azure exchanges for its own: given, in a file, or asked for.

use super::super::super::Limits;
use super::super::super::http::{Answer, Call, NoAnswer, Repeat, Sender, Verdict};
use azure_core::credentials::Secret;
use azure_core::error::ErrorKind;
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Whom the tokens of pipelines are for: Entra ID's side of the exchange.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The token of another identity provider.
#[derive(Clone, Debug)]
pub(in super::super) enum OidcToken {
    /// As it is.
    Value(Secret),
    /// In a file that somebody replaces in time.
    File {
        path: PathBuf,
        /// What named the file: an argument or a variable.
        named_by: &'static str,
    },
    /// From GitHub, for the workflow that runs.
    GitHub(TokenRequest),
    /// From Azure DevOps, for the pipeline that runs.
    AzureDevOps {
        request: TokenRequest,
        service_connection: String,
    },
}

/// Where to ask for a token, and what to show there.
#[derive(Clone, Debug)]
pub(in super::super) struct TokenRequest {
    pub(super) url: Url,
    pub(super) token: Secret,
}

/// What signs in with such a token: it is fetched anew for each access token.
#[derive(Debug)]
pub(super) struct OidcAssertion {
    pub(super) token: OidcToken,
    pub(super) sender: Sender,
}

#[async_trait::async_trait]
impl ClientAssertion for OidcAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let token = match &self.token {
            OidcToken::Value(token) => Ok(token.secret().to_owned()),
            OidcToken::File { path, named_by } => match tokio::fs::read_to_string(path).await {
                Ok(text) => Ok(text.trim().to_owned()),
                Err(error) => Err(format!("reading {path:?}, named by {named_by}: {error}")),
            },
            OidcToken::GitHub(request) => self.github(request).await,
            OidcToken::AzureDevOps {
                request,
                service_connection,
            } => self.azure_devops(request, service_connection).await,
        };
        token.map_err(|text| azure_core::Error::with_message(ErrorKind::Io, text))
    }
}

impl OidcAssertion {
    /// GitHub's service answers `{"value"}` to a GET with the audience (go-azure-sdk: `github_oidc_authorizer`).
    async fn github(&self, request: &TokenRequest) -> Result<String, String> {
        let url = completed(&request.url, &[("audience", AUDIENCE)]);
        let answer = self.ask("GitHub", Method::GET, url, &request.token).await?;
        member(&answer, "value", "GitHub")
    }

    /// Azure DevOps answers `{"oidcToken"}` to a POST (go-azure-sdk: `ado_pipeline_oidc_authorizer`).
    async fn azure_devops(
        &self,
        request: &TokenRequest,
        service_connection: &str,
    ) -> Result<String, String> {
        let parameters = [
            ("api-version", "7.1"),
            ("serviceConnectionId", service_connection),
            ("audience", AUDIENCE),
        ];
        let url = completed(&request.url, &parameters);
        let answer = self
            .ask("Azure DevOps", Method::POST, url, &request.token)
            .await?;
        member(&answer, "oidcToken", "Azure DevOps")
    }

    async fn ask(
        &self,
        service: &str,
        method: Method,
        url: Url,
        token: &Secret,
    ) -> Result<Answer, String> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.secret()))
            .map_err(|_| "azure.oidc_request_token cannot be sent in a header".to_owned())?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        let call = Call {
            body: (method == Method::POST).then(Bytes::new),
            method,
            url,
            headers,
            // Two tokens do no harm.
            repeat: Repeat::Always,
            alias: None,
        };
        // Whoever waits for the token has limits of their own and drops this.
        let limits = Limits {
            deadline: Instant::now() + self.sender.request_timeout(),
            stop: CancellationToken::new(),
        };
        let answer = self.sender.send(&limits, &call, judge).await;
        let answer = answer.map_err(NoAnswer::reason).and_then(refused);
        answer.map_err(|reason| format!("asking {service} at {host} for an OIDC token: {reason}"))
    }
}

/// The URL with those of the parameters that it does not have yet.
fn completed(url: &Url, parameters: &[(&str, &str)]) -> Url {
    let mut completed = url.clone();
    for (name, value) in parameters {
        if !url.query_pairs().any(|(known, _)| known == *name) {
            completed.query_pairs_mut().append_pair(name, value);
        }
    }
    completed
}

fn judge(answer: &Answer) -> Verdict {
    match answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
        true => Verdict::Busy(answer.retry_after(), format!("status {}", answer.status)),
        false => Verdict::Final,
    }
}

fn refused(answer: Answer) -> Result<Answer, String> {
    let status = answer.status;
    match status {
        // Azure DevOps sends strangers to its sign-in page, by a redirect or as the answer itself.
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::FOUND
        | StatusCode::NON_AUTHORITATIVE_INFORMATION => Err(format!(
            "status {}: the request token (azure.oidc_request_token) is not accepted",
            status.as_u16()
        )),
        _ if status.is_success() => Ok(answer),
        _ => Err(format!(
            "status {}: check azure.oidc_request_url and, for Azure DevOps, azure.ado_pipeline_service_connection_id",
            status.as_u16()
        )),
    }
}

fn member(answer: &Answer, name: &str, service: &str) -> Result<String, String> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let token = body.get(name).and_then(Value::as_str);
    let token = token.filter(|token| !token.is_empty()).map(str::to_owned);
    token.ok_or_else(|| format!("the answer of {service} holds no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_page_in_place_of_a_token_blames_the_request_token() {
        for status in [StatusCode::FOUND, StatusCode::NON_AUTHORITATIVE_INFORMATION] {
            let page = Answer {
                status,
                headers: HeaderMap::new(),
                body: Bytes::from_static(b"<html>"),
                after_lost_answer: false,
            };
            let reason = refused(page).unwrap_err();
            assert!(reason.contains("azure.oidc_request_token"), "{reason}");
        }
    }

    #[test]
    fn what_the_url_says_already_is_not_said_twice() {
        let url = Url::parse("https://token/x?api-version=2&audience=theirs").unwrap();
        let url = completed(
            &url,
            &[("audience", AUDIENCE), ("serviceConnectionId", "c")],
        );
        assert_eq!(
            url.as_str(),
            "https://token/x?api-version=2&audience=theirs&serviceConnectionId=c"
        );
    }
}
