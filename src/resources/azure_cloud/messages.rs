//! What `ako_azure_cloud` tells the user.

use super::readiness::{NotReady, shown};
use super::{AzureCloud, DEFAULT_CLOUD};
use crate::clients::avi::{Cloud, Error};
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
pub(super) fn cannot(verb: &str, cloud: &str) -> String {
    format!("Cannot {verb} cloud {cloud:?}")
}

/// A call failed; the argument is named where the controller blames a member.
pub(super) fn call_failed_at(summary: &str, error: &Error) -> Diagnostic {
    let diagnostic = call_failed(summary, error);
    match error {
        Error::NewerMember { member, .. } => match member.as_str() {
            "se_storage_account" => diagnostic.at(Path::attribute("se_storage_account")),
            "markers" => diagnostic.at(Path::attribute("mark_enabled")),
            _ => diagnostic,
        },
        _ => diagnostic,
    }
}

/// The create ended before the cloud was made.
pub(super) fn stopped(summary: &str, stopped: &Stopped, name: &str) -> Diagnostic {
    match stopped {
        Stopped::Failed(error) => call_failed_at(summary, error),
        Stopped::Refused(refusal) => refused(refusal, name),
    }
}

/// Why nothing is written.
pub(super) fn refused(refusal: &Refusal, name: &str) -> Diagnostic {
    match refusal {
        Refusal::Exists => return exists(name),
        Refusal::Alien(reason) => Diagnostic::error(
            taken(name),
            format!("It {reason}, and stays as it is. Choose another `name`."),
        ),
        Refusal::RemnantDiffers(differences) => Diagnostic::error(
            format!("Cloud {name:?} exists with our mark, but not as planned"),
            format!(
                "An interrupted run may have left it, or another Terraform state manages it, or this is a replacement with `create_before_destroy`, which a cloud cannot have: its name stays taken until the old one is gone. It differs from the plan:\n{}\n\n{}",
                listed(differences),
                way_out(name)
            ),
        ),
        Refusal::ExistingDiffers(differences) => Diagnostic::error(
            format!("Cloud {name:?} exists, but not as planned"),
            format!(
                "With `adopt_existing = true` a cloud that exists is taken as it is and not written. It differs from the plan:\n{}\n\nWrite into the configuration what the controller has, leave the argument out if it may be left out, or choose another `name`.",
                listed(differences)
            ),
        ),
    }
    .at(Path::attribute("name"))
}

/// Somebody else's cloud has the name.
pub(super) fn exists(name: &str) -> Diagnostic {
    Diagnostic::error(
        taken(name),
        format!(
            "It is not one that an interrupted run of this resource has left: it does not bear our mark, or another object of this run has just made it. To use it as it is, and to have destroy only forget it, set `adopt_existing = true`. {}",
            way_out(name)
        ),
    )
    .at(Path::attribute("name"))
}

/// The remnant that a create takes over.
pub(super) fn adopted(name: &str, prospect: Prospect) -> Diagnostic {
    let adopts = match prospect {
        Prospect::Plan => "apply adopts it",
        Prospect::Apply => "it was adopted",
    };
    Diagnostic::warning(
        format!("Cloud {name:?} exists with our mark; {adopts} and destroy will delete it"),
        "An interrupted run has left it, and it is what is planned (if this plan replaces the object, it is the object itself and goes first). If another Terraform state manages it, stop: two states would delete it from under each other. `adopt_remnants = false` in the provider block makes this an error.",
    )
}

/// The remnant that the provider block forbids to take over.
pub(super) fn not_adopted(name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Cloud {name:?} exists with our mark"),
        format!(
            "An interrupted run may have left it, or another Terraform state manages it. The provider block has `adopt_remnants = false`, so that it is not taken over. {}",
            way_out(name)
        ),
    )
    .at(Path::attribute("name"))
}

/// The cloud is there, and virtual services cannot be placed in it.
pub(super) fn not_ready_yet(summary: &str, ended: &NotReady) -> Diagnostic {
    const LEFT: &str = "The cloud is there, and in the state. A cloud that was to be created is marked as tainted: the next apply deletes it and creates it anew (or forgets it and takes it again, where it was adopted); `terraform untaint` keeps it.";
    match ended {
        NotReady::Deleting(status) => Diagnostic::error(
            summary,
            format!(
                "The cloud is being deleted by somebody else: {}.\n\n{LEFT}",
                shown(status)
            ),
        ),
        NotReady::Failed(error) => {
            let state = format!(
                "{LEFT}\n\nWhere a right is missing, the credential's service principal needs it on the virtual network and the resource group of the cloud; a right that was granted a moment ago takes some minutes to work."
            );
            call_failed_leaving(summary, error, &state)
        }
    }
}

/// The credential of that name is not there.
pub(super) fn no_credential(name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Cloud credential {name:?} does not exist"),
        "The controller has none of that name in the tenant of the provider block. Create it first (`ako_cloud_credential`), and refer to it by `ref`. Nothing was changed.",
    )
    .at(Path::attribute("cloud_credential_ref"))
}

/// A subnet of another virtual network.
pub(super) fn outside(argument: &str, virtual_network: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{argument} is in another virtual network"),
        format!(
            "Its id names a subnet of {virtual_network}. The controller takes the name of a subnet in the `virtual_network_id` of the cloud: it would use another subnet of the same name, or none."
        ),
    )
    .at(Path::attribute(argument))
}

/// The cloud that was to be changed is gone.
pub(super) fn gone(summary: &str) -> Diagnostic {
    Diagnostic::error(
        summary,
        "The cloud is not there any more. Run `terraform plan`: it shows what is left to do.",
    )
}

/// The controller keeps the cloud.
pub(super) fn not_deleted(summary: &str, error: &Error) -> Diagnostic {
    match error {
        Error::InUse { .. } => call_failed_leaving(
            summary,
            error,
            "Nothing was changed by this request: the cloud stays at the controller and in the state.",
        ),
        error => call_failed(summary, error),
    }
}

/// The deletion was begun and has not ended.
pub(super) fn still_there(summary: &str, error: &Error) -> Diagnostic {
    call_failed_leaving(
        summary,
        error,
        "The controller had accepted the deletion. The cloud stays in the state until it is gone.",
    )
}

/// The controller needs its own cloud.
pub(super) fn default_cloud_stays() -> Diagnostic {
    Diagnostic::error(
        cannot("delete", DEFAULT_CLOUD),
        "Every controller has this cloud and needs it: it was not deleted. To leave it as it is, take it out of the state:\n\n  terraform state rm 'ako_azure_cloud.NAME'",
    )
}

/// What is to be deleted has been taken over by a create of the same run.
pub(super) fn left_to_successor(name: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("Cloud {name:?} was not deleted"),
        "Another object of this configuration has taken it over in this run (a replacement with `create_before_destroy`, or a changed address without a `moved` block). The old object is forgotten, the new one manages it.",
    )
}

/// There is nothing to import under that id.
pub(super) fn nothing_to_import(id: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Cloud {id:?} does not exist"),
        format!(
            "The controller has none of that name or uuid in the tenant of the provider block. The import id of {} is the cloud's name or uuid.",
            AzureCloud::NAME
        ),
    )
}

/// The import id is none.
pub(super) fn wrong_import_id(id: &str, error: &impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(
        format!("{id:?} is not the import id of a cloud"),
        format!("It is the cloud's name or uuid: {error}."),
    )
}

/// The cloud is made on something else than Azure.
pub(super) fn not_in_azure(cloud: &Cloud) -> Diagnostic {
    Diagnostic::error(
        format!("Cloud {:?} is not in Azure", cloud.name),
        format!(
            "It is a cloud of the type {}. {} manages clouds of the type CLOUD_AZURE only; nothing was changed. If it once was one, take it out of the state with `terraform state rm`.",
            cloud.vtype.as_deref().unwrap_or("CLOUD_NONE"),
            AzureCloud::NAME
        ),
    )
}

fn taken(name: &str) -> String {
    format!("Cloud {name:?} exists already")
}

fn way_out(name: &str) -> String {
    format!(
        "To manage it with this resource, import it:\n\n  terraform import '{}.NAME' '{name}'\n\nOtherwise choose another `name`.",
        AzureCloud::NAME
    )
}
