//! The Kubernetes API: the nodes of a cluster.

pub mod connection;
pub mod nodes;
#[cfg(test)]
mod tests;

pub use connection::{Connection, Settings};
pub use nodes::Node;

use super::{Interrupted, Limits, NotReady};
use crate::wording::with_causes;
use connection::Resolved;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderValue, Request};
use kube::client::AuthError;
use serde::de::DeserializeOwned;
use std::fmt;
use std::time::{Duration, Instant};

/// How often a call is made before its failure counts: some seconds, because a plan should not hang on a cluster
/// that is not there.
const ATTEMPTS: u32 = 4;

/// A client of one cluster.
#[derive(Clone)]
pub struct Client {
    client: kube::Client,
    server: String,
    request_timeout: Duration,
}

/// A failed call of the Kubernetes API.
#[derive(Debug, thiserror::Error)]
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
        /// `list`.
        verb: &'static str,
        /// `nodes`.
        resource: &'static str,
        /// What the server said.
        message: String,
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
    /// A client of the cluster that `connection` names. The cluster is not called yet; a program by which the
    /// kubeconfig signs in is.
    pub(super) async fn new(
        settings: &super::Settings,
        limits: &Limits,
        connection: &Connection,
    ) -> Result<Client, Error> {
        let variables = &settings.variables;
        let resolved = Resolved::new(&settings.kubernetes, variables, connection)?;
        let server = resolved.server().to_owned();
        let mut config = resolved.into_config(variables).await?;
        config.connect_timeout = Some(settings.request_timeout);
        config.read_timeout = Some(settings.request_timeout);
        // We repeat calls ourselves, within the operation's limits.
        config.default_retry = false;
        if let Ok(agent) = HeaderValue::from_str(&settings.user_agent) {
            config.headers.push((USER_AGENT, agent));
        }
        // kube waits for that program without giving way: on a worker it would hold up all other calls, Stop included.
        let signed_in = tokio::task::spawn_blocking(move || kube::Client::try_from(config));
        let signed_in = tokio::select! {
            biased;
            cause = limits.ended() => {
                let action = "signing in to the cluster".to_owned();
                return Err(Error::Interrupted { action, cause });
            }
            signed_in = signed_in => signed_in,
        };
        let invalid = |reason| NotReady::Invalid {
            argument: "kubernetes".to_owned(),
            reason,
        };
        let client = signed_in
            .map_err(|panic| invalid(with_causes(&panic)))?
            .map_err(|error| invalid(without_secrets(&error)))?;
        Ok(Client {
            client,
            server,
            request_timeout: settings.request_timeout,
        })
    }

    /// The address of the server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What the server answers to a GET of `path`.
    async fn get<T: DeserializeOwned>(&self, limits: &Limits, path: &str) -> Result<T, Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let interrupted = |cause| Error::Interrupted {
                action: self.action(),
                cause,
            };
            let outcome = tokio::select! {
                biased;
                cause = limits.ended() => return Err(interrupted(cause)),
                outcome = self.get_once(path, attempt) => outcome,
            };
            match outcome {
                Ok(answer) => return self.parse(&answer),
                Err(error) if error.is_transient() && attempt < ATTEMPTS => {
                    limits.pause(attempt).await.map_err(interrupted)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn get_once(&self, path: &str, attempt: u32) -> Result<String, Error> {
        let request = Request::get(path).header(ACCEPT, "application/json");
        let request = request
            .body(Vec::new())
            .map_err(|error| self.bad(error.to_string()))?;
        let started = Instant::now();
        let call = self.client.request_text(request);
        let outcome = match tokio::time::timeout(self.request_timeout, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(error)),
            Err(_) => {
                Err(self.unreachable(format!("no answer within {:.0?}", self.request_timeout)))
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

    fn parse<T: DeserializeOwned>(&self, answer: &str) -> Result<T, Error> {
        serde_json::from_str(answer).map_err(|error| self.bad(error.to_string()))
    }

    /// The meaning of kube's error.
    fn failed(&self, error: kube::Error) -> Error {
        let status = match error {
            kube::Error::Api(status) => status,
            kube::Error::FromUtf8(_) => return self.bad("it is not text".to_owned()),
            error => return self.unreachable(without_secrets(&error)),
        };
        let (action, server) = (self.action(), self.server.clone());
        match status.code {
            401 => Error::Unauthorized {
                action,
                server,
                message: status.message,
            },
            // kube's own word for an answer without a Status; its message is the whole body.
            _ if status.reason == "Failed to parse error data" => {
                self.bad(format!("status {} without a reason", status.code))
            }
            403 => Error::Forbidden {
                action,
                verb: "list",
                resource: "nodes",
                message: status.message,
            },
            code => Error::Refused {
                action,
                status: code,
                reason: status.reason,
                message: status.message,
            },
        }
    }

    fn action(&self) -> String {
        "listing nodes".to_owned()
    }

    fn unreachable(&self, reason: String) -> Error {
        Error::Unreachable {
            action: self.action(),
            server: self.server.clone(),
            reason,
        }
    }

    fn bad(&self, reason: String) -> Error {
        Error::BadAnswer {
            action: self.action(),
            server: self.server.clone(),
            reason,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Error {
    /// Whether the same call may succeed a little later.
    fn is_transient(&self) -> bool {
        match self {
            Error::Unreachable { .. } => true,
            Error::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}

/// What kube says went wrong. Its own words on a program that signs in hold that program's environment and output.
fn without_secrets(error: &kube::Error) -> String {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    match cause {
        Some(AuthError::AuthExecRun { out, .. }) => {
            format!(
                "the program by which the kubeconfig signs in failed ({})",
                out.status
            )
        }
        Some(AuthError::AuthExecParse(_)) => {
            "the program by which the kubeconfig signs in printed no ExecCredential".to_owned()
        }
        _ => with_causes(error),
    }
}

fn list(names: &[String]) -> String {
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
