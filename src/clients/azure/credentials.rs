//! Who we are towards Azure: which credential the settings and the environment describe.

use super::super::{NotReady, Setting, Variables};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::{ClientMethodOptions, ClientOptions};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
};
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;

/// Every way of signing in that works, for errors of those who configured none of them.
const WAYS: &str = "Configure one of: a client secret (azure.tenant_id, azure.client_id, azure.client_secret or \
    azure.client_secret_file_path; ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET, ARM_CLIENT_SECRET_FILE_PATH), \
    an OIDC token (azure.use_oidc, azure.tenant_id, azure.client_id, azure.oidc_token or azure.oidc_token_file_path; \
    ARM_USE_OIDC, ARM_TENANT_ID, ARM_CLIENT_ID, ARM_OIDC_TOKEN, ARM_OIDC_TOKEN_FILE_PATH), \
    or the Azure CLI (run az login; azure.use_cli, ARM_USE_CLI)";

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
}

/// Why there is no access token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The configured way of signing in failed.
    #[error("signing in with {way} failed{hint}")]
    Failed {
        /// `a client secret`, `an OIDC token`, `the Azure CLI`.
        way: &'static str,
        /// What else could be configured; empty where something was.
        hint: String,
        /// What the login service or the tool said.
        source: Arc<azure_core::Error>,
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

/// One way of signing in, with what it needs.
///
/// The ways and their order are azurerm's; those with a client certificate, the request tokens of GitHub and Azure
/// DevOps, managed identity and AKS workload identity have their place here and are not built yet.
#[derive(Clone, Debug)]
pub(super) enum Way {
    ClientSecret {
        tenant: String,
        client: String,
        secret: Secret,
    },
    Oidc {
        tenant: String,
        client: String,
        token: OidcToken,
    },
    Cli {
        tenant: Option<String>,
    },
}

/// The token of another identity provider.
#[derive(Clone, Debug)]
pub(super) enum OidcToken {
    Value(Secret),
    File(PathBuf),
}

impl Way {
    /// The first way that is configured. Its own errors are shown; no other way is tried in its place.
    pub(super) fn new(settings: &Settings, variables: &Variables) -> Result<Way, NotReady> {
        let arguments = Arguments {
            settings,
            variables,
        };
        if let Some(secret) = arguments.client_secret()? {
            return Ok(Way::ClientSecret {
                tenant: arguments.tenant()?,
                client: arguments.client()?,
                secret: Secret::new(secret),
            });
        }
        if arguments.flag(&settings.use_oidc, "azure.use_oidc", "ARM_USE_OIDC", false)? {
            return Ok(Way::Oidc {
                tenant: arguments.tenant()?,
                client: arguments.client()?,
                token: arguments.oidc_token()?,
            });
        }
        arguments.refuse_ways_not_built()?;
        if !arguments.flag(&settings.use_cli, "azure.use_cli", "ARM_USE_CLI", true)? {
            return Err(NotReady::Invalid {
                argument: "azure".to_owned(),
                reason: format!("no credential is configured. {WAYS}"),
            });
        }
        let tenant = &settings.tenant_id;
        Ok(Way::Cli {
            tenant: tenant.or_variable("azure.tenant_id", variables, &["ARM_TENANT_ID"])?,
        })
    }

    /// The error of this way, in the words of the login service or the tool.
    pub(super) fn failed(&self, source: azure_core::Error) -> Error {
        let (way, hint) = match self {
            Way::ClientSecret { .. } => ("a client secret", String::new()),
            Way::Oidc { .. } => ("an OIDC token", String::new()),
            // Whoever ends here may have meant to configure something else.
            Way::Cli { .. } => (
                "the Azure CLI",
                format!(", and no other credential is configured. {WAYS}"),
            ),
        };
        Error::Failed {
            way,
            hint,
            source: Arc::new(source),
        }
    }

    /// The credential of `azure_identity` that signs in this way.
    pub(super) fn credential(
        &self,
        client_options: ClientOptions,
    ) -> azure_core::Result<Arc<dyn TokenCredential>> {
        Ok(match self.clone() {
            Way::ClientSecret {
                tenant,
                client,
                secret,
            } => {
                let options = ClientSecretCredentialOptions { client_options };
                ClientSecretCredential::new(&tenant, client, secret, Some(options))?
            }
            Way::Oidc {
                tenant,
                client,
                token,
            } => {
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant, client, token, Some(options))?
            }
            Way::Cli { tenant } => AzureCliCredential::new(Some(AzureCliCredentialOptions {
                tenant_id: tenant,
                ..AzureCliCredentialOptions::default()
            }))?,
        })
    }
}

#[async_trait::async_trait]
impl ClientAssertion for OidcToken {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        match self {
            OidcToken::Value(token) => Ok(token.secret().to_owned()),
            // Read each time: whoever wrote it replaces it before it expires.
            OidcToken::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(text) => Ok(text.trim().to_owned()),
                Err(error) => {
                    let text = format!("reading azure.oidc_token_file_path {path:?}: {error}");
                    Err(azure_core::Error::with_message(ErrorKind::Io, text))
                }
            },
        }
    }
}

/// Looks up the arguments of the section and the variables that stand in.
struct Arguments<'a> {
    settings: &'a Settings,
    variables: &'a Variables,
}

impl Arguments<'_> {
    fn tenant(&self) -> Result<String, NotReady> {
        let tenant = &self.settings.tenant_id;
        tenant.required("azure.tenant_id", self.variables, "ARM_TENANT_ID")
    }

    fn client(&self) -> Result<String, NotReady> {
        let client = self.value_or_file(
            (&self.settings.client_id, "azure.client_id", "ARM_CLIENT_ID"),
            (
                &self.settings.client_id_file_path,
                "azure.client_id_file_path",
                "ARM_CLIENT_ID_FILE_PATH",
            ),
        )?;
        client.ok_or_else(|| NotReady::Missing {
            argument: "azure.client_id".to_owned(),
            variable: "ARM_CLIENT_ID".to_owned(),
        })
    }

    fn client_secret(&self) -> Result<Option<String>, NotReady> {
        self.value_or_file(
            (
                &self.settings.client_secret.exposed(),
                "azure.client_secret",
                "ARM_CLIENT_SECRET",
            ),
            (
                &self.settings.client_secret_file_path,
                "azure.client_secret_file_path",
                "ARM_CLIENT_SECRET_FILE_PATH",
            ),
        )
    }

    fn oidc_token(&self) -> Result<OidcToken, NotReady> {
        let file = self.settings.oidc_token_file_path.or_variable(
            "azure.oidc_token_file_path",
            self.variables,
            &["ARM_OIDC_TOKEN_FILE_PATH"],
        )?;
        let value = self.value_or_file(
            (
                &self.settings.oidc_token.exposed(),
                "azure.oidc_token",
                "ARM_OIDC_TOKEN",
            ),
            (
                &self.settings.oidc_token_file_path,
                "azure.oidc_token_file_path",
                "ARM_OIDC_TOKEN_FILE_PATH",
            ),
        )?;
        match (file, value) {
            (Some(file), _) => Ok(OidcToken::File(file.into())),
            (None, Some(value)) => Ok(OidcToken::Value(Secret::new(value))),
            (None, None) => Err(NotReady::Missing {
                argument: "azure.oidc_token".to_owned(),
                variable: "ARM_OIDC_TOKEN".to_owned(),
            }),
        }
    }

    /// A value given directly or in a file; both are fine if they agree.
    fn value_or_file(
        &self,
        (value, argument, variable): (&Setting<String>, &str, &str),
        (file, file_argument, file_variable): (&Setting<String>, &str, &str),
    ) -> Result<Option<String>, NotReady> {
        let value = value.or_variable(argument, self.variables, &[variable])?;
        let Some(path) = file.or_variable(file_argument, self.variables, &[file_variable])? else {
            return Ok(value);
        };
        let invalid = |reason: String| NotReady::Invalid {
            argument: file_argument.to_owned(),
            reason,
        };
        let text = std::fs::read_to_string(&path)
            .map_err(|error| invalid(format!("cannot read {path}: {error}")))?;
        let text = text.trim().to_owned();
        match value {
            Some(value) if value != text => Err(invalid(format!(
                "the file {path} and {argument} ({variable}) differ: set one of them"
            ))),
            _ => Ok(Some(text)),
        }
    }

    fn flag(
        &self,
        setting: &Setting<bool>,
        argument: &str,
        variable: &str,
        default: bool,
    ) -> Result<bool, NotReady> {
        setting.or_flag(argument, self.variables, variable, default)
    }

    /// Fails for those who configured azurerm in a way that is not built here, lest another account is used.
    fn refuse_ways_not_built(&self) -> Result<(), NotReady> {
        const FLAGS: [&str; 2] = ["ARM_USE_MSI", "ARM_USE_AKS_WORKLOAD_IDENTITY"];
        const VALUES: [&str; 2] = ["ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PATH"];
        let mut found = VALUES
            .iter()
            .find(|name| self.variables.get(name).is_some());
        for name in &FLAGS {
            if Setting::Unset.or_flag(name, self.variables, name, false)? {
                found = Some(name);
            }
        }
        found.map_or(Ok(()), |name| {
            Err(NotReady::Invalid {
                argument: (*name).to_owned(),
                reason: format!("this way of signing in is not supported yet. {WAYS}"),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Write;

    fn way(pairs: &[(&str, &str)]) -> Result<Way, NotReady> {
        let pairs = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let variables = Variables::from_map(pairs.collect::<BTreeMap<_, _>>());
        Way::new(&Settings::default(), &variables)
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    const WHO: [(&str, &str); 2] = [("ARM_TENANT_ID", "t"), ("ARM_CLIENT_ID", "c")];

    #[test]
    fn a_client_secret_goes_before_an_oidc_token_and_that_before_the_azure_cli() {
        let mut pairs = WHO.to_vec();
        assert!(matches!(way(&pairs), Ok(Way::Cli { tenant: Some(_) })));
        pairs.extend([("ARM_USE_OIDC", "true"), ("ARM_OIDC_TOKEN", "token")]);
        assert!(matches!(way(&pairs), Ok(Way::Oidc { .. })));
        pairs.push(("ARM_CLIENT_SECRET", "secret"));
        assert!(matches!(way(&pairs), Ok(Way::ClientSecret { .. })));
    }

    #[test]
    fn an_incomplete_way_is_an_error_and_no_other_is_tried() {
        let error = way(&[("ARM_CLIENT_SECRET", "secret")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "azure.tenant_id is not set: set it in the provider block, or the environment variable ARM_TENANT_ID"
        );
    }

    #[test]
    fn a_secret_and_its_file_must_agree() {
        let file = file("secret\n");
        let path = file.path().display().to_string();
        let mut pairs = WHO.to_vec();
        pairs.push(("ARM_CLIENT_SECRET_FILE_PATH", &path));
        assert!(
            matches!(way(&pairs), Ok(Way::ClientSecret { secret, .. }) if secret.secret() == "secret")
        );
        pairs.push(("ARM_CLIENT_SECRET", "other"));
        let error = way(&pairs).unwrap_err().to_string();
        assert!(error.ends_with("differ: set one of them"), "{error}");
        assert!(!error.contains("other"), "{error}");
    }

    #[test]
    fn without_any_way_the_error_names_them_all() {
        let error = way(&[("ARM_USE_CLI", "false")]).unwrap_err().to_string();
        for name in [
            "ARM_CLIENT_SECRET",
            "ARM_OIDC_TOKEN",
            "azure.use_oidc",
            "az login",
        ] {
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn a_way_that_is_not_built_is_not_passed_over_in_silence() {
        let error = way(&[("ARM_USE_MSI", "true")]).unwrap_err().to_string();
        assert!(error.starts_with("ARM_USE_MSI: "), "{error}");
        assert!(matches!(way(&[("ARM_USE_MSI", "")]), Ok(Way::Cli { .. })));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let mut pairs = WHO.to_vec();
        pairs.push(("ARM_CLIENT_SECRET", "hush"));
        assert!(!format!("{:?}", way(&pairs)).contains("hush"));
    }
}
