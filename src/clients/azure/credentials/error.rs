//! Why there is no access token, in words that lead to the cause.

use super::advice;
use crate::wording::with_causes;
use azure_core::error::ErrorKind;

/// Why there is no access token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The configured way of signing in failed.
    #[error("signing in with {way} failed: {said}{}", as_next_sentence(.advice))]
    Failed {
        /// `a client secret`, `an OIDC token`, `the Azure CLI`.
        way: &'static str,
        /// What the login service, the token service or the tool said.
        said: String,
        /// What to check; empty where nothing is known.
        advice: String,
    },
    /// The description of the cloud cannot be read.
    #[error("reading the endpoints of the cloud from {host}: {reason}")]
    NoEndpoints {
        /// The argument `metadata_host`.
        host: String,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// The error of signing in with `way`, in the words of the service or tool, with what we know of its cause.
    ///
    /// Nothing else of `error` is kept: it holds the whole answer.
    pub(super) fn failed(way: &'static str, error: &azure_core::Error) -> Error {
        let (said, codes) = match refusal(error) {
            Some(refusal) => refusal,
            None => (with_causes(error), String::new()),
        };
        let advice = advice::on(&codes).unwrap_or_default();
        Error::Failed {
            way,
            said: plain(&said),
            advice: advice.to_owned(),
        }
    }

    /// The same error with a further hint.
    pub(super) fn with_hint(self, hint: &str) -> Error {
        match self {
            Error::Failed { way, said, advice } => Error::Failed {
                way,
                said,
                advice: match advice.is_empty() {
                    true => hint.to_owned(),
                    false => format!("{advice} {hint}"),
                },
            },
            other => other,
        }
    }
}

/// What the login service said, and its error codes, where it answered.
fn refusal(error: &azure_core::Error) -> Option<(String, String)> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<azure_core::Error>()
            && let ErrorKind::HttpResponse { error_code, .. } = error.kind()
        {
            return Some((error.to_string(), error_code.clone().unwrap_or_default()));
        }
        next = error.source();
    }
    None
}

/// Whether an answer came that the login service cannot have given: HTML in place of JSON.
pub(super) fn is_not_json(error: &azure_core::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<serde_json::Error>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// The text without the name of a type of `azure_identity` at its start and, before the causes, the address of a page
/// for its developers.
fn plain(text: &str) -> String {
    let text = match text.split_once(" authentication failed.") {
        Some((credential, rest)) if !credential.contains(' ') => rest,
        _ => text,
    };
    let text = text.trim();
    match text.split_once("\nTo troubleshoot, visit ") {
        Some((said, rest)) => match rest.split_once(": ") {
            Some((_address, causes)) => format!("{said}: {causes}"),
            None => said.to_owned(),
        },
        None => text.to_owned(),
    }
}

fn as_next_sentence(text: &str) -> String {
    match text.is_empty() {
        true => String::new(),
        false => format!(". {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> azure_core::Error {
        azure_core::Error::with_message(ErrorKind::Credential, text.to_owned())
    }

    #[test]
    fn the_words_of_the_library_around_those_of_the_service_are_left_out() {
        let text = "AzureCliCredential authentication failed. Please run 'az login'.\nTo troubleshoot, visit https://x";
        let error = Error::failed("the Azure CLI", &message(text));
        assert_eq!(
            error.to_string(),
            "signing in with the Azure CLI failed: Please run 'az login'."
        );
    }

    #[test]
    fn the_causes_behind_the_librarys_words_stay() {
        let text = "ClientSecretCredential authentication failed. retries are over\nTo troubleshoot, visit https://x";
        let error = azure_core::Error::with_error(
            ErrorKind::Credential,
            message("the proxy refuses"),
            text.to_owned(),
        );
        let error = Error::failed("a client secret", &error).to_string();
        assert!(
            error.ends_with("failed: retries are over: the proxy refuses"),
            "{error}"
        );
    }

    #[test]
    fn a_page_in_place_of_an_answer_is_told_from_a_refusal() {
        let json = serde_json::from_str::<String>("<html>").unwrap_err();
        let page = azure_core::Error::new(ErrorKind::DataConversion, json);
        assert!(is_not_json(&page));
        assert!(!is_not_json(&message(
            "AADSTS7000215: Invalid client secret."
        )));
    }
}
