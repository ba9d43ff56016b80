//! Waits that do not end, refusals, lost answers, interrupts.

use std::time::Duration;

use ako_lab::avi::DeleteRefusal;
use ako_lab::azure::Denial;
use ako_lab::faults::{Action as Reaction, Fault};

use super::*;

/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

const JOIN: &str = "Microsoft.Network/virtualNetworks/subnets/join/action";

/// Takes from the cloud's service principal the right to join subnets.
fn deny_join(scenario: &Scenario) {
    scenario.lab.azure().deny(Denial {
        action: JOIN.into(),
        scope: None,
        object_id: Some(scenario.lab.connection().avi.principal.object_id.clone()),
    });
}

#[test]
fn a_wait_out_of_time_tells_the_controllers_reason_and_leaves_the_cloud_tainted() {
    let scenario = Scenario::new(&with("timeouts {\n    create = \"3s\"\n  }"));
    deny_join(&scenario);
    let run = scenario.apply_fails();
    assert!(run.says("CLOUD_STATE_FAILED"), "{}", run.transcript());
    assert!(run.says(JOIN), "{}", run.transcript());
    assert!(scenario.state().is_tainted(ADDRESS));

    scenario.lab.azure().allow_all();
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(writes(&scenario), ["DELETE cloud", "POST cloud"]);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_right_that_spreads_slowly_is_waited_for() {
    let scenario = Scenario::new(CONFIGURATION);
    deny_join(&scenario);
    let look = "/api/cloud-inventory";
    let hold = scenario
        .lab
        .add_fault(Fault::on("GET", look, Reaction::Hold).nth(3));
    let apply = scenario.start_apply();
    assert!(
        scenario.lab.wait_until_held(hold, PATIENCE),
        "it looks again and again"
    );
    scenario.lab.azure().allow_all();
    scenario.lab.clear_faults();
    assert!(scenario.wait(apply).succeeded());
    scenario.assert_nothing_to_do();
}

#[test]
fn an_interrupted_wait_leaves_the_cloud_tainted() {
    let scenario = Scenario::new(CONFIGURATION);
    deny_join(&scenario);
    let look = "/api/cloud-inventory";
    let hold = scenario
        .lab
        .add_fault(Fault::on("GET", look, Reaction::Hold).nth(2));
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(hold, PATIENCE));
    apply.interrupt().expect("terraform can be interrupted");
    assert!(!scenario.wait(apply).succeeded());
    assert!(scenario.state().is_tainted(ADDRESS));
}

#[test]
fn a_post_whose_answer_is_lost_is_carried_out_once() {
    for fault in [
        Fault::on("POST", CLOUDS, Reaction::Reset),
        Fault::on("POST", CLOUDS, Reaction::Reset).after(),
        Fault::on(
            "POST",
            CLOUDS,
            Reaction::respond(502, json!({"error": "lost"})),
        )
        .after(),
        Fault::on("POST", CLOUDS, Reaction::Truncate { bytes: 20 }),
    ] {
        let scenario = Scenario::new(CONFIGURATION);
        scenario.lab.add_fault(fault);
        scenario.apply();
        assert_eq!(
            scenario.avi("GET", CLOUDS, Value::Null)["count"],
            2,
            "with Default-Cloud"
        );
        assert_eq!(scenario.resource(ADDRESS)["adopted"], false);
        scenario.assert_nothing_to_do();
    }
}

#[test]
fn a_change_is_merged_again_or_repeated_until_the_controller_takes_it() {
    for (status, times) in [(412, 3), (500, 2), (503, 2)] {
        let scenario = applied();
        let refused =
            Reaction::respond(status, json!({"error": "Need to reload object data Cloud"}));
        let fault = Fault::on("PATCH", "/api/cloud/*", refused);
        scenario.lab.add_fault(fault.times(times));
        scenario.configure(&with("use_azure_dns = true"));
        scenario.apply();
        let azure = &cloud(&scenario)["azure_configuration"];
        assert_eq!(azure["use_azure_dns"], true, "{status}");
        scenario.assert_nothing_to_do();
    }
}

#[test]
fn what_somebody_writes_between_our_read_and_our_write_is_merged() {
    let scenario = applied();
    let theirs = cloud(&scenario);
    let path = format!("{CLOUDS}/{}", theirs["uuid"].as_str().unwrap());
    let refused = Reaction::respond(412, json!({"error": "Need to reload object data Cloud"}));
    scenario
        .lab
        .add_fault(Fault::on("PATCH", "/api/cloud/*", refused));
    let mut azure = theirs["azure_configuration"].clone();
    azure["des_id"] = json!("/subscriptions/s/diskEncryptionSets/theirs");
    // The first read is the plan's, the second our own before the write, the third the one after the refusal.
    let write = Reaction::Write {
        method: "PATCH".into(),
        path,
        body: json!({"replace": {"azure_configuration": azure}}),
    };
    scenario
        .lab
        .add_fault(Fault::on("GET", "/api/cloud/*", write).nth(3));
    scenario.configure(&with("use_azure_dns = true"));
    scenario.apply();
    let azure = &cloud(&scenario)["azure_configuration"];
    assert_eq!(azure["use_azure_dns"], true);
    assert_eq!(
        azure["des_id"],
        "/subscriptions/s/diskEncryptionSets/theirs"
    );
}

#[test]
fn a_killed_create_is_taken_up_again_by_the_mark() {
    let scenario = Scenario::new(CONFIGURATION);
    let fault = Fault::on("POST", CLOUDS, Reaction::Hold).after();
    let hold = scenario.lab.add_fault(fault);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(hold, PATIENCE));
    apply.kill_everything().expect("terraform can be killed");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    let run = scenario.apply_with(&["-lock=false"]);
    assert!(run.says("exists with our mark"), "{}", run.transcript());
    scenario.assert_nothing_to_do();
}

#[test]
fn a_refused_delete_keeps_it_in_the_state_and_names_what_refers_to_it() {
    let scenario = applied();
    for status in [400, 403] {
        scenario.lab.avi().refuse_deletes(DeleteRefusal {
            object: "cloud".into(),
            name: None,
            status,
            referrers: vec!["VirtualService shop".into()],
        });
        let run = scenario.destroy_fails();
        assert!(run.says("VirtualService shop"), "{}", run.transcript());
        assert!(scenario.state().addresses().contains(&ADDRESS));
        scenario.lab.avi().allow_all();
    }
    scenario.destroy();
}

#[test]
fn a_delete_that_may_not_be_done_is_an_error() {
    let scenario = applied();
    let refused = Reaction::respond(403, json!({"error": "Permission denied"}));
    scenario
        .lab
        .add_fault(Fault::on("DELETE", "/api/cloud/*", refused).always());
    let run = scenario.destroy_fails();
    assert!(run.says("Permission denied"), "{}", run.transcript());
    assert_ne!(cloud(&scenario), Value::Null);
    assert!(scenario.state().addresses().contains(&ADDRESS));
}

#[test]
fn a_credential_that_is_not_there_is_named() {
    let scenario = Scenario::new(&changed("= ako_cloud_credential.azure.ref", "= \"nobody\""));
    let run = scenario.apply_fails();
    assert!(
        run.says("Cloud credential \"nobody\" does not exist"),
        "{}",
        run.transcript()
    );
    assert_eq!(cloud(&scenario), Value::Null);
}

#[test]
fn bad_input_is_refused_at_plan_with_its_argument() {
    let other = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/other/subnets/se";
    for (from, to, says) in [
        (
            "\"snet-cluster1-nodes\"",
            format!("\"{other}\""),
            "se_network_id is in another virtual network",
        ),
        (
            "= var.virtual_network_id",
            "= \"vnet\"".to_owned(),
            "virtual_network_id",
        ),
        (
            "= ako_cloud_credential.azure.ref",
            "= \"/api/cloud/cloud-1\"".to_owned(),
            "must refer to a cloud credential",
        ),
        ("\"westeurope\"", "\"\"".to_owned(), "must not be empty"),
    ] {
        let scenario = Scenario::new(&changed(from, &to));
        let run = scenario.plan_fails();
        assert!(run.says(says), "{says}: {}", run.transcript());
        assert!(writes(&scenario).is_empty());
    }
}

#[test]
fn a_member_that_the_controller_is_too_old_for_is_named_with_its_argument() {
    let mut scenario = Scenario::new(&with("se_storage_account = \"rg account\""));
    scenario
        .lab
        .avi()
        .change_settings(|settings| settings.version = "22.1.1".to_owned());
    scenario.terraform.set_environment("AVI_VERSION", "22.1.1");
    let run = scenario.apply_fails();
    assert!(run.says("se_storage_account"), "{}", run.transcript());
    assert!(run.says("22.1.3"), "{}", run.transcript());
}
