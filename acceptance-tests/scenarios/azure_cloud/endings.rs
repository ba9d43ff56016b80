//! How a cloud ends: replaced, deleted slowly, or not at all.

use ako_lab::faults::{Action as Reaction, Fault};

use super::*;

const FIRST: &str = "lifecycle {\n    create_before_destroy = true\n  }";

/// Lets the deleted cloud be seen for this many more reads of a destroy, whose first is the refresh.
fn linger(scenario: &Scenario, reads: u64) {
    let seen = Reaction::respond(200, cloud(scenario));
    let fault = Fault::on("GET", "/api/cloud/*", seen);
    scenario.lab.add_fault(fault.nth(2).times(reads));
}

#[test]
fn a_replacement_before_the_destroy_keeps_the_one_cloud_and_says_so() {
    let scenario = applied_with(&with(FIRST));
    let before = cloud(&scenario);
    let replace = format!("-replace={ADDRESS}");
    let run = scenario.apply_with(&[&replace]);
    assert!(
        run.says("Cloud \"azure\" was not deleted"),
        "{}",
        run.transcript()
    );
    assert!(writes(&scenario).is_empty(), "{}", scenario.avi_calls());
    assert_eq!(cloud(&scenario), before);
    scenario.assert_nothing_to_do();

    scenario.configure(&with(FIRST).replace("westeurope", "northeurope"));
    let run = scenario.apply_fails();
    assert!(run.says("`create_before_destroy`"), "{}", run.transcript());
    assert_eq!(cloud(&scenario), before);
    assert!(scenario.state().addresses().contains(&ADDRESS));
}

#[test]
fn a_replacement_on_demand_deletes_first() {
    let scenario = applied();
    scenario.apply_with(&[&format!("-replace={ADDRESS}")]);
    assert_eq!(writes(&scenario), ["DELETE cloud", "POST cloud"]);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_slow_deletion_is_waited_for() {
    let scenario = applied();
    linger(&scenario, 2);
    scenario.destroy();
    let calls = scenario.avi_calls();
    let calls: Vec<_> = calls.all().iter().map(String::as_str).collect();
    let deleted = calls.iter().position(|call| *call == "DELETE cloud");
    let looks = &calls[deleted.expect("it is deleted")..];
    assert_eq!(looks.iter().filter(|call| **call == "GET cloud").count(), 3);
}

#[test]
fn a_deletion_that_does_not_end_keeps_the_cloud_in_the_state() {
    let scenario = applied_with(&with("timeouts {\n    delete = \"2s\"\n  }"));
    linger(&scenario, 1_000);
    let run = scenario.destroy_fails();
    assert!(
        run.says("had accepted the deletion"),
        "{}",
        run.transcript()
    );
    assert!(scenario.state().addresses().contains(&ADDRESS));
    scenario.lab.clear_faults();
    scenario.destroy();
}

#[test]
fn the_cloud_that_every_controller_needs_is_not_destroyed() {
    let scenario = applied();
    let azure = cloud(&scenario)["azure_configuration"].clone();
    let default = scenario.avi_object("cloud", "Default-Cloud");
    let path = format!("{CLOUDS}/{}", default["uuid"].as_str().unwrap());
    let change = json!({"vtype": "CLOUD_AZURE", "azure_configuration": azure});
    scenario.avi("PATCH", &path, json!({"replace": change}));
    scenario
        .terraform
        .succeed(&["state", "rm", ADDRESS])
        .unwrap();
    scenario.configure(&changed(
        "= \"azure\"\n  subscription_id",
        "= \"Default-Cloud\"\n  subscription_id",
    ));
    scenario.import(ADDRESS, "Default-Cloud");
    scenario.forget_calls();
    let run = scenario.destroy_fails();
    assert!(run.says("terraform state rm"), "{}", run.transcript());
    assert!(!writes(&scenario).contains(&"DELETE cloud".to_owned()));
    assert!(scenario.state().addresses().contains(&ADDRESS));
}
