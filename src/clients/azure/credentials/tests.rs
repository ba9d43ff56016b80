//! Which way is taken, and what an incomplete or contradictory one is answered with.

use super::super::super::{NotReady, Variables};
use super::certificate::ClientCertificate;
use super::managed_identity::{ManagedIdentity, Service};
use super::oidc::OidcToken;
use super::{Settings, Way};
use ako_lab::client_certificates as files;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::collections::BTreeMap;
use std::io::Write;

type Pair<'a> = (&'a str, &'a str);

const WHO: [Pair<'_>; 2] = [("ARM_TENANT_ID", "t"), ("ARM_CLIENT_ID", "c")];

fn way(pairs: &[Pair<'_>]) -> Result<Way, NotReady> {
    let pairs = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let variables = Variables::from_map(pairs.collect::<BTreeMap<_, _>>());
    Way::new(&Settings::default(), &variables)
}

/// The way of somebody whose tenant and application are set.
fn way_of_us(pairs: &[Pair<'_>]) -> Result<Way, NotReady> {
    way(&[&WHO, pairs].concat())
}

#[track_caller]
fn error_of_us(pairs: &[Pair<'_>]) -> String {
    way_of_us(pairs).unwrap_err().to_string()
}

fn file(content: &[u8]) -> (tempfile::NamedTempFile, String) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let path = file.path().display().to_string();
    (file, path)
}

#[test]
fn the_first_way_that_is_configured_is_taken_in_the_order_of_azurerm() {
    let certificate = BASE64_STANDARD.encode(files::MODERN);
    let steps: [(&[Pair<'_>], &str); 7] = [
        (&[], "the Azure CLI"),
        (&[("ARM_USE_MSI", "true")], "a managed identity"),
        (
            &[
                ("ARM_USE_OIDC", "true"),
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://github/token"),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request"),
            ],
            "an OIDC token of GitHub",
        ),
        (
            &[("ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "connection")],
            "an OIDC token of Azure DevOps",
        ),
        (&[("ARM_OIDC_TOKEN", "token")], "an OIDC token"),
        (&[("ARM_CLIENT_SECRET", "secret")], "a client secret"),
        (
            &[
                ("ARM_CLIENT_CERTIFICATE", &certificate),
                ("ARM_CLIENT_CERTIFICATE_PASSWORD", files::PASSWORD),
            ],
            "a client certificate",
        ),
    ];
    let mut pairs = WHO.to_vec();
    for (more, expected) in steps {
        pairs.extend(more);
        assert_eq!(way(&pairs).unwrap().name(), expected);
    }
}

#[test]
fn an_incomplete_way_is_an_error_and_no_other_is_tried() {
    let error = way(&[("ARM_CLIENT_SECRET", "secret")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "azure.tenant_id is not set: set it in the provider block, or the environment variable ARM_TENANT_ID"
    );
    let rows: [(&[Pair<'_>], &str); 2] = [
        (
            &[
                ("SYSTEM_OIDCREQUESTURI", "https://token"),
                ("SYSTEM_ACCESSTOKEN", "x"),
            ],
            "azure.ado_pipeline_service_connection_id is not set",
        ),
        (
            &[
                ("ARM_OIDC_REQUEST_URL", "http://token"),
                ("ARM_OIDC_REQUEST_TOKEN", "x"),
            ],
            "azure.oidc_request_url: \"http://token\" must begin with https",
        ),
    ];
    for (pairs, expected) in rows {
        let error = error_of_us(&[&[("ARM_USE_OIDC", "true")], pairs].concat());
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn use_oidc_without_a_token_is_no_way_and_the_next_one_is_taken_as_in_azurerm() {
    let rows: [&[Pair<'_>]; 4] = [
        &[("ARM_USE_OIDC", "true")],
        &[
            ("ARM_USE_OIDC", "true"),
            ("SYSTEM_OIDCREQUESTURI", "https://token"),
        ],
        &[("ARM_USE_OIDC", "true"), ("SYSTEM_ACCESSTOKEN", "x")],
        &[("ARM_USE_AKS_WORKLOAD_IDENTITY", "true")],
    ];
    for pairs in rows {
        let next = way_of_us(pairs).unwrap();
        assert_eq!(next.name(), "the Azure CLI");
        let failed = next.failed(&azure_core::Error::with_message(
            azure_core::error::ErrorKind::Credential,
            "no az",
        ));
        assert!(failed.to_string().contains("azure.use_"), "{failed}");
        let machine = way_of_us(&[pairs, &[("ARM_USE_MSI", "true")]].concat());
        assert_eq!(machine.unwrap().name(), "a managed identity");
        let error = error_of_us(&[pairs, &[("ARM_USE_CLI", "false")]].concat());
        assert!(
            error.contains("there is no token") || error.contains("AZURE_FEDERATED_TOKEN_FILE"),
            "{error}"
        );
    }
}

#[test]
fn the_azure_cli_is_asked_for_the_tenant_or_for_that_of_the_subscription() {
    let of = |pairs: &[Pair<'_>]| match way(pairs).unwrap() {
        Way::Cli {
            tenant,
            subscription,
            ..
        } => (tenant, subscription),
        other => panic!("{other:?}"),
    };
    let (tenant, subscription) = (("ARM_TENANT_ID", "t"), ("ARM_SUBSCRIPTION_ID", "s"));
    assert_eq!(of(&[subscription]), (None, Some("s".to_owned())));
    assert_eq!(of(&[tenant, subscription]), (Some("t".to_owned()), None));
}

#[test]
fn a_value_and_its_file_must_agree() {
    let rows = [
        ("ARM_CLIENT_SECRET", "ARM_CLIENT_SECRET_FILE_PATH"),
        ("ARM_OIDC_TOKEN", "ARM_OIDC_TOKEN_FILE_PATH"),
        ("ARM_CLIENT_ID", "ARM_CLIENT_ID_FILE_PATH"),
    ];
    let (_file, path) = file(b"value\n");
    let (_empty, empty) = file(b"\n");
    for (variable, file_variable) in rows {
        let pairs = |path, value| {
            [
                ("ARM_TENANT_ID", "t"),
                ("ARM_CLIENT_ID", "value"),
                ("ARM_USE_OIDC", "true"),
                ("ARM_OIDC_TOKEN", "value"),
                (file_variable, path),
                (variable, value),
            ]
        };
        assert!(way(&pairs(&path, "value")).is_ok(), "{variable}");
        let error = way(&pairs(&path, "other")).unwrap_err().to_string();
        assert!(error.ends_with("differ: set one of them"), "{error}");
        assert!(!error.contains("other"), "{error}");
        let error = way(&pairs(&empty, "value")).unwrap_err().to_string();
        assert!(error.ends_with("is empty"), "{error}");
        let error = way(&pairs("/no/file", "value")).unwrap_err().to_string();
        assert!(error.contains("cannot read /no/file"), "{error}");
    }
}

#[test]
fn a_certificate_may_be_given_twice_if_both_agree() {
    let certificate = BASE64_STANDARD.encode(files::MODERN);
    // `base64` breaks its lines.
    let broken = certificate.replace('A', "A\n");
    let (_file, path) = file(files::MODERN);
    let (_other, other) = file(files::LEGACY);
    let with = |path| {
        way_of_us(&[
            ("ARM_CLIENT_CERTIFICATE", broken.as_str()),
            ("ARM_CLIENT_CERTIFICATE_PATH", path),
            ("ARM_CLIENT_CERTIFICATE_PASSWORD", files::PASSWORD),
        ])
    };
    assert!(matches!(with(&path), Ok(Way::ClientCertificate(..))));
    let error = with(&other).unwrap_err().to_string();
    assert!(error.contains("differ: set one of them"), "{error}");
}

#[test]
fn a_certificate_that_cannot_be_used_names_the_argument_to_blame() {
    let (_file, path) = file(files::MODERN);
    let rows: [(&[Pair<'_>], &str); 5] = [
        (
            &[("ARM_CLIENT_CERTIFICATE", "%%")],
            "azure.client_certificate: it is not base64",
        ),
        (
            &[("ARM_CLIENT_CERTIFICATE", "AAAA")],
            "azure.client_certificate: it is not PKCS#12",
        ),
        (
            &[("ARM_CLIENT_CERTIFICATE_PATH", "/no/file")],
            "azure.client_certificate_path: cannot read /no/file",
        ),
        (
            &[("ARM_CLIENT_CERTIFICATE_PATH", &path)],
            "azure.client_certificate_path: the password does not open it: none is set in azure.client_certificate_password",
        ),
        (
            &[
                ("ARM_CLIENT_CERTIFICATE_PATH", &path),
                ("ARM_CLIENT_CERTIFICATE_PASSWORD", "hush"),
            ],
            "azure.client_certificate_path: the password does not open it: check azure.client_certificate_password",
        ),
    ];
    for (pairs, expected) in rows {
        let error = error_of_us(pairs);
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn aks_workload_identity_takes_its_own_variables() {
    let (_file, path) = file(b"token");
    let of_aks = [
        ("ARM_USE_AKS_WORKLOAD_IDENTITY", "true"),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "C"),
        ("AZURE_FEDERATED_TOKEN_FILE", path.as_str()),
    ];
    let taken = way(&of_aks).unwrap();
    let Way::Oidc(application, OidcToken::File { path: file, .. }) = &taken else {
        panic!("{taken:?}")
    };
    assert_eq!(file.display().to_string(), path);
    assert_eq!((&*application.tenant, &*application.client), ("t", "C"));
    assert!(way_of_us(&of_aks).is_ok(), "ids differ in case alone");

    // Without the flag, and with an empty one, they say nothing.
    assert_eq!(way(&of_aks[1..]).unwrap().name(), "the Azure CLI");
    let off = [&of_aks[1..], &[("ARM_USE_AKS_WORKLOAD_IDENTITY", "")]].concat();
    assert_eq!(way(&off).unwrap().name(), "the Azure CLI");
}

#[test]
fn what_aks_has_set_must_not_be_contradicted() {
    let (_file, path) = file(b"token");
    let of_aks = [
        ("ARM_USE_AKS_WORKLOAD_IDENTITY", "true"),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_FEDERATED_TOKEN_FILE", path.as_str()),
    ];
    let rows = [
        ("ARM_TENANT_ID", "azure.tenant_id: \"other\" is not"),
        ("ARM_CLIENT_ID", "azure.client_id: \"other\" is not"),
        ("ARM_OIDC_TOKEN", "AZURE_FEDERATED_TOKEN_FILE: the file"),
    ];
    for (variable, expected) in rows {
        let error = way(&[&of_aks[..], &[(variable, "other")]].concat());
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(
            error.contains("use_aks_workload_identity = false"),
            "{error}"
        );
    }
    let no_cli = [&of_aks[..3], &[("ARM_USE_CLI", "false")]].concat();
    let error = way(&no_cli).unwrap_err().to_string();
    assert!(
        error.contains("AKS has not set AZURE_FEDERATED_TOKEN_FILE"),
        "{error}"
    );
}

#[test]
fn a_managed_identity_is_asked_for_where_the_environment_says() {
    let identity = |pairs: &[Pair<'_>]| -> ManagedIdentity {
        let way = way(&[&[("ARM_USE_MSI", "true")], pairs].concat());
        match way.unwrap() {
            Way::ManagedIdentity(identity) => identity,
            other => panic!("{other:?}"),
        }
    };
    let machine = identity(&[]);
    assert_eq!(machine.client, None);
    let Service::InstanceMetadata {
        endpoint,
        api_version,
    } = machine.service
    else {
        panic!("a machine asks the metadata service")
    };
    assert_eq!(
        endpoint.as_str(),
        "http://169.254.169.254/metadata/identity/oauth2/token"
    );
    assert_eq!(api_version, "2018-02-01");

    let of_app_service = [
        ("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token"),
        ("IDENTITY_HEADER", "hush"),
    ];
    let app = identity(&of_app_service);
    assert!(
        matches!(&app.service, Service::AppService { api_version, .. } if api_version == "2019-08-01")
    );
    assert!(!format!("{app:?}").contains("hush"));

    let named = [("ARM_MSI_ENDPOINT", "http://127.0.0.1:1/token")];
    let named = identity(&[&of_app_service[..], &named].concat());
    assert!(matches!(named.service, Service::AppService { .. }));

    let ours = [
        ("ARM_MSI_ENDPOINT", "http://ours/token"),
        ("ARM_MSI_API_VERSION", "2021-02-01"),
        ("ARM_CLIENT_ID", "user-assigned"),
    ];
    let named = identity(&[&of_app_service[..], &ours].concat());
    assert_eq!(named.client.as_deref(), Some("user-assigned"));
    assert!(matches!(
        named.service,
        Service::InstanceMetadata { endpoint, api_version }
            if endpoint.as_str() == "http://ours/token" && api_version == "2021-02-01"
    ));
    let error = error_of_us(&[("ARM_USE_MSI", "true"), ("ARM_MSI_ENDPOINT", "nowhere")]);
    assert_eq!(error, "azure.msi_endpoint: \"nowhere\" is not a URL");
}

#[test]
fn a_flag_is_a_boolean_and_an_empty_one_is_unset() {
    for flag in [
        "ARM_USE_OIDC",
        "ARM_USE_MSI",
        "ARM_USE_AKS_WORKLOAD_IDENTITY",
        "ARM_USE_CLI",
    ] {
        assert_eq!(way_of_us(&[(flag, "")]).unwrap().name(), "the Azure CLI");
        let error = error_of_us(&[(flag, "yes")]);
        assert_eq!(error, format!("{flag}: \"yes\" is neither true nor false"));
    }
}

#[test]
fn without_any_way_the_error_names_them_all() {
    let error = way(&[("ARM_USE_CLI", "false")]).unwrap_err().to_string();
    for name in [
        "ARM_CLIENT_CERTIFICATE_PATH",
        "ARM_CLIENT_SECRET",
        "ARM_OIDC_TOKEN",
        "ARM_OIDC_REQUEST_URL",
        "azure.use_oidc",
        "azure.use_msi",
        "azure.use_aks_workload_identity",
        "az login",
    ] {
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn no_secret_shows_in_debug_output() {
    let certificate = BASE64_STANDARD.encode(files::MODERN);
    let rows: [&[Pair<'_>]; 4] = [
        &[("ARM_CLIENT_SECRET", "hush")],
        &[("ARM_USE_OIDC", "1"), ("ARM_OIDC_TOKEN", "hush")],
        &[
            ("ARM_USE_OIDC", "1"),
            ("ARM_OIDC_REQUEST_URL", "https://token"),
            ("ARM_OIDC_REQUEST_TOKEN", "hush"),
        ],
        &[
            ("ARM_CLIENT_CERTIFICATE", &certificate),
            ("ARM_CLIENT_CERTIFICATE_PASSWORD", files::PASSWORD),
        ],
    ];
    for pairs in rows {
        let text = format!("{:?}", way_of_us(pairs).unwrap());
        assert!(
            !text.contains("hush") && !text.contains(files::PASSWORD),
            "{text}"
        );
    }
    let certificate = ClientCertificate::from_pkcs12(files::MODERN, files::PASSWORD);
    assert_eq!(format!("{certificate:?}"), "Ok(ClientCertificate)");
}
