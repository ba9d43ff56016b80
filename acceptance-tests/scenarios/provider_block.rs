//! The provider block: which Azure it reaches, and what is not known of it while planning.

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

/// Arguments of the section `azure`, with the lab's own values for `{tenant}` and the like.
pub(super) fn configure_azure(scenario: &Scenario, arguments: &str) {
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
pub(super) fn asked(scenario: &Scenario, service: &str) -> usize {
    let journal = scenario.lab.journal();
    journal
        .iter()
        .filter(|entry| entry.service == service)
        .count()
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
