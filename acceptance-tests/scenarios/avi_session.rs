//! The session at the Avi controller: begun once, begun again, refused, ended with the command.

use ako_lab::{Action, Fault, Lab, Options};
use serde_json::json;

use super::se_group::prepared;
use crate::harness::Scenario;

const CONFIGURATION: &str = r#"
resource "ako_se_group" "many" {
  count           = 12
  name            = "seg-${count.index}"
  cloud_ref       = "azure"
  data_network_id = "snet-se-blue"
  max_se          = var.max_se
}

variable "max_se" {
  type    = number
  default = 4
}
"#;

const LOOKUP: &str = r#"
data "ako_se_group" "default" {
  name      = "Default-Group"
  cloud_ref = "Default-Cloud"
}

output "uuid" { value = data.ako_se_group.default.uuid }
"#;

const ONE: &str = r#"
resource "ako_se_group" "blue" {
  name            = "seg-blue"
  cloud_ref       = "azure"
  data_network_id = "snet-se-blue"
}
"#;

const GROUPS: &str = "/api/serviceenginegroup";
const ONE_GROUP: &str = "/api/serviceenginegroup/*";

fn count(scenario: &Scenario, path: &str) -> usize {
    let journal = scenario.lab.journal();
    journal.iter().filter(|entry| entry.path == path).count()
}

fn assert_told(scenario: &Scenario, parts: &[&str]) {
    let run = scenario.plan_fails();
    // Terraform breaks lines as it likes.
    let told = run.transcript().replace(['│', '\n'], " ");
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(told.contains(part), "{part}: {told}");
    }
}

fn text_refusal(status: u16, text: &str) -> Action {
    Action::Respond {
        status,
        headers: [("content-type".to_owned(), "text/plain".to_owned())].into(),
        body: text.into(),
    }
}

#[test]
fn a_command_with_many_resources_signs_in_once_and_out_at_its_end() {
    let scenario = prepared(CONFIGURATION);
    scenario.apply_with(&["-parallelism=50"]);
    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    assert_eq!(count(&scenario, "/login"), 1);
    assert_eq!(count(&scenario, "/logout"), 1);
    assert_eq!(scenario.lab.avi().state()["sessions"], 0);
}

#[test]
fn a_session_that_ends_in_the_middle_of_an_apply_is_begun_again() {
    let mut scenario = prepared(CONFIGURATION);
    let ended = Fault::on("POST", GROUPS, text_refusal(419, "error"));
    scenario.lab.add_fault(ended.nth(3));
    scenario.apply();
    let journal = scenario.lab.journal();
    let creates = journal.iter().filter(|entry| entry.method == "POST");
    let creates = creates.filter(|entry| entry.path == GROUPS).count();
    assert_eq!(creates, 12 + 1);
    for (max_se, refusal) in [
        (5, text_refusal(419, "error")),
        (6, text_refusal(401, "error")),
        (7, text_refusal(401, "CSRF token missing or incorrect.")),
    ] {
        scenario.set_variable("max_se", &json!(max_se));
        scenario
            .lab
            .add_fault(Fault::on("PATCH", ONE_GROUP, refusal).nth(3));
        scenario.apply();
        let group = scenario.avi_object("serviceenginegroup", "seg-11");
        assert_eq!(group["max_se"], max_se);
        scenario.assert_nothing_to_do();
    }
}

#[test]
fn a_list_of_a_hundred_pages_is_read_to_its_end() {
    let scenario = prepared(ONE);
    for number in 0..100 {
        let group = json!({
            "name": format!("other-{number}"),
            "cloud_ref": "/api/cloud?name=azure",
            "data_network_id": if number == 99 { "snet-se-blue" } else { "snet-se-green" },
        });
        scenario.avi("POST", GROUPS, group);
    }
    let avi = scenario.lab.avi();
    avi.change_settings(|settings| settings.largest_page = 1);
    let run = scenario.apply();
    assert!(run.says("other-99"), "{}", run.transcript());
    assert!(count(&scenario, GROUPS) >= 100);
}

#[test]
fn a_wrong_password_is_told_with_the_arguments_and_tried_once() {
    let mut scenario = prepared(CONFIGURATION);
    scenario.terraform.set_environment("AVI_PASSWORD", "wrong");
    assert_told(
        &scenario,
        &[
            "\"admin\" with this password: Invalid credentials",
            "avi.password",
        ],
    );
    assert_eq!(count(&scenario, "/login"), 1);
}

#[test]
fn an_unknown_tenant_and_an_old_version_name_their_arguments() {
    let mut scenario = Scenario::new(LOOKUP);
    scenario.terraform.set_environment("AVI_TENANT", "team-x");
    assert_told(&scenario, &["avi.tenant (AVI_TENANT)", "\"team-x\""]);
    scenario.terraform.set_environment("AVI_TENANT", "admin");
    scenario.terraform.set_environment("AVI_VERSION", "18.2.6");
    assert_told(&scenario, &["avi.version: 18.2.6 is older than 20.1.1"]);
    scenario.terraform.set_environment("AVI_VERSION", "31.1.1");
    assert_told(
        &scenario,
        &["avi.version is 31.1.1, and the controller has version 30.2.1"],
    );
    scenario.terraform.set_environment("AVI_PASSWORD", "");
    scenario.terraform.set_environment("AVI_VERSION", "");
    assert_told(&scenario, &["avi.password is not set", "AVI_PASSWORD"]);
}

#[test]
fn a_controller_that_stumbles_is_asked_again() {
    let scenario = Scenario::new(LOOKUP);
    let busy = |status| Action::respond(status, json!({"error": "try later"}));
    for action in [
        busy(500),
        busy(502),
        busy(503),
        Action::Reset,
        Action::Truncate { bytes: 30 },
    ] {
        scenario.lab.add_fault(Fault::on("GET", GROUPS, action));
    }
    scenario
        .lab
        .add_fault(Fault::on("POST", "/login", busy(503)));
    scenario.apply();
    let page = Action::page(200, "<html><body>Please sign in</body></html>");
    scenario.lab.add_fault(Fault::on("GET", GROUPS, page));
    assert_told(
        &scenario,
        &[
            "not an Avi controller's",
            "Please sign in",
            "avi.controller",
        ],
    );
}

#[test]
fn a_certificate_of_nobody_we_know_is_refused_with_what_to_set() {
    let mut scenario = Scenario::new(LOOKUP);
    let stranger = Lab::start_blocking(Options::default()).expect("a second lab starts");
    let others = &stranger.connection().ca_certificate;
    scenario.terraform.set_environment("SSL_CERT_FILE", others);
    assert_told(
        &scenario,
        &["avi.ca_certificate names the certificate authority"],
    );
    assert_eq!(count(&scenario, "/login"), 0);
    let ca = scenario
        .lab
        .connection()
        .ca_certificate
        .display()
        .to_string();
    // A machine without any certificate authority.
    let nobody = tempfile::tempdir().expect("a folder");
    let nobody = nobody.path().display().to_string();
    scenario.terraform.set_environment("SSL_CERT_FILE", "");
    scenario.terraform.set_environment("SSL_CERT_DIR", &nobody);
    assert_told(
        &scenario,
        &["avi.ca_certificate names the certificate authority"],
    );
    for argument in [
        format!("ca_certificate = file({ca:?})"),
        "insecure = true".to_owned(),
    ] {
        scenario.configure_provider(&format!("avi = {{ {argument} }}"));
        scenario.apply();
    }
}

#[test]
fn secrets_of_the_session_are_in_no_log() {
    let mut scenario = Scenario::new(LOOKUP);
    scenario
        .terraform
        .set_environment("TF_LOG_PROVIDER", "trace");
    let run = scenario.apply();
    let told = run.transcript();
    assert!(
        told.contains("/api/serviceenginegroup"),
        "the requests are logged"
    );
    for secret in [
        scenario.lab.connection().avi.password.as_str(),
        "csrftoken=",
        "sessionid=",
    ] {
        assert!(!told.contains(secret), "{secret} is in the log");
    }
}
