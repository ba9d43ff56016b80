//! What `ako_se_group` tells the user.

use super::SeGroups;
use super::model::{Difference, Model};
use super::operation::{Refusal, Stopped};
use crate::clients::avi::{Error, NoReference};
use crate::domain::azure_ids::AzureId;
use crate::domain::se_groups::{CLUSTER_LABEL, ForeignLabel, OutsideCloud};
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::framework::resource::Resource;
use crate::resources::avi_errors::{call_failed, call_failed_leaving};
use crate::wording::{sentence, with_causes};

/// Whether something lies ahead or is happening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prospect {
    Plan,
    Apply,
}

/// The summary of a failed operation.
pub(super) fn cannot(verb: &str, name: &str) -> String {
    format!("Cannot {verb} SE group {name:?}")
}

/// The operation ended early.
pub(super) fn stopped(summary: String, stopped: &Stopped, model: &Model) -> Diagnostic {
    match stopped {
        Stopped::Failed(error) => call_failed(summary, error),
        Stopped::Refused(refusal) => refused(refusal, model),
        Stopped::Lost(error) => call_failed_leaving(
            summary,
            error,
            "Whether the SE group was made is not known. If it was, the next apply finds it by its name and its mark and adopts it; without the mark it ends with the command that imports it.",
        ),
        Stopped::EnginesStay { error, engines } => engines_stay(summary, error, engines),
    }
}

/// Why nothing is written.
pub(super) fn refused(refusal: &Refusal, model: &Model) -> Diagnostic {
    let name = &model.name;
    match refusal {
        Refusal::NoCloud => Diagnostic::error(
            format!("Cloud {:?} does not exist", model.cloud_ref),
            "The controller knows no such cloud in this tenant (avi.tenant). Check the reference, or create the cloud first.",
        )
        .at(Path::attribute("cloud_ref")),
        Refusal::Exists { .. } => Diagnostic::error(
            format!("SE group {name:?} exists already"),
            format!(
                "It is there in cloud {:?}, and it does not bear the mark of this provider: somebody else has made it. To manage it with this resource, import it:\n\n{}\n\nTo set nothing but its subnet, use `ako_se_group_override`. Otherwise choose another `name`.",
                cloud(model),
                import_command(model)
            ),
        )
        .at(Path::attribute("name")),
        Refusal::Differs(differences) => differs(differences, model),
        Refusal::NotAdopted => Diagnostic::error(
            format!("SE group {name:?} exists with our mark"),
            format!(
                "An interrupted run may have left it, or another Terraform state manages it. The provider block has `adopt_remnants = false`, so that it is not taken over. To manage it with this resource, import it:\n\n{}",
                import_command(model)
            ),
        ),
        Refusal::ForeignLabel(foreign) => foreign_label(foreign, name),
        Refusal::Outside(outside) => {
            let network = model.data_network_id.as_deref().unwrap_or_default();
            outside_cloud(outside, network, cloud(model))
        }
        Refusal::NoSubnet { virtual_network } => no_subnet(
            model.data_network_id.as_deref().unwrap_or_default(),
            virtual_network,
        ),
        Refusal::Gone => Diagnostic::error(
            format!("SE group {name:?} is not there any more"),
            "It was deleted since Terraform read it. Run `terraform plan`: it plans to create it again.",
        ),
    }
}

/// Somebody else's label is in the way.
pub(crate) fn foreign_label(foreign: &ForeignLabel, name: &str) -> Diagnostic {
    let ForeignLabel { wanted, found } = foreign;
    let whose = match (found.key == CLUSTER_LABEL, &found.value) {
        (true, Some(value)) => format!("belongs to cluster {value:?}"),
        _ => format!("has the label {found}"),
    };
    Diagnostic::error(
        format!("SE group {name:?} {whose}"),
        format!(
            "It is to be that of cluster {wanted:?}, and a label that is there is never overwritten: AKO of the other cluster would not start again, and its routes would be programmed nowhere. An SE group serves one cluster. Name that cluster, take another SE group, or have the label removed first (AKO does with `deleteConfig: true`). Nothing was changed."
        ),
    )
    .at(Path::attribute("cluster_name"))
}

/// The label that was put on here gives way to another cluster's.
pub(crate) fn label_changes(foreign: &ForeignLabel, name: &str) -> Diagnostic {
    let ForeignLabel { wanted, found } = foreign;
    let found = found.value.as_deref().unwrap_or_default();
    Diagnostic::warning(
        format!("SE group {name:?} goes from cluster {found:?} to cluster {wanted:?}"),
        format!(
            "This resource has put the label of {found:?} on, and replaces it. From then on the routes of {found:?} are programmed nowhere, and its AKO does not start again with this SE group. Routes that AKO has written under the old name stay in the VRF unless it removes them first (`deleteConfig: true`)."
        ),
    )
    .at(Path::attribute("cluster_name"))
}

/// The id of the subnet is in another virtual network than the cloud's.
pub(crate) fn outside_cloud(outside: &OutsideCloud, data_network: &str, cloud: &str) -> Diagnostic {
    let where_cloud_is = match &outside.of_cloud {
        Some(of_cloud) => format!("is in {of_cloud}"),
        None => "is not in Azure".to_owned(),
    };
    Diagnostic::error(
        format!(
            "Subnet {:?} is not in the virtual network of the cloud",
            AzureId::new(data_network).name()
        ),
        format!(
            "It is in {}, and cloud {cloud:?} {where_cloud_is}. The controller takes the subnet by its name, in the virtual network of the cloud: it would be another one. Nothing was changed.",
            outside.virtual_network,
        ),
    )
    .at(Path::attribute("data_network_id"))
}

/// Azure does not have the subnet.
pub(crate) fn no_subnet(data_network: &str, virtual_network: &str) -> Diagnostic {
    Diagnostic::error(
        format!(
            "Subnet {:?} does not exist",
            AzureId::new(data_network).name()
        ),
        format!(
            "Azure knows no such subnet in {virtual_network}, the virtual network of the cloud. The controller would find that out when it places the first Service Engine, and place none. Check the name, or create the subnet first, for example as the `name` of an `ako_cluster_subnet`. Nothing was changed."
        ),
    )
    .at(Path::attribute("data_network_id"))
}

/// What an interrupted run has left is taken over.
pub(super) fn adopted(model: &Model, prospect: Prospect) -> Diagnostic {
    let adopts = match prospect {
        Prospect::Plan => "apply adopts it",
        Prospect::Apply => "it was adopted",
    };
    Diagnostic::warning(
        format!(
            "SE group {:?} exists with our mark; {adopts} and destroy will delete it",
            model.name
        ),
        "An interrupted run has left it, and it is what is planned. If another Terraform state manages it, stop: two states would delete it from under each other. `adopt_remnants = false` in the provider block makes this an error.",
    )
}

/// Other SE groups place their Service Engines in the same subnet.
pub(crate) fn network_is_shared(others: &[String], data_network: &str) -> Diagnostic {
    Diagnostic::warning(
        format!(
            "Subnet {:?} serves other SE groups, too",
            AzureId::new(data_network).name()
        ),
        format!(
            "These SE groups of the cloud have the same `data_network_id`: {}. The subnet has one route table, and clusters with the same pod CIDRs cannot share it. Give each cluster a subnet of its own.",
            others.join(", ")
        ),
    )
    .at(Path::attribute("data_network_id"))
}

/// Service Engines that run keep what they were made with. `engines` is none where they may not be read.
pub(crate) fn engines_keep(changes: &[&str], engines: Option<&[String]>) -> Diagnostic {
    let whose = match engines {
        Some(engines) => format!("These run: {}.", engines.join(", ")),
        None => "Whether any run could not be read.".to_owned(),
    };
    Diagnostic::warning(
        "Service Engines that run keep their settings",
        format!(
            "{} of the SE group changes, and counts for Service Engines that are made from then on. {whose} They keep their subnet, size and label until they are redeployed: move their virtual services away and disable them, or delete them at the controller, and it makes new ones.",
            changes.join(", ")
        ),
    )
    .at(Path::attribute(changes.first().copied().unwrap_or("name")))
}

/// Another cloud means another SE group.
pub(super) fn replacement() -> Diagnostic {
    Diagnostic::warning(
        "Another cloud means another SE group",
        "The SE group of the old cloud is deleted, for which its Service Engines have to leave, and one is made in the new cloud.",
    )
    .at(Path::attribute("cloud_ref"))
}

/// What is to be deleted has been taken over by a create of the same run.
pub(super) fn left_to_successor(name: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("SE group {name:?} was not deleted"),
        "Another object of this configuration has taken it over in this run (a replacement with `create_before_destroy`, or a changed address without a `moved` block). The old object is forgotten, the new one manages it.",
    )
}

/// The text names no SE group.
pub(crate) fn wrong_import_id(id: &str, error: &NoReference) -> Diagnostic {
    Diagnostic::error(
        "The import id names no SE group",
        format!(
            "{id:?} is neither <cloud>/<name> nor the uuid of an SE group: {}",
            sentence(&error.to_string())
        ),
    )
}

/// There is nothing to import under that id.
pub(crate) fn nothing_to_import(id: &str) -> Diagnostic {
    Diagnostic::error(
        format!("SE group {id:?} does not exist"),
        "The controller knows no such SE group or cloud in this tenant (avi.tenant). Names are told apart by case.",
    )
}

/// A minimum above its maximum.
pub(super) fn above(low: &str, high: &str, values: (i64, i64)) -> Diagnostic {
    let (a, b) = values;
    Diagnostic::error(
        format!("{low} is above {high}"),
        format!("{low} is {a} and {high} is {b}: it must be at most that."),
    )
    .at(Path::attribute(low))
}

fn differs(differences: &[Difference], model: &Model) -> Diagnostic {
    let lines = differences.iter().map(|d| {
        format!(
            "- {}: {} is planned, the controller has {}",
            d.attribute, d.planned, d.actual
        )
    });
    let lines: Vec<_> = lines.collect();
    Diagnostic::error(
        format!(
            "SE group {:?} exists with our mark, but not as planned",
            model.name
        ),
        format!(
            "An interrupted run may have left it, or another Terraform state manages it. It differs from the plan:\n{}\n\nTo manage it with this resource, import it:\n\n{}",
            lines.join("\n"),
            import_command(model)
        ),
    )
}

fn engines_stay(summary: String, error: &Error, engines: &[String]) -> Diagnostic {
    let list = match engines {
        [] => String::new(),
        engines => format!(
            "\n\nThese Service Engines have not left:\n- {}",
            engines.join("\n- ")
        ),
    };
    Diagnostic::error(
        summary,
        format!(
            "{}{list}\n\nThe SE group was not deleted. Service Engines leave `se_deprovision_delay` minutes after their last virtual service; a longer wait than that and 10 minutes does not help. Delete the virtual services that use them, and run Terraform again.",
            sentence(&with_causes(error))
        ),
    )
}

fn import_command(model: &Model) -> String {
    format!(
        "  terraform import '{}.NAME' '{}/{}'",
        SeGroups::NAME,
        cloud(model),
        model.name
    )
}

fn cloud(model: &Model) -> &str {
    model.cloud_name.as_deref().unwrap_or(&model.cloud_ref)
}
