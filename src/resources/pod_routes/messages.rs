//! What the user is told about pod routes.
//!
//! What a plan finds in the table is a forecast: the same words as at apply, as a warning.

use super::PodRoutes;
use super::next_hops::Outside;
use super::table::Stopped;
use crate::clients::azure::ids::RouteTableId;
use crate::clients::azure::route_tables::RouteTable;
use crate::domain::cidr::Cidr;
use crate::domain::route_merge::{Change, Obstacle, Occasion};
use crate::domain::route_names::ClusterName;
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::framework::resource::Resource;
use crate::resources::route_messages::{list, pod_cidrs_of};
use std::fmt::Display;

/// What holds where no write was carried out.
pub(super) const UNCHANGED: &str = "No route was changed.";

/// How many routes any table takes: Azure's limit for years.
const USUAL_LIMIT: usize = 400;

/// The warning that a table gets more routes than the limit.
pub(super) fn over_limit(routes: usize, limit: Option<i64>) -> Option<Diagnostic> {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok())?;
    (routes > limit).then(|| {
        Diagnostic::warning(
            format!("The route table gets more than {limit} routes"),
            format!(
                "There are {routes} routes. How many a table takes is Azure's limit \"routes per route table\" (400 for years, 1,000 since 2026), and it refuses a write beyond it as a whole. Where your limit is higher, set `route_limit` to it."
            ),
        )
        .at(Path::attribute("route_limit"))
    })
}

/// Warnings for what a merge takes over from others.
pub(super) fn changes(
    changes: &[Change],
    occasion: Occasion,
    table: &RouteTableId,
    cluster: &ClusterName,
) -> Vec<Diagnostic> {
    let creating = matches!(occasion, Occasion::Create { .. });
    let (mut adopted, mut renamed, mut replaced) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        match change {
            Change::Adopt { name } => adopted.push(name.clone()),
            Change::Rename { from, to, foreign } if *foreign => {
                renamed.push(format!("{from} becomes {to}"));
            }
            Change::Redirect {
                from,
                old,
                to,
                new,
                foreign,
            } if *foreign => replaced.push(format!(
                "{from} (next hop {old}) becomes {to} (next hop {new})"
            )),
            Change::Rename { from, .. } | Change::Redirect { from, .. } if creating => {
                adopted.push(from.clone());
            }
            Change::Rename { .. }
            | Change::Redirect { .. }
            | Change::Add { .. }
            | Change::Remove { .. } => {}
        }
    }
    let table = table.name();
    let told = [
        (
            adopted,
            format!("Routes of cluster {cluster} exist in route table {table:?} and are adopted"),
            "They are named as this resource names them, and no state of this resource records them: an interrupted run left them, or this run replaces the object that made them. They belong to it from now on, and destroying it deletes them. If another Terraform state manages them, stop: the two would undo each other's changes.",
        ),
        (
            renamed,
            format!("Routes of others in route table {table:?} are taken over"),
            "They lead where the routes of this resource should lead, and a table takes each prefix once. They get the name of this resource in the same write, and destroying it deletes them. If they belong to an object that this one replaces, all is well; anything else that made them must not manage them any more.",
        ),
        (
            replaced,
            format!("Routes of others in route table {table:?} are replaced"),
            "They lead elsewhere, and `on_conflict` is \"replace\". Whatever made them must not manage them any more.",
        ),
    ];
    let told = told.into_iter().filter(|(lines, ..)| !lines.is_empty());
    told.map(|(lines, summary, detail)| {
        Diagnostic::warning(summary, format!("{detail}\n\n{}", list(&lines)))
    })
    .collect()
}

/// Errors for what stands in the way of a write, one for each kind.
pub(super) fn obstacles(
    obstacles: &[Obstacle],
    table: &RouteTableId,
    cluster: &ClusterName,
) -> Vec<Diagnostic> {
    let mut kinds: [Vec<String>; 6] = Default::default();
    let mut blamed = None;
    for obstacle in obstacles {
        let (kind, line) = match obstacle {
            Obstacle::Occupied {
                cidr,
                wanted,
                found,
                next_hop,
                marked,
            } => {
                blamed.get_or_insert_with(|| wanted.node.clone());
                let line = format!(
                    "{cidr}: route {found} leads to {next_hop}; {} is to lead to {}",
                    wanted.name, wanted.next_hop
                );
                (usize::from(*marked), line)
            }
            Obstacle::Unplanned { found, prefix } => (2, format!("{found} ({prefix})")),
            Obstacle::Remnant { found } => (3, found.clone()),
            Obstacle::NameTaken { found, prefix } => (4, format!("{found} ({prefix})")),
            Obstacle::Claimed { found } => (5, found.clone()),
        };
        kinds[kind].push(line);
    }
    let blamed = blamed.filter(|_| obstacles.len() == 1);
    let import = format!(
        "  terraform import '{}.NAME' '{table},{cluster}'",
        PodRoutes::NAME
    );
    let table = table.name();
    let told = [
        (
            format!("Other routes in route table {table:?} have prefixes of cluster {cluster}"),
            "A table takes each prefix once, and these lead elsewhere. Remove them where they are managed, correct the nodes, or let this resource replace them with `on_conflict = \"replace\"`.".to_owned(),
        ),
        (
            format!("Routes of cluster {cluster} in route table {table:?} lead elsewhere"),
            format!("They are named as this resource names them, but no state of this resource records them. If another ako_pod_routes manages them, keep that one and remove this. If nothing does, import them, and the next plan shows what it would change:\n\n{import}\n\nWith `on_conflict = \"replace\"` they are changed at once."),
        ),
        (
            format!("Route table {table:?} has routes of cluster {cluster} that are not planned"),
            format!("They are named as this resource names them, but no state of this resource records them: another ako_pod_routes may manage the same cluster in the same table, and two would undo each other's changes. Keep one of them. If nothing manages these routes, import them, and the next plan shows which it would remove:\n\n{import}"),
        ),
        (
            format!("Routes of cluster {cluster} exist already in route table {table:?}"),
            format!("They are as planned, but no state of this resource records them, and the provider's argument `adopt_remnants` is false. Import them:\n\n{import}"),
        ),
        (
            format!("Routes in route table {table:?} have names of cluster {cluster} in another case"),
            "Azure compares names without case, so that the routes of this resource cannot be added beside them. Rename or remove them.".to_owned(),
        ),
        (
            format!("Another ako_pod_routes of this run has the routes of cluster {cluster} in route table {table:?}"),
            format!("It has written them, or taken them over, a moment ago. Two resources for the same routes would undo each other's changes: remove one of them. To keep this one, take the other out of the configuration and of the state (`terraform state rm`); where this one is new, import the routes:\n\n{import}"),
        ),
    ];
    let told = kinds
        .into_iter()
        .zip(told)
        .filter(|(lines, _)| !lines.is_empty());
    told.map(|(lines, (summary, detail))| {
        let error = Diagnostic::error(summary, format!("{detail}\n\n{}", list(&lines)));
        match &blamed {
            Some(node) => error.at(pod_cidrs_of(node)),
            None => error,
        }
    })
    .collect()
}

/// What holds where Azure has refused the write of so many routes.
pub(super) fn refused_whole(total: usize) -> String {
    match total > USUAL_LIMIT {
        true => format!(
            "{UNCHANGED} The table would have held {total} routes: how many it takes is Azure's limit \"routes per route table\", and a write beyond it is refused as a whole."
        ),
        false => UNCHANGED.to_owned(),
    }
}

/// The error for next hops to which Azure delivers nothing.
pub(super) fn outside(outside: &Outside, cluster: &ClusterName) -> Diagnostic {
    let networks: Vec<_> = outside
        .networks
        .iter()
        .map(|id| format!("{:?}", id.name()))
        .collect();
    let ranges: Vec<_> = outside.ranges.iter().map(Cidr::to_string).collect();
    let hops = outside.next_hops.iter();
    let lines: Vec<_> = hops
        .map(|(address, node)| format!("node {node:?}: {address}"))
        .collect();
    let error = Diagnostic::error(
        format!(
            "Next hops of cluster {cluster} lie outside virtual network {}",
            networks.join(", ")
        ),
        format!(
            "A route leads to addresses of the virtual network whose subnets the route table serves, and of those it is peered with: {}. Azure takes a route to any other address and drops what is sent there. Correct `internal_ip`, or peer the virtual network of the nodes first. If they are reached without a peering, as in a connected group of Azure Virtual Network Manager, set `next_hop_check_enabled = false`.\n\n{}",
            ranges.join(", "),
            list(&lines)
        ),
    );
    match outside.next_hops.values().next() {
        Some(node) if lines.len() == 1 => {
            error.at(Path::attribute("nodes").key(node).child("internal_ip"))
        }
        _ => error.at(Path::attribute("nodes")),
    }
}

/// The warning that the routes hold for more than one subnet.
pub(super) fn shared(table: &RouteTable, id: &RouteTableId) -> Option<Diagnostic> {
    let subnets = &table.properties.subnets;
    let lines: Vec<_> = subnets.iter().map(|subnet| subnet.id.to_string()).collect();
    (lines.len() > 1).then(|| {
        Diagnostic::warning(
            format!("Route table {:?} serves {} subnets", id.name(), lines.len()),
            format!(
                "The routes of this cluster hold in all of them. That is right where all of them are to reach these pods; clusters with the same pod CIDRs need a table each.\n\n{}",
                list(&lines)
            ),
        )
        .at(Path::attribute("route_table_id"))
    })
}

/// The error with what has become of the routes.
pub(super) fn with_outcome(mut error: Diagnostic, sent: bool) -> Diagnostic {
    error.detail.push_str(match sent {
        true => "\n\nIt came up after routes had been written: run `terraform plan` to see what is in place.",
        false => "\n\nNo route was changed.",
    });
    error
}

/// The warning of a delete that leaves routes to the object which has replaced this one.
pub(super) fn left_to_successor(count: usize) -> Diagnostic {
    Diagnostic::warning(
        "Routes are left to the resource that took them over",
        format!(
            "{count} routes of this object belong to another ako_pod_routes since this run, which has taken them over under the same names. They stay."
        ),
    )
}

/// The error for a table that does not hold what it should.
pub(super) fn stopped(summary: &str, table: &RouteTableId, stopped: &Stopped) -> Diagnostic {
    match stopped {
        Stopped::NoTable => no_table(summary, table),
        _ => Diagnostic::error(
            summary,
            format!(
                "Something else undoes each write to route table {:?}: the routes were written and were found changed right after, several times. Find the other writer (Azure's activity log of the table names it), for example AKO with `disableStaticRouteSync: false` or another Terraform state, and run Terraform again.",
                table.name()
            ),
        ),
    }
}

/// The warning that what a table shows may not be in force.
pub(super) fn not_in_force(table: &RouteTableId) -> Diagnostic {
    Diagnostic::warning(
        format!("Azure has marked route table {:?} or routes in it as failed", table.name()),
        "The last write, whoever made it, was not carried out to its end: the routes that the table shows may not be in force. They are shown without a next hop, so that the plan brings them back: apply writes the table again, which mends it.",
    )
    .at(Path::attribute("route_table_id"))
}

/// The error for a table that is not there.
pub(super) fn no_table(summary: &str, table: &RouteTableId) -> Diagnostic {
    Diagnostic::error(
        summary,
        format!(
            "There is no route table {:?} in resource group {:?}. This resource owns routes only: make the table first, with ako_cluster_subnet or otherwise.",
            table.name(),
            table.parent().name()
        ),
    )
    .at(Path::attribute("route_table_id"))
}

/// The error for an import where there is nothing.
pub(super) fn nothing_to_import(
    summary: &str,
    table: &RouteTableId,
    cluster: &ClusterName,
) -> Diagnostic {
    Diagnostic::error(
        summary,
        format!(
            "Route table {:?} has no route whose name starts with \"{cluster}.\". Nothing has to be imported: apply makes the routes, and adopts those of others that have the same prefix and next hop.",
            table.name()
        ),
    )
}

/// The error for an import id that does not read.
pub(super) fn import_id(id: &str, reason: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "The import id cannot be read",
        format!(
            "An import id of ako_pod_routes is <route_table_id>,<cluster_name>. In {id:?}: {reason}."
        ),
    )
}
