//! Signing in to Azure: each way by which the environment can say who we are.

use crate::harness::Scenario;
use ako_lab::Connection;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use url::form_urlencoded;

const CONFIGURATION: &str = r#"
resource "ako_cluster_subnet" "one" {
  name               = "snet-se"
  virtual_network_id = var.virtual_network_id
  address_prefixes   = ["10.3.0.0/24"]
  route_table_name   = "rt-se"
}
"#;

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
    let (asked, tools) = install_az(&scenario, &token(&connection));
    let path = std::env::var("PATH").expect("there is a path");
    let path = format!("{}:{path}", tools.display());
    scenario.terraform.set_environment("PATH", path);
    scenario.apply();

    let asked = std::fs::read_to_string(asked).expect("az was asked");
    let azure = &connection.azure;
    let scope = format!("--scope {}/.default", azure.resource_manager_endpoint);
    let tenant = format!("--tenant {}", azure.tenant_id);
    assert!(asked.contains(&scope) && asked.contains(&tenant), "{asked}");
}

#[test]
fn without_any_credential_the_error_names_what_could_be_configured() {
    let mut scenario = without_a_secret();
    scenario.terraform.set_environment("ARM_USE_CLI", "false");
    let run = scenario.apply_fails();
    for named in ["ARM_CLIENT_SECRET", "ARM_USE_OIDC", "az login"] {
        assert!(run.says(named), "{}", run.transcript());
    }
    assert!(scenario.calls().all().is_empty());
}

fn without_a_secret() -> Scenario {
    let mut scenario = Scenario::new(CONFIGURATION);
    scenario.terraform.set_environment("ARM_CLIENT_SECRET", "");
    scenario
}

/// A program `az` that gives out `token`: the file in which it notes what it is asked, and the folder it lies in.
#[cfg(unix)]
fn install_az(scenario: &Scenario, token: &str) -> (PathBuf, PathBuf) {
    use std::os::unix::fs::PermissionsExt;
    let answer =
        json!({"accessToken": token, "expires_on": 4_102_444_800_u64, "tokenType": "Bearer"});
    let asked = write(scenario, "asked", "");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> '{}'\necho '{answer}'\n",
        asked.display()
    );
    let program = write(scenario, "tools/az", &script);
    let runnable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, runnable).expect("the file is ours");
    let tools = program.parent().map(Path::to_owned);
    (asked, tools.expect("a file lies in a folder"))
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
