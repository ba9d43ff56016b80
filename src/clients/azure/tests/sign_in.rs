//! Finding the cloud and signing in to it.

use super::{Scene, TABLES, busy, clients, limits};
use crate::clients::Clients;
use crate::clients::azure::{Error, WriteState};
use crate::wording::with_causes;
use ako_lab::azure::{FederatedToken, Settings};
use ako_lab::faults::Pattern;
use ako_lab::{Action, Fault, Lab, Options, client_certificates};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use std::time::{Duration, Instant};

/// A variable and its value.
type Pair<'a> = (&'a str, &'a str);

#[tokio::test]
async fn parallel_calls_ask_for_one_token_and_one_description_of_the_cloud() {
    let scene = Scene::new().await;
    futures::future::join_all((0..10).map(|_| scene.get())).await;
    let journal = scene.lab.journal();
    let count = |service: &str| {
        journal
            .iter()
            .filter(|entry| entry.service == service)
            .count()
    };
    assert_eq!(
        (count("login"), count("metadata"), count("arm")),
        (1, 1, 10)
    );
}

#[tokio::test]
async fn a_custom_cloud_is_reached_without_a_metadata_document() {
    let scene = Scene::new().await;
    let azure = scene.lab.connection().azure.clone();
    let custom = [
        ("ARM_METADATA_HOSTNAME", ""),
        ("ARM_ENVIRONMENT", "custom"),
        (
            "ARM_ACTIVE_DIRECTORY_AUTHORITY_HOST",
            azure.authority_host.as_str(),
        ),
        (
            "ARM_RESOURCE_MANAGER_ENDPOINT",
            &azure.resource_manager_endpoint,
        ),
        (
            "ARM_RESOURCE_MANAGER_AUDIENCE",
            &azure.resource_manager_endpoint,
        ),
    ];
    let clients = clients(&scene.lab, &custom, Duration::from_secs(30));
    let network = clients.azure().unwrap();
    let network = network
        .get_virtual_network(&scene.limits, &scene.network())
        .await;
    assert!(
        network
            .unwrap()
            .unwrap()
            .subnet("SNET-cluster1-nodes")
            .is_some()
    );
}

#[tokio::test]
async fn everybody_who_waits_for_the_description_of_the_cloud_keeps_their_own_limits() {
    let scene = Scene::new().await;
    scene
        .lab
        .add_fault(Fault::on("GET", "/metadata/*", Action::Hold));
    let (azure, id, short) = (
        scene.azure(),
        scene.table_id(),
        limits(Duration::from_millis(200)),
    );
    let started = Instant::now();
    let asks = azure.get_route_table(&scene.limits, &id);
    tokio::pin!(asks);
    let waits = tokio::select! {
        biased;
        read = &mut asks => panic!("the description is held: {read:?}"),
        read = azure.get_route_table(&short, &id) => read,
    };
    let timed_out = matches!(waits, Err(Error::DeadlineExceeded { .. }));
    assert!(timed_out, "{waits:?}");
    assert!(started.elapsed() < Duration::from_secs(10));
    scene.limits.stop.cancel();
    let stopped = asks.await;
    assert!(matches!(stopped, Err(Error::Stopped { .. })), "{stopped:?}");
}

#[tokio::test]
async fn a_wrong_secret_is_told_in_the_login_services_words() {
    let scene = Scene::new().await;
    let clients = clients(
        &scene.lab,
        &[("ARM_CLIENT_SECRET", "wrong")],
        Duration::from_secs(30),
    );
    let azure = clients.azure().unwrap();
    let error = azure
        .get_route_table(&scene.limits, &scene.table_id())
        .await
        .unwrap_err();
    assert_eq!(error.after_write(), WriteState::NotSent);
    let text = crate::wording::with_causes(&error);
    assert!(
        text.contains("signing in with a client secret failed"),
        "{text}"
    );
    assert!(text.contains("AADSTS7000215"), "{text}");
    assert!(!text.contains("wrong"), "{text}");
}

#[tokio::test]
async fn those_who_wait_for_a_token_share_its_failure() {
    let scene = Scene::new().await;
    let wrong = [("ARM_CLIENT_SECRET", "wrong")];
    let clients = clients(&scene.lab, &wrong, Duration::from_secs(30));
    let azure = clients.azure().unwrap();
    let id = scene.table_id();
    let reads = (0..10).map(|_| azure.get_route_table(&scene.limits, &id));
    let reads = futures::future::join_all(reads).await;
    assert!(reads.iter().all(Result::is_err));
    let journal = scene.lab.journal();
    let logins = journal
        .iter()
        .filter(|entry| entry.service == "login")
        .count();
    assert_eq!(logins, 1);
}

#[tokio::test]
async fn each_way_signs_in() {
    let scene = Scene::new().await;
    let ways = ways(&scene.lab);
    for (way, variables) in &ways {
        let clients = without_secret(&scene.lab, variables);
        let azure = clients.azure().unwrap();
        let read = azure
            .get_route_table(&scene.limits, &scene.table_id())
            .await;
        assert_eq!(read.map_err(|error| with_causes(&error)), Ok(None), "{way}");
    }
}

#[tokio::test]
async fn each_way_is_told_by_its_name_where_it_fails() {
    let scene = Scene::new().await;
    let azure = scene.lab.connection().azure.clone();
    let stranger = BASE64_STANDARD.encode(client_certificates::STRANGER);
    let expired = federated(&scene.lab, |token| token.lifetime = -100);
    let other_subject = federated(&scene.lab, |token| token.subject = "repo:other".to_owned());
    let unsigned = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln";
    let (github, devops) = (
        azure.sign_in.github_request_url.as_str(),
        azure.sign_in.azure_devops_request_url.as_str(),
    );
    let oidc = ("ARM_USE_OIDC", "true");
    let msi = ("ARM_USE_MSI", "true");
    let rows: [(&[Pair<'_>], &[&str]); 11] = [
        (
            &[
                ("ARM_CLIENT_CERTIFICATE", &stranger),
                (
                    "ARM_CLIENT_CERTIFICATE_PASSWORD",
                    client_certificates::PASSWORD,
                ),
            ],
            &[
                "a client certificate failed: AADSTS700027",
                "is registered with the application",
            ],
        ),
        (
            &[oidc, ("ARM_OIDC_TOKEN", &expired)],
            &[
                "an OIDC token failed: AADSTS700024",
                "the clock of this machine",
            ],
        ),
        (
            &[oidc, ("ARM_OIDC_TOKEN", &other_subject)],
            &[
                "an OIDC token failed: AADSTS700213",
                "'repo:other'",
                "issuer, subject and audience",
            ],
        ),
        (
            &[oidc, ("ARM_OIDC_TOKEN", unsigned)],
            &["an OIDC token failed: AADSTS700211"],
        ),
        (
            &[oidc, ("ARM_OIDC_TOKEN", "not-a-token")],
            &["an OIDC token failed: AADSTS50027", "three parts"],
        ),
        (
            &[
                oidc,
                ("ARM_OIDC_REQUEST_URL", github),
                ("ARM_OIDC_REQUEST_TOKEN", "hush"),
            ],
            &[
                "an OIDC token of GitHub failed",
                "status 401",
                "azure.oidc_request_token",
            ],
        ),
        (
            &[
                oidc,
                ("SYSTEM_OIDCREQUESTURI", devops),
                ("SYSTEM_ACCESSTOKEN", &azure.sign_in.request_token),
                ("ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", "other"),
            ],
            &[
                "an OIDC token of Azure DevOps failed",
                "status 404",
                "service_connection_id",
            ],
        ),
        (
            &[
                msi,
                ("ARM_MSI_ENDPOINT", &azure.sign_in.msi_endpoint),
                ("ARM_CLIENT_ID", "other"),
            ],
            &[
                "a managed identity failed: status 400: Identity not found",
                "ARM_CLIENT_ID",
            ],
        ),
        (
            &[msi, ("ARM_MSI_ENDPOINT", "http://127.0.0.1:1/token")],
            &["a managed identity failed: there is no managed identity service at 127.0.0.1:1"],
        ),
        (
            &[
                msi,
                ("IDENTITY_ENDPOINT", &azure.sign_in.identity_endpoint),
                ("IDENTITY_HEADER", "hush"),
            ],
            &["a managed identity failed: status 401"],
        ),
        (
            &[
                oidc,
                ("ARM_OIDC_TOKEN", "t"),
                ("ARM_TENANT_ID", "elsewhere"),
            ],
            &["AADSTS90002", "azure.tenant_id"],
        ),
    ];
    let started = Instant::now();
    for (variables, expected) in rows {
        let clients = without_secret(&scene.lab, variables);
        let azure = clients.azure().unwrap();
        let read = azure
            .get_route_table(&scene.limits, &scene.table_id())
            .await;
        let text = with_causes(&read.unwrap_err());
        for part in expected {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        for secret in ["hush", unsigned, &expired, "not-a-token"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn an_expired_secret_says_so_and_html_is_told_from_the_login_service() {
    let scene = Scene::new().await;
    let expired = json!({
        "error": "invalid_client",
        "error_description": "AADSTS7000222: The provided client secret keys for app 'a' are expired.",
        "error_codes": [7_000_222],
    });
    let answers = [
        (Action::respond(401, expired), "create a new one"),
        (Action::respond(200, json!("<html>")), "is there a proxy"),
    ];
    for (answer, expected) in answers {
        scene
            .lab
            .add_fault(Fault::on("POST", "*/oauth2/v2.0/token", answer));
        let clients = clients(&scene.lab, &[], Duration::from_secs(30));
        let azure = clients.azure().unwrap();
        let read = azure
            .get_route_table(&scene.limits, &scene.table_id())
            .await;
        let text = with_causes(&read.unwrap_err());
        assert!(text.contains(expected), "{text}");
    }
}

#[tokio::test]
async fn a_token_service_that_is_busy_is_asked_again() {
    let scene = Scene::new().await;
    for (way, variables) in ways(&scene.lab) {
        let path = match way {
            "GitHub" | "Azure DevOps" => "/pipelines/*",
            "a virtual machine" => "/metadata/identity/*",
            "App Service" => "/msi/*",
            _ => continue,
        };
        let busy = Action::respond(503, json!({"message": "later"}));
        scene.lab.add_fault(Fault {
            pattern: Pattern {
                path: Some(path.to_owned()),
                ..Pattern::default()
            },
            ..Fault::on("", "", busy)
        });
        let clients = without_secret(&scene.lab, &variables);
        let azure = clients.azure().unwrap();
        let read = azure
            .get_route_table(&scene.limits, &scene.table_id())
            .await;
        assert_eq!(read.unwrap(), None, "{way}");
    }
}

#[tokio::test]
async fn each_access_token_is_asked_for_with_a_new_assertion() {
    let scene = Scene::new().await;
    for (way, variables) in ways(&scene.lab) {
        let clients = without_secret(&scene.lab, &variables);
        scene.lab.clear_journal();
        for _ in 0..2 {
            scene.lab.azure().revoke_tokens();
            let azure = clients.azure().unwrap();
            let read = azure
                .get_route_table(&scene.limits, &scene.table_id())
                .await;
            assert_eq!(read.unwrap(), None, "{way}");
        }
        let journal = scene.lab.journal();
        let count = |service: &str| journal.iter().filter(|e| e.service == service).count();
        let expected = match way {
            "GitHub" | "Azure DevOps" => (2, 2, 0),
            "a virtual machine" | "App Service" => (0, 0, 2),
            _ => (2, 0, 0),
        };
        let asked = (count("login"), count("pipelines"), count("identity"));
        assert_eq!(asked, expected, "{way}");
    }
}

#[tokio::test]
async fn a_token_file_is_read_when_it_is_used() {
    let scene = Scene::new().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let expired = federated(&scene.lab, |token| token.lifetime = -100);
    std::fs::write(file.path(), expired).unwrap();
    let path = file.path().display().to_string();
    for variables in [
        [
            ("ARM_USE_OIDC", "true"),
            ("ARM_OIDC_TOKEN_FILE_PATH", path.as_str()),
        ],
        [
            ("ARM_USE_AKS_WORKLOAD_IDENTITY", "true"),
            ("AZURE_FEDERATED_TOKEN_FILE", path.as_str()),
        ],
    ] {
        let expired = federated(&scene.lab, |token| token.lifetime = -100);
        std::fs::write(file.path(), expired).unwrap();
        let clients = without_secret(&scene.lab, &variables);
        let (azure, id) = (clients.azure().unwrap(), scene.table_id());
        let read = azure.get_route_table(&scene.limits, &id).await;
        let expired = with_causes(&read.unwrap_err());
        assert!(expired.contains("AADSTS700024"), "{expired}");

        // Whoever wrote it replaces it in time.
        std::fs::write(file.path(), federated(&scene.lab, |_| ())).unwrap();
        let read = azure.get_route_table(&scene.limits, &id).await;
        assert_eq!(read.unwrap(), None);
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let scene = Scene::new().await;
    // Five minutes before the end a token counts as used up.
    let short = Duration::from_secs(301);
    let set_lifetime = |s: &mut Settings| s.token_lifetime = short;
    scene.lab.azure().change_settings(set_lifetime);
    let logins = || {
        let journal = scene.lab.journal();
        journal.iter().filter(|e| e.service == "login").count()
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while logins() < 2 && Instant::now() < deadline {
        scene.get().await;
    }
    assert_eq!(logins(), 2);
    let journal = scene.lab.journal();
    let reads = journal.iter().filter(|e| e.service == "arm").count();
    assert!(reads > 2, "a token serves more than one call");
    assert!(journal.iter().all(|entry| entry.status != Some(401)));
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_serves_until_its_end() {
    let scene = Scene::new().await;
    // Old enough to be renewed, young enough to be taken.
    let short = Duration::from_secs(200);
    let set_lifetime = |s: &mut Settings| s.token_lifetime = short;
    scene.lab.azure().change_settings(set_lifetime);
    scene.get().await;
    let refused = Action::respond(401, json!({"error": "invalid_client"}));
    scene
        .lab
        .add_fault(Fault::on("POST", "*/oauth2/v2.0/token", refused));
    scene.get().await;
    let journal = scene.lab.journal();
    let logins = journal.iter().filter(|e| e.service == "login");
    let statuses: Vec<_> = logins.map(|entry| entry.status).collect();
    assert_eq!(statuses, [Some(200), Some(401)]);
}

#[tokio::test]
async fn a_token_that_azure_no_longer_takes_is_renewed_once() {
    let scene = Scene::new().await;
    scene.get().await;
    scene.lab.add_fault(Fault::on(
        "GET",
        TABLES,
        busy(401, "ExpiredAuthenticationToken"),
    ));
    assert_eq!(scene.get().await, None);
    let journal = scene.lab.journal();
    let logins = journal
        .iter()
        .filter(|entry| entry.service == "login")
        .count();
    assert_eq!(logins, 2);
}

#[tokio::test]
async fn an_unknown_certificate_authority_is_an_error_at_once() {
    let scene = Scene::new().await;
    let other = Lab::start(Options::default()).await.unwrap();
    let ca = other.connection().ca_certificate.display().to_string();
    let clients = clients(
        &scene.lab,
        &[("SSL_CERT_FILE", &ca)],
        Duration::from_secs(30),
    );
    let started = Instant::now();
    let azure = clients.azure().unwrap();
    let error = azure
        .get_route_table(&scene.limits, &scene.table_id())
        .await
        .unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2));
    let text = crate::wording::with_causes(&error).to_lowercase();
    assert!(text.contains("certificate"), "{text}");
}

/// Every way but the client secret and the Azure CLI, with the variables that configure it.
fn ways(lab: &Lab) -> Vec<(&'static str, Vec<Pair<'static>>)> {
    let sign_in = &lab.connection().azure.sign_in;
    // Few and small, for as long as the test runs.
    let text = |text: &str| -> &'static str { text.to_owned().leak() };
    let certificate = text(&BASE64_STANDARD.encode(client_certificates::LEGACY));
    let request_token = text(&sign_in.request_token);
    let token = federated(lab, |_| ());
    let file = lab.directory().join("oidc-token");
    std::fs::write(&file, &token).unwrap();
    let file = text(&file.display().to_string());
    let path = text(&sign_in.client_certificate.display().to_string());
    let oidc = ("ARM_USE_OIDC", "true");
    let msi = ("ARM_USE_MSI", "true");
    let password = (
        "ARM_CLIENT_CERTIFICATE_PASSWORD",
        client_certificates::PASSWORD,
    );
    vec![
        (
            "a certificate",
            vec![("ARM_CLIENT_CERTIFICATE", certificate), password],
        ),
        (
            "its file",
            vec![("ARM_CLIENT_CERTIFICATE_PATH", path), password],
        ),
        ("a token", vec![oidc, ("ARM_OIDC_TOKEN", text(&token))]),
        ("its file", vec![oidc, ("ARM_OIDC_TOKEN_FILE_PATH", file)]),
        (
            "AKS",
            vec![
                ("ARM_USE_AKS_WORKLOAD_IDENTITY", "true"),
                ("AZURE_FEDERATED_TOKEN_FILE", file),
            ],
        ),
        (
            "GitHub",
            vec![
                oidc,
                (
                    "ACTIONS_ID_TOKEN_REQUEST_URL",
                    text(&sign_in.github_request_url),
                ),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", request_token),
            ],
        ),
        (
            "Azure DevOps",
            vec![
                oidc,
                (
                    "SYSTEM_OIDCREQUESTURI",
                    text(&sign_in.azure_devops_request_url),
                ),
                ("SYSTEM_ACCESSTOKEN", request_token),
                (
                    "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
                    text(&sign_in.service_connection_id),
                ),
            ],
        ),
        (
            "a virtual machine",
            vec![msi, ("ARM_MSI_ENDPOINT", text(&sign_in.msi_endpoint))],
        ),
        (
            "App Service",
            vec![
                msi,
                ("IDENTITY_ENDPOINT", text(&sign_in.identity_endpoint)),
                ("IDENTITY_HEADER", text(&sign_in.identity_header)),
            ],
        ),
    ]
}

/// A token of the other identity provider, changed from one that is accepted.
fn federated(lab: &Lab, change: impl FnOnce(&mut FederatedToken)) -> String {
    let mut token = FederatedToken::default();
    change(&mut token);
    lab.azure().federated_token(&token)
}

fn without_secret(lab: &Lab, variables: &[Pair<'_>]) -> Clients {
    let variables = [&[("ARM_CLIENT_SECRET", "")], variables].concat();
    clients(lab, &variables, Duration::from_secs(30))
}
