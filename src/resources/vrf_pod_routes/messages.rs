//! What the user is told about the routes of a VRF.
//!
//! What a plan finds there is a forecast: the same words as at apply, as a warning.

use super::VrfPodRoutes;
use super::model::Model;
use crate::clients::avi::RouteFailure;
use crate::domain::route_merge::Occasion;
use crate::domain::vrf_merge::{VrfChange, VrfObstacle};
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::framework::resource::Resource;
use crate::resources::route_messages::{list, pod_cidrs_of};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::Ipv4Addr;

/// What holds where no write was carried out.
pub(super) const UNCHANGED: &str = "No route was changed.";

/// How many failures of the cloud connector are told.
const MAX_FAILURES: usize = 3;

/// What to do where AKO may be the other writer.
const AKO: &str = "AKO labels its routes in the same way: where AKO of this cluster made them, it must run with `disableStaticRouteSync: true` from now on, or AKO and Terraform undo each other's changes.";

/// Warnings for what a merge takes over.
pub(super) fn changes(changes: &[VrfChange], occasion: Occasion, place: &Model) -> Vec<Diagnostic> {
    let adopted = changes.iter().filter_map(|change| match change {
        VrfChange::Adopt { cidr, next_hop } => Some(format!("{cidr} to {next_hop}")),
        _ => None,
    });
    let adopted: Vec<_> = adopted.collect();
    if adopted.is_empty() || occasion == Occasion::Update {
        return Vec::new();
    }
    let (cluster, vrf) = (&place.cluster_name, vrf_of(place));
    vec![Diagnostic::warning(
        format!("Routes of cluster {cluster} exist in {vrf} and are adopted"),
        format!(
            "They have the label of the cluster, and no state of this resource records them: an interrupted run left them, this run replaces the object that made them, or AKO wrote them. They belong to this resource from now on, and destroying it deletes them. {AKO} If another Terraform state manages them, stop.\n\n{}",
            list(&adopted)
        ),
    )]
}

/// Errors for what stands in the way of a write, one for each kind.
pub(super) fn obstacles(obstacles: &[VrfObstacle], place: &Model) -> Vec<Diagnostic> {
    let mut kinds: [Vec<String>; 4] = Default::default();
    let mut blamed = None;
    for obstacle in obstacles {
        let (kind, line) = match obstacle {
            VrfObstacle::Elsewhere {
                cidr,
                found,
                wanted,
                node,
            } => {
                blamed.get_or_insert_with(|| node.clone());
                let found = hop(*found);
                (
                    0,
                    format!("{cidr} leads to {found}, and is to lead to {wanted} (node {node:?})"),
                )
            }
            VrfObstacle::Unplanned { prefix, next_hop } => {
                (1, format!("{prefix} to {}", hop(*next_hop)))
            }
            VrfObstacle::Remnant { cidr, next_hop } => (2, format!("{cidr} to {next_hop}")),
            VrfObstacle::Claimed { prefix } => (3, prefix.to_string()),
        };
        kinds[kind].push(line);
    }
    let blamed = blamed.filter(|_| obstacles.len() == 1);
    let Model {
        cloud_ref,
        vrf_name,
        cluster_name: cluster,
        ..
    } = place;
    let vrf = vrf_of(place);
    let import = format!(
        "  terraform import '{}.NAME' '{cloud_ref}/{vrf_name},{cluster}'",
        VrfPodRoutes::NAME
    );
    let unrecorded =
        "They have the label of the cluster, but no state of this resource records them";
    let told = [
        (
            format!("Routes of cluster {cluster} in {vrf} lead elsewhere"),
            format!(
                "{unrecorded}. If another ako_vrf_pod_routes manages them, keep that one and remove this. If AKO wrote them, or nothing manages them, import them, and the next plan shows what it would change:\n\n{import}\n\n{AKO}"
            ),
        ),
        (
            format!("{vrf} has routes of cluster {cluster} that are not planned"),
            format!(
                "{unrecorded}: another ako_vrf_pod_routes may manage the same cluster, and two would undo each other's changes. If AKO wrote them, or nothing manages them, import them, and the next plan shows which it would remove:\n\n{import}\n\n{AKO}"
            ),
        ),
        (
            format!("Routes of cluster {cluster} exist already in {vrf}"),
            format!(
                "They are as planned, but no state of this resource records them, and the provider's argument `adopt_remnants` is false. Import them:\n\n{import}\n\n{AKO}"
            ),
        ),
        (
            format!(
                "Another ako_vrf_pod_routes of this run has the routes of cluster {cluster} in {vrf}"
            ),
            format!(
                "It has written them, or taken them over, a moment ago. Two resources for the same routes would undo each other's changes: remove one of them. To keep this one, take the other out of the configuration and of the state (`terraform state rm`); where this one is new, import the routes:\n\n{import}"
            ),
        ),
    ];
    let told = kinds.into_iter().zip(told);
    let told = told.filter(|(lines, _)| !lines.is_empty());
    told.map(|(lines, (summary, detail))| {
        let error = Diagnostic::error(summary, format!("{detail}\n\n{}", list(&lines)));
        match &blamed {
            Some(node) => error.at(pod_cidrs_of(node)),
            None => error,
        }
    })
    .collect()
}

/// The error with what has become of the routes.
pub(super) fn with_outcome(mut error: Diagnostic, sent: bool) -> Diagnostic {
    error.detail.push_str("\n\n");
    error.detail.push_str(match sent {
        true => "It came up after routes had been written: run `terraform plan` to see what is in place.",
        false => UNCHANGED,
    });
    error
}

/// The warning that clusters are named alike.
pub(super) fn named_alike(names: &BTreeSet<String>, place: &Model) -> Option<Diagnostic> {
    let cluster = &place.cluster_name;
    let names: Vec<_> = names.iter().cloned().collect();
    (!names.is_empty()).then(|| {
        Diagnostic::warning(
            format!("Another cluster's name begins like {cluster:?}"),
            format!(
                "{} has routes of clusters of which one name begins with the other. AKO before 1.9.3 takes the routes of both for its own and deletes them, and later ones write more often than they need to. Choose names that do not begin with one another.\n\n{}",
                vrf_of(place),
                list(&names)
            ),
        )
        .at(Path::attribute("cluster_name"))
    })
}

/// The error that no SE group has the cluster's label.
pub(super) fn no_se_group(place: &Model) -> Diagnostic {
    let Model {
        cluster_name: cluster,
        cloud_ref,
        ..
    } = place;
    Diagnostic::error(
        format!("No SE group of the cloud has the label of cluster {cluster}"),
        format!(
            "Cloud {cloud_ref:?} has no SE group with the label `clustername` = {cluster:?}. The controller's cloud connector writes a cluster's routes to the route tables of the SE groups with its label only: Azure gets none of them. Set `cluster_name` of its ako_se_group, or let AKO label the group."
        ),
    )
    .at(Path::attribute("cluster_name"))
}

/// The error for an SE group whose route table cannot be told.
pub(super) fn no_table(place: &Model, group: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(
        format!(
            "Where the routes of cluster {} go in Azure is not known",
            place.cluster_name
        ),
        format!(
            "SE group {group:?} has the label of the cluster, and {reason}. Set that right, or set `wait_for_azure_routes = false`."
        ),
    )
    .at(Path::attribute("wait_for_azure_routes"))
}

/// The error for a VRF that is not there, with those that are.
pub(super) fn no_vrf(summary: &str, place: &Model, there: &[String]) -> Diagnostic {
    let (vrf, cloud) = (&place.vrf_name, &place.cloud_ref);
    let (there, blamed) = match there {
        [] => (
            "The controller shows no VRF context in a cloud of that name: is the cloud there, and may the user read it in this tenant?".to_owned(),
            "cloud_ref",
        ),
        names => (format!("It has these:\n\n{}", list(names)), "vrf_name"),
    };
    Diagnostic::error(
        summary,
        format!("There is no VRF context {vrf:?} in cloud {cloud:?}. {there}"),
    )
    .at(Path::attribute(blamed))
}

/// The warning of a delete that leaves routes to the object which has replaced this one.
pub(super) fn left_to_successor(count: usize) -> Diagnostic {
    Diagnostic::warning(
        "Routes are left to the resource that took them over",
        format!(
            "{count} routes of this object belong to another ako_vrf_pod_routes since this run, which has taken them over under the same label. They stay."
        ),
    )
}

/// The warning of a delete that leaves routes that somebody has changed.
pub(super) fn left_elsewhere(prefixes: &[String], place: &Model) -> Diagnostic {
    Diagnostic::warning(
        format!(
            "Routes of cluster {} lead elsewhere and stay",
            place.cluster_name
        ),
        format!(
            "Since they were last read, somebody, perhaps AKO of this cluster, has led routes with these prefixes in {} to other addresses. Only what the state records is deleted. If nothing needs them, remove them at the controller.\n\n{}",
            vrf_of(place),
            list(prefixes)
        ),
    )
}

/// The warning that a wait has not ended yet.
pub(super) fn wait_is_owed(place: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("Whether the routes of cluster {place} are in Azure is not known"),
        "The last apply wrote the routes at the controller, and its wait for Azure failed. Apply writes nothing that is right, and waits again.",
    )
    .at(Path::attribute("wait_for_azure_routes"))
}

/// What the cloud connector has said of the table, as a paragraph; nothing where it has said nothing.
pub(super) fn failures(failures: &[RouteFailure]) -> Option<String> {
    let lines = failures.iter().take(MAX_FAILURES).map(|failure| {
        let routes = match failure.routes.is_empty() {
            true => String::new(),
            false => format!(" (routes {})", failure.routes.join(", ")),
        };
        format!("{}{routes}", failure.reason)
    });
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| {
        format!(
            "The controller reports that it could not write routes of this table:\n\n{}",
            list(&lines)
        )
    })
}

/// The error for an import where there is nothing.
pub(super) fn nothing_to_import(summary: &str, place: &Model) -> Diagnostic {
    Diagnostic::error(
        summary,
        format!(
            "{} has no route with the label of cluster {:?}. Nothing has to be imported: apply makes the routes.",
            vrf_of(place),
            place.cluster_name
        ),
    )
}

/// The error for an import id that does not read.
pub(super) fn import_id(id: &str, reason: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "The import id cannot be read",
        format!(
            "An import id of ako_vrf_pod_routes is <cloud>/<vrf_name>,<cluster_name>. In {id:?}: {reason}."
        ),
    )
}

fn vrf_of(place: &Model) -> String {
    format!(
        "VRF context {:?} of cloud {:?}",
        place.vrf_name, place.cloud_ref
    )
}

fn hop(address: Option<Ipv4Addr>) -> String {
    address.map_or("no address of IPv4".to_owned(), |address| {
        address.to_string()
    })
}
