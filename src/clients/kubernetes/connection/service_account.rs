//! The cluster that this process runs in, as a pod with a service account.

use super::super::super::Variables;
use super::Resolved;
use kube::config::{AuthInfo, Cluster};
use std::net::Ipv6Addr;
use std::path::PathBuf;

/// Where a pod finds the token of its service account and the certificate authority of its cluster.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// The directory that Kubernetes mounts.
    pub directory: PathBuf,
}

impl Default for ServiceAccount {
    fn default() -> ServiceAccount {
        ServiceAccount {
            directory: "/var/run/secrets/kubernetes.io/serviceaccount".into(),
        }
    }
}

impl ServiceAccount {
    /// The connection of a pod to its cluster; none outside of a pod, and none without a token, as in client-go.
    pub(super) fn connection(&self, variables: &Variables) -> Option<Resolved> {
        let host = variables.get("KUBERNETES_SERVICE_HOST")?;
        let port = variables.get("KUBERNETES_SERVICE_PORT")?;
        let host = match host.parse::<Ipv6Addr>() {
            Ok(_) => format!("[{host}]"),
            Err(_) => host,
        };
        let token = self.directory.join("token");
        if !token.is_file() {
            return None;
        }
        let authority = self.directory.join("ca.crt");
        Some(Resolved {
            cluster: Cluster {
                server: Some(format!("https://{host}:{port}")),
                certificate_authority: authority.is_file().then(|| authority.display().to_string()),
                ..Cluster::default()
            },
            user: AuthInfo {
                token_file: Some(token.display().to_string()),
                ..AuthInfo::default()
            },
            ..Resolved::default()
        })
    }
}
