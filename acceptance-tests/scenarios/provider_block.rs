//! The provider block: how it signs in to Azure, which Azure it reaches, and what it says where it cannot.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ako_lab::faults::{Action, Fault};
use serde_json::json;

use crate::harness::Scenario;

const ADDRESS: &str = "ako_cluster_subnet.se";

const CONFIGURATION: &str = r#"
resource "ako_cluster_subnet" "se" {
  virtual_network_id = var.virtual_network_id
  name               = "snet-se"
  address_prefixes   = ["10.0.100.0/24"]
}
"#;

/// A token of another identity provider: the lab looks at its form only.
const OIDC_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln";

/// A lab whose address is in the environment, but no credential.
fn without_credentials() -> Scenario {
    let mut scenario = Scenario::new(CONFIGURATION);
    for name in ["ARM_TENANT_ID", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET"] {
        scenario.terraform.set_environment(name, "");
    }
    scenario
}

/// Arguments of the section `azure`, with the lab's own values for `{tenant}` and the like.
fn configure_azure(scenario: &Scenario, arguments: &str) {
    let azure = &scenario.lab.connection().azure;
    let arguments = arguments
        .replace("{tenant}", &azure.tenant_id)
        .replace("{client}", &azure.client_id)
        .replace("{secret}", &azure.client_secret)
        .replace("{endpoint}", &azure.resource_manager_endpoint)
        .replace("{authority}", &azure.authority_host)
        .replace("{metadata}", &azure.metadata_host);
    scenario.configure_provider(&format!("azure = {{\n{arguments}\n  }}"));
}

/// How often each service of the lab was asked.
fn asked(scenario: &Scenario, service: &str) -> usize {
    let journal = scenario.lab.journal();
    journal
        .iter()
        .filter(|entry| entry.service == service)
        .count()
}

/// An Azure CLI of our own, first on the search path; its arguments are noted in `az.log`.
fn install_azure_cli(scenario: &mut Scenario, script: &str) {
    let folder = scenario.terraform.configuration();
    let log = folder.join("az.log");
    let text = format!("#!/bin/sh\necho \"$*\" >> '{}'\n{script}\n", log.display());
    scenario.write("az", &text);
    fs::set_permissions(folder.join("az"), fs::Permissions::from_mode(0o755))
        .expect("the script can be made executable");
    let mut path = folder.into_os_string();
    path.push(":");
    path.push(env::var_os("PATH").expect("there is a search path"));
    scenario.terraform.set_environment("PATH", path);
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
fn a_client_secret_in_a_file_signs_in() {
    let scenario = without_credentials();
    let secret = &scenario.lab.connection().azure.client_secret;
    scenario.write("secret", &format!("{secret}\n"));
    configure_azure(
        &scenario,
        "tenant_id = \"{tenant}\"\n client_id = \"{client}\"\n client_secret_file_path = \"secret\"",
    );
    scenario.plan();
    assert_eq!(asked(&scenario, "login"), 1);
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

#[test]
fn the_account_of_the_azure_cli_is_used_where_nothing_else_is_configured() {
    let mut scenario = without_credentials();
    let token = scenario
        .lab
        .azure()
        .issue_token()
        .expect("the lab has an owner");
    let expires = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is past 1970")
        + Duration::from_secs(3600);
    let answer = json!({
        "accessToken": token,
        "expires_on": expires.as_secs(),
        "tokenType": "Bearer",
    });
    install_azure_cli(&mut scenario, &format!("echo '{answer}'"));
    scenario.apply();
    assert_eq!(asked(&scenario, "login"), 0, "the CLI has signed in before");
    let log = scenario.terraform.read("az.log").expect("it was called");
    let scope = format!(
        "{}/.default",
        scenario.lab.connection().azure.resource_manager_endpoint
    );
    assert!(
        log.contains("account get-access-token") && log.contains(&scope),
        "{log}"
    );
    scenario.destroy();
}

#[test]
fn an_azure_cli_that_has_not_signed_in_is_quoted_with_every_other_way() {
    let mut scenario = without_credentials();
    let script = "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1";
    install_azure_cli(&mut scenario, script);
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

#[track_caller]
fn assert_names_every_way(run: &ako_lab::terraform::Run) {
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

#[test]
fn the_arguments_of_a_custom_cloud_lead_to_it_without_a_metadata_host() {
    let mut scenario = Scenario::new(CONFIGURATION);
    scenario
        .terraform
        .set_environment("ARM_METADATA_HOSTNAME", "");
    configure_azure(
        &scenario,
        r#"
    environment                     = "custom"
    resource_manager_endpoint       = "{endpoint}"
    resource_manager_audience       = "{endpoint}"
    active_directory_authority_host = "{authority}"
    disable_instance_discovery      = true"#,
    );
    scenario.apply();
    assert_eq!(asked(&scenario, "metadata"), 0);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_metadata_host_tells_where_the_cloud_is() {
    let mut scenario = Scenario::new(CONFIGURATION);
    scenario
        .terraform
        .set_environment("ARM_METADATA_HOSTNAME", "");
    configure_azure(&scenario, "metadata_host = \"{metadata}\"");
    scenario.plan();
    assert_eq!(asked(&scenario, "metadata"), 1, "once for the whole plan");
}

#[test]
fn a_metadata_host_that_knows_nothing_is_named() {
    let scenario = Scenario::new(CONFIGURATION);
    let page = Action::respond(404, json!({"message": "no such page"}));
    scenario
        .lab
        .add_fault(Fault::on("GET", "/metadata/endpoints", page).always());
    let run = scenario.plan_fails();
    let host = &scenario.lab.connection().azure.metadata_host;
    assert!(
        run.says(host) && run.says("status 404"),
        "{}",
        run.transcript()
    );
}

/// A credential that comes from another resource of the same configuration.
const FROM_A_RESOURCE: &str = r#"
variable "generation" {
  type    = number
  default = 1
}

variable "application" { type = string }

resource "terraform_data" "application" {
  input            = var.application
  triggers_replace = var.generation
}
"#;

#[test]
fn a_credential_that_is_not_known_yet_lets_a_create_be_planned_and_keeps_what_exists() {
    let mut scenario = Scenario::new("");
    let client = scenario.lab.connection().azure.client_id.clone();
    scenario.set_variable("application", &json!(client));
    scenario.configure(&format!("{CONFIGURATION}{FROM_A_RESOURCE}"));
    configure_azure(&scenario, "client_id = terraform_data.application.output");
    scenario.plan();
    assert!(scenario.lab.journal().is_empty(), "nobody could be asked");
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();

    scenario.set_variable("generation", &json!(2));
    let run = scenario.plan_fails();
    assert!(
        run.says("azure.client_id is not known yet") && run.says("-target"),
        "{}",
        run.transcript()
    );
    assert_eq!(
        scenario.resource(ADDRESS)["id"],
        scenario.subnet("snet-se"),
        "the state is kept"
    );
}

#[test]
fn a_request_that_is_never_answered_is_given_up_and_repeated() {
    let scenario = Scenario::new(CONFIGURATION);
    scenario.configure_provider("azure = {}\n  request_timeout_in_seconds = 1");
    let network = scenario.network();
    scenario
        .lab
        .add_fault(Fault::on("GET", &network, Action::Stall));
    scenario.plan();
    let reads: Vec<_> = scenario
        .calls()
        .all()
        .iter()
        .filter(|call| call.ends_with("virtualNetworks/vnet-ako-lab"))
        .cloned()
        .collect();
    assert_eq!(reads.len(), 2, "{}", scenario.calls());
}
