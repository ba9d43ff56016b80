//! What the user is told about the nodes of a cluster.

use super::{Model, objects_of};
use crate::clients::kubernetes::Error;
use crate::data_sources::connection;
use crate::domain::nodes::{CniPlugin, KNOWN_PLUGINS, Selection, SkipReason, is_known_plugin};
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::wording::{sentence, with_causes};

/// How many names one message lists.
const MAX_NAMES: usize = 10;
/// What follows where no node has a pod CIDR.
const ALL_GO: &str = "Routes made from this data source would all be removed.";

/// Warnings about arguments with which AKO would read something else.
pub(super) fn unlike_ako(config: &Model) -> Vec<Diagnostic> {
    let name = config.cni_plugin.as_deref().unwrap_or_default();
    let unknown = (!is_known_plugin(name)).then(|| unknown_plugin(name));
    let fewer = config.selector().map(selects_fewer_than_ako);
    unknown.into_iter().chain(fewer).collect()
}

/// Warnings about what was read: it can be used, and is hardly what was meant.
pub(super) fn doubtful(
    selection: &Selection,
    cni: CniPlugin,
    served: bool,
    selector: Option<&str>,
) -> Vec<Diagnostic> {
    let without_routes = match cni.objects() {
        Some(resource) if !served => Some(not_served(resource, selection.skipped_nodes.len())),
        _ => no_routes(selection, selector),
    };
    [
        without_routes,
        objects_without_node(selection, cni),
        shared_cidrs(selection),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The error of a read that failed.
pub(super) fn failed(error: &Error, cni: CniPlugin, selector: Option<&str>) -> Diagnostic {
    let told = sentence(&with_causes(error));
    if let (Error::Refused { status: 400, .. }, Some(selector)) = (error, selector) {
        return Diagnostic::error(
            "The label selector cannot be read",
            format!(
                "{told}\n\nThe selector is {selector:?}. It consists of requirements with commas between them, such as \"role=worker,zone in (1, 2),!virtual\"."
            ),
        )
        .at(Path::attribute("label_selector"));
    }
    Diagnostic::error(
        "Cannot read the nodes of the cluster",
        format!("{told}\n\n{}", advice(error, cni)),
    )
}

fn advice(error: &Error, cni: CniPlugin) -> String {
    match error {
        Error::Forbidden { .. } => format!(
            "Give the account a ClusterRole and a ClusterRoleBinding to it. The least that suffices is this role:\n\n{}",
            least_role(cni)
        ),
        error => connection::advice(error, "give the nodes to ako_pod_routes by hand"),
    }
}

/// The role that lets an account read what this plugin needs, and nothing else.
fn least_role(cni: CniPlugin) -> String {
    let rule = |group: &str, plural: &str| {
        format!("    - {{apiGroups: [{group:?}], resources: [{plural}], verbs: [list]}}")
    };
    let mut rules = vec![rule("", "nodes")];
    rules.extend(objects_of(cni).map(|objects| rule(objects.group(), objects.plural())));
    format!(
        "  apiVersion: rbac.authorization.k8s.io/v1\n  kind: ClusterRole\n  metadata: {{name: ako-node-reader}}\n  rules:\n{}",
        rules.join("\n")
    )
}

fn unknown_plugin(name: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("AKO knows no network plugin {name:?}"),
        format!(
            "It knows {}. With any other name AKO reads pod CIDRs as with none: from the node annotation ako.vmware.com/pod-cidrs, else from spec.podCIDRs; so does this data source. If one of those names was meant, correct this one, and AKO's cniPlugin with it.",
            KNOWN_PLUGINS.join(", ")
        ),
    )
    .at(Path::attribute("cni_plugin"))
}

fn selects_fewer_than_ako(selector: &str) -> Diagnostic {
    Diagnostic::warning(
        "AKO has no label selector",
        format!(
            "AKO programs routes to all nodes of the cluster, also to those that {selector:?} leaves out. Routes made from this data source do not reach the pods there, and the Service Engines keep sending them traffic. Leave label_selector out unless no pod behind a virtual service runs on such a node."
        ),
    )
    .at(Path::attribute("label_selector"))
}

fn not_served(resource: &str, skipped: usize) -> Diagnostic {
    Diagnostic::warning(
        format!("The cluster has no {resource}"),
        format!(
            "With this cni_plugin AKO reads pod CIDRs from these objects, and the cluster does not know them: {skipped} nodes are skipped. Compare cni_plugin with AKO's cniPlugin and with what runs in the cluster, and check that it is the right cluster. {ALL_GO}"
        ),
    )
    .at(Path::attribute("cni_plugin"))
}

fn no_routes(selection: &Selection, selector: Option<&str>) -> Option<Diagnostic> {
    let (nodes, skipped) = (&selection.nodes, &selection.skipped_nodes);
    if nodes.values().any(|node| !node.pod_cidrs.is_empty()) {
        return None;
    }
    let warning = match (skipped.first(), selector) {
        (None, Some(selector)) if nodes.is_empty() => Diagnostic::warning(
            "The label selector selects no node",
            format!("No node has the labels that {selector:?} asks for. {ALL_GO}"),
        )
        .at(Path::attribute("label_selector")),
        (None, None) if nodes.is_empty() => Diagnostic::warning(
            "The cluster has no nodes",
            format!("Check that it is the right cluster. {ALL_GO}"),
        ),
        (Some(first), _) if nodes.is_empty() => Diagnostic::warning(
            "No node of the cluster can have routes",
            format!(
                "All {} nodes are skipped. The first, {:?}: {}. The attribute skipped_nodes has the others. {ALL_GO}",
                skipped.len(),
                first.name,
                first.reason
            ),
        ),
        _ => Diagnostic::warning(
            "No node of the cluster has a pod CIDR",
            format!(
                "{} nodes are there without one that AKO routes, and {} are skipped; the attributes skipped_nodes and skipped_cidrs have the reasons where there are any. Compare cni_plugin with AKO's cniPlugin and with what runs in the cluster. {ALL_GO}",
                nodes.len(),
                skipped.len()
            ),
        )
        .at(Path::attribute("cni_plugin")),
    };
    Some(warning)
}

fn objects_without_node(selection: &Selection, cni: CniPlugin) -> Option<Diagnostic> {
    let resource = cni.objects()?;
    let nameless = &selection.objects_without_node;
    let what_ako_does = match cni {
        CniPlugin::OpenShift => "gives up on every node",
        _ => "ends with a panic and programs no routes",
    };
    (!nameless.is_empty()).then(|| {
        Diagnostic::warning(
            format!("Some {resource} name no node"),
            format!(
                "{}. AKO {what_ako_does} when it meets such an object; here they are passed over. Correct or delete them.",
                names(nameless)
            ),
        )
    })
}

/// What is lost by it is the traffic of one node, and no route in the plan tells why.
fn shared_cidrs(selection: &Selection) -> Option<Diagnostic> {
    let shared = selection.skipped_cidrs.iter();
    let shared = shared.filter_map(|skipped| match &skipped.reason {
        SkipReason::Duplicate { node, cidr } if *node != skipped.node => Some(format!(
            "{} of {} ({node} has {cidr})",
            skipped.cidr, skipped.node
        )),
        _ => None,
    });
    let shared: Vec<String> = shared.collect();
    (!shared.is_empty()).then(|| {
        Diagnostic::warning(
            "Nodes share pod CIDRs",
            format!(
                "AKO programs no route to a node with a network whose address another node already has, and so does this data source: {}. The attribute skipped_cidrs has all that is left out. Mostly one of the two nodes is gone and its objects remain in Kubernetes: delete them.",
                names(&shared)
            ),
        )
    })
}

fn names(names: &[String]) -> String {
    let mut text = names[..names.len().min(MAX_NAMES)].join(", ");
    if names.len() > MAX_NAMES {
        text += &format!(" and {} more", names.len() - MAX_NAMES);
    }
    text
}
