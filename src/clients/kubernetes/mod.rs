//! The Kubernetes API: the nodes of a cluster.

pub mod connection;
pub mod nodes;

pub use connection::{Connection, Settings};
pub use nodes::Node;

use super::{Interrupted, NotReady};

/// A client of one cluster.
#[derive(Clone)]
pub struct Client {
    server: String,
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
    pub(super) async fn new(
        _settings: &super::Settings,
        _connection: &Connection,
    ) -> Result<Client, Error> {
        Err(Error::NotConfigured)
    }

    /// The address of the server.
    pub fn server(&self) -> &str {
        &self.server
    }
}

fn list(names: &[String]) -> String {
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
