//! What can go wrong between us and an Avi controller.
//!
//! Each variant is something that a caller acts on. Every error names the action and its object; what a failed
//! write leaves behind is told by [`Error::after_write`].

use super::super::http::{Answer, NoAnswer, NotConnected};
use super::super::{Interrupted, WriteState};
use super::answers::{not_avis, said};
use super::session::SignInError;
use reqwest::StatusCode;
use std::fmt;

/// A failed call of the Avi controller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no session to call in.
    #[error("{action}: signing in to the Avi controller")]
    NotSignedIn {
        /// What was tried, with its object.
        action: String,
        /// Why.
        source: SignInError,
    },
    /// The controller has refused the request in one new session after the other.
    #[error(
        "{action}: the controller does not accept its own session: {message} (status {status})"
    )]
    SessionRefused {
        /// What was tried, with its object.
        action: String,
        /// The HTTP status: 401 or 419.
        status: u16,
        /// What the controller said.
        message: String,
        /// An earlier attempt of the same write got no answer and may have been carried out.
        after_lost_answer: bool,
    },
    /// The object has changed since it was read (412): read it again, merge, write again.
    #[error("{0}")]
    PreconditionFailed(Box<Refusal>),
    /// The object cannot be deleted because others refer to it.
    #[error("{refusal}")]
    InUse {
        /// What the controller said.
        refusal: Box<Refusal>,
        /// What refers to it, each with its type: `VirtualService vs-1`.
        referrers: Vec<String>,
    },
    /// The version that is spoken does not have a member that was sent.
    #[error("{refusal}")]
    NewerMember {
        /// What the controller said.
        refusal: Box<Refusal>,
        /// The member: `labels`.
        member: String,
        /// The version that was spoken.
        spoken: String,
        /// The version that brought the member.
        introduced: String,
    },
    /// The controller does not have the tenant.
    #[error("{refusal}")]
    UnknownTenant {
        /// What the controller said.
        refusal: Box<Refusal>,
        /// The tenant in whose name was called.
        tenant: String,
    },
    /// The object is not there any more.
    #[error("{0}")]
    Gone(Box<Refusal>),
    /// The controller said no, and nothing was changed by this call.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Several objects have the name that one was looked for by.
    #[error("{action}: the controller has {count} of that name")]
    Ambiguous {
        /// What was tried, with its object.
        action: String,
        /// How many there are.
        count: usize,
    },
    /// The request would overwrite a secret with the mask under which the controller shows it. It was not sent.
    #[error("{action}: the request holds a masked secret, and was not sent")]
    MaskedSecret {
        /// What was tried, with its object.
        action: String,
    },
    /// A write was sent and its outcome is not known.
    #[error(
        "{action}: the request was sent, and whether the controller acted on it is not known ({reason})"
    )]
    Unclear {
        /// What was tried, with its object.
        action: String,
        /// What happened instead of an answer.
        reason: String,
    },
    /// A change needed several requests: at least one was carried out, and a later one was not.
    #[error("a part of the change was made, and the rest was not")]
    InPart {
        /// What became of the rest.
        source: Box<Error>,
    },
    /// The time for the whole operation is used up.
    #[error("{action}: time is up while waiting for {waiting_for}; last known: {last_known}")]
    DeadlineExceeded {
        /// What was tried, with its object.
        action: String,
        /// What was waited for.
        waiting_for: String,
        /// The last that the controller said.
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
    /// No connection to the controller could be made.
    #[error("{action}: cannot connect to {host}")]
    Unreachable {
        /// What was tried, with its object.
        action: String,
        /// Host and port.
        host: String,
        /// Why.
        source: NotConnected,
    },
    /// What answered does not speak the controller's language: a proxy, a wrong address, a cut connection.
    #[error("{action}: {reason}{}", in_parenthesis(*status))]
    BadAnswer {
        /// What was tried, with its object.
        action: String,
        /// What is wrong with the answer.
        reason: String,
        /// The HTTP status.
        status: Option<u16>,
        /// What has become of the write.
        write: WriteState,
    },
}

/// What the controller said when it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was tried, with its object.
    pub action: String,
    /// The HTTP status.
    pub status: u16,
    /// The message.
    pub message: String,
    /// An earlier attempt of the same write got no answer and may have been carried out.
    pub after_lost_answer: bool,
}

impl Error {
    /// What the caller may say about the object that was to be written.
    pub fn after_write(&self) -> WriteState {
        let after = |lost: bool| match lost {
            true => WriteState::Unclear,
            false => WriteState::Refused,
        };
        match self {
            Error::NotSignedIn { .. }
            | Error::Unreachable { .. }
            | Error::Ambiguous { .. }
            | Error::MaskedSecret { .. } => WriteState::NotSent,
            Error::SessionRefused {
                after_lost_answer, ..
            } => after(*after_lost_answer),
            Error::PreconditionFailed(refusal)
            | Error::InUse { refusal, .. }
            | Error::NewerMember { refusal, .. }
            | Error::UnknownTenant { refusal, .. }
            | Error::Gone(refusal)
            | Error::Refused(refusal) => after(refusal.after_lost_answer),
            Error::Unclear { .. } => WriteState::Unclear,
            Error::InPart { source } => match source.after_write() {
                WriteState::Unclear => WriteState::Unclear,
                _ => WriteState::Accepted,
            },
            Error::DeadlineExceeded { write, .. }
            | Error::Stopped { write, .. }
            | Error::BadAnswer { write, .. } => *write,
        }
    }

    /// Whether the write may succeed after the object is read again and the change merged again.
    pub fn wants_fresh_read(&self) -> bool {
        matches!(self.cause(), Error::PreconditionFailed(_))
    }

    /// Whether it is the end of the time or the user's interrupt, and nothing that the controller said.
    pub fn is_interruption(&self) -> bool {
        matches!(
            self.cause(),
            Error::DeadlineExceeded { .. } | Error::Stopped { .. }
        )
    }

    /// Whether the controller forbids it to whom we have signed in as.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.cause(), Error::Refused(refusal) if refusal.status == 403)
    }

    /// Whether an object of that name is there already (409). A name may be taken for a moment after its object was
    /// deleted, too.
    pub fn is_already_there(&self) -> bool {
        matches!(self.cause(), Error::Refused(refusal) if refusal.status == 409)
    }

    /// Whether the object that was to be changed is not there any more.
    pub fn is_gone(&self) -> bool {
        matches!(self.cause(), Error::Gone(_))
    }

    /// What was tried, with its object: `reading SE group "seg-1"`.
    pub fn action(&self) -> &str {
        if let Some(refusal) = self.refusal() {
            return &refusal.action;
        }
        match self.cause() {
            Error::NotSignedIn { action, .. }
            | Error::SessionRefused { action, .. }
            | Error::Ambiguous { action, .. }
            | Error::MaskedSecret { action }
            | Error::Unclear { action, .. }
            | Error::DeadlineExceeded { action, .. }
            | Error::Stopped { action, .. }
            | Error::Unreachable { action, .. }
            | Error::BadAnswer { action, .. } => action,
            _ => "calling the Avi controller",
        }
    }

    /// What the controller said, where it refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self.cause() {
            Error::PreconditionFailed(refusal)
            | Error::InUse { refusal, .. }
            | Error::NewerMember { refusal, .. }
            | Error::UnknownTenant { refusal, .. }
            | Error::Gone(refusal)
            | Error::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The error itself, or that of the request that failed where others of the same change did not.
    pub fn cause(&self) -> &Error {
        match self {
            Error::InPart { source } => source.cause(),
            other => other,
        }
    }

    /// The wait `action` was ended by `interrupted`, after a write in state `write`. For waits of resources, too.
    pub fn interrupted(
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

    /// The error of `answer`, which says no or does not speak the controller's language.
    pub(super) fn from_answer(
        action: &str,
        is_write: bool,
        tenant: &str,
        answer: &Answer,
    ) -> Error {
        let Some(message) = said(answer) else {
            return Error::not_avi(action, is_write, answer);
        };
        let refusal = Box::new(Refusal {
            action: action.to_owned(),
            status: answer.status.as_u16(),
            message,
            after_lost_answer: answer.after_lost_answer,
        });
        if answer.status == StatusCode::PRECONDITION_FAILED {
            return Error::PreconditionFailed(refusal);
        }
        if answer.status == StatusCode::NOT_FOUND && names_object(&refusal.message) {
            return Error::Gone(refusal);
        }
        if let Some(referrers) = referrers(&refusal.message) {
            return Error::InUse { refusal, referrers };
        }
        if let Some([spoken, member, introduced]) = newer_member(&refusal.message) {
            return Error::NewerMember {
                refusal,
                member,
                spoken,
                introduced,
            };
        }
        if is_about_tenant(&refusal.message) {
            let tenant = tenant.to_owned();
            return Error::UnknownTenant { refusal, tenant };
        }
        Error::Refused(refusal)
    }

    /// The error of an `answer` that cannot have come from the controller, or not whole.
    pub(super) fn not_avi(action: &str, is_write: bool, answer: &Answer) -> Error {
        let write = match (is_write, answer.status.is_client_error()) {
            (false, _) => WriteState::NotSent,
            (true, true) if !answer.after_lost_answer => WriteState::Refused,
            (true, _) => WriteState::Unclear,
        };
        Error::BadAnswer {
            action: action.to_owned(),
            reason: not_avis(answer),
            status: Some(answer.status.as_u16()),
            write,
        }
    }

    /// The error of `action`, whose request `host` did not answer; `lost` if an attempt before that may have been
    /// carried out.
    pub(super) fn from_no_answer(
        action: &str,
        host: &str,
        is_write: bool,
        lost: bool,
        cause: NoAnswer,
    ) -> Error {
        let error = match cause {
            NoAnswer::Unreachable(source) => Error::Unreachable {
                action: action.to_owned(),
                host: host.to_owned(),
                source,
            },
            NoAnswer::Unclear(reason) => Error::Unclear {
                action: action.to_owned(),
                reason,
            },
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
                let waiting_for = "the Avi controller to take the request";
                Error::interrupted(cause, action, waiting_for, &last_known, write)
            }
        };
        match lost {
            true => error.after_lost_answer(),
            false => error,
        }
    }

    /// The same error, met after an earlier request of the same change was carried out.
    pub(super) fn in_part(self) -> Error {
        Error::InPart {
            source: Box::new(self),
        }
    }

    /// The same error, met after a write got no answer and may have been carried out.
    pub(super) fn after_lost_answer(self) -> Error {
        match self {
            Error::NotSignedIn { action, source } => Error::Unclear {
                action,
                reason: source.to_string(),
            },
            Error::Unreachable { action, source, .. } => Error::Unclear {
                action,
                reason: source.to_string(),
            },
            Error::Stopped { action, .. } => Error::Stopped {
                action,
                write: WriteState::Unclear,
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
                write: WriteState::Unclear,
            },
            other => other,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal {
            action,
            status,
            message,
            ..
        } = self;
        write!(f, "{action}: {message} (status {status})")
    }
}

fn in_parenthesis(status: Option<u16>) -> String {
    status.map_or_else(String::new, |status| format!(" (status {status})"))
}

/// Whether a 404 is about an object, as `Pool object not found!` is, and not about a path that something else does not
/// know.
fn names_object(message: &str) -> bool {
    message.to_lowercase().contains(" object not found")
}

/// What refers to an object that cannot be deleted: `Cannot delete, object is referred by: ['VCenterServer vcenter']`,
/// with status 400 or 403 (quoted in public issues, and met by AKO).
fn referrers(message: &str) -> Option<Vec<String>> {
    let (_, list) = message.split_once("object is referred by:")?;
    let list = list.trim().trim_start_matches('[');
    let list = list.split_once(']').map_or(list, |(inside, _)| inside);
    let names = list.split(',').map(|name| {
        let name = name.trim().trim_start_matches("u'");
        name.trim_matches(['\'', '"']).to_owned()
    });
    Some(names.filter(|name| !name.is_empty()).collect())
}

/// The version that was spoken, the member it lacks, and the version that has it: `Incoming request (v18_2_10) has
/// field (labels) introduced in later versions(v20_1_1).` (quoted in avi-helm-charts#90).
fn newer_member(message: &str) -> Option<[String; 3]> {
    if !message.contains("introduced in later version") {
        return None;
    }
    let mut inside = message.split('(').skip(1);
    let mut next = || Some(inside.next()?.split_once(')')?.0.to_owned());
    let (spoken, member, introduced) = (next()?, next()?, next()?);
    Some([version(&spoken), member, version(&introduced)])
}

fn version(text: &str) -> String {
    text.trim_start_matches('v').replace('_', ".")
}

/// `Tenant 'x' does not exist!` comes with status 403 (met by AKO), as if a right were missing.
fn is_about_tenant(message: &str) -> bool {
    message.starts_with("Tenant")
        && (message.contains("does not exist") || message.contains("not found"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::header::HeaderMap;
    use serde_json::json;

    fn error(status: u16, message: &str) -> Error {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from(json!({ "error": message }).to_string()),
            after_lost_answer: false,
        };
        Error::from_answer("deleting cloud \"c\"", true, "team-x", &answer)
    }

    #[test]
    fn a_refused_delete_names_what_refers_to_the_object() {
        for status in [400, 403] {
            let message = "Cannot delete, object is referred by: ['VirtualService vs-1', 'Pool p']";
            match error(status, message) {
                Error::InUse { referrers, .. } => {
                    assert_eq!(referrers, ["VirtualService vs-1", "Pool p"]);
                }
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn a_member_that_the_version_lacks_is_named_with_both_versions() {
        let message =
            "Incoming request (v18_2_10) has field (labels) introduced in later versions(v20_1_1).";
        match error(400, message) {
            Error::NewerMember {
                member,
                spoken,
                introduced,
                ..
            } => assert_eq!(
                [member.as_str(), spoken.as_str(), introduced.as_str()],
                ["labels", "18.2.10", "20.1.1"]
            ),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_unknown_tenant_is_no_missing_right() {
        let unknown = error(403, "Tenant 'team-x' does not exist!");
        assert!(matches!(unknown, Error::UnknownTenant { ref tenant, .. } if tenant == "team-x"));
        assert!(!unknown.is_forbidden());
        assert!(error(403, "Configuration is disallowed during upgrade").is_forbidden());
    }

    #[test]
    fn each_status_is_mapped_once() {
        assert!(error(412, "Need to reload object data VrfContext").wants_fresh_read());
        for gone in ["Cloud object not found!", "VsVip object not found"] {
            assert!(error(404, gone).is_gone(), "{gone}");
        }
        assert!(!error(404, "Not Found").is_gone());
        // Something else is missing that the object refers to.
        assert!(!error(400, "VrfContext object not found").is_gone());
        assert!(
            error(409, "Cloud with this Name and Tenant ref already exists.").is_already_there()
        );
        assert_eq!(error(400, "no").after_write(), WriteState::Refused);
        let text = error(400, "no").to_string();
        assert_eq!(text, "deleting cloud \"c\": no (status 400)");
    }
}
