//! A cloud that stands under the name already: adopted, taken over by its mark, or refused.

use super::*;

/// A cloud of somebody else's with these changes.
fn theirs(scenario: &Scenario, change: impl FnOnce(&mut Value)) {
    let principal = scenario.lab.connection().avi.principal.clone();
    let azure = scenario.lab.connection().azure.clone();
    let user = json!({"name": "azure", "azure_serviceprincipal": {
        "application_id": principal.client_id,
        "tenant_id": azure.tenant_id,
        "authentication_token": principal.client_secret,
    }});
    let user = scenario.avi("POST", "/api/cloudconnectoruser", user);
    let mut cloud = json!({
        "name": "azure",
        "vtype": "CLOUD_AZURE",
        "dhcp_enabled": true,
        "azure_configuration": {
            "subscription_id": azure.subscription_id,
            "location": "westeurope",
            "resource_group": azure.resource_group,
            "cloud_credentials_ref": user["url"],
            "network_info": [{"virtual_network_id": azure.virtual_network_id, "se_network_id": "snet-cluster1-nodes"}],
        },
    });
    change(&mut cloud);
    scenario.avi("POST", CLOUDS, cloud);
}

/// The cloud alone, with a credential by its name.
fn alone(arguments: &str) -> String {
    let (_, cloud) = CONFIGURATION.split_once("\n}\n").unwrap();
    cloud.replace(
        "ako_cloud_credential.azure.ref",
        &format!("\"azure\"\n  {arguments}"),
    )
}

#[test]
fn an_existing_cloud_is_an_error_with_the_import_command() {
    let scenario = Scenario::new(&alone(""));
    theirs(&scenario, |_| {});
    let plan = scenario.plan();
    assert!(plan.run.says("Cloud \"azure\" exists already"));
    assert!(plan.run.says("as things stand now"));
    let run = scenario.apply_fails();
    assert!(run.says("terraform import 'ako_azure_cloud.NAME' 'azure'"));
    assert!(run.says("adopt_existing = true"));
    assert!(writes(&scenario).is_empty());
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn an_adopted_cloud_is_not_written_and_only_forgotten() {
    let scenario = Scenario::new(&alone("adopt_existing = true"));
    theirs(&scenario, |_| {});
    let before = cloud(&scenario);
    scenario.apply();
    assert_eq!(scenario.resource(ADDRESS)["adopted"], true);
    assert!(writes(&scenario).is_empty(), "{}", scenario.avi_calls());
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(cloud(&scenario), before);
}

#[test]
fn an_adopted_cloud_keeps_what_it_has_where_the_configuration_says_nothing() {
    let scenario = Scenario::new(&alone("adopt_existing = true"));
    theirs(&scenario, |cloud| {
        cloud["dhcp_enabled"] = json!(false);
        cloud["mtu"] = json!(9000);
        cloud["azure_configuration"]["use_azure_dns"] = json!(true);
        cloud["azure_configuration"]["des_id"] = json!("/subscriptions/s/diskEncryptionSets/d");
    });
    let mut expected = cloud(&scenario);
    scenario.apply();
    scenario.assert_nothing_to_do();
    somebody_changes(&scenario, json!({"replace": {"mtu": 8000}}));
    scenario.assert_nothing_to_do();
    assert!(writes(&scenario).is_empty(), "{}", scenario.avi_calls());

    scenario.configure(&alone("adopt_existing = true\n  mtu = 1400"));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["mtu"])]);
    scenario.apply_saved_plan();
    let mut actual = cloud(&scenario);
    expected["mtu"] = json!(1400);
    for cloud in [&mut actual, &mut expected] {
        cloud["_last_modified"] = Value::Null;
    }
    assert_eq!(actual, expected);
    scenario.assert_nothing_to_do();
}

#[test]
fn where_there_is_nothing_to_adopt_a_cloud_is_made_with_the_defaults() {
    let scenario = applied_with(&with("adopt_existing = true"));
    assert_eq!(scenario.resource(ADDRESS)["adopted"], false);
    assert_eq!(cloud(&scenario)["dhcp_enabled"], true);
    scenario.assert_nothing_to_do();
    scenario.configure(CONFIGURATION);
    scenario.apply();
    assert!(writes(&scenario).is_empty(), "{}", scenario.avi_calls());
    scenario.destroy();
    assert_eq!(cloud(&scenario), Value::Null);
}

#[test]
fn a_cloud_that_is_not_as_configured_is_not_adopted_and_every_difference_is_named() {
    let arguments = "adopt_existing = true\n  dhcp_enabled = true";
    let scenario = Scenario::new(&alone(arguments));
    theirs(&scenario, |cloud| {
        cloud["dhcp_enabled"] = json!(false);
        cloud["azure_configuration"]["location"] = json!("northeurope");
        let network =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
        cloud["azure_configuration"]["network_info"][0]["virtual_network_id"] = json!(network);
    });
    let run = scenario.apply_fails();
    for part in [
        "location: \"westeurope\" is planned",
        "virtual_network_id",
        "dhcp_enabled: true",
    ] {
        assert!(run.says(part), "{part}: {}", run.transcript());
    }
    assert!(writes(&scenario).is_empty());
}

#[test]
fn a_cloud_of_another_type_is_named_as_that() {
    for arguments in ["", "adopt_existing = true"] {
        let configuration = changed(
            "= \"azure\"\n  subscription_id",
            "= \"Default-Cloud\"\n  subscription_id",
        );
        let last = "cloud_credential_ref = ako_cloud_credential.azure.ref";
        let scenario =
            Scenario::new(&configuration.replace(last, &format!("{last}\n  {arguments}")));
        let run = scenario.apply_fails();
        assert!(run.says("of the type CLOUD_NONE"), "{}", run.transcript());
    }
}

#[test]
fn a_remnant_is_adopted_by_its_mark_and_only_if_it_is_as_planned() {
    let scenario = applied();
    scenario
        .terraform
        .succeed(&["state", "rm", ADDRESS])
        .unwrap();
    scenario.configure(&with("mtu = 1400"));
    let run = scenario.apply_fails();
    assert!(run.says("exists with our mark, but not as planned"));
    assert!(run.says("mtu: 1400 is planned, the controller has 1500"));

    scenario.configure(CONFIGURATION);
    scenario.configure_provider("azure = {}\n  adopt_remnants = false");
    assert!(scenario.apply_fails().says("adopt_remnants = false"));
    scenario.configure_provider("azure = {}");
    let plan = scenario.plan();
    assert!(plan.run.says("apply adopts it and destroy will delete it"));
    scenario.apply_saved_plan();
    assert!(writes(&scenario).is_empty());
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(cloud(&scenario), Value::Null);
}

#[test]
fn without_a_mark_what_an_interrupted_run_left_is_a_stranger() {
    let scenario = applied_with(&with("mark_enabled = false"));
    assert_eq!(cloud(&scenario)["markers"], Value::Null);
    scenario
        .terraform
        .succeed(&["state", "rm", ADDRESS])
        .unwrap();
    assert!(scenario.apply_fails().says("terraform import"));

    // A controller that has no markers on clouds gets none.
    let mut scenario = Scenario::new(CONFIGURATION);
    scenario
        .lab
        .avi()
        .change_settings(|settings| settings.version = "21.1.3".to_owned());
    scenario.terraform.set_environment("AVI_VERSION", "21.1.3");
    scenario.apply();
    assert_eq!(cloud(&scenario)["markers"], Value::Null);
    scenario.assert_nothing_to_do();
}
