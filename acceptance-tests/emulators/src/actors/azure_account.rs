//! Azure as the controller sees it: through the service principal of a cloud credential, with its rights alone.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::door::{Door, encoded, request, set};
use crate::azure::CONNECTOR_AGENT;

/// A service principal.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) tenant_id: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
}

impl Account {
    /// A token for Resource Manager; none where the principal is refused.
    pub(super) async fn token(&self, azure: &dyn Door) -> Option<String> {
        let target = format!("/{}/oauth2/v2.0/token", self.tenant_id);
        let mut asked = request("POST", &target, &Value::Null);
        set(&mut asked, "user-agent", CONNECTOR_AGENT);
        set(
            &mut asked,
            "content-type",
            "application/x-www-form-urlencoded",
        );
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
            encoded(&self.client_id),
            encoded(&self.client_secret),
            encoded("https://management.azure.com/.default"),
        );
        asked.body = Bytes::from(form);
        let reply = azure.ask(asked).await?;
        Some(reply.body["access_token"].as_str()?.to_owned())
    }

    /// The status and body of a GET; status 0 where the connection broke.
    pub(super) async fn get(&self, azure: &dyn Door, token: &str, id: &str) -> (u16, Value) {
        let answered = call(azure, token, "GET", id, &Value::Null).await;
        answered.map_or((0, Value::Null), |(status, body, _)| (status, body))
    }

    /// A write and the end of its operation; else what Azure said.
    pub(super) async fn write(
        &self,
        azure: &dyn Door,
        token: &str,
        method: &str,
        id: &str,
        body: &Value,
    ) -> Result<(), String> {
        let broken = || "the connection broke".to_owned();
        let answered = call(azure, token, method, id, body).await;
        let (status, body, operation) = answered.ok_or_else(broken)?;
        match (status, operation) {
            (404, _) if method == "DELETE" => Ok(()),
            (200..300, Some(operation)) => wait(azure, token, &operation).await,
            (200..300, None) => Ok(()),
            _ => Err(reason(&body)),
        }
    }
}

const API_VERSION: &str = "2023-09-01";

async fn call(
    azure: &dyn Door,
    token: &str,
    method: &str,
    target: &str,
    body: &Value,
) -> Option<(u16, Value, Option<String>)> {
    let target = match target.contains("api-version") {
        true => target.to_owned(),
        false => format!("{target}?api-version={API_VERSION}"),
    };
    let mut asked = request(method, &target, body);
    set(&mut asked, "user-agent", CONNECTOR_AGENT);
    set(&mut asked, "authorization", &format!("Bearer {token}"));
    set(&mut asked, "content-type", "application/json");
    let reply = azure.ask(asked).await?;
    let operation = reply.headers.get("azure-asyncoperation");
    let operation = operation.and_then(|url| Some(url.to_str().ok()?.to_owned()));
    Some((reply.status.as_u16(), reply.body, operation))
}

/// Polls an operation until it has ended.
async fn wait(azure: &dyn Door, token: &str, url: &str) -> Result<(), String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    let mut pause = Duration::from_millis(5);
    loop {
        let answered = call(azure, token, "GET", path, &Value::Null).await;
        let (_, body, _) = answered.ok_or_else(|| "the connection broke".to_owned())?;
        match body["status"].as_str() {
            Some("Succeeded") => return Ok(()),
            Some("InProgress") => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(500));
            }
            _ => return Err(reason(&body)),
        }
    }
}

fn reason(body: &Value) -> String {
    let error = json!(body["error"]);
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    format!("{}: {}", text("code"), text("message"))
}
