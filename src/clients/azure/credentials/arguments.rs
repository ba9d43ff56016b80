//! The arguments of the section `azure` and the environment variables that stand in for them.

use super::super::super::{NotReady, Setting, Variables};
use super::super::environment::https;
use super::certificate::{ClientCertificate, Unreadable};
use super::managed_identity::{ManagedIdentity, Service};
use super::oidc::{OidcToken, TokenRequest};
use super::{Application, Settings};
use azure_core::credentials::Secret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;

/// Where a virtual machine asks for the tokens of its identities.
const INSTANCE_METADATA: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// An argument and the variables that stand in for it, the first that is set.
#[derive(Clone, Copy)]
struct Name {
    argument: &'static str,
    variables: &'static [&'static str],
}

const CLIENT_ID: Name = name("azure.client_id", &["ARM_CLIENT_ID"]);
const CLIENT_ID_FILE: Name = name("azure.client_id_file_path", &["ARM_CLIENT_ID_FILE_PATH"]);
const CERTIFICATE: Name = name("azure.client_certificate", &["ARM_CLIENT_CERTIFICATE"]);
const CERTIFICATE_FILE: Name = name(
    "azure.client_certificate_path",
    &["ARM_CLIENT_CERTIFICATE_PATH"],
);
const CERTIFICATE_PASSWORD: Name = name(
    "azure.client_certificate_password",
    &["ARM_CLIENT_CERTIFICATE_PASSWORD"],
);
const CLIENT_SECRET: Name = name("azure.client_secret", &["ARM_CLIENT_SECRET"]);
const CLIENT_SECRET_FILE: Name = name(
    "azure.client_secret_file_path",
    &["ARM_CLIENT_SECRET_FILE_PATH"],
);
const OIDC_TOKEN: Name = name("azure.oidc_token", &["ARM_OIDC_TOKEN"]);
const OIDC_TOKEN_FILE: Name = name("azure.oidc_token_file_path", &["ARM_OIDC_TOKEN_FILE_PATH"]);
const REQUEST_URL: Name = name(
    "azure.oidc_request_url",
    &[
        "ARM_OIDC_REQUEST_URL",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "SYSTEM_OIDCREQUESTURI",
    ],
);
const REQUEST_TOKEN: Name = name(
    "azure.oidc_request_token",
    &[
        "ARM_OIDC_REQUEST_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "SYSTEM_ACCESSTOKEN",
    ],
);
const SERVICE_CONNECTION: Name = name(
    "azure.ado_pipeline_service_connection_id",
    &[
        "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
        "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID",
    ],
);
const MSI_ENDPOINT: Name = name("azure.msi_endpoint", &["ARM_MSI_ENDPOINT"]);
const MSI_API_VERSION: Name = name("azure.msi_api_version", &["ARM_MSI_API_VERSION"]);

/// The file that AKS mounts into a pod, and whose identity it is for.
const FEDERATED_TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// Looks up the arguments of the section and the variables that stand in.
pub(super) struct Arguments<'a> {
    settings: &'a Settings,
    variables: &'a Variables,
    workload_identity: bool,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        variables: &'a Variables,
    ) -> Result<Arguments<'a>, NotReady> {
        let workload_identity = settings.use_aks_workload_identity.or_flag(
            "azure.use_aks_workload_identity",
            variables,
            "ARM_USE_AKS_WORKLOAD_IDENTITY",
            false,
        )?;
        Ok(Arguments {
            settings,
            variables,
            workload_identity,
        })
    }

    /// Whether a token of another identity provider is to be exchanged.
    pub(super) fn use_oidc(&self) -> Result<bool, NotReady> {
        let oidc = &self.settings.use_oidc;
        let oidc = oidc.or_flag("azure.use_oidc", self.variables, "ARM_USE_OIDC", false)?;
        Ok(oidc || self.workload_identity)
    }

    pub(super) fn use_msi(&self) -> Result<bool, NotReady> {
        let msi = &self.settings.use_msi;
        msi.or_flag("azure.use_msi", self.variables, "ARM_USE_MSI", false)
    }

    pub(super) fn use_cli(&self) -> Result<bool, NotReady> {
        let cli = &self.settings.use_cli;
        cli.or_flag("azure.use_cli", self.variables, "ARM_USE_CLI", true)
    }

    /// The tenant and the application, both of which must be there.
    pub(super) fn application(&self) -> Result<Application, NotReady> {
        let missing = |argument: &str, variable: &str| NotReady::Missing {
            argument: argument.to_owned(),
            variable: variable.to_owned(),
        };
        let tenant = self.tenant()?;
        let client = self.client()?;
        Ok(Application {
            tenant: tenant.ok_or_else(|| missing("azure.tenant_id", "ARM_TENANT_ID"))?,
            client: client.ok_or_else(|| missing("azure.client_id", "ARM_CLIENT_ID"))?,
        })
    }

    pub(super) fn tenant(&self) -> Result<Option<String>, NotReady> {
        let tenant = &self.settings.tenant_id;
        let tenant = tenant.or_variable("azure.tenant_id", self.variables, &["ARM_TENANT_ID"])?;
        self.agreed(tenant, "azure.tenant_id", "AZURE_TENANT_ID")
    }

    /// The subscription that azurerm asks the Azure CLI for; all else finds subscriptions in ids.
    pub(super) fn subscription(&self) -> Option<String> {
        self.variables.get("ARM_SUBSCRIPTION_ID")
    }

    fn client(&self) -> Result<Option<String>, NotReady> {
        let settings = self.settings;
        let client = self.value_or_file(
            (&settings.client_id, CLIENT_ID),
            (&settings.client_id_file_path, CLIENT_ID_FILE),
        )?;
        self.agreed(client, "azure.client_id", "AZURE_CLIENT_ID")
    }

    pub(super) fn client_secret(&self) -> Result<Option<Secret>, NotReady> {
        let settings = self.settings;
        let secret = self.value_or_file(
            (&settings.client_secret.exposed(), CLIENT_SECRET),
            (&settings.client_secret_file_path, CLIENT_SECRET_FILE),
        )?;
        Ok(secret.map(Secret::new))
    }

    pub(super) fn client_certificate(&self) -> Result<Option<ClientCertificate>, NotReady> {
        let settings = self.settings;
        let value = self.text(&settings.client_certificate.exposed(), CERTIFICATE)?;
        let path = self.text(&settings.client_certificate_path, CERTIFICATE_FILE)?;
        let value = match value {
            Some(value) => Some(from_base64(&value)?),
            None => None,
        };
        let file = match &path {
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                invalid(CERTIFICATE_FILE, format!("cannot read {path}: {error}"))
            })?),
            None => None,
        };
        let (name, bytes) = match (value, file) {
            (None, None) => return Ok(None),
            (Some(value), Some(file)) if value != file => {
                let reason = "its file and azure.client_certificate (ARM_CLIENT_CERTIFICATE) differ: set one of them";
                return Err(invalid(CERTIFICATE_FILE, reason.to_owned()));
            }
            (Some(value), _) => (CERTIFICATE, value),
            (None, Some(file)) => (CERTIFICATE_FILE, file),
        };
        let password = &settings.client_certificate_password.exposed();
        let password = self.text(password, CERTIFICATE_PASSWORD)?;
        let certificate =
            ClientCertificate::from_pkcs12(&bytes, password.as_deref().unwrap_or_default());
        certificate.map(Some).map_err(|cause| {
            let advice = match (&cause, password) {
                (Unreadable::WrongPassword, Some(_)) => {
                    ": check azure.client_certificate_password (ARM_CLIENT_CERTIFICATE_PASSWORD)"
                }
                (Unreadable::WrongPassword, None) => {
                    ": none is set in azure.client_certificate_password (ARM_CLIENT_CERTIFICATE_PASSWORD)"
                }
                _ => "",
            };
            invalid(name, format!("{cause}{advice}"))
        })
    }

    /// The token of another identity provider, if there is one: given, in a file, or where to ask for one, in this order.
    pub(super) fn oidc_token(&self) -> Result<Option<OidcToken>, NotReady> {
        let settings = self.settings;
        let value = self.value_or_file(
            (&settings.oidc_token.exposed(), OIDC_TOKEN),
            (&settings.oidc_token_file_path, OIDC_TOKEN_FILE),
        )?;
        if let Some(path) = self.workload_identity_file(value.as_deref())? {
            return Ok(Some(OidcToken::File {
                path: path.into(),
                named_by: FEDERATED_TOKEN_FILE,
            }));
        }
        let path = self.text(&settings.oidc_token_file_path, OIDC_TOKEN_FILE)?;
        match (path, value) {
            (Some(path), _) => Ok(Some(OidcToken::File {
                path: path.into(),
                named_by: OIDC_TOKEN_FILE.argument,
            })),
            (None, Some(value)) => Ok(Some(OidcToken::Value(Secret::new(value)))),
            (None, None) => self.token_of_a_pipeline(),
        }
    }

    /// Why there is no token, and the argument that asked for one.
    pub(super) fn no_oidc_token(&self) -> (&'static str, String) {
        let reason = match self.workload_identity {
            true => format!(
                "AKS has not set {FEDERATED_TOKEN_FILE}: check that the pod has the label azure.workload.identity/use and a service account of that identity"
            ),
            false => format!(
                "there is no token: set azure.oidc_token (ARM_OIDC_TOKEN), azure.oidc_token_file_path (ARM_OIDC_TOKEN_FILE_PATH), or both azure.oidc_request_url ({}) and azure.oidc_request_token ({}); GitHub sets them where the job has the permission id-token: write",
                REQUEST_URL.variables.join(", "),
                REQUEST_TOKEN.variables.join(", ")
            ),
        };
        let argument = match self.workload_identity {
            true => "azure.use_aks_workload_identity",
            false => "azure.use_oidc",
        };
        (argument, reason)
    }

    /// The managed identity, whose application id is set only where a user assigned it.
    pub(super) fn managed_identity(&self) -> Result<ManagedIdentity, NotReady> {
        let settings = self.settings;
        let endpoint = self.text(&settings.msi_endpoint, MSI_ENDPOINT)?;
        let api_version = self.text(&settings.msi_api_version, MSI_API_VERSION)?;
        let or_else = |default: &str| api_version.clone().unwrap_or_else(|| default.to_owned());
        let of_app_service = (
            self.variables.get("IDENTITY_ENDPOINT"),
            self.variables.get("IDENTITY_HEADER"),
        );
        let service = match (endpoint.clone(), of_app_service) {
            // Who names the endpoint of App Service as azurerm wants it means the same service.
            (named, (Some(endpoint), Some(header)))
                if named.as_ref().is_none_or(|it| *it == endpoint) =>
            {
                Service::AppService {
                    endpoint: url("IDENTITY_ENDPOINT", &endpoint)?,
                    api_version: or_else("2019-08-01"),
                    header: Secret::new(header),
                }
            }
            _ => {
                let endpoint = endpoint.as_deref().unwrap_or(INSTANCE_METADATA);
                Service::InstanceMetadata {
                    endpoint: url(MSI_ENDPOINT.argument, endpoint)?,
                    api_version: or_else("2018-02-01"),
                }
            }
        };
        Ok(ManagedIdentity {
            service,
            client: self.client()?,
        })
    }

    /// The token that GitHub or Azure DevOps hands out to what it runs. Half of what it takes is none: Azure DevOps
    /// sets its URL in every job, and a job may use its request token for other things.
    fn token_of_a_pipeline(&self) -> Result<Option<OidcToken>, NotReady> {
        let settings = self.settings;
        let url = self.text(&settings.oidc_request_url, REQUEST_URL)?;
        let token = self.text(&settings.oidc_request_token.exposed(), REQUEST_TOKEN)?;
        let connection = &settings.ado_pipeline_service_connection_id;
        let connection = self.text(connection, SERVICE_CONNECTION)?;
        let (Some(url), Some(token)) = (url, token) else {
            return Ok(None);
        };
        let of_azure_devops = self.variables.get("SYSTEM_OIDCREQUESTURI");
        let request = TokenRequest {
            url: https(REQUEST_URL.argument, &url)?,
            token: Secret::new(token),
        };
        match connection {
            Some(service_connection) => Ok(Some(OidcToken::AzureDevOps {
                request,
                service_connection,
            })),
            None if of_azure_devops.as_ref() == Some(&url) => Err(missing(SERVICE_CONNECTION)),
            None => Ok(Some(OidcToken::GitHub(request))),
        }
    }

    /// The file of AKS, which must not contradict a token that is given.
    fn workload_identity_file(&self, given: Option<&str>) -> Result<Option<String>, NotReady> {
        let path = self.variables.get(FEDERATED_TOKEN_FILE);
        let Some(path) = path.filter(|_| self.workload_identity) else {
            return Ok(None);
        };
        let file = NAME_OF_AKS;
        let token = read(file, &path)?;
        match given {
            Some(given) if given != token => Err(invalid(
                file,
                format!(
                    "the file {path} and azure.oidc_token (ARM_OIDC_TOKEN) differ: set one of them, or azure.use_aks_workload_identity = false"
                ),
            )),
            _ => Ok(Some(path)),
        }
    }

    /// A value that must agree with what AKS has set for the pod, if it has.
    fn agreed(
        &self,
        value: Option<String>,
        argument: &str,
        variable: &str,
    ) -> Result<Option<String>, NotReady> {
        let of_aks = self.variables.get(variable);
        let Some(of_aks) = of_aks.filter(|_| self.workload_identity) else {
            return Ok(value);
        };
        match value {
            Some(value) if !value.eq_ignore_ascii_case(&of_aks) => Err(NotReady::Invalid {
                argument: argument.to_owned(),
                reason: format!(
                    "{value:?} is not what AKS workload identity has set in {variable} ({of_aks:?}): make them agree, leave one out, or set azure.use_aks_workload_identity = false"
                ),
            }),
            _ => Ok(Some(of_aks)),
        }
    }

    fn text(&self, setting: &Setting<String>, name: Name) -> Result<Option<String>, NotReady> {
        setting.or_variable(name.argument, self.variables, name.variables)
    }

    /// A value given directly or in a file; both are fine if they agree.
    fn value_or_file(
        &self,
        (value, name): (&Setting<String>, Name),
        (file, file_name): (&Setting<String>, Name),
    ) -> Result<Option<String>, NotReady> {
        let value = self.text(value, name)?;
        let Some(path) = self.text(file, file_name)? else {
            return Ok(value);
        };
        let text = read(file_name, &path)?;
        match value {
            Some(value) if value.trim() != text => Err(invalid(
                file_name,
                format!(
                    "the file {path} and {} ({}) differ: set one of them",
                    name.argument,
                    name.variables.join(", ")
                ),
            )),
            _ => Ok(Some(text)),
        }
    }
}

const NAME_OF_AKS: Name = name(FEDERATED_TOKEN_FILE, &[]);

const fn name(argument: &'static str, variables: &'static [&'static str]) -> Name {
    Name {
        argument,
        variables,
    }
}

fn missing(name: Name) -> NotReady {
    NotReady::Missing {
        argument: name.argument.to_owned(),
        variable: name.variables.join(" or "),
    }
}

fn invalid(name: Name, reason: String) -> NotReady {
    NotReady::Invalid {
        argument: name.argument.to_owned(),
        reason,
    }
}

/// The text of a file that holds one value and perhaps the end of its line.
fn read(name: Name, path: &str) -> Result<String, NotReady> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| invalid(name, format!("cannot read {path}: {error}")))?;
    match text.trim() {
        "" => Err(invalid(name, format!("the file {path} is empty"))),
        text => Ok(text.to_owned()),
    }
}

fn from_base64(text: &str) -> Result<Vec<u8>, NotReady> {
    // Tools break the lines of what they encode.
    let text: String = text.split_ascii_whitespace().collect();
    let decoded = BASE64_STANDARD.decode(text);
    decoded.map_err(|_| {
        let reason = "it is not base64: encode the PKCS#12 file, or name it in azure.client_certificate_path (ARM_CLIENT_CERTIFICATE_PATH)";
        invalid(CERTIFICATE, reason.to_owned())
    })
}

/// An address on this machine, for which http is enough.
fn url(argument: &str, text: &str) -> Result<Url, NotReady> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| NotReady::Invalid {
        argument: argument.to_owned(),
        reason: format!("{text:?} is not a URL"),
    })
}
