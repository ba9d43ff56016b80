//! What the diagnostics of failed calls have in common, whichever service was called.

use crate::clients::{NotReady, WriteState};
use crate::framework::diagnostics::Diagnostic;
use crate::wording::{sentence, with_causes};
use std::error::Error;

/// The diagnostic of a failed call: what was said, in which state things are now, and what to do.
pub(super) fn detailed(
    summary: impl Into<String>,
    error: &dyn Error,
    state: &str,
    advice: Option<&str>,
) -> Diagnostic {
    let said = sentence(&with_causes(error));
    let paragraphs = [Some(said.as_str()), Some(state), advice];
    let paragraphs: Vec<&str> = paragraphs.into_iter().flatten().collect();
    Diagnostic::error(summary, paragraphs.join("\n\n"))
}

/// What a call that failed tells about the state of things at `service`.
pub(super) fn state_after(write: WriteState, service: &str) -> String {
    match write {
        WriteState::NotSent | WriteState::Refused => {
            "Nothing was changed by this request.".to_owned()
        }
        WriteState::Unclear => format!("Whether {service} made the change is not known."),
        WriteState::Accepted => {
            format!("{service} had accepted the change, so that the object may have changed.")
        }
    }
}

/// The diagnostic for a client that the provider block does not suffice for.
pub fn not_ready(summary: impl Into<String>, error: &NotReady) -> Diagnostic {
    let advice = match error {
        NotReady::Unknown { .. } => {
            "It depends on something that is made in the same run. Apply that first (with -target, or in a configuration of its own), or set the argument to a value that is known while planning. The state is kept."
        }
        NotReady::Missing { .. } | NotReady::Invalid { .. } => "Nothing was called.",
    };
    let blamed = match error.is_of_the_environment() {
        true => "The environment variable",
        false => "The provider argument",
    };
    Diagnostic::error(summary, format!("{blamed} {error}.\n\n{advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_is_not_known_yet_is_named_with_a_way_out() {
        let error = NotReady::Unknown {
            argument: "azure.client_id".into(),
        };
        let detail = not_ready("Cannot read routes", &error).detail;
        assert!(
            detail.starts_with("The provider argument azure.client_id is not known yet."),
            "{detail}"
        );
        assert!(detail.contains("-target"));
    }

    #[test]
    fn a_variable_that_stands_in_for_no_argument_is_not_called_one() {
        let error = NotReady::Invalid {
            argument: "SSL_CERT_FILE".into(),
            reason: "it holds none".into(),
        };
        let detail = not_ready("Cannot read routes", &error).detail;
        assert!(detail.starts_with("The environment variable SSL_CERT_FILE: it holds none."));
    }
}
