//! From a failed call of the Avi controller to a diagnostic with which the user can go on alone.
//!
//! The summary is the resource's own (the action and its object); the detail says what the controller said with its
//! status, in which state things are now, and what to do.

pub use super::failures::not_ready;

use super::failures::{detailed, state_after};
use super::forecast::tell_at_plan;
use crate::clients::avi::{Error, SignInError};
use crate::framework::diagnostics::Diagnostic;
use crate::framework::resource::Context;
use crate::wording::sentence;

/// How many names one message lists.
const MAX_NAMES: usize = 10;

/// The diagnostic for a call that failed, with what the call itself tells about the state of things.
pub fn call_failed(summary: impl Into<String>, error: &Error) -> Diagnostic {
    let state = state_after(error.after_write(), "the controller");
    call_failed_leaving(summary, error, &sentence(&state))
}

/// The diagnostic for a call that failed, where the resource knows more about the state of things: `state` is one or
/// more whole sentences.
pub fn call_failed_leaving(summary: impl Into<String>, error: &Error, state: &str) -> Diagnostic {
    detailed(summary, error, state, advice(error).as_deref())
}

/// Tells at plan that the controller could not be looked at: a warning where a change of the same plan may open the
/// way, as the grant of a right does, and else the error.
pub fn look_failed(context: &Context, summary: String, error: &Error) -> Result<(), Diagnostic> {
    let is_final = matches!(
        error.cause(),
        Error::NotSignedIn { .. } | Error::UnknownTenant { .. } | Error::NewerMember { .. }
    ) || error.is_interruption();
    tell_at_plan(context, call_failed(summary, error), is_final)
}

/// What the user can do about it, where there is more to say than to try again.
fn advice(error: &Error) -> Option<String> {
    let advice = match error {
        Error::InPart { source } => return advice(source),
        Error::NotSignedIn { source, .. } => advice_on_sign_in(source),
        Error::SessionRefused { .. } => {
            "Something on the way may take cookies or headers out of requests, or the controllers of a cluster do not share their sessions: check avi.controller, and the proxy or load balancer in front of it."
        }
        Error::PreconditionFailed(_) => {
            "Something else keeps writing the same object; AKO does with every change of its nodes. Run Terraform again when that has ended."
        }
        Error::InUse { referrers, .. } => {
            return Some(format!(
                "Delete what refers to it, or point that elsewhere, and run Terraform again: {}.",
                names(referrers)
            ));
        }
        Error::NewerMember {
            member, introduced, ..
        } => {
            return Some(format!(
                "The controller was spoken to in an older version than the one that brought {member}. Set avi.version (AVI_VERSION) to {introduced} or a later version that the controller has, or leave it out to speak the controller's own."
            ));
        }
        Error::UnknownTenant { tenant, .. } => {
            return Some(format!(
                "Check the provider argument avi.tenant (AVI_TENANT): the controller has no tenant {tenant:?}, or the user has no role in it."
            ));
        }
        Error::Ambiguous { .. } => "Name the object by its uuid, or give the others another name.",
        Error::MaskedSecret { .. } => {
            "This is a fault of the provider: please report it with the configuration. The secret at the controller is untouched."
        }
        Error::Unclear { .. } => {
            "Run `terraform plan`: it reads what the controller holds now and shows what is left to do."
        }
        Error::DeadlineExceeded { .. } => {
            "Run Terraform again: what the controller has done by then is kept. If the time is too short, raise it in the `timeouts` block."
        }
        Error::Stopped { .. } => "Run Terraform again to go on.",
        Error::Unreachable { .. } => REACH,
        Error::BadAnswer { .. } => {
            "A proxy or another service may have answered in place of the controller: check avi.controller, HTTPS_PROXY and NO_PROXY."
        }
        Error::Gone(_) => "Run `terraform plan`: it shows what is left to do.",
        Error::Refused(refusal) => return advice_on_message(&refusal.message, refusal.status),
    };
    Some(advice.to_owned())
}

const REACH: &str = "Check avi.controller (AVI_CONTROLLER), the network, HTTPS_PROXY and NO_PROXY. Where the certificate is not trusted, set avi.ca_certificate.";

fn advice_on_sign_in(error: &SignInError) -> &'static str {
    match error {
        SignInError::WrongCredentials { .. } => {
            "Check avi.username and avi.password or avi.authtoken in the provider block, or AVI_USERNAME, AVI_PASSWORD and AVI_AUTHTOKEN. The controller may have locked the account after too many attempts; this run makes no further one."
        }
        SignInError::Refused { .. } => {
            "Check the provider arguments avi.username and avi.tenant, and that the controller takes requests."
        }
        SignInError::Version(_) => "Nothing was called but the sign-in.",
        SignInError::ThrownOut { .. } => {
            "Give Terraform a user of its own, or let the controller allow a user more than one session at a time."
        }
        SignInError::Unreachable { .. } => REACH,
        SignInError::BadAnswer(_) => {
            "Check avi.controller: what answers there is no Avi controller, or a proxy answers in its place (HTTPS_PROXY, NO_PROXY)."
        }
    }
}

/// What messages ask for that the controller has no code for; quoted in public issues and met by AKO.
fn advice_on_message(message: &str, status: u16) -> Option<String> {
    let advice = match message {
        text if text.contains("disallowed during upgrade") => {
            "The controller is being updated. Run Terraform again when that has ended."
        }
        text if text.contains("Cannot delete system default object") => {
            "The controller made the object itself and keeps it. Take it out of the state with `terraform state rm`."
        }
        _ if status == 403 => {
            "Give the user a role that allows this in the tenant (avi.username, avi.tenant)."
        }
        _ if status == 409 => {
            "If the object was deleted a moment ago, its name is free after a while: run Terraform again."
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

fn names(names: &[String]) -> String {
    let mut text = names[..names.len().min(MAX_NAMES)].join(", ");
    if names.len() > MAX_NAMES {
        text += &format!(" and {} more", names.len() - MAX_NAMES);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::avi::Refusal;

    fn refusal(status: u16, message: &str) -> Box<Refusal> {
        Box::new(Refusal {
            action: "deleting SE group \"seg-1\"".into(),
            status,
            message: message.into(),
            after_lost_answer: false,
        })
    }

    fn assert_tells(error: &Error, parts: &[&str]) {
        let detail = call_failed("Cannot delete the SE group", error).detail;
        for part in parts {
            assert!(detail.contains(part), "{part}: {detail}");
        }
    }

    #[test]
    fn a_refused_delete_tells_what_to_delete_first() {
        let error = Error::InUse {
            refusal: refusal(
                403,
                "Cannot delete, object is referred by: ['VirtualService vs-1']",
            ),
            referrers: vec!["VirtualService vs-1".into()],
        };
        assert_tells(
            &error,
            &[
                "Deleting SE group \"seg-1\"",
                "status 403",
                "Nothing was changed",
                "run Terraform again: VirtualService vs-1.",
            ],
        );
    }

    #[test]
    fn a_member_that_the_version_lacks_ends_in_the_version_to_set() {
        let error = Error::NewerMember {
            refusal: refusal(400, "Incoming request (v18_2_10) has field (labels) …"),
            member: "labels".into(),
            spoken: "18.2.10".into(),
            introduced: "20.1.1".into(),
        };
        assert_tells(
            &error,
            &["brought labels", "avi.version (AVI_VERSION) to 20.1.1"],
        );
    }

    #[test]
    fn a_wrong_password_names_the_arguments() {
        let error = Error::NotSignedIn {
            action: "reading SE group \"seg-1\"".into(),
            source: SignInError::WrongCredentials {
                username: "admin".into(),
                secret: "password",
                message: "Invalid credentials".into(),
            },
        };
        assert_tells(
            &error,
            &[
                "user \"admin\"",
                "Invalid credentials",
                "avi.password",
                "AVI_PASSWORD",
            ],
        );
    }

    #[test]
    fn a_change_that_was_made_in_part_is_not_called_unmade() {
        let error = Error::InPart {
            source: Box::new(Error::Refused(refusal(403, "no write access"))),
        };
        assert_tells(
            &error,
            &[
                "A part of the change was made, and the rest was not: deleting SE group \"seg-1\"",
                "no write access (status 403)",
                "may have changed",
                "Give the user a role",
            ],
        );
    }

    #[test]
    fn an_unclear_write_is_not_called_unchanged() {
        let error = Error::Unclear {
            action: "creating SE group \"seg-1\"".into(),
            reason: "connection reset".into(),
        };
        assert_tells(
            &error,
            &["Whether the controller made the change", "terraform plan"],
        );
        let detail = call_failed("Cannot create", &error).detail;
        assert!(!detail.contains("Nothing was changed"), "{detail}");
    }
}
