//! Signing in without a secret: assertions, the token services of pipelines, managed identities.

use ako_lab::azure::FederatedToken;
use ako_lab::{Lab, Options};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::arm::{Arm, http};

#[tokio::test]
async fn a_federated_token_must_be_the_issuers_and_for_the_subject_and_audience_that_are_trusted() {
    let (lab, arm) = lab().await;
    let issue = |token: FederatedToken| lab.azure().federated_token(&token);
    let good = issue(FederatedToken::default());
    let (claims, _) = good.rsplit_once('.').unwrap();
    let stranger = json!({"iss": "https://stranger", "sub": "x", "exp": 4_000_000_000_u64});
    let rows = [
        (good.clone(), None),
        (
            issue(FederatedToken {
                lifetime: -1,
                ..FederatedToken::default()
            }),
            Some(700_024),
        ),
        (
            issue(FederatedToken {
                subject: "x".to_owned(),
                ..FederatedToken::default()
            }),
            Some(700_213),
        ),
        (
            issue(FederatedToken {
                audience: "x".to_owned(),
                ..FederatedToken::default()
            }),
            Some(700_212),
        ),
        (jwt(&json!({}), &stranger), Some(700_211)),
        (format!("{claims}.c2ln"), Some(50_013)),
        ("nonsense".to_owned(), Some(50_027)),
    ];
    for (assertion, code) in rows {
        assert_eq!(refusal(&lab, &arm, &assertion).await, code, "{assertion}");
    }
}

#[tokio::test]
async fn an_assertion_of_the_application_itself_needs_the_signature_of_its_certificate() {
    let (lab, arm) = lab().await;
    let azure = lab.connection().azure.clone();
    let claims = json!({
        "iss": azure.client_id,
        "sub": azure.client_id,
        "aud": format!("{}/{}/oauth2/v2.0/token", azure.authority_host, azure.tenant_id),
        "exp": 4_000_000_000_u64,
        "jti": "1",
    });
    for header in [
        json!({"alg": "PS256"}),
        json!({"alg": "PS256", "x5t#S256": "AAAA"}),
        json!({"alg": "none"}),
    ] {
        let assertion = jwt(&header, &claims);
        assert_eq!(refusal(&lab, &arm, &assertion).await, Some(700_027));
    }
}

#[tokio::test]
async fn a_managed_identity_is_told_to_those_who_send_the_right_header() {
    let (lab, _) = lab().await;
    let azure = lab.connection().azure.clone();
    let sign_in = azure.sign_in.clone();
    let resource = azure.resource_manager_endpoint.as_str();
    let (machine, app) = (
        sign_in.msi_endpoint.as_str(),
        sign_in.identity_endpoint.as_str(),
    );
    let metadata = ("metadata", "true");
    let shown = ("x-identity-header", sign_in.identity_header.as_str());
    let rows = [
        (
            machine,
            "2018-02-01",
            metadata,
            azure.client_id.as_str(),
            200,
        ),
        (
            machine,
            "2018-02-01",
            ("accept", "*/*"),
            &azure.client_id,
            400,
        ),
        (machine, "2018-02-01", metadata, "unknown", 400),
        (machine, "2010-01-01", metadata, &azure.client_id, 400),
        (app, "2019-08-01", shown, &azure.client_id, 200),
        (app, "2019-08-01", metadata, &azure.client_id, 401),
    ];
    for (endpoint, version, (name, value), client, status) in rows {
        let url =
            format!("{endpoint}?api-version={version}&resource={resource}&client_id={client}");
        let answer = http(&lab)
            .get(url)
            .header(name, value)
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.status().as_u16(),
            status,
            "{endpoint} {version} {name} {client}"
        );
        if status == 200 {
            let body: Value = answer.json().await.unwrap();
            assert!(body["expires_on"].is_string() && body["access_token"].is_string());
        }
    }
}

#[tokio::test]
async fn the_token_services_of_pipelines_answer_those_who_show_the_request_token() {
    let (lab, arm) = lab().await;
    let sign_in = lab.connection().azure.sign_in.clone();
    let connection = &sign_in.service_connection_id;
    let github = format!(
        "{}&audience=api://AzureADTokenExchange",
        sign_in.github_request_url
    );
    let devops = format!(
        "{}?api-version=7.1&serviceConnectionId={connection}",
        sign_in.azure_devops_request_url
    );
    let http = http(&lab);
    for (request, member) in [
        (http.get(&github), "value"),
        (http.post(&devops), "oidcToken"),
    ] {
        let refused = request.try_clone().unwrap().send().await.unwrap();
        assert_eq!(refused.status().as_u16(), 401);
        let answer = request
            .bearer_auth(&sign_in.request_token)
            .send()
            .await
            .unwrap();
        let body: Value = answer.json().await.unwrap();
        let token = body[member].as_str().unwrap();
        assert_eq!(refusal(&lab, &arm, token).await, None);
    }
}

async fn lab() -> (Lab, Arm) {
    let lab = Lab::start(Options::default()).await.unwrap();
    let arm = Arm::of(&lab).await;
    (lab, arm)
}

/// The number of the refusal of an assertion, if it is refused.
async fn refusal(lab: &Lab, arm: &Arm, assertion: &str) -> Option<u64> {
    let azure = &lab.connection().azure;
    let form = [
        ("grant_type", "client_credentials".to_owned()),
        ("scope", format!("{}/.default", arm.base())),
        ("client_id", azure.client_id.clone()),
        ("client_assertion", assertion.to_owned()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
        ),
    ];
    let path = format!("/{}/oauth2/v2.0/token", azure.tenant_id);
    let answer = arm.post_form(&path, &form).await;
    answer.body["error_codes"][0].as_u64()
}

/// A JWT whose signature is nobody's.
fn jwt(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(header), part(claims))
}
