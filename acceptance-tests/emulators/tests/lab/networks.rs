//! Virtual networks, subnets and the network interfaces that stand in them.

use ako_lab::{Lab, Options};
use http::{Method, StatusCode};
use serde_json::json;

use crate::arm::{Arm, SUBNETS, network};

#[tokio::test]
async fn a_new_subnet_shows_what_the_service_fills_in() {
    let (lab, arm) = lab().await;
    let put = arm.put(&subnet(&lab, "se"), range("10.3.0.0/24")).await;
    assert_eq!(put.status, StatusCode::CREATED);
    let properties = &put.body["properties"];
    assert_eq!(properties["delegations"], json!([]));
    assert_eq!(properties["privateEndpointNetworkPolicies"], "Disabled");
    assert_eq!(properties["privateLinkServiceNetworkPolicies"], "Enabled");
}

#[tokio::test]
async fn subnets_outside_the_network_or_over_one_another_are_refused() {
    let (lab, arm) = lab().await;
    let cases = [
        ("192.168.0.0/24", "NetcfgInvalidSubnet"),
        ("10.1.1.0/24", "NetcfgSubnetRangesOverlap"),
        ("10.3.0.1/24", "InvalidCIDRNotation"),
    ];
    for (prefix, code) in cases {
        let put = arm.put(&subnet(&lab, "se"), range(prefix)).await;
        assert_eq!(
            (put.status, put.code()),
            (StatusCode::BAD_REQUEST, code),
            "{prefix}"
        );
    }
    assert_eq!(arm.get(&subnet(&lab, "se")).await.code(), "NotFound");
}

#[tokio::test]
async fn a_subnet_names_only_what_exists_in_its_region() {
    let (lab, arm) = lab().await;
    let far = network(&lab, "routeTables/far");
    arm.put(&far, json!({"location": "eastus"})).await;
    for id in [far, network(&lab, "routeTables/none")] {
        let mut body = range("10.3.0.0/24");
        body["properties"]["routeTable"] = json!({"id": id});
        let put = arm.put(&subnet(&lab, "se"), body).await;
        assert_eq!(put.code(), "InvalidResourceReference");
    }
}

#[tokio::test]
async fn a_subnet_with_a_network_interface_stays_until_the_interface_is_gone() {
    let (lab, arm) = lab().await;
    let se = subnet(&lab, "se");
    arm.put(&se, range("10.3.0.0/24")).await;
    let interface = network(&lab, "networkInterfaces/se-1");
    let body = json!({"location": "westeurope", "properties": {"ipConfigurations": [
        {"name": "data", "properties": {"subnet": {"id": se}}},
    ]}});
    let put = arm.put(&interface, body).await;
    let address = &put.body["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"];
    assert_eq!(address, "10.3.0.4");
    let shown = &arm.get(&se).await.body["properties"]["ipConfigurations"];
    assert_eq!(
        shown[0]["id"],
        json!(format!("{interface}/ipConfigurations/data"))
    );

    let delete = arm.delete(&se).await;
    assert_eq!(delete.code(), "InUseSubnetCannotBeDeleted");
    assert!(
        delete.body["error"]["message"]
            .as_str()
            .unwrap()
            .contains(&interface)
    );
    let moved = arm.put(&se, range("10.4.0.0/24")).await;
    assert_eq!(moved.code(), "InUsePrefixCannotBeDeleted");

    arm.delete(&interface).await;
    assert_eq!(arm.delete(&se).await.status, StatusCode::ACCEPTED);
    assert_eq!(arm.get(&se).await.code(), "NotFound");
}

#[tokio::test]
async fn a_network_put_without_subnets_keeps_them_since_2023_11() {
    let (lab, arm) = lab().await;
    let id = &lab.connection().azure.virtual_network_id;
    let body = json!({"location": "westeurope", "tags": {"a": "b"}, "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/9"]},
    }});
    let put = arm.put(id, body.clone()).await;
    assert_eq!(
        put.body["properties"]["subnets"].as_array().unwrap().len(),
        2
    );
    let old = format!("{id}?api-version=2023-06-01");
    let put = arm.put(&old, body).await;
    assert_eq!(put.body["properties"]["subnets"], json!([]));
}

#[tokio::test]
async fn a_resource_group_takes_its_resources_along() {
    let (lab, arm) = lab().await;
    let id = &lab.connection().azure.virtual_network_id;
    let group = id.split("/providers/").next().unwrap();
    let delete = arm.delete(group).await;
    assert_eq!(delete.status, StatusCode::ACCEPTED);
    let result = arm.get(delete.header("location").unwrap()).await;
    assert_eq!((result.status, result.body), (StatusCode::OK, json!(null)));
    assert_eq!(arm.get(id).await.code(), "ResourceGroupNotFound");
}

#[tokio::test]
async fn a_resource_group_whose_table_serves_a_subnet_elsewhere_is_kept() {
    let (lab, arm) = lab().await;
    let id = &lab.connection().azure.virtual_network_id;
    let group = id
        .split("/providers/")
        .next()
        .unwrap()
        .replace("rg-ako-lab", "tables");
    arm.put(&group, json!({"location": "westeurope"})).await;
    let table = format!("{group}/providers/Microsoft.Network/routeTables/rt");
    arm.put(&table, json!({"location": "westeurope"})).await;
    let mut body = range("10.3.0.0/24");
    body["properties"]["routeTable"] = json!({"id": table});
    arm.put(&subnet(&lab, "se"), body).await;

    let delete = arm.delete(&group).await;
    let result = arm.get(delete.header("location").unwrap()).await;
    assert_eq!(result.status, StatusCode::CONFLICT);
    let error = &result.body["Error"];
    assert_eq!(error["Code"], "ResourceGroupDeletionBlocked");
    let inner = error["Details"][0]["Message"].as_str().unwrap();
    assert!(inner.contains("InUseRouteTableCannotBeDeleted"), "{inner}");
    assert_eq!(arm.get(&table).await.status, StatusCode::OK);
}

#[tokio::test]
async fn requests_without_a_valid_api_version_are_refused() {
    let (lab, arm) = lab().await;
    let id = &lab.connection().azure.virtual_network_id;
    let bad = arm.get(&format!("{id}?api-version=latest")).await;
    assert_eq!(bad.code(), "InvalidApiVersionParameter");
    let without = format!("{id}?x-api-version=1");
    let none = arm.send(Method::GET, &without, &[], None);
    assert_eq!(none.await.unwrap().code(), "MissingApiVersionParameter");
}

async fn lab() -> (Lab, Arm) {
    let lab = Lab::start(Options::default()).await.unwrap();
    let arm = Arm::of(&lab).await;
    (lab, arm)
}

fn subnet(lab: &Lab, name: &str) -> String {
    network(lab, &format!("{SUBNETS}/{name}"))
}

fn range(prefix: &str) -> serde_json::Value {
    json!({"properties": {"addressPrefix": prefix}})
}
