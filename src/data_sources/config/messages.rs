//! What the user is told about AKO's config map.

use super::CONFIG_MAP;
use crate::clients::kubernetes::Error;
use crate::data_sources::connection;
use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;
use crate::wording::{sentence, with_causes};

/// The error of a cluster without the config map.
pub(super) fn missing(namespace: &str) -> Diagnostic {
    Diagnostic::error(
        "AKO is not configured in this cluster",
        format!(
            "The namespace {namespace:?} of the cluster has no config map {CONFIG_MAP:?}.\n\nIf AKO is installed elsewhere, set the argument namespace: `kubectl get configmap -A` shows where {CONFIG_MAP} is. If it is not installed yet, install it first; or check that it is the right cluster."
        ),
    )
    .at(Path::attribute("namespace"))
}

/// The error of a read that failed.
pub(super) fn failed(error: &Error, namespace: &str) -> Diagnostic {
    let advice = match error {
        Error::Forbidden { .. } => format!(
            "Give the account a Role and a RoleBinding to it. The least that suffices is this role:\n\n  apiVersion: rbac.authorization.k8s.io/v1\n  kind: Role\n  metadata: {{name: ako-config-reader, namespace: {namespace}}}\n  rules:\n    - {{apiGroups: [\"\"], resources: [configmaps], resourceNames: [{CONFIG_MAP}], verbs: [get]}}"
        ),
        error => connection::advice(error, "leave this data source out"),
    };
    Diagnostic::error(
        "Cannot read the configuration of AKO",
        format!("{}\n\n{advice}", sentence(&with_causes(error))),
    )
}

/// The warning of a list of networks that is no JSON of that form.
pub(super) fn unreadable_networks(error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic::warning(
        "AKO cannot read its vipNetworkList",
        format!(
            "The entry vipNetworkList of {CONFIG_MAP} is not a JSON list of networks: {error}. AKO ends at its start with such an entry. The attribute vip_networks is null."
        ),
    )
}
