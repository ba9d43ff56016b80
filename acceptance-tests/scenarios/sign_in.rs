//! Signing in to Azure: each way, and what is said where it fails.

use super::provider_block::{asked, configure_azure};
use crate::harness::Scenario;
use ako_lab::Connection;
use ako_lab::faults::{Action, Fault};
use ako_lab::terraform::Run;
use serde_json::{Value, json};
use std::path::PathBuf;
use url::form_urlencoded;

const CONFIGURATION: &str = r#"
resource "ako_cluster_subnet" "one" {
  name               = "snet-se"
  virtual_network_id = var.virtual_network_id
  address_prefixes   = ["10.3.0.0/24"]
  route_table_name   = "rt-se"
}
"#;

/// A token of another identity provider: the lab looks at its form only.
const OIDC_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln";

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
    let who = "use_oidc = true\n tenant_id = \"{tenant}\"\n client_id = \"{client}\"";
    configure_azure(&scenario, &format!("{who}\n oidc_token = \"{OIDC_TOKEN}\""));
    scenario.plan();
    scenario.write("token", &format!("{OIDC_TOKEN}\n"));
    configure_azure(
        &scenario,
        &format!("{who}\n oidc_token_file_path = \"token\""),
    );
    scenario.apply();
    configure_azure(&scenario, who);
    scenario
        .terraform
        .set_environment("ARM_OIDC_TOKEN", OIDC_TOKEN);
    scenario.assert_nothing_to_do();
    assert!(asked(&scenario, "login") >= 3);
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
