//! States and imports that this version cannot take.

use super::*;

#[test]
fn a_state_of_a_newer_version_is_refused_and_kept() {
    let configuration = r#"
resource "ako_cluster_subnet" "se" {
  virtual_network_id = var.virtual_network_id
  name               = "snet-se"
  address_prefixes   = ["10.0.100.0/24"]
  route_table_name   = "rt-1"
}

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = ako_cluster_subnet.se.route_table_id
  nodes          = { "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] } }
}
"#;
    let scenario = Scenario::new(configuration);
    scenario.apply();
    let newer = stored_state(&scenario).replace("\"schema_version\": 0", "\"schema_version\": 7");
    assert!(newer.contains("\"schema_version\": 7"), "{newer}");
    scenario.write("terraform.tfstate", &newer);
    scenario.forget_calls();
    for run in [
        scenario.plan_fails(),
        scenario.apply_fails(),
        scenario.destroy_fails(),
    ] {
        // Terraform itself says so, and asks nobody.
        let said =
            "The current state of ako_cluster_subnet.se was created by a newer provider version";
        assert!(run.says(said), "{}", run.transcript());
    }
    assert_eq!(stored_state(&scenario), newer);
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
}

#[test]
fn a_state_from_before_an_argument_was_there_is_read_with_its_default() {
    let scenario = Scenario::new(&format!(
        "resource \"ako_pod_routes\" \"blue\" {{{POD_ROUTES}}}"
    ));
    table_in(&scenario, "rt-1", "westeurope");
    scenario.apply();
    let mut state: serde_json::Value = serde_json::from_str(&stored_state(&scenario)).unwrap();
    let object = &mut state["resources"][0]["instances"][0]["attributes"];
    let removed = object
        .as_object_mut()
        .unwrap()
        .remove("next_hop_check_enabled");
    assert_eq!(removed, Some(json!(true)));
    scenario.write("terraform.tfstate", &state.to_string());
    scenario.assert_nothing_to_do();
    scenario.destroy();
}

#[test]
fn a_wrong_import_id_is_told_with_what_it_is_and_stores_nothing() {
    let scenario = Scenario::new(&format!(
        "resource \"ako_cluster_subnet\" \"se\" {{{SE_SUBNET}}}\nresource \"ako_pod_routes\" \"blue\" {{{POD_ROUTES}}}"
    ));
    let (subnet, table) = (scenario.subnet("snet-none"), scenario.table("rt-none"));
    let elsewhere = subnet.replace("/subscriptions/0", "/subscriptions/9");
    for (address, id, said) in [
        (
            "ako_cluster_subnet.se",
            table.as_str(),
            "It must be a subnet id",
        ),
        (
            "ako_cluster_subnet.se",
            table.as_str(),
            "not a route table id",
        ),
        ("ako_cluster_subnet.se", "snet-se", "not \"snet-se\""),
        (
            "ako_cluster_subnet.se",
            &subnet,
            "Subnet \"snet-none\" does not exist",
        ),
        ("ako_cluster_subnet.se", &elsewhere, "SubscriptionNotFound"),
        ("ako_pod_routes.blue", &table, "there is no comma in it"),
        (
            "ako_pod_routes.blue",
            &format!("{subnet},blue"),
            "not a subnet id",
        ),
        (
            "ako_pod_routes.blue",
            &format!("{table},blue"),
            "There is no route table \"rt-none\"",
        ),
    ] {
        let run = scenario.import_fails(address, id);
        assert!(run.says(said), "{id}: {said}: {}", run.transcript());
    }
    assert!(scenario.state().addresses().is_empty());
    assert_no_write(&scenario);
}
