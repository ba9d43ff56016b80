//! A bare client of the lab's Azure, which shows answers as they are.

use std::path::Path;

use ako_lab::Lab;
use http::{HeaderMap, Method, StatusCode};
use reqwest::{Certificate, Client};
use serde_json::{Value, json};

/// A client with a token.
pub(crate) struct Arm {
    http: Client,
    base: String,
    token: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The code of an ARM error.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}

impl Arm {
    /// Signs in with the connection's secret.
    pub(crate) async fn of(lab: &Lab) -> Arm {
        let azure = &lab.connection().azure;
        Arm::signed_in(lab, &azure.client_id, &azure.client_secret).await
    }

    /// Signs in as another principal.
    pub(crate) async fn signed_in(lab: &Lab, client_id: &str, client_secret: &str) -> Arm {
        let azure = &lab.connection().azure;
        let mut arm = Arm {
            http: http(lab),
            base: azure.resource_manager_endpoint.clone(),
            token: String::new(),
        };
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", client_id.to_owned()),
            ("client_secret", client_secret.to_owned()),
            ("scope", format!("{}/.default", arm.base)),
        ];
        let path = format!("/{}/oauth2/v2.0/token", azure.tenant_id);
        let answer = arm.post_form(&path, &form).await;
        arm.token = answer.body["access_token"].as_str().unwrap().to_owned();
        arm
    }

    /// A GET with the recorded api-version.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await.unwrap()
    }

    /// A PUT with the recorded api-version.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        let sent = self.send(Method::PUT, path, &[], Some(body.to_string()));
        sent.await.unwrap()
    }

    /// A DELETE with the recorded api-version.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await.unwrap()
    }

    /// A request to a path, with the recorded api-version where the path has none, or to a whole URL.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Answer, reqwest::Error> {
        let mut url = path.replace(&self.base, "");
        if !url.contains("api-version=") {
            url.push_str("?api-version=2025-05-01");
        }
        let mut request = self
            .http
            .request(method, format!("{}{url}", self.base))
            .bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        read(request.send().await?).await
    }

    /// A form, without the token.
    pub(crate) async fn post_form(&self, path: &str, form: &[(&str, String)]) -> Answer {
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        };
        let pairs = form
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        read(request.send().await.unwrap()).await.unwrap()
    }

    /// A request without the token.
    pub(crate) async fn anonymous(&self, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.base));
        read(request.send().await.unwrap()).await.unwrap()
    }

    /// The lab's base URL.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }
}

/// The path of the subnets of the seed's virtual network, below [`network`].
pub(crate) const SUBNETS: &str = "virtualNetworks/vnet-ako-lab/subnets";

/// The id of a network resource in the seed's resource group.
pub(crate) fn network(lab: &Lab, below: &str) -> String {
    let id = &lab.connection().azure.virtual_network_id;
    let at = id.find("/virtualNetworks/").unwrap();
    format!("{}/{below}", &id[..at])
}

/// Replays the files of one folder of recordings, each against a lab of its own, and fails with every difference.
/// `replay` says how many interactions a file has; without recordings the files are told to be skipped.
pub(crate) async fn replay_each(
    folder: &str,
    files: &[&str],
    replay: impl AsyncFn(&Path, &mut Vec<String>) -> usize,
) {
    let count = files.len();
    let Some(recordings) = std::env::var_os("AKO_RECORDINGS_DIR") else {
        println!("recordings: 0 replayed, {count} skipped (AKO_RECORDINGS_DIR is not set)");
        return;
    };
    let folder = Path::new(&recordings).join(folder);
    let mut interactions = 0;
    let mut differences = Vec::new();
    for file in files {
        interactions += replay(&folder.join(file), &mut differences).await;
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    println!("recordings: {count} replayed, 0 skipped ({interactions} interactions)");
}

/// A client that trusts the lab and nobody else.
pub(crate) fn http(lab: &Lab) -> Client {
    let pem = std::fs::read(&lab.connection().ca_certificate).unwrap();
    Client::builder()
        .tls_certs_only([Certificate::from_pem(&pem).unwrap()])
        .no_proxy()
        .build()
        .unwrap()
}

async fn read(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.bytes().await?;
    let body = match text.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&text).unwrap_or_else(|_| json!("not JSON")),
    };
    Ok(Answer {
        status,
        headers,
        body,
    })
}
