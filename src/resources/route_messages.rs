//! What the user is told about the routes of nodes, wherever they are written.

use crate::domain::cidr::{Cidr, Overlap, overlaps as find_overlaps};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::path::Path;
use crate::framework::plan::Plan;
use crate::framework::value::Value;
use crate::wording::sentence;
use std::fmt::Display;

/// How many lines of one kind a diagnostic lists.
const MAX_LINES: usize = 10;
/// How many routes that go are easily seen in the plan itself.
const FEW_ROUTES: usize = 4;

/// Errors for pod CIDRs that overlap, each with both nodes.
pub fn overlaps(cidrs: &[(String, Cidr)]) -> Diagnostics {
    overlapping(&find_overlaps(cidrs.iter().cloned()))
}

/// One error for each node whose pod CIDRs overlap others.
pub fn overlapping(overlaps: &[Overlap<String>]) -> Diagnostics {
    let error = |overlap: &Overlap<String>| {
        let Overlap {
            owner_a,
            a,
            owner_b,
            b,
        } = overlap;
        let detail = match (owner_a == owner_b, a == b) {
            (true, true) => format!("Node {owner_a:?} has {a} twice."),
            (true, false) => format!("Node {owner_a:?} has {a} and, inside it, {b}."),
            (false, true) => format!("Nodes {owner_a:?} and {owner_b:?} both have {a}."),
            (false, false) => {
                format!("Node {owner_a:?} has {a}, and node {owner_b:?} has {b}, which lies in it.")
            }
        };
        Diagnostic::error(
            "Pod CIDRs overlap",
            format!(
                "{detail} Each prefix leads to one node, and pods of one node would be looked for on another. Correct the node's pod CIDRs, or leave a node out that is gone."
            ),
        )
        .at(pod_cidrs_of(owner_b))
    };
    let mut errors: Diagnostics = overlaps.iter().take(MAX_LINES).map(error).collect();
    if overlaps.len() > MAX_LINES {
        let more = overlaps.len() - MAX_LINES;
        errors.push(Diagnostic::error(
            "More pod CIDRs overlap",
            format!("{more} more pairs of pod CIDRs overlap."),
        ));
    }
    errors
}

/// The warning that a replacement interrupts traffic.
///
/// `names` are the attributes that mean another object.
pub fn replacement(plan: &Plan<'_>, names: &[&'static str]) -> Option<Diagnostic> {
    let replaced = names
        .iter()
        .find(|name| !plan.is_create() && plan.changes(name))?;
    Some(
        Diagnostic::warning(
            format!("Another {replaced} means other routes"),
            "The old routes are deleted and new ones made. Unless the resource has `lifecycle { create_before_destroy = true }`, the routes are missing between the two, and traffic to the pods fails meanwhile. With it the new object takes the routes over by prefix and next hop first, and the old one then deletes only what is still its own.",
        )
        .at(Path::attribute(replaced)),
    )
}

/// The warning that an update takes all routes of the cluster, or most: more often a mistake than a wish.
pub fn routes_go(plan: &Plan<'_>) -> Option<Diagnostic> {
    let (before, after) = (plan.prior("routes").as_map()?, plan.planned("routes"));
    let goes = |(cidr, route): &(&String, &Value)| match after.get(cidr) {
        Value::Null => true,
        stays => stays.get("node_name") != route.get("node_name"),
    };
    let gone = before.iter().filter(goes);
    let (before, after, gone) = (before.len(), after.as_map()?.len(), gone.count());
    let (summary, detail) = match after {
        0 if before > 0 => (
            "All routes of the cluster are removed",
            format!("The nodes of the plan have no pod CIDR, and all {before} routes are removed."),
        ),
        _ if gone > FEW_ROUTES && gone * 2 > before => (
            "Most routes of the cluster are removed",
            format!(
                "Of {before} routes {gone} are removed or lead to other nodes; there are {after} afterwards."
            ),
        ),
        _ => return None,
    };
    let advice = "Pods without a route are out of reach of the Service Engines. If the nodes come from ako_cluster_nodes, see its skipped_nodes and skipped_cidrs, and whether it reads the right cluster with the right cni_plugin and label_selector. Where the nodes themselves were replaced or are being taken out of service, all is well.";
    let warning = Diagnostic::warning(summary, format!("{detail} {advice}"));
    Some(warning.at(Path::attribute("nodes")))
}

/// The error for a value that does not read.
pub fn wrong(path: Path, reason: &dyn Display) -> Diagnostic {
    Diagnostic::error(
        "An attribute is wrong",
        sentence(&format!("{path} {reason}")),
    )
    .at(path)
}

/// The path of a node's pod CIDRs.
pub fn pod_cidrs_of(node: &str) -> Path {
    Path::attribute("nodes").key(node).child("pod_cidrs")
}

/// The lines as a list, shortened where they are many.
pub fn list(lines: &[String]) -> String {
    let mut text: Vec<String> = lines
        .iter()
        .take(MAX_LINES)
        .map(|line| format!("  - {line}"))
        .collect();
    if lines.len() > MAX_LINES {
        text.push(format!("  - and {} more", lines.len() - MAX_LINES));
    }
    text.join("\n")
}
