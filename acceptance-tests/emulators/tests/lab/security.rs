//! Network security groups, role definitions and role assignments.

use ako_lab::{Lab, Options};
use http::StatusCode;
use serde_json::{Value, json};

use crate::arm::{Arm, network};

#[tokio::test]
async fn a_new_group_has_the_six_default_rules() {
    let (lab, arm) = lab().await;
    let group = network(&lab, "networkSecurityGroups/nsg");
    arm.put(&group, json!({"location": "westeurope"})).await;
    let get = arm.get(&group).await;
    let rules = get.body["properties"]["defaultSecurityRules"]
        .as_array()
        .unwrap();
    let names: Vec<&str> = rules
        .iter()
        .map(|rule| rule["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 6);
    assert!(names.contains(&"AllowVnetInBound") && names.contains(&"DenyAllOutBound"));
}

#[tokio::test]
async fn two_rules_with_one_priority_and_direction_are_refused() {
    let (lab, arm) = lab().await;
    let group = network(&lab, "networkSecurityGroups/nsg-nodes");
    let put = arm
        .put(&format!("{group}/securityRules/a"), rule(200))
        .await;
    assert_eq!(put.status, StatusCode::CREATED);
    assert_eq!(put.body["properties"]["sourceAddressPrefixes"], json!([]));
    let twin = arm
        .put(&format!("{group}/securityRules/b"), rule(200))
        .await;
    assert_eq!(twin.code(), "SecurityRuleConflict");
    let low = arm.put(&format!("{group}/securityRules/b"), rule(99)).await;
    assert_eq!(low.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_group_in_use_cannot_be_deleted() {
    let (lab, arm) = lab().await;
    let delete = arm
        .delete(&network(&lab, "networkSecurityGroups/nsg-nodes"))
        .await;
    assert_eq!(delete.code(), "InUseNetworkSecurityGroupCannotBeDeleted");
}

#[tokio::test]
async fn a_role_is_assigned_once_and_only_while_it_is_unassigned_may_it_go() {
    let (lab, arm) = lab().await;
    let table = network(&lab, "routeTables/rt");
    arm.put(&table, json!({"location": "westeurope"})).await;
    let subscription = &lab.connection().azure.subscription_id;
    let authorization = "providers/Microsoft.Authorization";
    let role = format!(
        "/subscriptions/{subscription}/{authorization}/roleDefinitions/aaaaaaaa-0000-4000-8000-000000000001"
    );
    let body = json!({"properties": {"roleName": "routes", "assignableScopes": [table], "permissions": []}});
    assert_eq!(
        arm.put(&role, body.clone()).await.status,
        StatusCode::CREATED
    );
    let other = role.replace("0001", "0002");
    assert_eq!(
        arm.put(&other, body).await.code(),
        "RoleDefinitionWithSameNameExists"
    );

    let name = |n: u32| {
        format!("{table}/{authorization}/roleAssignments/bbbbbbbb-0000-4000-8000-00000000000{n}")
    };
    let grant = json!({"properties": {
        "roleDefinitionId": role,
        "principalId": "p",
        "principalType": "ServicePrincipal",
    }});
    let put = arm.put(&name(1), grant.clone()).await;
    assert_eq!(put.status, StatusCode::CREATED);
    assert_eq!(put.body["properties"]["scope"], json!(table));
    assert_eq!(
        arm.put(&name(2), grant).await.code(),
        "RoleAssignmentExists"
    );
    assert_eq!(
        arm.delete(&role).await.code(),
        "RoleDefinitionHasAssignments"
    );

    assert_eq!(arm.delete(&name(1)).await.status, StatusCode::OK);
    assert_eq!(arm.delete(&name(1)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(arm.delete(&role).await.status, StatusCode::OK);
    assert_eq!(arm.get(&role).await.code(), "RoleDefinitionDoesNotExist");
}

async fn lab() -> (Lab, Arm) {
    let lab = Lab::start(Options::default()).await.unwrap();
    let arm = Arm::of(&lab).await;
    (lab, arm)
}

fn rule(priority: u32) -> Value {
    json!({"properties": {
        "priority": priority,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "*",
        "sourceAddressPrefix": "10.3.0.0/24",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "*",
    }})
}
