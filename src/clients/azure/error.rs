//! What can go wrong between us and Azure Resource Manager.
//!
//! Each variant is something that a caller acts on. Every error names the action and its object; what a failed
//! write leaves behind is told by [`Error::after_write`].

use super::super::Interrupted;
use super::credentials;
use serde_json::Value;
use std::fmt;

/// A failed call of Azure Resource Manager.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no token to call with.
    #[error("{action}: no access token")]
    NotAuthenticated {
        /// What was tried, with its object.
        action: String,
        /// Why.
        source: credentials::Error,
    },
    /// The object has changed since it was read (412): read it again, merge, write again.
    #[error("{0}")]
    PreconditionFailed(Refusal),
    /// The operation was cancelled or superseded by another one: read again, merge, write again.
    #[error("{0}")]
    TryAgain(Refusal),
    /// Azure said no, and nothing was changed by this call.
    #[error("{0}")]
    Refused(Refusal),
    /// Azure accepted the write, and the operation that carries it out has failed.
    #[error("{0}")]
    OperationFailed(Refusal),
    /// A write was sent and its outcome is not known.
    #[error(
        "{action}: the request was sent, and whether Azure acted on it is not known ({reason})"
    )]
    Unclear {
        /// What was tried, with its object.
        action: String,
        /// What happened instead of an answer.
        reason: String,
    },
    /// Azure accepted the write, and its outcome could not be followed to the end or read afterwards.
    #[error("{action}: Azure accepted the request, but its outcome could not be read")]
    NotFollowed {
        /// What was tried, with its object.
        action: String,
        /// Why.
        source: Box<Error>,
    },
    /// The time for the whole operation is used up.
    #[error("{action}: time is up while waiting for {waiting_for}; last known: {last_known}")]
    DeadlineExceeded {
        /// What was tried, with its object.
        action: String,
        /// What was waited for.
        waiting_for: String,
        /// The last that Azure said.
        last_known: String,
        /// What has become of the write.
        write: WriteState,
    },
    /// The user has interrupted Terraform.
    #[error("{action}: stopped by an interrupt")]
    Stopped {
        /// What was tried, with its object.
        action: String,
        /// What has become of the write.
        write: WriteState,
    },
    /// No connection to the service could be made.
    #[error("{action}: cannot connect to {host}")]
    Unreachable {
        /// What was tried, with its object.
        action: String,
        /// Host and port.
        host: String,
        /// Why.
        source: reqwest::Error,
    },
    /// What answered does not speak Azure Resource Manager's language: a proxy, a wrong endpoint, a cut connection.
    #[error("{action}: {reason}{}", parenthesis(*status, None, request_id.as_deref()))]
    BadAnswer {
        /// What was tried, with its object.
        action: String,
        /// What is wrong with the answer.
        reason: String,
        /// The HTTP status.
        status: Option<u16>,
        /// The service's id of the request.
        request_id: Option<String>,
        /// What has become of the write.
        write: WriteState,
    },
}

/// What has become of a write that ended in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteState {
    /// No write has left: the object is as it was.
    NotSent,
    /// Azure refused the write: the object is as it was.
    Refused,
    /// The write was sent; whether Azure acted on it is not known.
    Unclear,
    /// Azure accepted the write: the object exists and is changed, or is on the way to it.
    Accepted,
}

/// What Azure said when it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was tried, with its object.
    pub action: String,
    /// The HTTP status; none where a long-running operation failed.
    pub status: Option<u16>,
    /// The error code, for example `AnotherOperationInProgress`.
    pub code: String,
    /// The message.
    pub message: String,
    /// The details, where there are some.
    pub details: Vec<Detail>,
    /// The service's id of the request.
    pub request_id: Option<String>,
}

/// One detail of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The error code.
    pub code: String,
    /// The message.
    pub message: String,
}

impl Error {
    /// What the caller may say about the object that was to be written.
    pub fn after_write(&self) -> WriteState {
        match self {
            Error::NotAuthenticated { .. } | Error::Unreachable { .. } => WriteState::NotSent,
            Error::PreconditionFailed(_) | Error::Refused(_) => WriteState::Refused,
            Error::Unclear { .. } => WriteState::Unclear,
            Error::OperationFailed(_) | Error::TryAgain(_) | Error::NotFollowed { .. } => {
                WriteState::Accepted
            }
            Error::DeadlineExceeded { write, .. }
            | Error::Stopped { write, .. }
            | Error::BadAnswer { write, .. } => *write,
        }
    }

    /// Whether the write may succeed after the object is read again and the change merged again.
    pub fn wants_fresh_read(&self) -> bool {
        matches!(self, Error::PreconditionFailed(_) | Error::TryAgain(_))
    }

    /// What was tried, with its object: `reading route table "rt-1"`.
    pub fn action(&self) -> &str {
        match self {
            Error::PreconditionFailed(refusal)
            | Error::TryAgain(refusal)
            | Error::Refused(refusal)
            | Error::OperationFailed(refusal) => &refusal.action,
            Error::NotAuthenticated { action, .. }
            | Error::Unclear { action, .. }
            | Error::NotFollowed { action, .. }
            | Error::DeadlineExceeded { action, .. }
            | Error::Stopped { action, .. }
            | Error::Unreachable { action, .. }
            | Error::BadAnswer { action, .. } => action,
        }
    }

    /// What Azure said, where it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::PreconditionFailed(refusal)
            | Error::TryAgain(refusal)
            | Error::Refused(refusal)
            | Error::OperationFailed(refusal) => Some(refusal),
            Error::NotFollowed { source, .. } => source.refusal(),
            _ => None,
        }
    }

    /// Azure's error code, where it refused: `InUseRouteTableCannotBeDeleted`.
    pub fn code(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.code.as_str())
    }

    /// Whether Azure refuses to delete the object because something uses it.
    pub fn is_in_use(&self) -> bool {
        self.code()
            .is_some_and(|code| code.starts_with("InUse") && code.ends_with("CannotBeDeleted"))
    }

    /// The wait `action` was ended by `interrupted`, after a write in state `write`.
    pub(super) fn interrupted(
        interrupted: Interrupted,
        action: &str,
        waiting_for: &str,
        last_known: &str,
        write: WriteState,
    ) -> Error {
        match interrupted {
            Interrupted::Stopped => Error::Stopped {
                action: action.to_owned(),
                write,
            },
            Interrupted::DeadlineExceeded => Error::DeadlineExceeded {
                action: action.to_owned(),
                waiting_for: waiting_for.to_owned(),
                last_known: last_known.to_owned(),
                write,
            },
        }
    }
}

impl Refusal {
    /// The refusal that a body of ARM's form carries: `{"error": {"code", "message", "details"}}`.
    ///
    /// A failed deletion of a resource group writes its keys with capitals (recorded: Azure libraries for .NET).
    pub(super) fn from_body(action: &str, body: &Value) -> Option<Refusal> {
        let error = member(body, "error")?;
        let code = text(error, "code").filter(|code| !code.is_empty())?;
        let details = member(error, "details").and_then(Value::as_array);
        Some(Refusal {
            action: action.to_owned(),
            status: None,
            code,
            message: text(error, "message").unwrap_or_default(),
            details: details.into_iter().flatten().filter_map(detail).collect(),
            request_id: None,
        })
    }

    /// Whether this says that the object is not there, as opposed to a wrong endpoint or subscription.
    pub(super) fn is_gone(&self) -> bool {
        const GONE: [&str; 4] = [
            "ResourceNotFound",
            "NotFound",
            "ResourceGroupNotFound",
            "ParentResourceNotFound",
        ];
        self.status == Some(404) && GONE.contains(&self.code.as_str())
    }

    /// Whether the same call may succeed later, because another operation holds the object.
    ///
    /// Quoted in azurerm#3780, azurerm#21293 and AzureTRE#2222; the last is in cloud-provider-azure's consts.
    pub(super) fn is_retryable(&self) -> bool {
        const RETRYABLE: [&str; 6] = [
            "AnotherOperationInProgress",
            "RetryableError",
            "RetryableErrorDueToAnotherOperation",
            "ReferencedResourceNotProvisioned",
            "CanceledAndSupersededDueToAnotherOperation",
            "OperationPreempted",
        ];
        let known = |code: &str| {
            RETRYABLE
                .iter()
                .any(|known| known.eq_ignore_ascii_case(code))
        };
        known(&self.code) || self.details.iter().any(|detail| known(&detail.code))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.message)?;
        for detail in &self.details {
            write!(f, " {}: {}", detail.code, detail.message)?;
        }
        let request_id = self.request_id.as_deref();
        f.write_str(&parenthesis(self.status, Some(&self.code), request_id))
    }
}

/// The facts that a support request needs: ` (status 409, code X, request id Y)`.
fn parenthesis(status: Option<u16>, code: Option<&str>, request_id: Option<&str>) -> String {
    let facts: Vec<String> = [
        status.map(|status| format!("status {status}")),
        code.map(|code| format!("code {code}")),
        request_id.map(|id| format!("request id {id}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    match facts.is_empty() {
        true => String::new(),
        false => format!(" ({})", facts.join(", ")),
    }
}

fn detail(value: &Value) -> Option<Detail> {
    Some(Detail {
        code: text(value, "code")?,
        message: text(value, "message").unwrap_or_default(),
    })
}

fn text(value: &Value, key: &str) -> Option<String> {
    member(value, key)?.as_str().map(str::to_owned)
}

fn member<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, value)| value)
}
