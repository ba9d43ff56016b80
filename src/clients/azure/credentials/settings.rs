//! The section `azure` of the provider block.

use super::super::super::Setting;
use secrecy::SecretString;

/// The section `azure` of the provider block, with azurerm's argument names.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The directory.
    pub tenant_id: Setting<String>,
    /// The application, or the user-assigned managed identity.
    pub client_id: Setting<String>,
    /// A file that holds the application's id.
    pub client_id_file_path: Setting<String>,
    /// The application's certificate with its key: PKCS#12 in base64.
    pub client_certificate: Setting<SecretString>,
    /// A PKCS#12 file with the application's certificate and its key.
    pub client_certificate_path: Setting<String>,
    /// What the certificate is encrypted with.
    pub client_certificate_password: Setting<SecretString>,
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
    /// Where GitHub or Azure DevOps hands out such tokens to a pipeline.
    pub oidc_request_url: Setting<String>,
    /// What the pipeline shows there.
    pub oidc_request_token: Setting<SecretString>,
    /// The service connection of Azure DevOps whose tokens are asked for.
    pub ado_pipeline_service_connection_id: Setting<String>,
    /// Whether to sign in as the workload identity that AKS gives to a pod.
    pub use_aks_workload_identity: Setting<bool>,
    /// Whether to sign in as a managed identity of this machine.
    pub use_msi: Setting<bool>,
    /// Where managed identities get their tokens.
    pub msi_endpoint: Setting<String>,
    /// The api-version in which they are asked for.
    pub msi_api_version: Setting<String>,
    /// Whether to use the account of the Azure CLI where nothing else is configured; true unless set.
    pub use_cli: Setting<bool>,
    /// `public`, `usgovernment`, `dod`, `china`, `canary` or `custom`.
    pub environment: Setting<String>,
    /// A host that describes the cloud under `/metadata/endpoints`.
    pub metadata_host: Setting<String>,
    /// The login service of a custom cloud.
    pub active_directory_authority_host: Setting<String>,
    /// The address of Azure Resource Manager in a custom cloud.
    pub resource_manager_endpoint: Setting<String>,
    /// What tokens for Azure Resource Manager are issued for in a custom cloud.
    pub resource_manager_audience: Setting<String>,
}
