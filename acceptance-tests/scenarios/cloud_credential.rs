//! `ako_cloud_credential`: the service principal of a cloud. Its secret survives every update.

use ako_lab::avi::DeleteRefusal;
use ako_lab::faults::{Action as Reaction, Fault, When};
use ako_lab::terraform::Action;
use serde_json::{Value, json};

use crate::harness::{Scenario, assert_changes};

const ADDRESS: &str = "ako_cloud_credential.azure";
const USERS: &str = "/api/cloudconnectoruser";

const CONFIGURATION: &str = r#"
resource "ako_cloud_credential" "azure" {
  name                     = "azure"
  application_id           = var.avi_principal.client_id
  tenant_id                = var.avi_principal.tenant_id
  client_secret_wo         = var.avi_principal.client_secret
  client_secret_wo_version = 1
}
"#;

fn changed(from: &str, to: &str) -> String {
    assert!(CONFIGURATION.contains(from), "{from} is in it");
    CONFIGURATION.replace(from, to)
}

fn applied() -> Scenario {
    let scenario = Scenario::new(CONFIGURATION);
    scenario.apply();
    scenario.forget_calls();
    scenario
}

fn lab_secret(scenario: &Scenario) -> String {
    let principal = &scenario.lab.connection().avi.principal;
    principal.client_secret.clone()
}

/// The secret that the controller holds, which it shows to nobody.
#[track_caller]
fn stored_secret(scenario: &Scenario, name: &str) -> Option<String> {
    let found = scenario.avi_object("cloudconnectoruser", name);
    let uuid = found["uuid"].as_str().expect("it is there").to_owned();
    scenario.lab.avi().credential_secret(&uuid)
}

/// The writes to the controller, sign-in and sign-out apart.
fn writes(scenario: &Scenario) -> Vec<String> {
    let calls = scenario.avi_calls();
    let writes = calls.writes().into_iter();
    let writes = writes.filter(|call| !call.ends_with("login") && !call.ends_with("logout"));
    writes.map(str::to_owned).collect()
}

/// The reads of the controller's objects, without those by which a session begins.
fn reads(scenario: &Scenario) -> Vec<String> {
    let calls = scenario.avi_calls();
    let reads = calls.all().iter();
    let reads = reads.filter(|call| call.starts_with("GET cloud"));
    reads.cloned().collect()
}

fn somebodys(scenario: &Scenario, application_id: &str) {
    let tenant_id = scenario.lab.connection().azure.tenant_id.clone();
    let body = json!({"name": "azure", "azure_serviceprincipal": {
        "application_id": application_id, "tenant_id": tenant_id, "authentication_token": "theirs",
    }});
    scenario.avi("POST", USERS, body);
}

#[test]
fn its_secret_is_at_the_controller_and_nowhere_in_the_state() {
    let scenario = Scenario::new(CONFIGURATION);
    scenario.apply();
    assert_eq!(writes(&scenario), ["POST cloudconnectoruser"]);
    let secret = lab_secret(&scenario);
    assert_eq!(stored_secret(&scenario, "azure").as_ref(), Some(&secret));
    let state = scenario.resource(ADDRESS);
    assert!(!state.to_string().contains(&secret), "{state}");
    let uuid = state["uuid"].as_str().unwrap();
    assert!(
        state["ref"]
            .as_str()
            .unwrap()
            .ends_with(&format!("{USERS}/{uuid}"))
    );

    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    assert_eq!(
        reads(&scenario),
        ["GET cloudconnectoruser"],
        "one for the object"
    );
    assert!(writes(&scenario).is_empty());

    scenario.destroy();
    assert_eq!(
        scenario.avi_object("cloudconnectoruser", "azure"),
        Value::Null
    );
}

#[test]
fn every_update_is_one_write_and_the_secret_survives_it() {
    let scenario = applied();
    let secret = lab_secret(&scenario);
    let renamed = changed("\"azure\"\n  app", "\"renamed\"\n  app");
    scenario.configure(&renamed);
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["name"])]);
    scenario.apply_saved_plan();
    assert_eq!(writes(&scenario), ["PATCH cloudconnectoruser"]);
    assert_eq!(stored_secret(&scenario, "renamed").as_ref(), Some(&secret));

    scenario.forget_calls();
    let other = renamed.replace("var.avi_principal.client_id", "\"another-application\"");
    scenario.configure(&other);
    scenario.apply();
    assert_eq!(writes(&scenario), ["PATCH cloudconnectoruser"]);
    assert_eq!(stored_secret(&scenario, "renamed").as_ref(), Some(&secret));
    let found = scenario.avi_object("cloudconnectoruser", "renamed");
    assert_eq!(
        found["azure_serviceprincipal"]["application_id"],
        "another-application"
    );

    // Another secret alone is no change; another version is.
    let secretive = other.replace("var.avi_principal.client_secret", "\"new\"");
    scenario.configure(&secretive);
    scenario.assert_nothing_to_do();
    scenario.forget_calls();
    scenario.configure(&secretive.replace("version = 1", "version = 2"));
    scenario.apply();
    assert_eq!(writes(&scenario), ["PATCH cloudconnectoruser"]);
    assert_eq!(stored_secret(&scenario, "renamed").as_deref(), Some("new"));
    scenario.assert_nothing_to_do();
}

#[test]
fn what_needs_the_secret_and_has_none_is_refused_at_plan() {
    let without = changed(
        "  client_secret_wo         = var.avi_principal.client_secret\n",
        "",
    );
    let scenario = Scenario::new(&without);
    let run = scenario.plan_fails();
    assert!(
        run.says("client_secret_wo is not set"),
        "{}",
        run.transcript()
    );
    assert!(scenario.avi_calls().all().is_empty());

    scenario.configure(CONFIGURATION);
    scenario.apply();
    scenario.configure(&without);
    scenario.assert_nothing_to_do();
    for change in [
        without.replace("version = 1", "version = 2"),
        without.replace("var.avi_principal.client_id", "\"other\""),
    ] {
        scenario.configure(&change);
        assert!(scenario.plan_fails().says("client_secret_wo is not set"));
    }
    scenario.configure(&changed(
        "var.avi_principal.client_secret",
        "\"<sensitive>\"",
    ));
    assert!(scenario.plan_fails().says("must be the secret itself"));
}

#[test]
fn it_is_imported_by_name_and_by_uuid_and_the_next_version_writes_the_secret() {
    let scenario = applied();
    let uuid = scenario.resource(ADDRESS)["uuid"]
        .as_str()
        .unwrap()
        .to_owned();
    for id in ["azure", &uuid] {
        scenario
            .terraform
            .succeed(&["state", "rm", ADDRESS])
            .unwrap();
        scenario.import(ADDRESS, id);
        assert_eq!(
            scenario.resource(ADDRESS)["client_secret_wo_version"],
            Value::Null
        );
    }
    scenario.configure(&changed("  client_secret_wo_version = 1\n", ""));
    scenario.assert_nothing_to_do();
    scenario.configure(CONFIGURATION);
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(writes(&scenario), ["PATCH cloudconnectoruser"]);

    scenario.avi("POST", USERS, json!({"name": "plain", "password": "x"}));
    scenario
        .terraform
        .succeed(&["state", "rm", ADDRESS])
        .unwrap();
    let run = scenario.import_fails(ADDRESS, "plain");
    assert!(run.says("is not for a service principal of Azure"));
    let run = scenario.import_fails(ADDRESS, "nothing");
    assert!(run.says("Cloud credential \"nothing\" does not exist"));
}

#[test]
fn drift_is_repaired_and_one_that_is_gone_is_made_again() {
    let scenario = applied();
    let uuid = scenario.resource(ADDRESS)["uuid"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("{USERS}/{uuid}");
    let theirs = json!({"application_id": "theirs", "tenant_id": "theirs", "authentication_token": "theirs"});
    scenario.avi(
        "PATCH",
        &path,
        json!({"replace": {"azure_serviceprincipal": theirs}}),
    );
    let plan = scenario.plan();
    let attributes: &[&str] = &["application_id", "tenant_id"];
    assert_changes(&plan, &[(ADDRESS, Action::Update, attributes)]);
    scenario.apply_saved_plan();
    assert_eq!(
        stored_secret(&scenario, "azure"),
        Some(lab_secret(&scenario))
    );

    scenario.avi("DELETE", &path, Value::Null);
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Create, &[])]);
    scenario.apply_saved_plan();
    scenario.assert_nothing_to_do();
}

#[test]
fn one_for_the_same_application_is_taken_over_and_its_secret_written() {
    let scenario = Scenario::new(CONFIGURATION);
    let application = scenario.lab.connection().avi.principal.client_id.clone();
    somebodys(&scenario, &application);
    let plan = scenario.plan();
    assert!(plan.run.says("apply adopts it and writes its secret"));
    scenario.apply_saved_plan();
    assert_eq!(writes(&scenario), ["PATCH cloudconnectoruser"]);
    assert_eq!(
        stored_secret(&scenario, "azure"),
        Some(lab_secret(&scenario))
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn one_for_another_application_is_an_error_with_the_import_command() {
    let scenario = Scenario::new(CONFIGURATION);
    somebodys(&scenario, "theirs");
    let plan = scenario.plan();
    assert!(plan.run.says("as things stand now"), "a warning at plan");
    let run = scenario.apply_fails();
    assert!(run.says("terraform import 'ako_cloud_credential.NAME' 'azure'"));
    assert!(writes(&scenario).is_empty());
    assert_eq!(stored_secret(&scenario, "azure").as_deref(), Some("theirs"));
}

#[test]
fn a_replacement_before_the_destroy_keeps_the_one_credential_and_writes_its_secret() {
    let first = "version = 1\n  lifecycle {\n    create_before_destroy = true\n  }";
    let scenario = Scenario::new(&changed("version = 1", first));
    scenario.apply();
    let uuid = scenario.resource(ADDRESS)["uuid"].clone();
    scenario.forget_calls();
    let run = scenario.apply_with(&[&format!("-replace={ADDRESS}")]);
    assert!(run.says("was not deleted"), "{}", run.transcript());
    assert_eq!(writes(&scenario), ["PATCH cloudconnectoruser"]);
    assert_eq!(scenario.resource(ADDRESS)["uuid"], uuid);
    scenario.assert_nothing_to_do();
    scenario.destroy();
    let found = scenario.avi_object("cloudconnectoruser", "azure");
    assert_eq!(found, Value::Null);
}

#[test]
fn a_refused_delete_keeps_it_in_the_state_and_names_what_refers_to_it() {
    let scenario = applied();
    for status in [400, 403] {
        scenario.lab.avi().refuse_deletes(DeleteRefusal {
            object: "cloudconnectoruser".into(),
            name: None,
            status,
            referrers: vec!["Cloud azure".into()],
        });
        let run = scenario.destroy_fails();
        assert!(run.says("Cloud azure"), "{}", run.transcript());
        assert_eq!(scenario.resource(ADDRESS)["name"], "azure");
        scenario.lab.avi().allow_all();
    }
    scenario.destroy();
}

#[test]
fn a_post_whose_answer_is_lost_is_carried_out_once() {
    for (when, status) in [
        (When::Before, None),
        (When::After, None),
        (When::Before, Some(503)),
        (When::After, Some(500)),
    ] {
        let scenario = Scenario::new(CONFIGURATION);
        let reaction = match status {
            Some(status) => Reaction::respond(status, json!({"error": "lost"})),
            None => Reaction::Reset,
        };
        let fault = Fault::on("POST", USERS, reaction);
        scenario.lab.add_fault(match when {
            When::Before => fault,
            When::After => fault.after(),
        });
        scenario.apply();
        let found = scenario.avi("GET", USERS, Value::Null);
        assert_eq!(found["count"], 1, "{found}");
        scenario.assert_nothing_to_do();
    }
}
