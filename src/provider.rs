//! The `provider "ako"` block, what it comes to, and the lists of everything the provider serves.

use crate::clients::{Clients, Setting, Settings, Variables, avi, azure, kubernetes, user_agent};
use crate::configured::{Claims, Configured};
use crate::data_sources::azure_cloud::AzureCloud;
use crate::data_sources::cluster_nodes::ClusterNodes;
use crate::data_sources::config::Config as AkoConfig;
use crate::data_sources::se_group::SeGroupLookup;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::function::AnyFunction;
use crate::framework::handler::{AnyDataSource, AnyResource};
use crate::framework::plan::Config;
use crate::framework::provider::{Provider, data_source, function, resource};
use crate::framework::schema::{Attribute, Check, Schema, Shape, Type};
use crate::framework::value::Value;
use crate::functions::{cidr_conflicts, pod_routes};
use crate::resources;
use secrecy::SecretString;
use std::time::Duration;

/// How long one request may take unless the block says otherwise.
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The provider `ako`.
#[derive(Debug)]
pub struct Ako;

impl Provider for Ako {
    const NAME: &'static str = "ako";
    type Clients = Configured;

    fn schema() -> Schema {
        Schema::new(
            "What AKO in ClusterIP mode needs on Azure and at the Avi controller: an SE subnet with a route table and an SE group for each cluster, the cloud that they belong to, and the routes to the pods. Connections are made when something first needs them: a section that nothing needs may be left out. All connections take the proxies of the environment variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, and trust the certificate authorities in the file that `SSL_CERT_FILE` names in place of the system's.",
            vec![
                Attribute::optional(
                    "avi",
                    Shape::single(avi_arguments()),
                    "How to reach the Avi controller. The arguments and environment variables are those of the Avi provider where it has them. All that one command does happens in one session, which ends with it.",
                ),
                Attribute::optional(
                    "azure",
                    Shape::single(azure_arguments()),
                    "How to sign in to Azure. The arguments and environment variables are those of the azurerm provider. The first of these that is configured is used, and its failure is final: client certificate, client secret, OIDC token (a value, a file, Azure DevOps, GitHub, or AKS workload identity), managed identity, Azure CLI. Subscriptions are taken from the ids of objects.",
                ),
                Attribute::optional(
                    "kubernetes",
                    Shape::single(kubernetes_arguments()),
                    "How to reach the Kubernetes cluster whose nodes are read. The arguments and environment variables are those of the Kubernetes provider: a kubeconfig comes first, explicit arguments override it, and `KUBECONFIG` is not read. In a pod, where nothing else names a cluster, it is the pod's own, by its service account. Sign in by one of `token`, `username` and `exec`, or by a client certificate. Data sources can name a cluster of their own.",
                ),
                Attribute::optional(
                    "request_timeout_in_seconds",
                    Type::Number,
                    "The longest that a single request may take, 30 by default. A reading request that takes longer is repeated while the `timeouts` of the operation allow it.",
                )
                .check(Check::Range(1..=3600)),
                Attribute::optional(
                    "adopt_remnants",
                    Type::Bool,
                    "Whether a create takes over, with a warning, what an interrupted run of it left and what is as planned. True by default; where false, that is an error with the import command.",
                ),
            ],
        )
    }

    fn configure(config: Config<'_>, terraform_version: &str) -> Result<Configured, Diagnostics> {
        let request_timeout = config.get("request_timeout_in_seconds").as_i64();
        let request_timeout = request_timeout.and_then(|seconds| u64::try_from(seconds).ok());
        Ok(Configured {
            clients: Clients::new(Settings {
                avi: avi_settings(config.get("avi")),
                azure: azure_settings(config.get("azure")),
                kubernetes: kubernetes_settings(config.get("kubernetes")),
                variables: Variables::of_process(),
                user_agent: user_agent(terraform_version),
                request_timeout: request_timeout
                    .map_or(DEFAULT_REQUEST_TIMEOUT, Duration::from_secs),
            }),
            adopt_remnants: config.get("adopt_remnants").as_bool().unwrap_or(true),
            claims: Claims::default(),
            replaced: Claims::default(),
        })
    }

    async fn close(configured: &Configured) {
        configured.clients.close().await;
    }

    fn resources() -> Vec<Box<dyn AnyResource<Configured>>> {
        vec![
            resource::<resources::cluster_subnet::ClusterSubnet>(),
            resource::<resources::cloud_credential::CloudCredential>(),
            resource::<resources::azure_cloud::AzureCloud>(),
            resource::<resources::se_group::SeGroups>(),
            resource::<resources::se_group_override::SeGroupOverride>(),
            resource::<resources::pod_routes::PodRoutes>(),
            resource::<resources::vrf_pod_routes::VrfPodRoutes>(),
            resource::<resources::pod_route_sync::PodRouteSync>(),
        ]
    }

    fn data_sources() -> Vec<Box<dyn AnyDataSource<Configured>>> {
        vec![
            data_source::<AzureCloud>(),
            data_source::<SeGroupLookup>(),
            data_source::<ClusterNodes>(),
            data_source::<AkoConfig>(),
        ]
    }

    fn functions() -> Vec<AnyFunction> {
        vec![
            function::<pod_routes::PodRoutes>(),
            function::<cidr_conflicts::CidrConflicts>(),
        ]
    }
}

fn avi_arguments() -> Vec<Attribute> {
    let text = |name: &str, description: &str| Attribute::optional(name, Type::String, description);
    vec![
        text(
            "controller",
            "The address of the controller: `host`, `host:port` or `https://host:port`. Without encryption (`http://`) only this very machine is called. Or `AVI_CONTROLLER`.",
        ),
        text(
            "username",
            "The user, `admin` by default. Or `AVI_USERNAME`.",
        ),
        text("password", "The user's password. Or `AVI_PASSWORD`.").sensitive(),
        text(
            "authtoken",
            "A token of the user, in place of the password. Or `AVI_AUTHTOKEN`.",
        )
        .sensitive(),
        text(
            "tenant",
            "The tenant in which objects are read and made, `admin` by default. Or `AVI_TENANT`.",
        ),
        text(
            "version",
            "The version of the API to speak, at least 20.1.1 and at most the controller's own. By default the controller's own, up to 30.2.1. Or `AVI_VERSION`.",
        ),
        Attribute::optional(
            "api_timeout",
            Type::Number,
            "The longest that a single request to the controller may take, in seconds; by default as `request_timeout_in_seconds`. Or `AVI_API_TIMEOUT`.",
        )
        .check(Check::Range(1..=3600)),
        text(
            "ca_certificate",
            "The certificate authority of the controller, or its own certificate, PEM. Without it those of the file that the environment variable `SSL_CERT_FILE` names count, then the system's. Or `AVI_CA_CERTIFICATE`.",
        ),
        Attribute::optional(
            "insecure",
            Type::Bool,
            "Whether not to check the controller's certificate, false by default: whoever sits between could then read the password. Or `AVI_INSECURE`.",
        ),
    ]
}

fn azure_arguments() -> Vec<Attribute> {
    let text = |name: &str, description: &str| Attribute::optional(name, Type::String, description);
    let flag = |name: &str, description: &str| Attribute::optional(name, Type::Bool, description);
    vec![
        text("tenant_id", "The tenant. Or `ARM_TENANT_ID`."),
        text(
            "client_id",
            "The application (client) id, or that of a user-assigned managed identity. Or `ARM_CLIENT_ID`.",
        ),
        text(
            "client_id_file_path",
            "A file that holds the application id. Or `ARM_CLIENT_ID_FILE_PATH`.",
        ),
        text(
            "client_certificate",
            "The application's certificate with its RSA key: a PKCS#12 file in base64. Or `ARM_CLIENT_CERTIFICATE`.",
        )
        .sensitive(),
        text(
            "client_certificate_path",
            "A PKCS#12 file (`.pfx`) that holds the application's certificate with its RSA key. Or `ARM_CLIENT_CERTIFICATE_PATH`.",
        ),
        text(
            "client_certificate_password",
            "The password of the PKCS#12 file. Or `ARM_CLIENT_CERTIFICATE_PASSWORD`.",
        )
        .sensitive(),
        text(
            "client_secret",
            "The application's secret. Or `ARM_CLIENT_SECRET`.",
        )
        .sensitive(),
        text(
            "client_secret_file_path",
            "A file that holds the application's secret. Or `ARM_CLIENT_SECRET_FILE_PATH`.",
        ),
        flag(
            "use_oidc",
            "Whether to sign in with an OIDC token of another identity provider, false by default. Where there is none, the next way is taken. Or `ARM_USE_OIDC`.",
        ),
        text("oidc_token", "The OIDC token. Or `ARM_OIDC_TOKEN`.").sensitive(),
        text(
            "oidc_token_file_path",
            "A file that holds the OIDC token; it is read again for each access token. Or `ARM_OIDC_TOKEN_FILE_PATH`.",
        ),
        text(
            "oidc_request_url",
            "Where GitHub or Azure DevOps hands out OIDC tokens, with `https://`. A new one is asked for with each access token. Or `ARM_OIDC_REQUEST_URL`, `ACTIONS_ID_TOKEN_REQUEST_URL`, `SYSTEM_OIDCREQUESTURI`.",
        ),
        text(
            "oidc_request_token",
            "The bearer token to show there. Or `ARM_OIDC_REQUEST_TOKEN`, `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, `SYSTEM_ACCESSTOKEN`.",
        )
        .sensitive(),
        text(
            "ado_pipeline_service_connection_id",
            "The service connection of Azure DevOps; where it is set, the token is asked for as Azure DevOps wants it, otherwise as GitHub does. Or `ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID`, `ARM_OIDC_AZURE_SERVICE_CONNECTION_ID`.",
        ),
        flag(
            "use_aks_workload_identity",
            "Whether to sign in as the workload identity of a pod in AKS, false by default: with the token in the file that `AZURE_FEDERATED_TOKEN_FILE` names, and `AZURE_CLIENT_ID` and `AZURE_TENANT_ID`, which must not contradict the arguments. Or `ARM_USE_AKS_WORKLOAD_IDENTITY`.",
        ),
        flag(
            "use_msi",
            "Whether to sign in as a managed identity of this machine, false by default; in App Service `IDENTITY_ENDPOINT` and `IDENTITY_HEADER` are used. Or `ARM_USE_MSI`.",
        ),
        text(
            "msi_endpoint",
            "Where managed identities get their tokens, the instance metadata service by default. Or `ARM_MSI_ENDPOINT`.",
        ),
        text(
            "msi_api_version",
            "The api-version in which managed identities ask for their tokens, `2018-02-01` by default (App Service: `2019-08-01`). Or `ARM_MSI_API_VERSION`.",
        ),
        flag(
            "use_cli",
            "Whether to use the account of the Azure CLI where nothing else is configured, true by default. Without `tenant_id` the tenant of `ARM_SUBSCRIPTION_ID` is meant, if that is set. Or `ARM_USE_CLI`.",
        ),
        text(
            "environment",
            "The cloud: `public` (the default), `usgovernment`, `dod`, `china`, `canary`, or `custom` with the arguments below. Or `ARM_ENVIRONMENT`.",
        ),
        text(
            "metadata_host",
            "A host that describes the cloud under `/metadata/endpoints`, without `https://`. Wins over `environment`. Or `ARM_METADATA_HOSTNAME`.",
        ),
        text(
            "active_directory_authority_host",
            "The login service of a custom cloud, with `https://`. Or `ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST`.",
        ),
        text(
            "resource_manager_endpoint",
            "The address of Azure Resource Manager in a custom cloud, with `https://`. Or `ARM_RESOURCE_MANAGER_ENDPOINT`.",
        ),
        text(
            "resource_manager_audience",
            "What tokens for Azure Resource Manager are issued for in a custom cloud. Or `ARM_RESOURCE_MANAGER_AUDIENCE`.",
        ),
        flag(
            "disable_instance_discovery",
            "Has no effect: the login service of a cloud is never looked up at Microsoft's. It is accepted because a custom cloud that other providers share may set it.",
        ),
    ]
}

fn kubernetes_arguments() -> Vec<Attribute> {
    let text = |name: &str, description: &str| Attribute::optional(name, Type::String, description);
    vec![
        text("config_path", "A kubeconfig file. Or `KUBE_CONFIG_PATH`."),
        Attribute::optional(
            "config_paths",
            Type::list(Type::String),
            "Several kubeconfig files, merged. Or `KUBE_CONFIG_PATHS`.",
        ),
        text(
            "config_context",
            "The context of the kubeconfig, its current one by default. Or `KUBE_CTX`.",
        ),
        text(
            "config_context_auth_info",
            "The user to take from the kubeconfig in place of the context's. Or `KUBE_CTX_AUTH_INFO`.",
        ),
        text(
            "config_context_cluster",
            "The cluster to take from the kubeconfig in place of the context's. Or `KUBE_CTX_CLUSTER`.",
        ),
        text("host", "The address of the API server. Or `KUBE_HOST`."),
        text(
            "cluster_ca_certificate",
            "The certificate authority of the API server, PEM. Without one, the kubeconfig's counts, then those of the file that the environment variable `SSL_CERT_FILE` names, then the system's. Or `KUBE_CLUSTER_CA_CERT_DATA`.",
        ),
        text(
            "tls_server_name",
            "The name in the API server's certificate, where it is not the host's. Or `KUBE_TLS_SERVER_NAME`.",
        ),
        Attribute::optional(
            "insecure",
            Type::Bool,
            "Whether not to check the API server's certificate, false by default. Or `KUBE_INSECURE`.",
        ),
        text("token", "A bearer token. Or `KUBE_TOKEN`.").sensitive(),
        text(
            "username",
            "A user's name, for a proxy in front of the API server that takes basic authentication. Or `KUBE_USER`.",
        ),
        text("password", "The user's password. Or `KUBE_PASSWORD`.").sensitive(),
        text(
            "client_certificate",
            "A client certificate, PEM. Or `KUBE_CLIENT_CERT_DATA`.",
        ),
        text(
            "client_key",
            "The key of the client certificate, PEM. Or `KUBE_CLIENT_KEY_DATA`.",
        )
        .sensitive(),
        Attribute::optional(
            "exec",
            Shape::single(exec_arguments()),
            "A program that prints a credential, such as `kubelogin`. It runs once for all that is read through the connection, again when its credential ends or is refused, and without a terminal. What it prints is never shown.",
        ),
        text(
            "proxy_url",
            "A proxy for this connection, `http` or `https`, with a user and a password where it wants them. It wins over the environment variables `HTTPS_PROXY` and `NO_PROXY`, which count otherwise. Or `KUBE_PROXY_URL`.",
        )
        // It may hold a password.
        .sensitive(),
    ]
}

fn exec_arguments() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "api_version",
            Type::String,
            "The form in which it answers: `client.authentication.k8s.io/v1` or `client.authentication.k8s.io/v1beta1`.",
        ),
        Attribute::required("command", Type::String, "The program."),
        Attribute::optional("args", Type::list(Type::String), "Its arguments.").sensitive(),
        Attribute::optional(
            "env",
            Type::map(Type::String),
            "Environment variables for it, beside those of Terraform.",
        )
        .sensitive(),
    ]
}

fn avi_settings(section: &Value) -> avi::Settings {
    avi::Settings {
        controller: text(section, "controller"),
        username: text(section, "username"),
        password: secret(section, "password"),
        authtoken: secret(section, "authtoken"),
        tenant: text(section, "tenant"),
        version: text(section, "version"),
        api_timeout: setting(section, "api_timeout", Value::as_i64),
        ca_certificate: text(section, "ca_certificate"),
        insecure: flag(section, "insecure"),
    }
}

fn azure_settings(section: &Value) -> azure::Settings {
    azure::Settings {
        tenant_id: text(section, "tenant_id"),
        client_id: text(section, "client_id"),
        client_id_file_path: text(section, "client_id_file_path"),
        client_certificate: secret(section, "client_certificate"),
        client_certificate_path: text(section, "client_certificate_path"),
        client_certificate_password: secret(section, "client_certificate_password"),
        client_secret: secret(section, "client_secret"),
        client_secret_file_path: text(section, "client_secret_file_path"),
        use_oidc: flag(section, "use_oidc"),
        oidc_token: secret(section, "oidc_token"),
        oidc_token_file_path: text(section, "oidc_token_file_path"),
        oidc_request_url: text(section, "oidc_request_url"),
        oidc_request_token: secret(section, "oidc_request_token"),
        ado_pipeline_service_connection_id: text(section, "ado_pipeline_service_connection_id"),
        use_aks_workload_identity: flag(section, "use_aks_workload_identity"),
        use_msi: flag(section, "use_msi"),
        msi_endpoint: text(section, "msi_endpoint"),
        msi_api_version: text(section, "msi_api_version"),
        use_cli: flag(section, "use_cli"),
        environment: text(section, "environment"),
        metadata_host: text(section, "metadata_host"),
        active_directory_authority_host: text(section, "active_directory_authority_host"),
        resource_manager_endpoint: text(section, "resource_manager_endpoint"),
        resource_manager_audience: text(section, "resource_manager_audience"),
    }
}

fn kubernetes_settings(section: &Value) -> kubernetes::Settings {
    kubernetes::Settings {
        config_path: text(section, "config_path"),
        config_paths: texts(section, "config_paths"),
        config_context: text(section, "config_context"),
        config_context_auth_info: text(section, "config_context_auth_info"),
        config_context_cluster: text(section, "config_context_cluster"),
        host: text(section, "host"),
        cluster_ca_certificate: text(section, "cluster_ca_certificate"),
        tls_server_name: text(section, "tls_server_name"),
        insecure: flag(section, "insecure"),
        token: secret(section, "token"),
        username: text(section, "username"),
        password: secret(section, "password"),
        client_certificate: text(section, "client_certificate"),
        client_key: secret(section, "client_key"),
        exec: exec_settings(section.get("exec")),
        proxy_url: secret(section, "proxy_url"),
        service_account: kubernetes::ServiceAccount::default(),
    }
}

/// A program whose arguments are known, unset or unknown one by one.
fn exec_settings(exec: &Value) -> Setting<kubernetes::Exec> {
    match exec {
        Value::Unknown => Setting::Unknown,
        Value::Null => Setting::Unset,
        exec => Setting::Known(kubernetes::Exec {
            api_version: text(exec, "api_version"),
            command: text(exec, "command"),
            args: texts(exec, "args")
                .map(|args| args.into_iter().map(SecretString::from).collect()),
            env: setting(exec, "env", |value| {
                let variables = value.as_map()?.iter();
                let variables = variables
                    .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned().into())));
                variables.collect()
            }),
        }),
    }
}

fn text(section: &Value, name: &str) -> Setting<String> {
    setting(section, name, |value| value.as_str().map(str::to_owned))
}

fn secret(section: &Value, name: &str) -> Setting<SecretString> {
    text(section, name).map(SecretString::from)
}

fn flag(section: &Value, name: &str) -> Setting<bool> {
    setting(section, name, Value::as_bool)
}

fn texts(section: &Value, name: &str) -> Setting<Vec<String>> {
    setting(section, name, |value| {
        let texts = value.as_list()?.iter();
        texts.map(|text| text.as_str().map(str::to_owned)).collect()
    })
}

/// An argument of a section: unknown with any part of it, and with the section as a whole.
fn setting<T>(section: &Value, name: &str, read: impl Fn(&Value) -> Option<T>) -> Setting<T> {
    let value = section.get(name);
    match value.is_wholly_known() {
        true => Setting::from(read(value)),
        false => Setting::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::server::Server;

    #[test]
    fn all_schemas_are_such_as_terraform_takes() {
        let _checks_its_schemas = Server::new::<Ako>();
    }

    #[test]
    fn arguments_are_known_unset_or_unknown_one_by_one() {
        let section = Value::object([
            ("tenant_id", Value::from("t")),
            ("client_id", Value::Unknown),
            ("use_cli", Value::from(false)),
        ]);
        let settings = azure_settings(&section);
        assert_eq!(settings.tenant_id, Setting::Known("t".to_owned()));
        assert_eq!(settings.client_id, Setting::Unknown);
        assert_eq!(settings.use_cli, Setting::Known(false));
        assert_eq!(settings.environment, Setting::Unset);
        assert_eq!(azure_settings(&Value::Unknown).tenant_id, Setting::Unknown);
        assert_eq!(azure_settings(&Value::Null).tenant_id, Setting::Unset);
    }

    #[test]
    fn a_secret_shows_in_no_debug_output() {
        let section = Value::object([
            ("password", Value::from("hunter2")),
            ("authtoken", Value::from("hunter2")),
        ]);
        let text = format!("{:?}", avi_settings(&section));
        assert!(!text.contains("hunter2"), "{text}");
        let section = Value::object([("client_secret", Value::from("hunter2"))]);
        let text = format!("{:?}", azure_settings(&section));
        assert!(!text.contains("hunter2"), "{text}");
        let secrets = Value::object([
            ("args", Value::list([Value::from("hunter2")])),
            ("env", Value::object([("A", Value::from("hunter2"))])),
        ]);
        let text = format!("{:?}", exec_settings(&secrets));
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn every_argument_of_a_section_reaches_the_clients() {
        fn given(arguments: &[Attribute]) -> Value {
            Value::object(arguments.iter().map(|argument| {
                let value = match &argument.shape {
                    Shape::Plain(Type::Bool) => Value::from(true),
                    Shape::Plain(Type::String) => Value::from("x"),
                    Shape::Plain(Type::Number) => Value::from(1_i64),
                    Shape::Plain(Type::Map(_)) => Value::object([("x", Value::from("x"))]),
                    Shape::Plain(_) => Value::list([Value::from("x")]),
                    _ => given(&exec_arguments()),
                };
                (argument.name.clone(), value)
            }))
        }
        let avi = avi_settings(&given(&avi_arguments()));
        let azure = azure_settings(&given(&azure_arguments()));
        let kubernetes = kubernetes_settings(&given(&kubernetes_arguments()));
        for text in [
            format!("{avi:?}"),
            format!("{azure:?}"),
            format!("{kubernetes:?}"),
        ] {
            assert!(!text.contains("Unset"), "{text}");
        }
    }
}
