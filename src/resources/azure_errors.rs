//! From a failed call of Azure to a diagnostic with which the user can go on alone.
//!
//! The summary is the resource's own (the action and its object); the detail says what Azure said with status, code
//! and request id, in which state things are now, and what to do.

pub use super::failures::not_ready;

use super::failures::{detailed, state_after};
use crate::clients::azure::Error;
use crate::framework::diagnostics::Diagnostic;

/// The diagnostic for a call that failed, with what the call itself tells about the state of things.
pub fn call_failed(summary: impl Into<String>, error: &Error) -> Diagnostic {
    let state = state_after(error.after_write(), "Azure");
    call_failed_leaving(summary, error, &state)
}

/// The diagnostic for a call that failed, where the resource knows more about the state of things: `state` is one or
/// more whole sentences.
pub fn call_failed_leaving(summary: impl Into<String>, error: &Error, state: &str) -> Diagnostic {
    detailed(summary, error, state, advice(error))
}

/// What the user can do about it, where there is more to say than to try again.
fn advice(error: &Error) -> Option<&'static str> {
    if let Some(advice) = error.code().and_then(advice_on_code) {
        return Some(advice);
    }
    match error {
        Error::NotAuthenticated { .. } => Some(
            "Check the credentials in the section `azure` of the provider block, or the ARM_* environment variables that stand in for them.",
        ),
        Error::PreconditionFailed(_) | Error::TryAgain(_) => Some(
            "Something else keeps writing the same object. Run Terraform again when that has ended.",
        ),
        Error::Unclear { .. } | Error::NotFollowed { .. } => Some(
            "Run `terraform plan`: it reads what Azure holds now and shows what is left to do.",
        ),
        Error::DeadlineExceeded { .. } => Some(
            "Run Terraform again: what Azure has done by then is kept. If the time is too short, raise it in the `timeouts` block.",
        ),
        Error::Stopped { .. } => Some("Run Terraform again to go on."),
        Error::Unreachable { .. } => Some(
            "Check the network, HTTPS_PROXY and NO_PROXY, SSL_CERT_FILE, and the arguments that name the cloud: `environment`, `metadata_host`, `resource_manager_endpoint`.",
        ),
        Error::BadAnswer { .. } => Some(
            "A proxy or a wrong endpoint may have answered in place of Azure Resource Manager: check HTTPS_PROXY and the arguments `environment`, `metadata_host` and `resource_manager_endpoint`.",
        ),
        Error::Refused(_) | Error::OperationFailed(_) => None,
    }
}

/// What Azure's error codes ask for; recorded or quoted in public issues of azurerm and cloud-provider-azure.
fn advice_on_code(code: &str) -> Option<&'static str> {
    let advice = match code {
        "AuthorizationFailed" => {
            "Give the provider's identity a role with the action that Azure names at that scope. A role assigned a moment ago takes some minutes to work."
        }
        "LinkedAuthorizationFailed" => {
            "The provider's identity also needs the join action on the object that Azure names: a role there, too. A role assigned a moment ago takes some minutes to work."
        }
        "RequestDisallowedByPolicy" => {
            "A policy of the subscription forbids it: Azure names the policy above. Change the configuration so that it complies, or ask for an exemption."
        }
        "ScopeLocked" => {
            "A lock on the resource group or the object forbids it. Remove the lock, or leave the object out."
        }
        "SubscriptionNotFound" | "InvalidSubscriptionId" => {
            "The subscription is taken from the object's id. Check the id, and that the tenant and the cloud are those of the subscription."
        }
        "InvalidAuthenticationTokenTenant" => {
            "The credentials belong to another tenant than the subscription in the object's id: check `azure.tenant_id`."
        }
        "RouteConflict" => {
            "Azure allows one route for each prefix of a table. Something else has added a route with that prefix in the meantime: run `terraform plan` to see it."
        }
        "InvalidResourceReference" => {
            "Azure names the object that it does not find: it does not exist, or lies in another region than what refers to it."
        }
        "ResourceGroupNotFound" => "Check the name of the resource group, or create it first.",
        "NetcfgInvalidSubnet" | "NetcfgSubnetRangesOverlap" => {
            "Choose a prefix that lies in an address range of the virtual network and is free there."
        }
        "AnotherOperationInProgress" | "RetryableError" => {
            "Another operation holds the object; it was tried again until the time was up. Run Terraform again when it has ended, or raise the time in the `timeouts` block."
        }
        _ => return None,
    };
    Some(advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::azure::{Detail, Refusal};
    use crate::wording::with_causes;

    fn refusal(code: &str) -> Box<Refusal> {
        Box::new(Refusal {
            action: "writing route table \"rt-1\"".into(),
            status: Some(403),
            code: code.into(),
            message: "The client 'x' does not have authorization.".into(),
            details: vec![Detail {
                code: "Inner".into(),
                message: "Why.".into(),
            }],
            request_id: Some("req-7".into()),
            after_lost_answer: false,
        })
    }

    #[test]
    fn a_refusal_tells_what_azure_said_what_holds_and_what_to_do() {
        let error = Error::Refused(refusal("AuthorizationFailed"));
        let diagnostic = call_failed("Cannot write routes", &error);
        assert_eq!(diagnostic.summary, "Cannot write routes");
        for part in [
            "Writing route table \"rt-1\"",
            "status 403",
            "req-7",
            "Nothing was changed",
            "a role with the action",
        ] {
            assert!(
                diagnostic.detail.contains(part),
                "{part}: {}",
                diagnostic.detail
            );
        }
    }

    #[test]
    fn an_unclear_write_is_not_called_unchanged() {
        let error = Error::Unclear {
            action: "writing route table \"rt-1\"".into(),
            reason: "connection reset".into(),
        };
        let detail = call_failed("Cannot write routes", &error).detail;
        assert!(
            detail.contains("not known") && detail.contains("terraform plan"),
            "{detail}"
        );
        assert!(!detail.contains("Nothing was changed"));
    }

    #[test]
    fn causes_are_told_in_one_line() {
        let error = Error::NotFollowed {
            action: "writing route table \"rt-1\"".into(),
            source: Box::new(Error::Refused(refusal("Odd"))),
        };
        let text = with_causes(&error);
        assert!(
            text.contains("could not be read: writing route table"),
            "{text}"
        );
    }
}
