//! Signing in, and what a principal may do.

use ako_lab::azure::{Denial, Principal};
use ako_lab::{Lab, Options};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};

use crate::arm::{Answer, Arm, SUBNETS, network};

#[tokio::test]
async fn the_metadata_name_every_endpoint_without_a_token() {
    let (lab, _) = lab().await;
    let azure = &lab.connection().azure;
    let url = format!(
        "https://{}/metadata/endpoints?api-version=2022-09-01",
        azure.metadata_host
    );
    let answer = crate::arm::http(&lab).get(url).send().await.unwrap();
    let document: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let endpoint = json!(azure.resource_manager_endpoint);
    assert_eq!(document["resourceManager"], endpoint);
    assert_eq!(document["authentication"]["audiences"], json!([endpoint]));
    assert_eq!(
        document["authentication"]["loginEndpoint"],
        json!(azure.authority_host)
    );
}

#[tokio::test]
async fn the_token_names_tenant_object_and_application() {
    let (lab, arm) = lab().await;
    let azure = lab.connection().azure.clone();
    let answer = sign_in(
        &arm,
        &azure.tenant_id,
        &secret(&azure.client_id, &azure.client_secret),
    )
    .await;
    let token = answer.body["access_token"].as_str().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["tid"], json!(azure.tenant_id));
    assert_eq!(claims["appid"], json!(azure.client_id));
    assert_eq!(claims["oid"], json!(lab.azure().identity().object_id));
    assert_eq!(claims["aud"], json!(azure.resource_manager_endpoint));
}

#[tokio::test]
async fn a_refused_sign_in_says_why_with_its_number() {
    let (lab, arm) = lab().await;
    let azure = lab.connection().azure.clone();
    let cases = [
        (
            azure.tenant_id.as_str(),
            secret(&azure.client_id, "wrong"),
            401,
            "AADSTS7000215",
        ),
        (
            azure.tenant_id.as_str(),
            secret("nobody", "x"),
            400,
            "AADSTS700016",
        ),
        (
            "another",
            secret(&azure.client_id, &azure.client_secret),
            400,
            "AADSTS90002",
        ),
    ];
    for (tenant, fields, status, number) in cases {
        let answer = sign_in(&arm, tenant, &fields).await;
        assert_eq!(answer.status.as_u16(), status, "{number}");
        let description = answer.body["error_description"].as_str().unwrap();
        assert!(description.starts_with(number), "{description}");
    }
}

#[tokio::test]
async fn requests_without_a_valid_token_are_told_where_to_get_one() {
    let (lab, arm) = lab().await;
    let path = format!(
        "/subscriptions/{}?api-version=2022-12-01",
        lab.connection().azure.subscription_id
    );
    let answer = arm.anonymous(&path).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::UNAUTHORIZED, "AuthenticationFailed")
    );
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer authorization_uri=")
    );

    assert_eq!(arm.get(&path).await.status, StatusCode::OK);
    lab.azure().revoke_tokens();
    assert_eq!(arm.get(&path).await.code(), "InvalidAuthenticationToken");
}

#[tokio::test]
async fn a_denied_action_is_refused_at_its_scope_and_shown_among_the_permissions() {
    let (lab, arm) = lab().await;
    let table = network(&lab, "routeTables/rt");
    arm.put(&table, json!({"location": "westeurope"})).await;
    lab.azure().deny(Denial {
        scope: Some(table.to_uppercase()),
        ..Denial::of("Microsoft.Network/routeTables/routes/*")
    });
    let route = json!({"properties": {"addressPrefix": "10.244.0.0/24", "nextHopType": "None"}});
    let put = arm.put(&format!("{table}/routes/r"), route).await;
    assert_eq!(
        (put.status, put.code()),
        (StatusCode::FORBIDDEN, "AuthorizationFailed")
    );
    let message = put.body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("'Microsoft.Network/routeTables/routes/write'"),
        "{message}"
    );
    assert_eq!(arm.get(&table).await.status, StatusCode::OK);

    let permissions = arm
        .get(&format!(
            "{table}/providers/Microsoft.Authorization/permissions"
        ))
        .await;
    let denied = &permissions.body["value"][0]["notActions"];
    assert_eq!(*denied, json!(["Microsoft.Network/routeTables/routes/*"]));
    lab.azure().allow_all();
    assert_eq!(
        arm.delete(&format!("{table}/routes/r")).await.status,
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn a_subnet_may_name_only_a_table_that_its_writer_may_join() {
    let (lab, arm) = lab().await;
    let table = network(&lab, "routeTables/rt");
    arm.put(&table, json!({"location": "westeurope"})).await;
    lab.azure()
        .deny(Denial::of("Microsoft.Network/routeTables/join/action"));
    let body = json!({"properties": {"addressPrefix": "10.3.0.0/24", "routeTable": {"id": table}}});
    let put = arm
        .put(&network(&lab, &format!("{SUBNETS}/se")), body)
        .await;
    assert_eq!(
        (put.status, put.code()),
        (StatusCode::FORBIDDEN, "LinkedAuthorizationFailed")
    );
}

#[tokio::test]
async fn a_denial_can_be_meant_for_one_principal() {
    let (lab, arm) = lab().await;
    let connector = Principal {
        client_id: "connector".to_owned(),
        client_secret: "s".to_owned(),
        object_id: "connector-object".to_owned(),
    };
    lab.azure().add_principal(connector);
    lab.azure().deny(Denial {
        object_id: Some("connector-object".to_owned()),
        ..Denial::of("*/read")
    });
    assert_eq!(
        arm.get(&network(&lab, "routeTables")).await.status,
        StatusCode::OK
    );
    let theirs = Arm::signed_in(&lab, "connector", "s").await;
    assert_eq!(
        theirs.get(&network(&lab, "routeTables")).await.code(),
        "AuthorizationFailed"
    );
}

async fn lab() -> (Lab, Arm) {
    let lab = Lab::start(Options::default()).await.unwrap();
    let arm = Arm::of(&lab).await;
    (lab, arm)
}

fn secret(client_id: &str, secret: &str) -> [(&'static str, String); 2] {
    [
        ("client_id", client_id.to_owned()),
        ("client_secret", secret.to_owned()),
    ]
}

async fn sign_in(arm: &Arm, tenant: &str, fields: &[(&str, String)]) -> Answer {
    let mut form = vec![
        ("grant_type", "client_credentials".to_owned()),
        ("scope", format!("{}/.default", arm.base())),
    ];
    form.extend(fields.iter().cloned());
    arm.post_form(&format!("/{tenant}/oauth2/v2.0/token"), &form)
        .await
}
