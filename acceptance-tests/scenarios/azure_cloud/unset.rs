//! What the configuration does not set: left to others, kept, or cleared once it is taken out.

use super::*;

/// The uuid of a profile for addresses or names, made by somebody else.
fn profile(scenario: &Scenario, name: &str) -> String {
    let body = json!({"name": name, "type": "IPAMDNS_TYPE_INTERNAL"});
    let profile = scenario.avi("POST", "/api/ipamdnsproviderprofile", body);
    profile["uuid"].as_str().expect("it has a uuid").to_owned()
}

#[test]
fn what_others_have_set_beside_the_configuration_stays() {
    let scenario = applied();
    let uuid = profile(&scenario, "addresses");
    let mut azure = cloud(&scenario)["azure_configuration"].clone();
    azure["des_id"] = json!("/subscriptions/s/diskEncryptionSets/theirs");
    azure["availability_zones"] = json!(["1"]);
    azure["x_later"] = json!({"kept": true});
    azure["network_info"][0]["management_network_id"] = json!("snet-cluster2-nodes");
    azure["network_info"][0]["x_later"] = json!("kept");
    let reference = format!("/api/ipamdnsproviderprofile/{uuid}");
    let change =
        json!({"azure_configuration": azure, "ipam_provider_ref": reference, "x_later": 1});
    somebody_changes(&scenario, json!({"replace": change}));
    scenario.assert_nothing_to_do();
    let mut expected = cloud(&scenario);
    assert_eq!(
        attribute(&expected, "azure_configuration.x_later.kept"),
        true
    );

    scenario.configure(&with("use_azure_dns = true\n  mtu = 1400"));
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(writes(&scenario), ["PATCH cloud"]);
    let mut actual = cloud(&scenario);
    expected["mtu"] = json!(1400);
    expected["azure_configuration"]["use_azure_dns"] = json!(true);
    for cloud in [&mut actual, &mut expected] {
        cloud["_last_modified"] = Value::Null;
    }
    assert_eq!(actual, expected);
    scenario.assert_nothing_to_do();
}

#[test]
fn what_is_taken_out_of_the_configuration_is_cleared() {
    let scenario = Scenario::new("");
    let [ipam, dns] = ["addresses", "names"].map(|name| profile(&scenario, name));
    let arguments = format!(
        r#"ipam_provider_ref     = "{ipam}"
  dns_provider_ref      = "/api/ipamdnsproviderprofile/{dns}"
  availability_zones    = ["1", "2"]
  management_network_id = "snet-cluster2-nodes"
  des_id                = "/subscriptions/s/diskEncryptionSets/d"
  se_storage_account    = "group account""#
    );
    scenario.configure(&with(&arguments));
    scenario.apply();
    scenario.assert_nothing_to_do();
    let members = |cloud: &Value| {
        let azure = &cloud["azure_configuration"];
        let network = &azure["network_info"][0]["management_network_id"];
        let azure = ["availability_zones", "des_id", "se_storage_account"].map(|name| &azure[name]);
        let refs = ["ipam_provider_ref", "dns_provider_ref"].map(|name| &cloud[name]);
        let all = azure.into_iter().chain(refs).chain([network]);
        all.filter(|member| !member.is_null()).count()
    };
    assert_eq!(members(&cloud(&scenario)), 6);

    scenario.configure(CONFIGURATION);
    let plan = scenario.plan();
    let attributes: &[&str] = &[
        "availability_zones",
        "des_id",
        "dns_provider_ref",
        "ipam_provider_ref",
        "management_network_id",
        "se_storage_account",
    ];
    assert_changes(&plan, &[(ADDRESS, Action::Update, attributes)]);
    scenario.forget_calls();
    scenario.apply_saved_plan();
    // What is about Azure is one member, which is replaced; the profiles are deleted.
    assert_eq!(writes(&scenario), ["PATCH cloud"; 2]);
    assert_eq!(members(&cloud(&scenario)), 0, "{}", cloud(&scenario));
    scenario.assert_nothing_to_do();
}

#[test]
fn a_cloud_without_a_credential_uses_the_managed_identity() {
    let without = changed(
        "  cloud_credential_ref = ako_cloud_credential.azure.ref\n",
        "  timeouts {\n    create = \"3s\"\n  }\n",
    );
    let scenario = Scenario::new(&without);
    let run = scenario.apply_fails();
    assert!(run.says("No cloud credentials"), "{}", run.transcript());

    let scenario = Scenario::new(&without);
    let principal = scenario.lab.connection().avi.principal.object_id.clone();
    let avi = scenario.lab.avi();
    avi.change_settings(|settings| settings.managed_identity = Some(principal));
    scenario.apply();
    let azure = &cloud(&scenario)["azure_configuration"];
    assert_eq!(azure["cloud_credentials_ref"], Value::Null);
    scenario.assert_nothing_to_do();
}
