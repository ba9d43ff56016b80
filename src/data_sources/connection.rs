//! The arguments by which a data source names a cluster of its own, and what to do where it cannot be read.

use crate::clients::NotReady;
use crate::clients::kubernetes::Error;
use crate::framework::schema::{Attribute, Type};

/// The arguments of a connection, in the order in which all data sources have them.
pub(super) fn arguments() -> Vec<Attribute> {
    let connection = |name: &str, description: &str| {
        let rest = "What is left out comes from the section `kubernetes` of the provider block.";
        Attribute::optional(name, Type::String, format!("{description} {rest}"))
    };
    vec![
        connection(
            "config_path",
            "A kubeconfig file, so that one configuration can read several clusters.",
        ),
        connection("config_context", "The context of the kubeconfig."),
        connection(
            "host",
            "The address of the API server. With it alone, the token or client certificate of the section is presented there.",
        ),
        connection(
            "cluster_ca_certificate",
            "The certificate authority of the API server, PEM.",
        ),
    ]
}

/// What to do about an error, `instead` being the way out where the cluster is made in the same run.
pub(super) fn advice(error: &Error, instead: &str) -> String {
    match error {
        Error::Unauthorized { .. } => {
            "Check the token or the client certificate, whether it has expired, and whether the kubeconfig's context names the right user."
        }
        Error::Unreachable { .. } => {
            return format!(
                "Check the address and the network. If the cluster is made in the same run, its address is not known while planning: apply the cluster first, or {instead}."
            );
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
