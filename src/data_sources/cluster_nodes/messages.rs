//! What the user is told about the nodes of a cluster.

use super::{Model, objects_of};
use crate::clients::NotReady;
use crate::clients::kubernetes::Error;
use crate::domain::nodes::{CniPlugin, KNOWN_PLUGINS, Selection, is_known_plugin};
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::wording::{sentence, with_causes};

/// How many names one message lists.
const MAX_NAMES: usize = 10;

/// Warnings about arguments with which AKO would read something else.
pub(super) fn unlike_ako(config: &Model) -> Vec<Diagnostic> {
    let name = config.cni_plugin.as_deref().unwrap_or_default();
    let unknown = (!is_known_plugin(name)).then(|| unknown_plugin(name));
    let fewer = config.selector().map(selects_fewer_than_ako);
    unknown.into_iter().chain(fewer).collect()
}

/// Warnings about what was read: it can be used, and is hardly what was meant.
pub(super) fn doubtful(selection: &Selection, cni: CniPlugin, served: bool) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let skipped = selection.skipped_nodes.len();
    match (cni.objects(), selection.skipped_nodes.first()) {
        (Some(resource), _) if !served => warnings.push(not_served(resource, skipped)),
        (_, Some(first)) if selection.nodes.is_empty() => warnings.push(Diagnostic::warning(
            "No node of the cluster can have routes",
            format!(
                "All {skipped} nodes are skipped. The first, {:?}: {}. The attribute skipped_nodes has the others. Routes made from this data source would all be removed.",
                first.name, first.reason
            ),
        )),
        _ => {}
    }
    let nameless = &selection.objects_without_node;
    if let Some(resource) = cni.objects()
        && !nameless.is_empty()
    {
        let (what_ako_does, what_we_do) = match cni {
            CniPlugin::OpenShift => ("gives up on every node", "all nodes are skipped"),
            _ => (
                "ends with a panic and programs no routes",
                "they are passed over",
            ),
        };
        warnings.push(Diagnostic::warning(
            format!("Some {resource} name no node"),
            format!(
                "{}. AKO {what_ako_does} when it meets such an object; here {what_we_do}. Correct or delete them.",
                names(nameless)
            ),
        ));
    }
    warnings
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
        Error::Forbidden { .. } => {
            return format!(
                "Give the account a ClusterRole and a ClusterRoleBinding to it. The least that suffices is this role:\n\n{}",
                least_role(cni)
            );
        }
        Error::Unauthorized { .. } => {
            "Check the token or the client certificate, whether it has expired, and whether the kubeconfig's context names the right user."
        }
        Error::Unreachable { .. } => {
            "Check the address and the network. If the cluster is made in the same run, its address is not known while planning: apply the cluster first, or give the nodes to ako_pod_routes by hand."
        }
        Error::NotServed { .. } => {
            "Check that the address is that of the API server of a cluster, and not of something in front of it."
        }
        Error::NotReady(NotReady::Unknown { .. }) => {
            "It depends on something that is made in the same run, and a data source is read while planning. Apply that first (with -target, or in a configuration of its own)."
        }
        Error::NotConfigured => {
            "Name a kubeconfig or a host, in this data source or in the section `kubernetes` of the provider block. KUBECONFIG is not read, as in the Kubernetes provider."
        }
        _ => "Run Terraform again when the cause is removed.",
    }
    .to_owned()
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
            "With this cni_plugin AKO reads pod CIDRs from these objects, and the cluster does not know them: {skipped} nodes are skipped. Compare cni_plugin with AKO's cniPlugin and with what runs in the cluster, and check that it is the right cluster."
        ),
    )
    .at(Path::attribute("cni_plugin"))
}

fn names(names: &[String]) -> String {
    let mut text = names[..names.len().min(MAX_NAMES)].join(", ");
    if names.len() > MAX_NAMES {
        text += &format!(" and {} more", names.len() - MAX_NAMES);
    }
    text
}
