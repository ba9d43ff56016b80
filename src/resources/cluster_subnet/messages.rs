//! What `ako_cluster_subnet` tells the user.

use super::ClusterSubnet;
use super::model::Target;
use super::operation::Stopped;
use super::plan::OWNED_TABLE_ARGUMENTS;
use crate::clients::azure::ids::{RouteTableId, SubnetId};
use crate::clients::azure::{Error, WriteState};
use crate::domain::azure_ids::AzureId;
use crate::domain::cluster_subnet::{Difference, Misplacement, Refusal, Remnant, RouteTableUse};
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::framework::resource::Resource;
use crate::resources::azure_errors::{call_failed, call_failed_leaving};
use crate::wording::{sentence, with_causes};

/// Whether something lies ahead or is happening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prospect {
    Plan,
    Apply,
}

/// The summary of a failed operation.
pub(super) fn cannot(verb: &str, se_subnet: &SubnetId) -> String {
    format!("Cannot {verb} SE subnet {:?}", se_subnet.name())
}

/// The operation ended early; `holds` says in which state things are where the request alone does not tell.
pub(super) fn stopped(
    summary: String,
    stopped: &Stopped,
    target: &Target,
    holds: Option<&str>,
) -> Diagnostic {
    match (stopped, holds) {
        (Stopped::Failed(error), holds) => call_refused(summary, error, holds, target),
        (Stopped::Refused(refusal), None) => refused(refusal, target),
        (Stopped::Refused(refusal), Some(holds)) => {
            let mut diagnostic = refused(refusal, target);
            diagnostic.detail = format!("{}\n\n{holds}", diagnostic.detail);
            diagnostic
        }
        (Stopped::Misplaced { error, problem }, holds) => {
            let found = misplaced(problem, target);
            let said = call_refused(summary, error, holds, target);
            let detail = format!("{}\n\n{}", found.detail, said.detail);
            Diagnostic { detail, ..found }
        }
        (Stopped::NoNetwork, _) => no_network(target),
        (Stopped::NotAdopted(found), _) => not_adopted(*found, target),
        (Stopped::NoTable, _) => Diagnostic::error(
            summary,
            "Neither a route table of its own nor an existing one is planned. This is a bug of the provider: please report it.",
        ),
        (Stopped::InUse { error, users }, _) => {
            let mut text = sentence(&with_causes(error));
            if !users.is_empty() {
                text = format!("{text}\n\nIt is still used by:\n- {}", users.join("\n- "));
            }
            let state = match error.after_write() {
                WriteState::Unclear | WriteState::Accepted if !error.is_in_use() => {
                    "Whether the SE subnet is deleted is not known."
                }
                _ => "Nothing was deleted.",
            };
            Diagnostic::error(
                summary,
                format!(
                    "{text}\n\n{state} Service Engines leave the SE subnet some time after the last virtual service and the SE group that placed them there; delete what else is in it yourself. Then run Terraform again. A longer wait is set by `delete` in the `timeouts` block."
                ),
            )
        }
    }
}

/// A call that failed, with the argument to blame where the error's code tells which it is.
fn call_refused(
    summary: String,
    error: &Error,
    holds: Option<&str>,
    target: &Target,
) -> Diagnostic {
    let diagnostic = match holds {
        Some(holds) => call_failed_leaving(summary, error, holds),
        None => call_failed(summary, error),
    };
    let is_existing = matches!(target.route_table, RouteTableUse::Existing(_));
    let blamed = match (error.code(), is_existing, &target.network_security_group) {
        _ if error.is_misplaced() => Some("address_prefixes"),
        (Some("InvalidResourceReference"), true, None) => Some("existing_route_table_id"),
        (Some("InvalidResourceReference"), false, Some(_)) => Some("network_security_group_id"),
        // The virtual network has been read: only the table can be meant for a group of its own.
        (Some("ResourceGroupNotFound"), false, _) => Some("route_table_resource_group_name"),
        _ => None,
    };
    match blamed {
        Some(argument) => diagnostic.at(Path::attribute(argument)),
        None => diagnostic,
    }
}

/// Why nothing is written.
pub(super) fn refused(refusal: &Refusal, target: &Target) -> Diagnostic {
    let name = target.se_subnet.name();
    match refusal {
        Refusal::SubnetExists => Diagnostic::error(
            format!("Subnet {name:?} exists already"),
            format!(
                "{} is there, and it is not one that an interrupted run of this resource has left: its route table, if it has one, does not bear our mark. To manage it with this resource, import it:\n\n{}\n\nOtherwise choose another `name`.",
                target.se_subnet,
                import_command(&target.se_subnet),
            ),
        )
        .at(Path::attribute("name")),
        Refusal::TableExists => table_refused(
            target,
            "and it does not bear the mark of this provider: somebody else has made it.",
        ),
        Refusal::TableOfAnotherSubnet { cluster_name } => {
            let whose = match cluster_name {
                Some(cluster) => format!("another SE subnet, of cluster {cluster:?}"),
                None => "another SE subnet".to_owned(),
            };
            table_refused(target, &format!("and it bears the mark of {whose}."))
        }
        Refusal::RemnantDiffers { remnant, differences } => remnant_differs(*remnant, differences, target),
        Refusal::TableServesOthers(subnets) => serves_others(subnets, target),
        Refusal::NoExistingTable => no_existing_table(target),
        Refusal::OtherRegion { table, network } => other_region(table, network, target),
        Refusal::Misplaced(problem) => misplaced(problem, target),
    }
}

/// The remnant that a create takes over.
pub(super) fn adopted(remnant: Remnant, target: &Target, prospect: Prospect) -> Option<Diagnostic> {
    let adopts = match prospect {
        Prospect::Plan => "apply adopts it",
        Prospect::Apply => "it was adopted",
    };
    let what = found(remnant, target)?;
    Some(Diagnostic::warning(
        format!("{what}; {adopts} and destroy will delete it"),
        "An interrupted run has left it, and it is what is planned (if this plan replaces the object, it is the object itself and goes first). If another Terraform state manages it, stop: two states would delete it from under each other. `adopt_remnants = false` in the provider block makes this an error.",
    ))
}

/// The remnant that the provider block forbids to take over.
pub(super) fn not_adopted(remnant: Remnant, target: &Target) -> Diagnostic {
    Diagnostic::error(
        found(remnant, target).unwrap_or_default(),
        format!(
            "An interrupted run may have left it, or another Terraform state manages it. The provider block has `adopt_remnants = false`, so that it is not taken over. {}",
            way_out(remnant, target)
        ),
    )
}

/// Somebody else's table serves more than the SE subnet.
pub(super) fn table_is_shared(target: &Target, others: &[AzureId]) -> Diagnostic {
    let table = target.route_table.id().map_or("", RouteTableId::name);
    Diagnostic::warning(
        format!("Route table {table:?} serves other subnets, too"),
        format!(
            "Every route in it holds for them as well, the pod routes of this cluster among them:\n{}\n\nClusters with the same pod CIDRs cannot share a route table. Without `existing_route_table_id` the SE subnet gets one of its own.",
            list(others)
        ),
    )
    .at(Path::attribute("existing_route_table_id"))
}

/// A table that was somebody else's becomes ours.
pub(super) fn table_is_taken(table_id: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("Route table {:?} becomes part of this resource", AzureId::new(table_id).name()),
        format!(
            "{table_id} was only associated so far (`existing_route_table_id`). From this apply on it is owned: it gets the mark, its tags and its BGP setting follow the configuration, and destroy will delete it. Whoever made it must no longer manage it."
        ),
    )
    .at(Path::attribute("existing_route_table_id"))
}

/// The SE subnet moves from one table to another.
pub(super) fn table_changes(prior: &str, planned: &str, prior_is_ours: bool) -> Diagnostic {
    let fate = if prior_is_ours {
        "The old table is deleted with the routes in it, unless another subnet uses it."
    } else {
        "The old table stays as it is."
    };
    Diagnostic::warning(
        format!("The SE subnet moves to route table {:?}", AzureId::new(planned).name()),
        format!(
            "From {prior} to {planned}: the routes do not move with it. From the move until its pod routes are in the new table, Service Engines do not reach the pods. Routes of `ako_pod_routes` follow in this plan if they take their table from `route_table_id`; with `create_before_destroy` there they are written as soon as the table has changed. {fate}"
        ),
    )
    .at(Path::attribute("route_table_id"))
}

/// What is to be deleted has been taken over by a create of the same run.
pub(super) fn left_to_successor(target: &Target) -> Diagnostic {
    Diagnostic::warning(
        format!("SE subnet {:?} was not deleted", target.se_subnet.name()),
        "Another object of this configuration has taken over the SE subnet and its route table in this run (a replacement with `create_before_destroy`, or a changed address without a `moved` block). The old object is forgotten, the new one manages both.",
    )
}

/// The table that was ours stays because it serves others by now.
pub(super) fn table_stays(table: &RouteTableId, subnets: &[AzureId]) -> Diagnostic {
    Diagnostic::warning(
        format!("Route table {:?} was not deleted", table.name()),
        format!(
            "{table} is used by other subnets:\n{}\n\nIt stays, without the mark of this provider, and is managed by nobody.",
            list(subnets)
        ),
    )
}

/// There is no such virtual network, or no such resource group: what can be done is the same.
pub(super) fn no_network(target: &Target) -> Diagnostic {
    let id = &target.virtual_network;
    Diagnostic::error(
        format!("Virtual network {:?} does not exist", id.name()),
        format!(
            "Azure knows no {id}. Check its name, its resource group {:?} and the subscription, or create the virtual network first.",
            id.parent().name()
        ),
    )
    .at(Path::attribute("virtual_network_id"))
}

/// A prefix that Azure would refuse as things stand.
pub(super) fn misplaced(problem: &Misplacement, target: &Target) -> Diagnostic {
    let network = target.virtual_network.name();
    let (summary, detail) = match problem {
        Misplacement::OutsideNetwork { prefix, ranges } => (
            format!("{prefix} is outside virtual network {network:?}"),
            format!(
                "Its address ranges are {}. Choose a prefix inside one of them, or add a range to the virtual network first.",
                join(ranges)
            ),
        ),
        Misplacement::Overlap {
            prefix,
            subnet,
            other,
        } => (
            format!("{prefix} overlaps with subnet {subnet:?}"),
            format!(
                "That subnet of virtual network {network:?} has {other}. Choose a prefix that is free."
            ),
        ),
    };
    Diagnostic::error(summary, detail).at(Path::attribute("address_prefixes"))
}

/// There is nothing to import under that id.
pub(super) fn nothing_to_import(id: &SubnetId) -> Diagnostic {
    Diagnostic::error(
        format!("Subnet {:?} does not exist", id.name()),
        format!(
            "Azure knows no {id}. The import id of {} is the id of the SE subnet.",
            ClusterSubnet::NAME
        ),
    )
}

/// The import id is not the id of a subnet.
pub(super) fn wrong_import_id(id: &str, error: &impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(
        format!("{id:?} is not the import id of an SE subnet"),
        format!("It {error}."),
    )
}

/// An argument that is wrong as a whole; `reason` goes on from "it …".
pub(super) fn wrong(attribute: &str, reason: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{attribute} cannot be used"),
        format!("It {reason}."),
    )
    .at(Path::attribute(attribute))
}

/// Arguments of an owned table beside an existing one.
pub(super) fn exclusive(arguments: &[&str]) -> Diagnostic {
    let quoted: Vec<_> = arguments.iter().map(|name| format!("`{name}`")).collect();
    Diagnostic::error(
        format!("existing_route_table_id excludes {}", arguments.join(", ")),
        format!(
            "With `existing_route_table_id` the route table is somebody else's: it is associated and never changed. {} and `tags` describe a table that this resource owns. Set one or the other, not {}.",
            OWNED_TABLE_ARGUMENTS.map(|name| format!("`{name}`")).join(", "),
            quoted.join(" and "),
        ),
    )
    .at(Path::attribute("existing_route_table_id"))
}

/// What a failed create leaves behind.
pub(super) const LEFT_BY_CREATE: &str = "What exists by now is in the state, marked as tainted: the next apply deletes it and creates it anew.";

/// What a delete leaves behind that has done its first step only.
pub(super) const LEFT_BY_DELETE: &str =
    "The SE subnet is deleted; this route table is left and stays in the state.";

/// What a delete leaves behind beside [`LEFT_BY_DELETE`]: a state names one table only.
pub(super) const LOST_BY_DELETE: &str = "The SE subnet is deleted; this route table is left and is not in the state: delete it yourself.";

/// What an update leaves behind that ended after a write.
pub(super) fn left_by_update(from: &Target, to: &Target) -> String {
    let mut text =
        "Part of the change may be in place. The state stays as it was; the next apply does what is left."
            .to_owned();
    if let Some(id) = to.route_table.owned()
        && from.route_table.id() != Some(id)
    {
        text.push_str(&format!(
            " If you take the change back instead, delete the new route table {id} should it be there and serve no subnet."
        ));
    }
    text
}

fn found(remnant: Remnant, target: &Target) -> Option<String> {
    let table = target.route_table.id().map_or("", RouteTableId::name);
    match remnant {
        Remnant::None => None,
        Remnant::Table => Some(format!("Route table {table:?} exists with our mark")),
        Remnant::TableAndSubnet => Some(format!(
            "SE subnet {:?} and route table {table:?} exist with our mark",
            target.se_subnet.name()
        )),
    }
}

fn table_refused(target: &Target, why: &str) -> Diagnostic {
    let id = target
        .route_table
        .id()
        .map(ToString::to_string)
        .unwrap_or_default();
    let name = target.route_table.id().map_or("", RouteTableId::name);
    Diagnostic::error(
        format!("Route table {name:?} exists already"),
        format!(
            "{id} is there, {why} Choose another `route_table_name`, or associate it without owning it:\n\n  existing_route_table_id = {id:?}"
        ),
    )
    .at(Path::attribute("route_table_name"))
}

fn remnant_differs(remnant: Remnant, differences: &[Difference], target: &Target) -> Diagnostic {
    let table = target.route_table.id().map_or("", RouteTableId::name);
    let lines: Vec<_> = differences
        .iter()
        .map(|d| {
            format!(
                "- {}: {} is planned, Azure has {}",
                d.attribute, d.planned, d.actual
            )
        })
        .collect();
    Diagnostic::error(
        format!("Route table {table:?} exists with our mark, but not as planned"),
        format!(
            "An interrupted run may have left it, or another Terraform state manages it. It differs from the plan:\n{}\n\n{}",
            lines.join("\n"),
            way_out(remnant, target)
        ),
    )
}

fn way_out(remnant: Remnant, target: &Target) -> String {
    match remnant {
        Remnant::TableAndSubnet => format!(
            "To manage it with this resource, import it:\n\n{}",
            import_command(&target.se_subnet)
        ),
        // There is no subnet to import: the table alone is easily made again.
        _ => format!(
            "If nothing needs it, delete the route table {}; it serves no subnet of ours.",
            target
                .route_table
                .id()
                .map(ToString::to_string)
                .unwrap_or_default()
        ),
    }
}

fn no_existing_table(target: &Target) -> Diagnostic {
    let id = target
        .route_table
        .id()
        .map(ToString::to_string)
        .unwrap_or_default();
    Diagnostic::error(
        format!("Route table {:?} does not exist", AzureId::new(&*id).name()),
        format!(
            "Azure knows no {id}. Check the id, or make the table first. Without `existing_route_table_id` this resource makes one of its own."
        ),
    )
    .at(Path::attribute("existing_route_table_id"))
}

fn other_region(table: &str, network: &str, target: &Target) -> Diagnostic {
    let (attribute, way_out) = match target.route_table {
        RouteTableUse::Existing(_) => (
            "existing_route_table_id",
            "Take a table of that region, or leave `existing_route_table_id` out: then this resource makes one there.",
        ),
        _ => (
            "route_table_name",
            "Choose another `route_table_name`, or delete the table if nothing needs it.",
        ),
    };
    Diagnostic::error(
        format!(
            "Route table {:?} lies in {table}, virtual network {:?} in {network}",
            target.route_table.id().map_or("", RouteTableId::name),
            target.virtual_network.name()
        ),
        format!("Azure associates a subnet with route tables of its own region only. {way_out}"),
    )
    .at(Path::attribute(attribute))
}

fn serves_others(subnets: &[AzureId], target: &Target) -> Diagnostic {
    let table = target.route_table.id().map_or("", RouteTableId::name);
    Diagnostic::error(
        format!("Route table {table:?} serves other subnets"),
        format!(
            "They would lose their routes, so that it is not deleted:\n{}\n\nAssociate them with another route table. Or, to keep this one, apply once with `existing_route_table_id` set to it: then it is no longer owned.",
            list(subnets)
        ),
    )
}

fn import_command(id: &SubnetId) -> String {
    format!("  terraform import '{}.NAME' '{id}'", ClusterSubnet::NAME)
}

fn list(ids: &[AzureId]) -> String {
    let lines: Vec<_> = ids.iter().map(|id| format!("- {id}")).collect();
    lines.join("\n")
}

fn join(values: &[impl ToString]) -> String {
    let texts: Vec<_> = values.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
