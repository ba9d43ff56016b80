//! Changes and drift: one request with what changes, and nothing of others is lost.

use ako_lab::actors::AkoOptions;
use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

#[test]
fn each_argument_changes_in_place_with_one_write_and_drift_of_it_is_planned_back() {
    let scenario = applied();
    let full = with(
        "description = \"of blue\"\n  instance_flavor = \"Standard_F4s_v2\"\n  ha_mode = \"HA_MODE_SHARED_PAIR\"\n  accelerated_networking = true",
    );
    let full = full.replace("snet-se-blue", "snet-se-green");
    scenario.configure(&full);
    scenario.apply();
    assert_eq!(writes(&scenario), [CHANGE], "{}", scenario.avi_calls());
    scenario.assert_nothing_to_do();
    let mine = [
        (
            "data_network_id",
            json!("elsewhere"),
            json!("snet-se-green"),
        ),
        ("description", json!("theirs"), json!("of blue")),
        (
            "instance_flavor",
            json!("Standard_D2"),
            json!("Standard_F4s_v2"),
        ),
        (
            "ha_mode",
            json!("HA_MODE_SHARED"),
            json!("HA_MODE_SHARED_PAIR"),
        ),
        ("accelerated_networking", json!(false), json!(true)),
        ("max_se", json!(9), json!(4)),
    ];
    let theirs: serde_json::Map<_, _> = mine
        .iter()
        .map(|(name, theirs, _)| ((*name).to_owned(), theirs.clone()))
        .collect();
    // What is not configured is left to others.
    somebody_patches(&scenario, json!({"replace": theirs}));
    somebody_patches(&scenario, json!({"replace": {"buffer_se": 3}}));
    let plan = scenario.plan();
    let mut names: Vec<_> = mine.iter().map(|(name, ..)| *name).collect();
    names.sort_unstable();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &names)]);
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(writes(&scenario), [CHANGE]);
    let after = group(&scenario);
    for (name, _, ours) in mine {
        assert_eq!(after[name], ours, "{name}");
    }
    assert_eq!(after["buffer_se"], 3);
}

#[test]
fn what_is_taken_out_of_the_configuration_is_cleared_or_goes_back_to_the_default() {
    let scenario = applied();
    let less = CONFIGURATION
        .replace("  data_network_id = \"snet-se-blue\"\n", "")
        .replace("  max_se          = 4\n", "");
    scenario.configure(&less);
    let plan = scenario.plan();
    let expected: &[&str] = &["data_network_id", "max_se"];
    assert_changes(&plan, &[(ADDRESS, Action::Update, expected)]);
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(writes(&scenario), [CHANGE]);
    let after = group(&scenario);
    assert_eq!(after["data_network_id"], Value::Null);
    assert_eq!(after["max_se"], 10);
    assert_eq!(scenario.resource(ADDRESS)["max_se"], 10);
    scenario.assert_nothing_to_do();
}

#[test]
fn akos_label_and_members_of_others_survive_every_update() {
    let unlabelled = changed("  cluster_name    = \"blue\"\n", "");
    let scenario = applied_with(&unlabelled);
    assert_eq!(group(&scenario)["labels"], Value::Null);
    let ako = AkoOptions::of("cluster1", "azure", "seg-blue");
    let outcome = scenario.lab.wait_for(scenario.lab.start_ako(ako));
    outcome.expect("the lab has the cluster");
    let label = json!([{"key": "clustername", "value": "cluster1"}]);
    assert_eq!(group(&scenario)["labels"], label);
    scenario.assert_nothing_to_do();

    // AKO itself drops what it does not know; this writer does not.
    let theirs = json!({"deep": [1, 2]});
    somebody_patches(
        &scenario,
        json!({"replace": {"x_of_next_year": theirs.clone()}}),
    );
    scenario.configure(&unlabelled.replace("= 4", "= 5"));
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(writes(&scenario), [CHANGE]);
    scenario.assert_nothing_to_do();
    let after = group(&scenario);
    assert_eq!(after["labels"], label);
    assert_eq!(after["x_of_next_year"], theirs);
    assert_eq!(after["max_se"], 5);
    assert_eq!(after["markers"][0]["key"], "ako-terraform");

    // The same cluster in the configuration is no difference; the mark may be lost.
    let markers = after["markers"].clone();
    somebody_patches(&scenario, json!({"delete": {"markers": markers}}));
    scenario.configure(&changed("= 4", "= 5").replace("\"blue\"\n", "\"cluster1\"\n"));
    scenario.assert_nothing_to_do();
    // AKO has put it on: another cluster in the configuration does not take it away.
    scenario.configure(&changed("= 4", "= 5"));
    let run = scenario.apply_fails();
    let says = "SE group \"seg-blue\" belongs to cluster \"cluster1\"";
    assert!(run.says(says), "{}", run.transcript());
    assert_eq!(group(&scenario)["labels"], label);
}

#[test]
fn a_renamed_cluster_takes_the_label_along_that_was_put_on_here() {
    let scenario = applied();
    let rename = |to: &str| {
        scenario.configure(&changed("\"blue\"\n", &format!("\"{to}\"\n")));
        let plan = scenario.plan();
        let says = format!("to cluster \"{to}\"");
        assert!(plan.run.says(&says), "{}", plan.run.transcript());
        scenario.forget_calls();
        scenario.apply_saved_plan();
        assert_eq!(writes(&scenario), [CHANGE]);
        let label = json!([{"key": "clustername", "value": to}]);
        assert_eq!(group(&scenario)["labels"], label);
        scenario.assert_nothing_to_do();
    };
    rename("green");
    rename("red");
    // Given up, it is nobody's here any more.
    scenario.configure(&changed("  cluster_name    = \"blue\"\n", "").replace("= 4", "= 5"));
    scenario.apply();
    scenario.configure(&changed("= 4", "= 5"));
    let run = scenario.apply_fails();
    let says = "belongs to cluster \"red\"";
    assert!(run.says(says), "{}", run.transcript());
}

#[test]
fn a_label_that_is_missing_is_added_and_that_of_another_cluster_stays() {
    let scenario = applied();
    let labels = |scenario: &Scenario| group(scenario)["labels"].clone();
    let ours = labels(&scenario);
    somebody_patches(&scenario, json!({"delete": {"labels": ours.clone()}}));
    scenario.apply();
    assert_eq!(labels(&scenario), ours);

    let theirs = json!([{"key": "clustername", "value": "green"}]);
    somebody_patches(&scenario, json!({"replace": {"labels": theirs.clone()}}));
    let plan = scenario.plan();
    let says = "SE group \"seg-blue\" belongs to cluster \"green\"";
    assert!(plan.run.says(says), "{}", plan.run.transcript());
    scenario.forget_calls();
    let run = scenario.apply_fails();
    assert!(run.says(says), "{}", run.transcript());
    assert_eq!(writes(&scenario), [""; 0]);
    assert_eq!(labels(&scenario), theirs);
}

#[test]
fn a_plan_names_the_service_engines_that_keep_what_changes_and_who_shares_the_subnet() {
    let scenario = applied();
    let uuid = group(&scenario)["uuid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let avi = scenario.lab.avi();
    avi.place_service_engine(&uuid, "blue-se-1", Value::Null);
    let cloud = scenario.avi_object("cloud", "azure")["url"].clone();
    let other = json!({"name": "seg-x", "cloud_ref": cloud, "data_network_id": "SNET-SE-GREEN"});
    scenario.avi("POST", "/api/serviceenginegroup", other);
    scenario.configure(&changed("snet-se-blue", "snet-se-green"));
    let plan = scenario.plan();
    for says in [
        "These run: blue-se-1",
        "have the same `data_network_id`: seg-x",
    ] {
        assert!(plan.run.says(says), "{says}: {}", plan.run.transcript());
    }
    // What Service Engines take up by themselves needs no warning.
    scenario.configure(&changed("= 4", "= 5"));
    let plan = scenario.plan();
    assert!(!plan.run.says("blue-se-1"), "{}", plan.run.transcript());
}

#[test]
fn the_subnet_is_told_to_the_controller_by_its_name_and_must_be_in_the_clouds_network() {
    let scenario = applied();
    let id = scenario.subnet("SNET-SE-BLUE");
    scenario.configure(&changed("snet-se-blue", &id));
    scenario.assert_nothing_to_do();
    scenario.configure(&changed("snet-se-blue", &scenario.subnet("snet-se-green")));
    scenario.apply();
    assert_eq!(group(&scenario)["data_network_id"], "snet-se-green");
    scenario.assert_nothing_to_do();

    for (network, says) in [
        (
            scenario.subnet("snet-se-blue").replace("/vnet-", "/other-"),
            "is not in the virtual network of the cloud",
        ),
        (
            "snet-nowhere".to_owned(),
            "Subnet \"snet-nowhere\" does not exist",
        ),
    ] {
        scenario.configure(&changed("snet-se-blue", &network));
        scenario.forget_calls();
        let run = scenario.apply_fails();
        assert!(run.says(says), "{}", run.transcript());
        assert_eq!(writes(&scenario), [""; 0]);
    }
}

#[test]
fn values_outside_of_their_ranges_are_refused_at_plan() {
    let scenario = prepared(CONFIGURATION);
    for (arguments, says) in [
        (
            "ntp_sync_status_interval = 5",
            "0 or a whole number from 120 to 900",
        ),
        ("max_vs_per_se = 0", "from 1 to 1000"),
        ("min_se = 5", "min_se is above max_se"),
        ("ha_mode = \"shared\"", "HA_MODE_SHARED_PAIR"),
    ] {
        scenario.configure(&with(arguments));
        let run = scenario.plan_fails();
        assert!(run.says(says), "{}", run.transcript());
    }
    scenario.configure(&with("ntp_sync_status_interval = 0"));
    scenario.apply();
    scenario.assert_nothing_to_do();
}

#[test]
fn the_mark_comes_and_goes_with_its_argument_and_markers_of_others_stay() {
    let scenario = applied();
    let theirs = json!({"key": "team", "values": ["network"]});
    somebody_patches(&scenario, json!({"add": {"markers": [theirs.clone()]}}));
    scenario.configure(&with("mark_enabled = false"));
    scenario.apply();
    assert_eq!(group(&scenario)["markers"], json!([theirs]));
    scenario.configure(CONFIGURATION);
    scenario.apply();
    let markers = group(&scenario)["markers"].clone();
    assert_eq!(
        (&markers[0], &markers[1]["key"]),
        (&theirs, &json!("ako-terraform"))
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn a_replacement_on_demand_finds_its_own_predecessor_in_either_order() {
    let scenario = applied();
    let before = group(&scenario)["uuid"].clone();
    let replace = format!("-replace={ADDRESS}");
    let run = scenario.apply_with(&[&replace]);
    assert!(!run.says("exists"), "{}", run.transcript());
    let after = group(&scenario)["uuid"].clone();
    assert_ne!(after, before);
    // Made first, the new object takes over what the old one then leaves.
    scenario.configure(&with("lifecycle {\n    create_before_destroy = true\n  }"));
    scenario.apply();
    let run = scenario.apply_with(&[&replace]);
    assert!(run.says("was not deleted"), "{}", run.transcript());
    assert_eq!(group(&scenario)["uuid"], after);
    scenario.assert_nothing_to_do();
}
