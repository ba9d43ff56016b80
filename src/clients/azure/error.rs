//! What can go wrong between us and Azure Resource Manager.
//!
//! Each variant is something that a caller acts on. Every error names the action and its object; what a failed
//! write leaves behind is told by [`Error::after_write`].

use super::super::http::{Answer, NoAnswer, NotConnected};
use super::super::{Interrupted, WriteState};
use super::credentials;
use crate::wording::first_words;
use reqwest::StatusCode;
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
    PreconditionFailed(Box<Refusal>),
    /// The operation was cancelled or superseded by another one: read again, merge, write again.
    #[error("{0}")]
    TryAgain(Box<Refusal>),
    /// Azure said no, and nothing was changed by this call.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Azure accepted the write, and the operation that carries it out has failed.
    #[error("{0}")]
    OperationFailed(Box<Refusal>),
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
        source: NotConnected,
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
    /// An earlier attempt of the same write got no answer and may have been carried out.
    pub after_lost_answer: bool,
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
            Error::PreconditionFailed(refusal) | Error::Refused(refusal) => {
                match refusal.after_lost_answer {
                    true => WriteState::Unclear,
                    false => WriteState::Refused,
                }
            }
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

    /// Whether it is the end of the time or the user's interrupt, and nothing that Azure said.
    pub fn is_interruption(&self) -> bool {
        matches!(self, Error::DeadlineExceeded { .. } | Error::Stopped { .. })
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

    /// Whether Azure forbids it to whom we have signed in as.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Error::Refused(refusal) if refusal.status == Some(403))
    }

    /// Whether Azure refuses a subnet because of its place: outside the virtual network, or on another subnet.
    pub fn is_misplaced(&self) -> bool {
        matches!(
            self.code(),
            Some("NetcfgInvalidSubnet" | "NetcfgSubnetRangesOverlap")
        )
    }

    /// The error of `answer`, which says no or does not speak ARM's language.
    pub(super) fn from_answer(action: &str, is_write: bool, answer: &Answer) -> Error {
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let Some(mut refusal) = Refusal::from_body(action, &body) else {
            return Error::not_arm(action, is_write, answer);
        };
        refusal.status = Some(answer.status.as_u16());
        refusal.request_id = request_id(answer);
        refusal.after_lost_answer = answer.after_lost_answer;
        match answer.status {
            StatusCode::PRECONDITION_FAILED => Error::PreconditionFailed(refusal.into()),
            _ => Error::Refused(refusal.into()),
        }
    }

    /// The error of an `answer` that cannot have come from Azure Resource Manager, or not whole.
    pub(super) fn not_arm(action: &str, is_write: bool, answer: &Answer) -> Error {
        let write = match (is_write, answer.status.is_client_error()) {
            (false, _) => WriteState::NotSent,
            (true, true) if !answer.after_lost_answer => WriteState::Refused,
            (true, _) => WriteState::Unclear,
        };
        Error::BadAnswer {
            action: action.to_owned(),
            reason: not_arms(answer),
            status: Some(answer.status.as_u16()),
            request_id: request_id(answer),
            write,
        }
    }

    /// The error of `action`, whose request `host` did not answer.
    pub(super) fn from_no_answer(
        action: &str,
        host: &str,
        is_write: bool,
        cause: NoAnswer,
    ) -> Error {
        let action = action.to_owned();
        match cause {
            NoAnswer::Unreachable(source) => Error::Unreachable {
                action,
                host: host.to_owned(),
                source,
            },
            NoAnswer::Unclear(reason) => Error::Unclear { action, reason },
            NoAnswer::Interrupted {
                cause,
                last_known,
                after_lost_answer,
            } => {
                let write = match is_write && after_lost_answer {
                    true => WriteState::Unclear,
                    false => WriteState::NotSent,
                };
                let last_known = match last_known.is_empty() {
                    true => "nothing was sent".to_owned(),
                    false => last_known,
                };
                let waiting_for = "Azure to take the request";
                Error::interrupted(cause, &action, waiting_for, &last_known, write)
            }
        }
    }

    /// The same error, met after Azure had accepted the write of `action`.
    pub(super) fn after_acceptance(self, action: &str) -> Error {
        match self {
            Error::Stopped { action, .. } => Error::Stopped {
                action,
                write: WriteState::Accepted,
            },
            Error::DeadlineExceeded {
                action,
                waiting_for,
                last_known,
                ..
            } => Error::DeadlineExceeded {
                action,
                waiting_for,
                last_known,
                write: WriteState::Accepted,
            },
            other => Error::NotFollowed {
                action: action.to_owned(),
                source: Box::new(other),
            },
        }
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
            after_lost_answer: false,
        })
    }

    /// Whether `answer` says that the object is not there, as opposed to a wrong endpoint or subscription.
    pub(super) fn says_gone(answer: &Answer) -> bool {
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let refusal = Refusal::from_body("", &body);
        answer.status == StatusCode::NOT_FOUND && refusal.is_some_and(|refusal| refusal.is_gone())
    }

    fn is_gone(&self) -> bool {
        const GONE: [&str; 4] = [
            "ResourceNotFound",
            "NotFound",
            "ResourceGroupNotFound",
            "ParentResourceNotFound",
        ];
        GONE.contains(&self.code.as_str())
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

/// What came in place of an answer of Azure Resource Manager: never the whole page of a proxy.
pub(super) fn not_arms(answer: &Answer) -> String {
    let kind = answer.header("content-type").unwrap_or("no content type");
    let size = answer.body.len();
    let words = match first_words(&answer.body) {
        Some(words) => format!(", beginning with {words:?}"),
        None => String::new(),
    };
    format!("the answer is not Azure Resource Manager's: {kind}, {size} bytes{words}")
}

/// The service's id of the request that `answer` answers.
pub(super) fn request_id(answer: &Answer) -> Option<String> {
    answer.header("x-ms-request-id").map(str::to_owned)
}

/// The facts that a support request needs: ` (status 409, code X, request id Y)`.
pub(super) fn parenthesis(
    status: Option<u16>,
    code: Option<&str>,
    request_id: Option<&str>,
) -> String {
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
