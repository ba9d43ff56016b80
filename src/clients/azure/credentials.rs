//! Who we are towards Azure: which credential the settings and the environment describe.

use super::super::Setting;
use secrecy::SecretString;

/// The section `azure` of the provider block, with azurerm's argument names.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The directory.
    pub tenant_id: Setting<String>,
    /// The application.
    pub client_id: Setting<String>,
    /// A file that holds the application's id.
    pub client_id_file_path: Setting<String>,
    /// The application's secret.
    pub client_secret: Setting<SecretString>,
    /// A file that holds the application's secret.
    pub client_secret_file_path: Setting<String>,
    /// Whether to sign in with a token of another identity provider.
    pub use_oidc: Setting<bool>,
    /// That token.
    pub oidc_token: Setting<SecretString>,
    /// A file that holds that token, read anew for each access token.
    pub oidc_token_file_path: Setting<String>,
    /// Whether to use the account of the Azure CLI where nothing else is configured; true unless set.
    pub use_cli: Setting<bool>,
    /// `public`, `usgovernment`, `china` or `custom`.
    pub environment: Setting<String>,
    /// A host that describes the cloud under `/metadata/endpoints`.
    pub metadata_host: Setting<String>,
    /// The login service of a custom cloud.
    pub active_directory_authority_host: Setting<String>,
    /// The address of Azure Resource Manager in a custom cloud.
    pub resource_manager_endpoint: Setting<String>,
    /// What tokens for Azure Resource Manager are issued for in a custom cloud.
    pub resource_manager_audience: Setting<String>,
    /// Whether not to ask Microsoft's login service about the authority of a custom cloud.
    pub disable_instance_discovery: Setting<bool>,
}

/// Why there is no access token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No way of signing in is configured.
    #[error("no credential is configured: {0}")]
    NotConfigured(String),
    /// The configured way of signing in failed.
    #[error("signing in with {way} failed")]
    Failed {
        /// `a client secret`, `an OIDC token`, `the Azure CLI`.
        way: &'static str,
        /// What the login service or the tool said.
        source: azure_core::Error,
    },
    /// The description of the cloud cannot be read.
    #[error("reading the endpoints of the cloud from {host}: {reason}")]
    NoEndpoints {
        /// The argument `metadata_host`.
        host: String,
        /// What is wrong.
        reason: String,
    },
}
