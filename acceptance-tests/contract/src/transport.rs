//! The client's transport and its token: reqwest with the lab's CA, a token from the lab's login.

use ako_lab::Connection;
use async_trait::async_trait;
use azure_core::auth::{AccessToken, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_core::headers::Headers;
use azure_core::{BytesStream, HttpClient, Request, Response, StatusCode, TransportOptions};
use azure_mgmt_network::Client;
use std::sync::Arc;
use std::time::Duration;

/// A client of azure_mgmt_network for this lab.
pub(crate) fn client(connection: &Connection) -> Client {
    let http = Transport(trusting(&connection.ca_certificate));
    let azure = &connection.azure;
    let credential = Token {
        http: http.0.clone(),
        url: format!(
            "{}/{}/oauth2/v2.0/token",
            azure.authority_host.trim_end_matches('/'),
            azure.tenant_id
        ),
        client_id: azure.client_id.clone(),
        client_secret: azure.client_secret.clone(),
        scope: format!(
            "{}/.default",
            azure.resource_manager_endpoint.trim_end_matches('/')
        ),
    };
    Client::builder(Arc::new(credential))
        .endpoint(azure_core::Url::parse(&azure.resource_manager_endpoint).unwrap())
        .transport(TransportOptions::new(Arc::new(http)))
        .build()
        .unwrap()
}

fn trusting(ca_certificate: impl AsRef<std::path::Path>) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(&std::fs::read(ca_certificate).unwrap()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([ca])
        .build()
        .unwrap()
}

#[derive(Debug)]
struct Transport(reqwest::Client);

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<Response> {
        let method = reqwest::Method::from_bytes(request.method().as_ref().as_bytes()).unwrap();
        let mut outgoing = self.0.request(method, request.url().as_str());
        for (name, value) in request.headers().iter() {
            outgoing = outgoing.header(name.as_str(), value.as_str());
        }
        if let azure_core::Body::Bytes(body) = request.body() {
            outgoing = outgoing.body(body.clone());
        }
        let answer = outgoing
            .send()
            .await
            .map_err(|error| Error::new(ErrorKind::Io, error))?;
        let status = StatusCode::try_from(answer.status().as_u16()).unwrap();
        let mut headers = Headers::new();
        for (name, value) in answer.headers() {
            headers.insert(name.as_str().to_owned(), value.to_str().unwrap().to_owned());
        }
        let body = answer
            .bytes()
            .await
            .map_err(|error| Error::new(ErrorKind::Io, error))?;
        Ok(Response::new(
            status,
            headers,
            Box::pin(BytesStream::new(body)),
        ))
    }
}

#[derive(Debug)]
struct Token {
    http: reqwest::Client,
    url: String,
    client_id: String,
    client_secret: String,
    scope: String,
}

#[async_trait]
impl TokenCredential for Token {
    async fn get_token(&self, _scopes: &[&str]) -> azure_core::Result<AccessToken> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("scope", &self.scope),
        ];
        let answer = self.http.post(&self.url).form(&form).send().await;
        let body = answer
            .map_err(|error| Error::new(ErrorKind::Credential, error))?
            .bytes()
            .await;
        let body = body.map_err(|error| Error::new(ErrorKind::Credential, error))?;
        let body: serde_json::Value = serde_json::from_slice(&body)?;
        let token = body["access_token"]
            .as_str()
            .expect("the lab grants a token")
            .to_owned();
        let expires_on = time::OffsetDateTime::now_utc() + Duration::from_secs(3600);
        Ok(AccessToken::new(token, expires_on))
    }

    async fn clear_cache(&self) -> azure_core::Result<()> {
        Ok(())
    }
}
