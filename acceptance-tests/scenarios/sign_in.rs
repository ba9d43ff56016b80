//! Signing in to Azure: each way, and what is said where it fails.

use super::provider_block::{asked, configure_azure};
use crate::harness::Scenario;
use ako_lab::azure::FederatedToken;
use ako_lab::faults::{Action, Fault};
use ako_lab::terraform::Run;
use ako_lab::{Connection, Latency, client_certificates};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;
use url::form_urlencoded;

const CONFIGURATION: &str = r#"
resource "ako_cluster_subnet" "one" {
  name               = "snet-se"
  virtual_network_id = var.virtual_network_id
  address_prefixes   = ["10.3.0.0/24"]
  route_table_name   = "rt-se"
}
"#;

/// A variable and its value.
type Pair<'a> = (&'a str, &'a str);

#[test]
fn a_secret_in_a_file_signs_in() {
    let mut scenario = without_a_secret();
    let secret = scenario.lab.connection().azure.client_secret.clone();
    let file = write(&scenario, "secret", &format!("{secret}\n"));
    let terraform = &mut scenario.terraform;
    terraform.set_environment("ARM_CLIENT_SECRET_FILE_PATH", file);
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[cfg(unix)]
#[test]
fn the_azure_clis_account_signs_in_where_nothing_else_is_configured() {
    let mut scenario = without_a_secret();
    let connection = scenario.lab.connection().clone();
    let answer = json!({
        "accessToken": token(&connection),
        "expires_on": 4_102_444_800_u64,
        "tokenType": "Bearer",
    });
    let asked = install_az(&mut scenario, &format!("echo '{answer}'"));
    scenario.apply();

    let asked = std::fs::read_to_string(asked).expect("az was asked");
    let azure = &connection.azure;
    let scope = format!("--scope {}/.default", azure.resource_manager_endpoint);
    let tenant = format!("--tenant {}", azure.tenant_id);
    assert!(asked.contains(&scope) && asked.contains(&tenant), "{asked}");
}

#[test]
fn a_client_secret_of_the_provider_block_signs_in_once() {
    let scenario = without_credentials();
    configure_azure(
        &scenario,
        "tenant_id = \"{tenant}\"\n client_id = \"{client}\"\n client_secret = \"{secret}\"",
    );
    scenario.plan();
    assert_eq!(asked(&scenario, "login"), 1, "one token for the whole plan");
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn a_wrong_secret_is_told_in_the_words_of_the_login_service_and_not_repeated() {
    let mut scenario = Scenario::new(CONFIGURATION);
    scenario
        .terraform
        .set_environment("ARM_CLIENT_SECRET", "not-the-secret");
    let run = scenario.plan_fails();
    assert!(run.says("AADSTS7000215: Invalid client secret provided."));
    assert!(run.says("signing in with a client secret failed"));
    assert!(!run.says("not-the-secret"), "secrets are never shown");
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
}

#[test]
fn a_token_that_azure_no_longer_accepts_is_replaced_without_a_word() {
    let scenario = Scenario::new(CONFIGURATION);
    let expired = Action::respond(
        401,
        json!({"error": {"code": "ExpiredAuthenticationToken", "message": "It has expired."}}),
    );
    scenario
        .lab
        .add_fault(Fault::on("PUT", "*/routeTables/*", expired));
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn an_oidc_token_signs_in_from_the_block_the_environment_or_a_file() {
    let mut scenario = without_credentials();
    let token = scenario
        .lab
        .azure()
        .federated_token(&FederatedToken::default());
    let who = "use_oidc = true\n tenant_id = \"{tenant}\"\n client_id = \"{client}\"";
    configure_azure(&scenario, &format!("{who}\n oidc_token = \"{token}\""));
    scenario.plan();
    scenario.write("token", &format!("{token}\n"));
    configure_azure(
        &scenario,
        &format!("{who}\n oidc_token_file_path = \"token\""),
    );
    scenario.apply();
    configure_azure(&scenario, who);
    scenario.terraform.set_environment("ARM_OIDC_TOKEN", token);
    scenario.assert_nothing_to_do();
    assert!(asked(&scenario, "login") >= 3);
}

#[test]
fn a_certificate_and_its_password_sign_in_from_the_block_in_base64_or_as_a_file() {
    let scenario = without_credentials();
    let sign_in = scenario.lab.connection().azure.sign_in.clone();
    let who = "tenant_id = \"{tenant}\"\n client_id = \"{client}\"";
    let password = client_certificates::PASSWORD;
    let password = format!("client_certificate_password = \"{password}\"");
    let base64 = BASE64_STANDARD.encode(client_certificates::LEGACY);
    configure_azure(
        &scenario,
        &format!("{who}\n {password}\n client_certificate = \"{base64}\""),
    );
    scenario.apply();
    let file = sign_in.client_certificate.display();
    configure_azure(
        &scenario,
        &format!("{who}\n {password}\n client_certificate_path = \"{file}\""),
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn each_way_of_the_environment_signs_in_writes_and_leaves_no_secret_in_the_log() {
    let mut scenario = without_a_secret();
    let token = federated_token_file(&scenario);
    let sign_in = scenario.lab.connection().azure.sign_in.clone();
    let terraform = &mut scenario.terraform;
    // What the pipelines and machines of different makers set, all at once.
    let (url, request_token) = (&sign_in.github_request_url, &sign_in.request_token);
    let standing: [(&str, &OsStr); 9] = [
        ("TF_LOG_PROVIDER", "trace".as_ref()),
        (
            "ARM_CLIENT_CERTIFICATE_PASSWORD",
            client_certificates::PASSWORD.as_ref(),
        ),
        ("AZURE_FEDERATED_TOKEN_FILE", token.as_ref()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_ref()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", request_token.as_ref()),
        (
            "SYSTEM_OIDCREQUESTURI",
            sign_in.azure_devops_request_url.as_ref(),
        ),
        ("SYSTEM_ACCESSTOKEN", request_token.as_ref()),
        ("IDENTITY_ENDPOINT", sign_in.identity_endpoint.as_ref()),
        ("IDENTITY_HEADER", sign_in.identity_header.as_ref()),
    ];
    for (name, value) in standing {
        terraform.set_environment(name, value);
    }
    let certificate = sign_in.client_certificate.clone().into_os_string();
    let devops = sign_in.azure_devops_request_url.clone().into();
    let connection = sign_in.service_connection_id.clone().into();
    let endpoint = sign_in.msi_endpoint.clone().into();
    let yes = || OsString::from("true");
    let ways: [(&[(&str, OsString)], &str); 6] = [
        (&[("ARM_CLIENT_CERTIFICATE_PATH", certificate)], "login"),
        (&[("ARM_USE_AKS_WORKLOAD_IDENTITY", yes())], "login"),
        (&[("ARM_USE_OIDC", yes())], "pipelines"),
        (
            &[
                ("ARM_USE_OIDC", yes()),
                ("ARM_OIDC_REQUEST_URL", devops),
                ("ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", connection),
            ],
            "pipelines",
        ),
        (&[("ARM_USE_MSI", yes())], "identity"),
        (
            &[("ARM_USE_MSI", yes()), ("ARM_MSI_ENDPOINT", endpoint)],
            "identity",
        ),
    ];
    let token = std::fs::read_to_string(&token).expect("we wrote it");
    for (index, (variables, service)) in ways.iter().enumerate() {
        for (name, value) in *variables {
            scenario.terraform.set_environment(name, value);
        }
        // Another tag each time: each way has to write.
        let tags = format!("tags = {{ way = \"{index}\" }}\n}}");
        let configuration = CONFIGURATION.trim_end().trim_end_matches('}');
        scenario.configure(&format!("{configuration}{tags}"));
        scenario.lab.clear_journal();
        let run = scenario.apply();
        assert!(asked(&scenario, service) > 0, "{variables:?}");
        assert!(!scenario.calls().writes().is_empty(), "{variables:?}");
        let said = run.transcript();
        assert!(said.contains("sent a request"), "the log is there");
        for secret in [
            token.as_str(),
            client_certificates::PASSWORD,
            request_token,
            &sign_in.identity_header,
        ] {
            assert!(!said.contains(secret), "{variables:?}");
        }
        for (name, _) in *variables {
            scenario.terraform.set_environment(name, "");
        }
    }
}

#[test]
fn the_first_way_that_is_configured_is_used_and_its_failure_is_final() {
    let mut scenario = Scenario::new(CONFIGURATION);
    let stranger = BASE64_STANDARD.encode(client_certificates::STRANGER);
    let terraform = &mut scenario.terraform;
    terraform.set_environment("ARM_CLIENT_CERTIFICATE", stranger);
    terraform.set_environment(
        "ARM_CLIENT_CERTIFICATE_PASSWORD",
        client_certificates::PASSWORD,
    );
    let run = scenario.plan_fails();
    assert!(
        run.says("signing in with a client certificate failed: AADSTS700027")
            && run.says("registered with the application"),
        "{}",
        run.transcript()
    );
    assert_eq!(asked(&scenario, "login"), 1, "the secret is not tried");
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
}

#[test]
fn what_stops_a_sign_in_names_the_argument_or_the_service_and_what_to_check() {
    let mut scenario = without_a_secret();
    let sign_in = scenario.lab.connection().azure.sign_in.clone();
    let certificate = sign_in.client_certificate.display().to_string();
    let certificate = ("ARM_CLIENT_CERTIFICATE_PATH", certificate.as_str());
    let token = federated_token_file(&scenario).display().to_string();
    let rows: [(&[Pair<'_>], &[&str]); 7] = [
        (
            &[certificate, ("ARM_CLIENT_CERTIFICATE_PASSWORD", "hush")],
            &["azure.client_certificate_path: the password does not open it"],
        ),
        (
            &[certificate, ("ARM_CLIENT_CERTIFICATE", "aHVzaA==")],
            &["azure.client_certificate (ARM_CLIENT_CERTIFICATE) differ: set one of them"],
        ),
        (
            &[("ARM_CLIENT_CERTIFICATE", "hush!")],
            &["azure.client_certificate: it is not base64"],
        ),
        (
            &[
                ("ARM_USE_OIDC", "true"),
                ("ARM_OIDC_REQUEST_TOKEN", "hush"),
                ("ARM_USE_CLI", "false"),
            ],
            &[
                "azure.use_oidc: there is no token",
                "ACTIONS_ID_TOKEN_REQUEST_URL",
            ],
        ),
        (
            &[
                ("ARM_USE_AKS_WORKLOAD_IDENTITY", "true"),
                ("AZURE_CLIENT_ID", "other"),
                ("AZURE_FEDERATED_TOKEN_FILE", &token),
            ],
            &["azure.client_id", "AZURE_CLIENT_ID", "make them agree"],
        ),
        (
            &[
                ("ARM_USE_MSI", "true"),
                ("ARM_MSI_ENDPOINT", "http://127.0.0.1:1/token"),
            ],
            &[
                "there is no managed identity service at 127.0.0.1:1",
                "ARM_MSI_ENDPOINT",
            ],
        ),
        (
            &[("ARM_USE_MSI", "perhaps")],
            &["ARM_USE_MSI: \"perhaps\" is neither true nor false"],
        ),
    ];
    for (variables, expected) in rows {
        for (name, value) in variables {
            scenario.terraform.set_environment(name, *value);
        }
        let run = scenario.plan_fails();
        for words in expected {
            assert!(run.says(words), "{words}: {}", run.transcript());
        }
        assert!(!run.says("hush"), "secrets are never shown");
        for (name, _) in variables {
            scenario.terraform.set_environment(name, "");
        }
    }
    assert_eq!(asked(&scenario, "login"), 0);
}

#[test]
fn an_identity_that_the_machine_does_not_have_is_told() {
    let mut scenario = without_a_secret();
    let endpoint = scenario.lab.connection().azure.sign_in.msi_endpoint.clone();
    let terraform = &mut scenario.terraform;
    terraform.set_environment("ARM_USE_MSI", "true");
    terraform.set_environment("ARM_MSI_ENDPOINT", endpoint);
    terraform.set_environment("ARM_CLIENT_ID", "not-ours");
    let run = scenario.plan_fails();
    assert!(
        run.says("signing in with a managed identity failed: status 400: Identity not found")
            && run.says("ARM_CLIENT_ID"),
        "{}",
        run.transcript()
    );
}

#[test]
fn a_token_that_runs_out_in_the_middle_of_an_apply_is_renewed_before_azure_refuses_it() {
    let scenario = Scenario::new(CONFIGURATION);
    // Five minutes before its end a token counts as used up: these last one second.
    let lifetime = Duration::from_secs(301);
    scenario
        .lab
        .azure()
        .change_settings(|settings| settings.token_lifetime = lifetime);
    let slow = Latency::fixed(Duration::ZERO, Duration::from_secs(2));
    scenario.lab.set_latency(slow);
    scenario.plan();
    scenario.lab.clear_journal();
    scenario.apply_saved_plan();
    assert!(asked(&scenario, "login") >= 2, "{}", scenario.calls());
    let journal = scenario.lab.journal();
    assert!(journal.iter().all(|entry| entry.status != Some(401)));
}

#[test]
fn a_wrong_oidc_token_is_told_in_the_words_of_the_login_service() {
    let scenario = without_credentials();
    configure_azure(
        &scenario,
        "use_oidc = true\n tenant_id = \"{tenant}\"\n client_id = \"{client}\"\n oidc_token = \"not-a-token\"",
    );
    let run = scenario.plan_fails();
    assert!(run.says("AADSTS50027"), "{}", run.transcript());
    assert!(run.says("signing in with an OIDC token failed"));
    assert!(!run.says("not-a-token"), "secrets are never shown");
}

#[cfg(unix)]
#[test]
fn an_azure_cli_that_has_not_signed_in_is_quoted_with_every_other_way() {
    let mut scenario = without_credentials();
    let script = "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1";
    install_az(&mut scenario, script);
    let run = scenario.plan_fails();
    assert!(
        run.says("Please run 'az login' to setup account."),
        "{}",
        run.transcript()
    );
    assert_names_every_way(&run);
}

#[test]
fn without_any_credential_the_error_names_every_argument_and_variable() {
    let scenario = without_credentials();
    configure_azure(&scenario, "use_cli = false");
    let run = scenario.plan_fails();
    assert_names_every_way(&run);
    assert!(scenario.lab.journal().is_empty(), "nobody was asked");
}

#[test]
fn a_secret_without_a_tenant_names_the_argument_and_the_variable() {
    let mut scenario = Scenario::new(CONFIGURATION);
    scenario.terraform.set_environment("ARM_TENANT_ID", "");
    let run = scenario.plan_fails();
    assert!(
        run.says("azure.tenant_id is not set") && run.says("ARM_TENANT_ID"),
        "{}",
        run.transcript()
    );
}

#[track_caller]
fn assert_names_every_way(run: &Run) {
    for name in [
        "azure.tenant_id",
        "ARM_TENANT_ID",
        "azure.client_id",
        "ARM_CLIENT_ID",
        "azure.client_secret",
        "ARM_CLIENT_SECRET",
        "azure.oidc_token",
        "ARM_OIDC_TOKEN",
        "azure.use_cli",
        "ARM_USE_CLI",
    ] {
        assert!(run.says(name), "{name}: {}", run.transcript());
    }
}

/// A lab whose address is in the environment, but no credential.
fn without_credentials() -> Scenario {
    let mut scenario = Scenario::new(CONFIGURATION);
    for name in ["ARM_TENANT_ID", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET"] {
        scenario.terraform.set_environment(name, "");
    }
    scenario
}

/// A file with a token of the other identity provider.
fn federated_token_file(scenario: &Scenario) -> PathBuf {
    let token = FederatedToken::default();
    let token = scenario.lab.azure().federated_token(&token);
    write(scenario, "federated-token", &token)
}

fn without_a_secret() -> Scenario {
    let mut scenario = Scenario::new(CONFIGURATION);
    scenario.terraform.set_environment("ARM_CLIENT_SECRET", "");
    scenario
}

/// A program `az`, first on the search path: gives the file in which it notes what it is asked.
#[cfg(unix)]
fn install_az(scenario: &mut Scenario, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let asked = write(scenario, "asked", "");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> '{}'\n{script}\n",
        asked.display()
    );
    let program = write(scenario, "tools/az", &script);
    let runnable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, runnable).expect("the file is ours");
    let tools = program.parent().expect("a file lies in a folder");
    let path = std::env::var("PATH").expect("there is a path");
    let path = format!("{}:{path}", tools.display());
    scenario.terraform.set_environment("PATH", path);
    asked
}

/// A token of the lab's login service.
fn token(connection: &Connection) -> String {
    let azure = &connection.azure;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &azure.client_id)
        .append_pair("client_secret", &azure.client_secret)
        .append_pair(
            "scope",
            &format!("{}/.default", azure.resource_manager_endpoint),
        )
        .finish();
    let authority = &azure.authority_host;
    let url = format!("{authority}/{}/oauth2/v2.0/token", azure.tenant_id);
    let pem = std::fs::read(&connection.ca_certificate).expect("the lab wrote it");
    let ca = reqwest::Certificate::from_pem(&pem).expect("it is a certificate");
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build()
        .expect("the client needs no more");
    let runtime = tokio::runtime::Runtime::new().expect("there are threads");
    let answer: Value = runtime.block_on(async {
        let request = client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let answer = request.send().await.expect("the lab answers");
        answer.json().await.expect("in JSON")
    });
    let token = answer["access_token"].as_str();
    token.expect("it signs us in").to_owned()
}

/// A file beside the configuration.
fn write(scenario: &Scenario, name: &str, text: &str) -> PathBuf {
    let file = scenario.terraform.configuration().join(name);
    let folder = file.parent().expect("a file lies in a folder");
    std::fs::create_dir_all(folder).expect("the workspace can be written");
    std::fs::write(&file, text).expect("the workspace can be written");
    file
}
