//! Somebody else with access to the same Azure, controller and clusters: a plain HTTP client of their APIs.
//!
//! The demo changes things behind Terraform's back with it, and looks at what Azure holds. It goes through login,
//! TLS and operations like any client, so that nothing it does is possible only from inside the lab.

use std::fs;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Certificate, Method, StatusCode};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::avi::AviConnection;
use crate::{AzureConnection, Connection, KubernetesConnection};

const AZURE_VERSION: &str = "?api-version=2025-05-01";
const LONGEST_OPERATION: Duration = Duration::from_secs(60);

/// Why Azure did not do what this client asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client could not be set up.
    #[error("preparing an HTTP client")]
    Setup(#[source] std::io::Error),
    /// No answer came, or not one of the expected form.
    #[error("{0}")]
    Http(String, #[source] reqwest::Error),
    /// Azure refused.
    #[error("{request}: {status} {body}")]
    Refused {
        /// Method and path.
        request: String,
        /// The status.
        status: StatusCode,
        /// What Azure said.
        body: Value,
    },
    /// An accepted operation failed or did not come to an end.
    #[error("{request}: the operation ended as {state}")]
    Operation {
        /// Method and path.
        request: String,
        /// The last state seen.
        state: String,
    },
}

/// A logged-in client; each call blocks until Azure has done the work.
pub struct SecondClient {
    runtime: Runtime,
    http: reqwest::Client,
    endpoint: String,
    /// What every request carries behind its path.
    query: &'static str,
    /// What shows who asks.
    session: HeaderMap,
}

impl SecondClient {
    /// A client of Azure, logged in with the lab's client secret.
    pub fn log_in(connection: &Connection) -> Result<SecondClient, Error> {
        let azure = &connection.azure;
        let (runtime, http) = trusting_client(connection)?;
        let session = bearer(&runtime.block_on(token(&http, azure))?)?;
        let endpoint = azure.resource_manager_endpoint.trim_end_matches('/');
        Ok(SecondClient {
            runtime,
            http,
            endpoint: endpoint.to_owned(),
            query: AZURE_VERSION,
            session,
        })
    }

    /// A client of a cluster's API server, with the address and the token of the first user of its kubeconfig.
    pub fn of_cluster(
        connection: &Connection,
        cluster: &KubernetesConnection,
    ) -> Result<SecondClient, Error> {
        let (runtime, http) = trusting_client(connection)?;
        let kubeconfig = fs::read_to_string(&cluster.kubeconfig).map_err(Error::Setup)?;
        Ok(SecondClient {
            runtime,
            http,
            endpoint: first_value(&kubeconfig, "server")?,
            query: "",
            session: bearer(&first_value(&kubeconfig, "token")?)?,
        })
    }

    /// A client of the Avi controller, logged in with the lab's user.
    pub fn of_controller(connection: &Connection) -> Result<SecondClient, Error> {
        let (runtime, http) = trusting_client(connection)?;
        let endpoint = format!("https://{}", connection.avi.controller);
        let session = runtime.block_on(avi_session(&http, &endpoint, &connection.avi))?;
        Ok(SecondClient {
            runtime,
            http,
            endpoint,
            query: "",
            session,
        })
    }

    /// What the service holds under an id; `None` where it holds nothing.
    pub fn get(&self, id: &str) -> Result<Option<Value>, Error> {
        match self.send(&Method::GET, id, None) {
            Ok(body) => Ok(Some(body)),
            Err(Error::Refused {
                status: StatusCode::NOT_FOUND,
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates or replaces, and waits until it is done.
    pub fn put(&self, id: &str, body: &Value) -> Result<(), Error> {
        self.send(&Method::PUT, id, Some(body)).map(drop)
    }

    /// Replaces the tags.
    pub fn patch(&self, id: &str, body: &Value) -> Result<(), Error> {
        self.send(&Method::PATCH, id, Some(body)).map(drop)
    }

    /// Deletes, and waits until it is done.
    pub fn delete(&self, id: &str) -> Result<(), Error> {
        self.send(&Method::DELETE, id, None).map(drop)
    }

    fn send(&self, method: &Method, id: &str, body: Option<&Value>) -> Result<Value, Error> {
        self.runtime.block_on(self.send_and_wait(method, id, body))
    }

    async fn send_and_wait(
        &self,
        method: &Method,
        id: &str,
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let request = format!("{method} {id}");
        let url = format!("{}{id}{}", self.endpoint, self.query);
        let (operation, answer) = self.exchange(&request, method, &url, body).await?;
        if let Some(operation) = operation {
            self.wait_for(&request, &operation).await?;
        }
        Ok(answer)
    }

    async fn wait_for(&self, request: &str, operation: &str) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            let (_, answer) = self
                .exchange(request, &Method::GET, operation, None)
                .await?;
            match answer["status"].as_str().unwrap_or("unknown") {
                "Succeeded" => return Ok(()),
                "InProgress" if begun.elapsed() < LONGEST_OPERATION => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                state => {
                    return Err(Error::Operation {
                        request: request.to_owned(),
                        state: state.to_owned(),
                    });
                }
            }
        }
    }

    /// One exchange: the operation to poll, where there is one, and the body.
    async fn exchange(
        &self,
        request: &str,
        method: &Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<(Option<String>, Value), Error> {
        let context = |error| Error::Http(request.to_owned(), error);
        let mut builder = self
            .http
            .request(method.clone(), url)
            .headers(self.session.clone());
        if let Some(body) = body {
            builder = builder.json(body);
        }
        let response = builder.send().await.map_err(context)?;
        let status = response.status();
        let operation = response.headers().get("azure-asyncoperation");
        let operation = operation
            .and_then(|url| url.to_str().ok())
            .map(str::to_owned);
        let text = response.text().await.map_err(context)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status.is_success() {
            Ok((operation, body))
        } else {
            Err(Error::Refused {
                request: request.to_owned(),
                status,
                body,
            })
        }
    }
}

fn trusting_client(connection: &Connection) -> Result<(Runtime, reqwest::Client), Error> {
    let ca_pem = fs::read(&connection.ca_certificate).map_err(Error::Setup)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Setup)?;
    let setup = |error| Error::Http("preparing an HTTP client".to_owned(), error);
    let ca = Certificate::from_pem(&ca_pem).map_err(setup)?;
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([ca])
        .user_agent("somebody-else")
        .build()
        .map_err(setup)?;
    Ok((runtime, http))
}

/// The first value under that key of a kubeconfig that the lab wrote.
fn first_value(kubeconfig: &str, key: &str) -> Result<String, Error> {
    let mut lines = kubeconfig
        .lines()
        .map(|line| line.trim_start_matches([' ', '-']));
    let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let missing = || Error::Setup(std::io::Error::other(format!("no {key} in the kubeconfig")));
    Ok(value
        .ok_or_else(missing)?
        .trim()
        .trim_matches('"')
        .to_owned())
}

fn bearer(token: &str) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, value(&format!("Bearer {token}"))?);
    Ok(headers)
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text).map_err(|error| Error::Setup(std::io::Error::other(error)))
}

/// Cookies, CSRF token and what else the controller wants to see with each request.
async fn avi_session(
    http: &reqwest::Client,
    endpoint: &str,
    avi: &AviConnection,
) -> Result<HeaderMap, Error> {
    let context = |error| Error::Http("logging in at the controller".to_owned(), error);
    let mut headers = HeaderMap::new();
    headers.insert(header::REFERER, value(&format!("{endpoint}/"))?);
    headers.insert("X-Avi-Version", value(&avi.version)?);
    headers.insert("X-Avi-Tenant", value(&avi.tenant)?);
    let login = serde_json::json!({"username": avi.username, "password": avi.password});
    let request = http.post(format!("{endpoint}/login"));
    let response = request
        .headers(headers.clone())
        .json(&login)
        .send()
        .await
        .map_err(context)?
        .error_for_status()
        .map_err(context)?;
    let cookies: Vec<_> = response
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
        .collect();
    let token = cookies
        .iter()
        .find_map(|cookie| cookie.strip_prefix("csrftoken="));
    headers.insert("X-CSRFToken", value(token.unwrap_or_default())?);
    headers.insert(header::COOKIE, value(&cookies.join("; "))?);
    Ok(headers)
}

async fn token(http: &reqwest::Client, azure: &AzureConnection) -> Result<String, Error> {
    let context = |error| Error::Http("logging in".to_owned(), error);
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let scope = format!(
        "{}/.default",
        azure.resource_manager_endpoint.trim_end_matches('/')
    );
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
        encoded(&azure.client_id),
        encoded(&azure.client_secret),
        encoded(&scope),
    );
    let url = format!(
        "{}/{}/oauth2/v2.0/token",
        azure.authority_host.trim_end_matches('/'),
        azure.tenant_id
    );
    let response = http
        .post(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .map_err(context)?;
    let status = response.status();
    let body: Value = response.json().await.map_err(context)?;
    match body["access_token"].as_str() {
        Some(token) => Ok(token.to_owned()),
        None => Err(Error::Refused {
            request: "logging in".to_owned(),
            status,
            body,
        }),
    }
}
