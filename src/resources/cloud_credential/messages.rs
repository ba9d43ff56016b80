//! What `ako_cloud_credential` tells the user.

use super::CloudCredential;
use super::model::Model;
use crate::clients::avi::Error;
use crate::domain::avi_objects::Refusal;
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::framework::resource::Resource;
use crate::resources::avi_creation::{Stopped, listed};
use crate::resources::avi_errors::{call_failed, call_failed_leaving};

/// Whether something lies ahead or is happening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prospect {
    Plan,
    Apply,
}

/// The summary of a failed operation.
pub(super) fn cannot(verb: &str, credential: &str) -> String {
    format!("Cannot {verb} cloud credential {credential:?}")
}

/// The create ended early.
pub(super) fn stopped(summary: &str, stopped: &Stopped, planned: &Model) -> Diagnostic {
    match stopped {
        Stopped::Failed(error) => call_failed(summary, error),
        Stopped::Refused(refusal) => refused(refusal, planned),
    }
}

/// Why nothing is written.
pub(super) fn refused(refusal: &Refusal, planned: &Model) -> Diagnostic {
    let name = &planned.name;
    match refusal {
        Refusal::Exists => exists(name),
        Refusal::Alien(reason) => {
            Diagnostic::error(taken(name), format!("It {reason}. Choose another `name`."))
        }
        Refusal::RemnantDiffers(differences) | Refusal::ExistingDiffers(differences) => {
            Diagnostic::error(
                taken(name),
                format!(
                    "It is for another service principal:\n{}\n\n{}",
                    listed(differences),
                    way_out(name)
                ),
            )
        }
    }
    .at(Path::attribute("name"))
}

/// Somebody else's credential has the name.
pub(super) fn exists(name: &str) -> Diagnostic {
    Diagnostic::error(
        taken(name),
        format!(
            "The controller has a credential of that name which is for another service principal, or which another object of this run has just made. {}",
            way_out(name)
        ),
    )
    .at(Path::attribute("name"))
}

/// The credential that a create takes over.
pub(super) fn adopted(name: &str, prospect: Prospect) -> Diagnostic {
    let adopts = match prospect {
        Prospect::Plan => "apply adopts it and writes its secret",
        Prospect::Apply => "it was adopted and its secret written",
    };
    Diagnostic::warning(
        format!("Cloud credential {name:?} exists; {adopts}, and destroy will delete it"),
        "It is for the same application and tenant: an interrupted run may have left it (if this plan replaces the object, it is the object itself and goes first). If another Terraform state manages it, stop: two states would delete it from under each other. `adopt_remnants = false` in the provider block makes this an error.",
    )
}

/// The remnant that the provider block forbids to take over.
pub(super) fn not_adopted(name: &str) -> Diagnostic {
    Diagnostic::error(
        taken(name),
        format!(
            "It is for the same application and tenant: an interrupted run may have left it, or another Terraform state manages it. The provider block has `adopt_remnants = false`, so that it is not taken over. {}",
            way_out(name)
        ),
    )
    .at(Path::attribute("name"))
}

/// A create without a secret.
pub(super) fn secret_for_create() -> Diagnostic {
    Diagnostic::error(
        "client_secret_wo is not set",
        "A credential is created with its secret: set `client_secret_wo`, and `client_secret_wo_version` to a number that you raise whenever the secret changes. The secret is stored in no plan and no state.",
    )
    .at(Path::attribute("client_secret_wo"))
}

/// A change of the service principal without a secret.
pub(super) fn secret_for_change() -> Diagnostic {
    Diagnostic::error(
        "client_secret_wo is not set",
        "This change of `application_id`, `tenant_id` or `client_secret_wo_version` needs it: the controller takes the service principal as a whole, and without its secret the credential would be left without one. Nothing is changed.",
    )
    .at(Path::attribute("client_secret_wo"))
}

/// The controller keeps the credential.
pub(super) fn not_deleted(summary: String, error: &Error) -> Diagnostic {
    match error {
        Error::InUse { .. } => call_failed_leaving(
            summary,
            error,
            "Nothing was changed by this request: the credential stays at the controller and in the state.",
        ),
        error => call_failed(summary, error),
    }
}

/// What is to be deleted has been taken over by a create of the same run.
pub(super) fn left_to_successor(name: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("Cloud credential {name:?} was not deleted"),
        "Another object of this configuration has taken it over in this run (a replacement with `create_before_destroy`, or a changed address without a `moved` block). The old object is forgotten, the new one manages it.",
    )
}

/// There is nothing to import under that id.
pub(super) fn nothing_to_import(id: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Cloud credential {id:?} does not exist"),
        format!(
            "The controller has none of that name or uuid in the tenant of the provider block. The import id of {} is the credential's name or uuid.",
            CloudCredential::NAME
        ),
    )
}

/// The import id is none.
pub(super) fn wrong_import_id(id: &str, error: &impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(
        format!("{id:?} is not the import id of a cloud credential"),
        format!("It is the credential's name or uuid: {error}."),
    )
}

/// The credential is not for Azure, or for a user of it.
pub(super) fn no_service_principal(name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Cloud credential {name:?} is not for a service principal of Azure"),
        format!(
            "{} manages credentials with an Azure service principal only. Nothing was imported.",
            CloudCredential::NAME
        ),
    )
}

fn taken(name: &str) -> String {
    format!("Cloud credential {name:?} exists already")
}

fn way_out(name: &str) -> String {
    format!(
        "To manage it with this resource, import it:\n\n  terraform import '{}.NAME' '{name}'\n\nOtherwise choose another `name`.",
        CloudCredential::NAME
    )
}
