//! Finding the cloud and signing in to it.

use super::{Scene, TABLES, busy, clients, limits};
use crate::clients::azure::{Error, WriteState};
use ako_lab::{Action, Fault, Lab, Options};
use serde_json::json;
use std::time::{Duration, Instant};

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
async fn a_token_of_another_identity_provider_is_exchanged() {
    let scene = Scene::new().await;
    let token = federated_token(4_102_444_800);
    let oidc = [
        ("ARM_CLIENT_SECRET", ""),
        ("ARM_USE_OIDC", "true"),
        ("ARM_OIDC_TOKEN", token.as_str()),
    ];
    let clients = clients(&scene.lab, &oidc, Duration::from_secs(30));
    let azure = clients.azure().unwrap();
    let read = azure
        .get_route_table(&scene.limits, &scene.table_id())
        .await;
    assert_eq!(read.unwrap(), None);
}

#[tokio::test]
async fn a_token_file_is_read_when_it_is_used() {
    let scene = Scene::new().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), federated_token(1)).unwrap();
    let path = file.path().display().to_string();
    let oidc = [
        ("ARM_CLIENT_SECRET", ""),
        ("ARM_USE_OIDC", "true"),
        ("ARM_OIDC_TOKEN_FILE_PATH", path.as_str()),
    ];
    let clients = clients(&scene.lab, &oidc, Duration::from_secs(30));
    let (azure, id) = (clients.azure().unwrap(), scene.table_id());
    let read = azure.get_route_table(&scene.limits, &id).await;
    let expired = crate::wording::with_causes(&read.unwrap_err());
    assert!(expired.contains("AADSTS700024"), "{expired}");

    // Whoever wrote it replaces it in time.
    std::fs::write(file.path(), federated_token(4_102_444_800)).unwrap();
    let read = azure.get_route_table(&scene.limits, &id).await;
    assert_eq!(read.unwrap(), None);
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

/// A token of another identity provider that is good until `expiry`.
fn federated_token(expiry: u64) -> String {
    use base64::Engine;
    let claims = json!({"iss": "https://issuer", "sub": "us", "aud": "api://AzureADTokenExchange", "exp": expiry});
    let part = |value: &serde_json::Value| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
    };
    format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(&claims))
}
