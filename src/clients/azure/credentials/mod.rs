//! Who we are towards Azure: which way of signing in the settings and the environment describe.

mod advice;
mod arguments;
mod certificate;
mod error;
mod managed_identity;
mod oidc;
mod pkcs12;
mod settings;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use settings::Settings;

use super::super::http::Sender;
use super::super::{NotReady, Variables};
use super::environment::Cloud;
use arguments::Arguments;
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::ClientOptions;
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
};
use certificate::{CertificateAssertion, ClientCertificate};
use managed_identity::{ManagedIdentity, ManagedIdentityCredential};
use oidc::{OidcAssertion, OidcToken};
use std::sync::Arc;

/// Every way of signing in, for errors of those who configured none of them.
const WAYS: &str = "Configure one of: \
    a client certificate (azure.client_certificate or azure.client_certificate_path; ARM_CLIENT_CERTIFICATE, ARM_CLIENT_CERTIFICATE_PATH), \
    a client secret (azure.client_secret or azure.client_secret_file_path; ARM_CLIENT_SECRET, ARM_CLIENT_SECRET_FILE_PATH), \
    an OIDC token (azure.use_oidc with azure.oidc_token, azure.oidc_token_file_path or azure.oidc_request_url; \
    ARM_USE_OIDC, ARM_OIDC_TOKEN, ARM_OIDC_TOKEN_FILE_PATH, ARM_OIDC_REQUEST_URL), each with azure.tenant_id and \
    azure.client_id (ARM_TENANT_ID, ARM_CLIENT_ID), \
    AKS workload identity (azure.use_aks_workload_identity; ARM_USE_AKS_WORKLOAD_IDENTITY), \
    a managed identity (azure.use_msi; ARM_USE_MSI), \
    or the Azure CLI (run az login; azure.use_cli, ARM_USE_CLI)";

/// One way of signing in, with what it needs. The ways and their order are azurerm's.
#[derive(Clone, Debug)]
pub(super) enum Way {
    ClientCertificate(Application, ClientCertificate),
    ClientSecret(Application, Secret),
    Oidc(Application, OidcToken),
    ManagedIdentity(ManagedIdentity),
    Cli {
        tenant: Option<String>,
        /// Whose tenant is meant where none is named.
        subscription: Option<String>,
        /// Why there was no OIDC token, where one was wanted.
        no_token: Option<String>,
    },
}

/// An application and the directory that knows it.
#[derive(Clone, Debug)]
pub(super) struct Application {
    tenant: String,
    client: String,
}

impl Way {
    /// The first way that is configured. Its own errors are shown; no other way is tried in its place.
    pub(super) fn new(settings: &Settings, variables: &Variables) -> Result<Way, NotReady> {
        let arguments = Arguments::new(settings, variables)?;
        if let Some(certificate) = arguments.client_certificate()? {
            return Ok(Way::ClientCertificate(
                arguments.application()?,
                certificate,
            ));
        }
        if let Some(secret) = arguments.client_secret()? {
            return Ok(Way::ClientSecret(arguments.application()?, secret));
        }
        // As in azurerm `use_oidc` permits a token and does not demand one: the same block serves a pipeline that has
        // one and a person at a desk.
        let mut no_token = None;
        if arguments.use_oidc()? {
            match arguments.oidc_token()? {
                Some(token) => return Ok(Way::Oidc(arguments.application()?, token)),
                None => no_token = Some(arguments.no_oidc_token()),
            }
        }
        if arguments.use_msi()? {
            return Ok(Way::ManagedIdentity(arguments.managed_identity()?));
        }
        if !arguments.use_cli()? {
            let (argument, reason) = no_token
                .unwrap_or_else(|| ("azure", format!("no credential is configured. {WAYS}")));
            return Err(NotReady::Invalid {
                argument: argument.to_owned(),
                reason,
            });
        }
        let tenant = arguments.tenant()?;
        Ok(Way::Cli {
            subscription: arguments.subscription().filter(|_| tenant.is_none()),
            tenant,
            no_token: no_token
                .map(|(argument, reason)| format!("{argument} is true, but {reason}")),
        })
    }

    /// The error of this way, in the words of the login service or the tool.
    pub(super) fn failed(&self, error: &azure_core::Error) -> Error {
        let failed = Error::failed(self.name(), error);
        match self {
            // Whoever ends here may have meant to configure something else.
            Way::Cli { no_token, .. } => {
                let also = no_token.as_ref().map(|reason| format!(" {reason}"));
                let also = also.unwrap_or_default();
                failed.with_hint(&format!("No other way to sign in is configured. {WAYS}.{also}"))
            }
            Way::ManagedIdentity(_) => failed,
            _ if error::is_not_json(error) => failed.with_hint(
                "What answered is not Azure's login service: is there a proxy, or another authority than meant?",
            ),
            _ => failed,
        }
    }

    /// The credential of `azure_identity`, or our own in its place, that signs in this way.
    pub(super) fn credential(
        &self,
        cloud: &Cloud,
        sender: &Sender,
        client_options: ClientOptions,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(match self.clone() {
            Way::ClientCertificate(Application { tenant, client }, certificate) => {
                let options = ClientAssertionCredentialOptions { client_options };
                let assertion = CertificateAssertion {
                    certificate,
                    client: client.clone(),
                    audience: token_endpoint(cloud, &tenant)?,
                };
                ClientAssertionCredential::new(tenant, client, assertion, Some(options))?
            }
            Way::ClientSecret(Application { tenant, client }, secret) => {
                let options = ClientSecretCredentialOptions { client_options };
                ClientSecretCredential::new(&tenant, client, secret, Some(options))?
            }
            Way::Oidc(Application { tenant, client }, token) => {
                let options = ClientAssertionCredentialOptions { client_options };
                let sender = sender.clone();
                let assertion = OidcAssertion { token, sender };
                ClientAssertionCredential::new(tenant, client, assertion, Some(options))?
            }
            Way::ManagedIdentity(identity) => Arc::new(ManagedIdentityCredential {
                identity,
                sender: sender.without_proxy().map_err(|error| {
                    azure_core::Error::with_message(ErrorKind::Other, error.to_string())
                })?,
            }),
            Way::Cli {
                tenant,
                subscription,
                ..
            } => AzureCliCredential::new(Some(AzureCliCredentialOptions {
                tenant_id: tenant,
                subscription,
                ..AzureCliCredentialOptions::default()
            }))?,
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Way::ClientCertificate(..) => "a client certificate",
            Way::ClientSecret(..) => "a client secret",
            Way::Oidc(_, OidcToken::Value(_) | OidcToken::File { .. }) => "an OIDC token",
            Way::Oidc(_, OidcToken::GitHub(_)) => "an OIDC token of GitHub",
            Way::Oidc(_, OidcToken::AzureDevOps { .. }) => "an OIDC token of Azure DevOps",
            Way::ManagedIdentity(_) => "a managed identity",
            Way::Cli { .. } => "the Azure CLI",
        }
    }
}

/// Where the tenant's applications ask for tokens, which is also what their assertions are for.
fn token_endpoint(cloud: &Cloud, tenant: &str) -> azure_core::Result<String> {
    let endpoint = cloud
        .authority
        .join(&format!("/{tenant}/oauth2/v2.0/token"));
    let endpoint = endpoint.map_err(|_| {
        let text = format!("azure.tenant_id {tenant:?} cannot stand in a URL");
        azure_core::Error::with_message(ErrorKind::Credential, text)
    })?;
    Ok(endpoint.into())
}
