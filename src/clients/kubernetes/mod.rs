//! The Kubernetes API: the nodes of a cluster, and the objects in which network plugins keep their pod CIDRs.

pub mod config_maps;
pub mod connection;
mod list;
pub mod nodes;
pub mod plugin_objects;

mod program;
mod session;
#[cfg(test)]
mod tests;

pub(super) use connection::Resolved;
pub use connection::{Connection, Exec, ServiceAccount, Settings};
pub use nodes::{Node, NodeSubnets};
pub use plugin_objects::{PluginObject, PluginObjects};

use super::http::{LOGIN, is_certificate_error, is_refused_by_proxy};
use super::{Interrupted, Limits, NotReady};
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION};
use kube::client::Body;
use kube::core::Status;
use serde::de::DeserializeOwned;
use session::{Session, SignedIn};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a call is made before its failure counts: some seconds, because a plan should not hang on a cluster
/// that is not there.
const ATTEMPTS: u32 = 4;

/// What is said of an answer in HTML.
const PAGE: &str = "it is an HTML page, as proxies and login pages give: check the address, proxy_url and HTTPS_PROXY";

/// A client of one cluster.
#[derive(Clone)]
pub struct Client {
    session: Arc<Session>,
    request_timeout: Duration,
}

/// What is read, for messages.
struct Reading {
    /// The verb of the right that it needs: `list`.
    verb: &'static str,
    resource: &'static str,
    action: String,
}

/// A failed call of the Kubernetes API.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Nothing says where the cluster is.
    #[error(
        "no Kubernetes cluster is configured: set kubernetes.config_path (KUBE_CONFIG_PATH) or kubernetes.host (KUBE_HOST)"
    )]
    NotConfigured,
    /// An argument is unknown or cannot be used.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The kubeconfig cannot be read.
    #[error("reading kubeconfig {file}: {reason}")]
    Kubeconfig {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The kubeconfig has no such context.
    #[error(
        "kubeconfig {file} has no context {context:?}; it has {}",
        list(available)
    )]
    NoContext {
        /// The context that was asked for.
        context: String,
        /// The file.
        file: String,
        /// The contexts that it has.
        available: Vec<String>,
    },
    /// The program by which the user signs in gives no credential.
    #[error("signing in to the cluster by the program {program:?}: {reason}")]
    Program {
        /// The program.
        program: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server's certificate is not one to trust.
    #[error(
        "{action}: the certificate of {server} is not trusted: {reason}. Check cluster_ca_certificate (else the \
         kubeconfig's authority, else that of SSL_CERT_FILE counts); tls_server_name, where the certificate is for \
         another name than the address has; or insecure, which checks nothing"
    )]
    Untrusted {
        /// What was tried.
        action: String,
        /// The address of the server.
        server: String,
        /// Why.
        reason: String,
    },
    /// No connection could be made or kept.
    #[error("{action}: cannot reach {server}: {reason}")]
    Unreachable {
        /// What was tried.
        action: String,
        /// The address of the server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The proxy on the way wants other credentials (407).
    #[error("{action}: the proxy on the way to {server} does not let us pass: {reason}")]
    ProxyDenied {
        /// What was tried.
        action: String,
        /// The address of the server.
        server: String,
        /// What is known, with the proxy.
        reason: String,
    },
    /// The answer ended before it was whole.
    #[error("{action}: the answer of {server} was cut off: {reason}")]
    CutOff {
        /// What was tried.
        action: String,
        /// The address of the server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The server does not accept our credentials (401).
    #[error("{action}: {server} does not accept the credentials: {message}")]
    Unauthorized {
        /// What was tried.
        action: String,
        /// The address of the server.
        server: String,
        /// What the server said.
        message: String,
    },
    /// The credentials do not allow it (403).
    #[error("{action}: not allowed to {verb} {resource}: {message}")]
    Forbidden {
        /// What was tried.
        action: String,
        /// `get` or `list`.
        verb: &'static str,
        /// `nodes`, or `<plural>.<group>`.
        resource: &'static str,
        /// What the server said.
        message: String,
    },
    /// The server does not know the resource, or not its group (404).
    #[error("{action}: {server} serves no {resource}")]
    NotServed {
        /// What was tried.
        action: String,
        /// The address of the server.
        server: String,
        /// `nodes`, or `<plural>.<group>`.
        resource: &'static str,
    },
    /// The server refused for another reason.
    #[error("{action}: {message} (status {status}, reason {reason})")]
    Refused {
        /// What was tried.
        action: String,
        /// The HTTP status.
        status: u16,
        /// The reason as one word.
        reason: String,
        /// The message.
        message: String,
    },
    /// What answered does not speak Kubernetes' language.
    #[error("{action}: {server} gave an answer that is not Kubernetes': {reason}")]
    BadAnswer {
        /// What was tried.
        action: String,
        /// The address of the server.
        server: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The operation was stopped, or its time is up.
    #[error("{action}: {cause}")]
    Interrupted {
        /// What was tried.
        action: String,
        /// Which of the two.
        cause: Interrupted,
    },
}

impl Client {
    /// A client for what a connection comes to. Nothing is called yet.
    pub(super) fn new(settings: &super::Settings, resolved: Resolved) -> Result<Client, Error> {
        Ok(Client {
            session: Arc::new(Session::new(settings, resolved)?),
            request_timeout: settings.request_timeout,
        })
    }

    /// Signs in, where a program does that; calls find it done.
    pub(super) async fn sign_in(&self, limits: &Limits) -> Result<(), Error> {
        tokio::select! {
            biased;
            cause = limits.ended() => {
                let action = self.session.signing_in();
                Err(Error::Interrupted { action, cause })
            }
            signed_in = self.session.sign_in() => signed_in.map(|_| ()),
        }
    }

    /// The address of the server.
    pub fn server(&self) -> &str {
        self.session.server()
    }

    /// What the server answers to a GET of `path`.
    async fn get<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        reading: &Reading,
        path: &str,
    ) -> Result<T, Error> {
        let begun = Instant::now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let interrupted = |cause| Error::Interrupted {
                action: reading.action.clone(),
                cause,
            };
            let outcome = tokio::select! {
                biased;
                cause = limits.ended() => return Err(interrupted(cause)),
                outcome = self.get_once(reading, path, attempt, begun) => outcome,
            };
            match outcome {
                Ok(answer) => return self.parse(reading, &answer),
                Err(error) if error.is_transient() && attempt < ATTEMPTS => {
                    limits.pause(attempt).await.map_err(interrupted)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn get_once(
        &self,
        reading: &Reading,
        path: &str,
        attempt: u32,
        begun: Instant,
    ) -> Result<String, Error> {
        let signed_in = self.session.sign_in().await?;
        let outcome = self.send(reading, path, attempt, &signed_in).await;
        let is_refused = matches!(outcome, Err(Error::Unauthorized { .. }));
        if !is_refused || !self.session.forget(&signed_in, begun).await {
            return outcome;
        }
        let signed_in = self.session.sign_in().await?;
        self.send(reading, path, attempt, &signed_in).await
    }

    async fn send(
        &self,
        reading: &Reading,
        path: &str,
        attempt: u32,
        signed_in: &SignedIn,
    ) -> Result<String, Error> {
        let mut request = Request::get(path).header(ACCEPT, "application/json");
        if let Some(authorization) = &signed_in.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request
            .body(Body::empty())
            .map_err(|error| self.bad(reading, error.to_string()))?;
        let started = Instant::now();
        let call = self.exchange(reading, &signed_in.client, request);
        let outcome = match tokio::time::timeout(self.request_timeout, call).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let reason = format!("no answer within {:.0?}", self.request_timeout);
                Err(self.unreachable(reading, self.session.on_the_way(reason)))
            }
        };
        tracing::debug!(
            method = "GET",
            path = path.split('?').next().unwrap_or_default(),
            status = if outcome.is_ok() { "200" } else { "failed" },
            milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempt,
            "sent a request"
        );
        outcome
    }

    /// Sends one request and reads the answer whole: kube's own way does not tell which of the two failed.
    async fn exchange(
        &self,
        reading: &Reading,
        client: &kube::Client,
        request: Request<Body>,
    ) -> Result<String, Error> {
        let response = client.send(request).await;
        let response = response.map_err(|error| self.not_reached(reading, &error))?;
        let status = response.status();
        let body = response.into_body().collect_bytes().await;
        let body = body.map_err(|error| Error::CutOff {
            action: reading.action.clone(),
            server: self.server().to_owned(),
            reason: self.session.reason(&error),
        })?;
        let text = String::from_utf8(body.into())
            .map_err(|_| self.bad(reading, "it is not text".to_owned()))?;
        match status.is_success() {
            true => Ok(text),
            false => Err(self.refused(reading, status.as_u16(), &text)),
        }
    }

    fn parse<T: DeserializeOwned>(&self, reading: &Reading, answer: &str) -> Result<T, Error> {
        serde_json::from_str(answer).map_err(|error| {
            let reason = match (is_page(answer), error.is_eof()) {
                (true, _) => PAGE.to_owned(),
                (false, true) => "it is cut off".to_owned(),
                (false, false) => error.to_string(),
            };
            self.bad(reading, reason)
        })
    }

    fn not_reached(&self, reading: &Reading, error: &kube::Error) -> Error {
        let (action, server) = (reading.action.clone(), self.server().to_owned());
        let reason = self.session.reason(error);
        if is_certificate_error(error) {
            Error::Untrusted {
                action,
                server,
                reason,
            }
        } else if is_refused_by_proxy(error) {
            Error::ProxyDenied {
                action,
                server,
                reason: format!("{reason}; {LOGIN}"),
            }
        } else {
            self.unreachable(reading, reason)
        }
    }

    /// The meaning of an answer that is no success.
    fn refused(&self, reading: &Reading, code: u16, text: &str) -> Error {
        // Any object can be read as a Status without members.
        let status = serde_json::from_str::<Status>(text).ok();
        let status = status.filter(|status| !status.message.is_empty());
        let (action, server) = (reading.action.clone(), self.server().to_owned());
        let page = is_page(text).then(|| PAGE.to_owned());
        match (code, status) {
            (401, status) => Error::Unauthorized {
                action,
                server,
                message: match status {
                    Some(status) => status.message,
                    None => page.unwrap_or_else(|| text.trim().to_owned()),
                },
            },
            (404, status) if is_not_served(status.as_ref(), text) => Error::NotServed {
                action,
                server,
                resource: reading.resource,
            },
            (403, Some(status)) => Error::Forbidden {
                action,
                verb: reading.verb,
                resource: reading.resource,
                message: status.message,
            },
            (code, Some(status)) => Error::Refused {
                action,
                status: code,
                reason: status.reason,
                message: status.message,
            },
            // What balances the load over the API servers, when none of them is ready.
            (502..=504, None) => Error::Refused {
                action,
                status: code,
                reason: "none".to_owned(),
                message: page.unwrap_or_else(|| format!("{server} has no answer now")),
            },
            (code, None) => {
                let reason = match page {
                    Some(page) => format!("{page} (status {code})"),
                    None => format!("status {code} without a reason"),
                };
                self.bad(reading, reason)
            }
        }
    }

    fn unreachable(&self, reading: &Reading, reason: String) -> Error {
        Error::Unreachable {
            action: reading.action.clone(),
            server: self.server().to_owned(),
            reason,
        }
    }

    fn bad(&self, reading: &Reading, reason: String) -> Error {
        Error::BadAnswer {
            action: reading.action.clone(),
            server: self.server().to_owned(),
            reason,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.server())
            .finish_non_exhaustive()
    }
}

impl Error {
    /// Whether the same call may succeed a little later.
    fn is_transient(&self) -> bool {
        match self {
            Error::Unreachable { .. } | Error::CutOff { .. } => true,
            Error::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}

impl Reading {
    /// A list of a resource: `nodes`, or `<plural>.<group>`.
    fn list(resource: &'static str) -> Reading {
        Reading {
            verb: "list",
            resource,
            action: format!("listing {resource}"),
        }
    }
}

/// Whether a 404 says that the resource is not known. Recorded: the server answers an unknown group with a line of
/// text, an unknown resource of a known group with a Status that names no object. The page of a proxy is neither.
fn is_not_served(status: Option<&Status>, text: &str) -> bool {
    let Some(status) = status else {
        return text.trim() == "404 page not found";
    };
    let names_object = status
        .details
        .as_ref()
        .is_some_and(|details| !details.name.is_empty());
    status.reason == "NotFound" && !names_object
}

/// Whether a proxy, a login page or another server answered: none of them speaks JSON.
fn is_page(answer: &str) -> bool {
    answer.trim_start().starts_with('<')
}

fn list(names: &[String]) -> String {
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
