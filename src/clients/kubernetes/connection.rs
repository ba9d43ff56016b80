//! Where the cluster is and who we are: the kubeconfig first, explicit arguments over it.

use super::super::Setting;
use secrecy::SecretString;

/// What one data source says of its own connection; what it leaves out comes from the provider's section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// A kubeconfig file.
    pub config_path: Option<String>,
    /// The context in it.
    pub config_context: Option<String>,
    /// The address of the API server.
    pub host: Option<String>,
    /// The certificate authority of the API server, PEM.
    pub cluster_ca_certificate: Option<String>,
}

/// The section `kubernetes` of the provider block, with the Kubernetes provider's argument names.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// A kubeconfig file.
    pub config_path: Setting<String>,
    /// Several kubeconfig files, merged.
    pub config_paths: Setting<Vec<String>>,
    /// The context to use.
    pub config_context: Setting<String>,
    /// The user to use instead of the context's.
    pub config_context_auth_info: Setting<String>,
    /// The cluster to use instead of the context's.
    pub config_context_cluster: Setting<String>,
    /// The address of the API server.
    pub host: Setting<String>,
    /// The certificate authority of the API server, PEM.
    pub cluster_ca_certificate: Setting<String>,
    /// The name in the API server's certificate.
    pub tls_server_name: Setting<String>,
    /// Whether not to check the API server's certificate.
    pub insecure: Setting<bool>,
    /// A bearer token.
    pub token: Setting<SecretString>,
    /// A client certificate, PEM.
    pub client_certificate: Setting<String>,
    /// Its key, PEM.
    pub client_key: Setting<SecretString>,
    /// A proxy for this connection.
    pub proxy_url: Setting<String>,
}
