//! Answers that are not Azure Resource Manager's, or say that the wrong place was asked: what is in the state stays,
//! and what was not done is not taken for done.

use super::*;
use crate::scenarios::provider_block::configure_azure;
use ako_lab::{Action, Fault};

const PORTAL: &str = "<!DOCTYPE html><html><head><title>Sign in</title><style>p{}</style></head>\
    <body><p>Corporate proxy: please accept the terms of use.</p></body></html>";

const CONFIGURATION: &str = r#"
resource "ako_cluster_subnet" "se" {
  virtual_network_id = var.virtual_network_id
  name               = "snet-se"
  address_prefixes   = ["10.0.100.0/24"]
  route_table_name   = "rt-1"
  timeouts { read = "READ" }
}

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = ako_cluster_subnet.se.route_table_id
  nodes          = { "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] } }
  timeouts { read = "READ" }
}
"#;

fn applied() -> Scenario {
    let scenario = Scenario::new(&CONFIGURATION.replace("READ", "5m"));
    scenario.apply();
    scenario.forget_calls();
    scenario
}

#[test]
fn no_answer_to_a_refresh_but_azures_own_changes_the_state() {
    let refusal = |status, code: &str, message: &str| {
        Action::respond(status, json!({"error": {"code": code, "message": message}}))
    };
    let answers: [(&str, Action, &[&str]); 7] = [
        (
            "a page as success",
            Action::page(200, PORTAL),
            &[
                "beginning with \"Sign in Corporate proxy: please accept",
                "HTTPS_PROXY",
                "status 200",
            ],
        ),
        (
            "a page as absence",
            Action::page(404, PORTAL),
            &["text/html", "status 404"],
        ),
        (
            "a redirect to a page",
            Action::page(302, PORTAL),
            &["beginning with \"Sign in Corporate proxy", "status 302"],
        ),
        (
            "another service",
            Action::respond(200, json!(["fine"])),
            &["the answer has an unexpected form"],
        ),
        (
            "half an object",
            Action::page(200, "{\"id\": \"/subscr"),
            &["beginning with \"{\\\"id\\\""],
        ),
        (
            "another subscription",
            refusal(
                404,
                "SubscriptionNotFound",
                "The subscription 'x' could not be found.",
            ),
            &[
                "SubscriptionNotFound",
                "The subscription is taken from the object's id",
            ],
        ),
        (
            "another tenant",
            refusal(
                401,
                "InvalidAuthenticationTokenTenant",
                "The access token is from the wrong issuer.",
            ),
            &[
                "InvalidAuthenticationTokenTenant",
                "check `azure.tenant_id`",
            ],
        ),
    ];
    let scenario = applied();
    let state = stored_state(&scenario);
    for (what, answer, said) in answers {
        scenario
            .lab
            .add_fault(Fault::on("GET", "*/Microsoft.Network/*", answer).always());
        let run = scenario.plan_fails();
        for said in said {
            assert!(
                run.says(said),
                "{what}: {said:?} is missing in {}",
                run.transcript()
            );
        }
        assert!(!run.says("<p>"), "{what}: no markup");
        let apply = scenario.apply_fails();
        assert_eq!(apply.errors().count(), run.errors().count(), "{what}");
        assert_eq!(stored_state(&scenario), state, "{what}");
        scenario.lab.clear_faults();
    }
    assert_no_write(&scenario);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_gateway_that_is_down_is_asked_until_the_time_is_up_and_then_quoted() {
    let scenario = Scenario::new(&CONFIGURATION.replace("READ", "1s"));
    scenario.apply();
    let state = stored_state(&scenario);
    let down = Action::page(
        502,
        "<html><body><h1>502 Bad Gateway</h1>proxy-7</body></html>",
    );
    scenario
        .lab
        .add_fault(Fault::on("GET", "*/Microsoft.Network/*", down).always());
    let run = scenario.plan_fails();
    assert!(run.says("time is up"), "{}", run.transcript());
    assert!(
        run.says("beginning with \"502 Bad Gateway proxy-7\""),
        "{}",
        run.transcript()
    );
    assert_eq!(stored_state(&scenario), state);
}

#[test]
fn a_page_in_answer_to_a_write_is_not_taken_for_success() {
    let scenario = applied();
    let state = stored_state(&scenario);
    let not_sent =
        |method: &str| Fault::on(method, "*/routeTables/rt-1", Action::page(200, PORTAL)).always();
    let changed = CONFIGURATION
        .replace("READ", "5m")
        .replace("10.0.0.4", "10.0.0.5");
    scenario.configure(&changed);
    scenario.lab.add_fault(not_sent("PUT"));
    let run = scenario.apply_fails();
    assert!(
        run.says("beginning with \"Sign in") && run.says("None of the routes is in place"),
        "{}",
        run.transcript()
    );
    assert_eq!(stored_state(&scenario), state);
    scenario.lab.clear_faults();
    scenario.apply();

    // The table and all that is known of it stay; the SE subnet went before.
    scenario.lab.add_fault(not_sent("DELETE"));
    let run = scenario.destroy_fails();
    assert!(
        run.says("Deleting route table \"rt-1\"") && run.says("stays in the state"),
        "{}",
        run.transcript()
    );
    assert_eq!(scenario.state().addresses(), ["ako_cluster_subnet.se"]);
    scenario.lab.clear_faults();
    scenario.destroy();
    assert_eq!(
        scenario.azure(&scenario.table("rt-1")),
        serde_json::Value::Null
    );
}

#[test]
fn a_create_that_meets_a_page_leaves_no_routes_behind_unknown() {
    let scenario = Scenario::new(&format!(
        "resource \"ako_pod_routes\" \"blue\" {{{POD_ROUTES}}}"
    ));
    table_in(&scenario, "rt-1", "westeurope");
    let page = Fault::on("PUT", "*/routeTables/rt-1", Action::page(200, PORTAL)).after();
    scenario.lab.add_fault(page);
    let run = scenario.apply_fails();
    assert!(
        run.says("The routes are in place: the next run finds them by their names."),
        "{}",
        run.transcript()
    );
    assert!(scenario.state().addresses().is_empty());
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn a_route_that_azure_finds_in_conflict_is_told_with_what_to_do() {
    let scenario = Scenario::new(&format!(
        "resource \"ako_pod_routes\" \"blue\" {{{POD_ROUTES}}}"
    ));
    table_in(&scenario, "rt-1", "westeurope");
    let message = "Route: blue.node-1_10.244.0.0_24 conflicts with Route: x. Routes cannot have the same AddressPrefix.";
    let conflict = Action::respond(
        400,
        json!({"error": {"code": "RouteConflict", "message": message, "details": []}}),
    );
    scenario
        .lab
        .add_fault(Fault::on("PUT", "*/routeTables/rt-1", conflict));
    let run = scenario.apply_fails();
    for said in [
        message,
        "No route was changed",
        "run `terraform plan` to see it",
    ] {
        assert!(run.says(said), "{said}: {}", run.transcript());
    }
    assert!(scenario.state().addresses().is_empty());
    scenario.apply();
}

#[test]
fn an_azure_that_cannot_be_reached_is_named_and_the_state_stays() {
    let mut scenario = applied();
    let state = stored_state(&scenario);
    scenario
        .terraform
        .set_environment("ARM_METADATA_HOSTNAME", "");
    // Nothing listens on the port that nobody may take.
    configure_azure(
        &scenario,
        r#"
    environment                     = "custom"
    resource_manager_endpoint       = "https://127.0.0.1:1"
    resource_manager_audience       = "{endpoint}"
    active_directory_authority_host = "{authority}"
    disable_instance_discovery      = true"#,
    );
    let run = scenario.plan_fails();
    for said in [
        "cannot connect to 127.0.0.1:1",
        "HTTPS_PROXY and NO_PROXY",
        "`resource_manager_endpoint`",
    ] {
        assert!(run.says(said), "{said}: {}", run.transcript());
    }
    assert_eq!(stored_state(&scenario), state);
    assert_no_write(&scenario);
}
