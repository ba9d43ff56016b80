//! AKO's session with the controller: its headers, its logins, and what it does when the session ends.
//!
//! Recorded from AKO 2.2.1: JSON login, `X-Avi-Version` 18.2.6 until the controller's version is known, then that,
//! at most 30.2.1; the CSRF header on every request after login, GET included; a double slash before `api`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::header;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::door::{Door, Reply, request, set};
use super::AkoOptions;
use crate::sync::lock;

/// A request that AKO sent, with what its recordings show of each.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// The path with its query, as sent.
    pub target: String,
    /// The headers that differ between requests, in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body; null where there is none.
    pub body: Value,
    /// The status of the answer; none where the connection broke.
    pub status: Option<u16>,
}

/// One process's session.
pub(super) struct Session {
    controller: Arc<dyn Door>,
    host: String,
    credentials: Value,
    tenant: String,
    version: String,
    cookies: BTreeMap<String, String>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Session {
    pub(super) fn new(
        controller: Arc<dyn Door>,
        host: &str,
        options: &AkoOptions,
        sent: Arc<Mutex<Vec<Sent>>>,
    ) -> Session {
        let credentials = match &options.token {
            Some(token) => json!({"username": options.username, "token": token}),
            None => json!({"username": options.username, "password": options.password}),
        };
        Session {
            controller,
            host: host.to_owned(),
            credentials,
            tenant: options.tenant.clone(),
            version: FIRST_VERSION.to_owned(),
            cookies: BTreeMap::new(),
            sent,
        }
    }

    /// Logs in as often as AKO has clients, and learns the controller's version. False where that is refused.
    pub(super) async fn open(&mut self) -> bool {
        let mut welcome = false;
        for _ in 0..CLIENTS {
            welcome |= self.log_in().await;
        }
        if !welcome {
            return false;
        }
        let data = self.get("/api/initial-data").await;
        let version =
            data.and_then(|data| Some(data.body["version"]["Version"].as_str()?.to_owned()));
        self.version = capped(version.as_deref().unwrap_or(NEWEST_VERSION));
        true
    }

    /// A GET in AKO's tenant.
    pub(super) async fn get(&mut self, target: &str) -> Option<Reply> {
        let tenant = self.tenant.clone();
        self.call("GET", target, &Value::Null, &tenant).await
    }

    /// A GET in all tenants, as AKO fills its caches.
    pub(super) async fn get_everywhere(&mut self, target: &str) -> Option<Reply> {
        self.call("GET", target, &Value::Null, "*").await
    }

    /// A PUT in AKO's tenant.
    pub(super) async fn put(&mut self, target: &str, body: &Value) -> Option<Reply> {
        let tenant = self.tenant.clone();
        self.call("PUT", target, body, &tenant).await
    }

    /// A PUT in the tenant `admin`, where AKO's own may not write the object.
    pub(super) async fn put_as_admin(&mut self, target: &str, body: &Value) -> Option<Reply> {
        self.call("PUT", target, body, "admin").await
    }

    /// One call. A 401 leads to a login and a repetition, a 419 to a repetition with the same cookies (recorded); after
    /// a second 419 it logs in too (assumed).
    async fn call(
        &mut self,
        method: &str,
        target: &str,
        body: &Value,
        tenant: &str,
    ) -> Option<Reply> {
        let mut expired = 0;
        loop {
            let reply = self.send(method, target, body, tenant).await;
            let status = reply.as_ref().map(|reply| reply.status.as_u16());
            match status {
                Some(401) | Some(419) if expired < RETRIES => {
                    expired += 1;
                    if (status == Some(401) || expired > 1) && !self.log_in().await {
                        return reply;
                    }
                }
                _ => return reply,
            }
        }
    }

    async fn log_in(&mut self) -> bool {
        let (credentials, tenant) = (self.credentials.clone(), self.tenant.clone());
        self.cookies.clear();
        let reply = self.send("POST", "/login", &credentials, &tenant).await;
        let Some(reply) = reply.filter(|reply| reply.status.is_success()) else {
            return false;
        };
        for cookie in reply.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default().split(';').next();
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                self.cookies
                    .insert(name.trim().to_owned(), value.to_owned());
            }
        }
        true
    }

    async fn send(
        &mut self,
        method: &str,
        target: &str,
        body: &Value,
        tenant: &str,
    ) -> Option<Reply> {
        // Recorded: AKO joins its prefix and the path with two slashes, but for the login.
        let target = match target {
            "/login" => target.to_owned(),
            target => format!("/{target}"),
        };
        let mut asked = request(method, &target, body);
        set(&mut asked, "user-agent", "Go-http-client/1.1");
        set(&mut asked, "content-type", "application/json");
        set(&mut asked, "host", &self.host);
        set(&mut asked, "referer", &format!("https://{}/", self.host));
        set(&mut asked, "x-avi-useragent", "AKO");
        set(&mut asked, "x-avi-version", &self.version);
        set(&mut asked, "x-avi-tenant", tenant);
        if let Some(token) = self.cookies.get("csrftoken") {
            set(&mut asked, "x-csrftoken", token);
        }
        if !self.cookies.is_empty() {
            let pairs = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let pairs: Vec<String> = pairs.collect();
            set(&mut asked, "cookie", &pairs.join("; "));
        }
        let headers = ["x-avi-tenant", "x-avi-version"].map(|name| {
            let value = asked
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok());
            (name.to_owned(), value.unwrap_or_default().to_owned())
        });
        let reply = self.controller.ask(asked).await;
        lock(&self.sent).push(Sent {
            method: method.to_owned(),
            target,
            headers: headers.into(),
            body: match method {
                // No secret is kept.
                "POST" => Value::Null,
                _ => body.clone(),
            },
            status: reply.as_ref().map(|reply| reply.status.as_u16()),
        });
        reply
    }
}

/// AKO logs in once for each of its clients.
const CLIENTS: usize = 9;
/// How often a call is repeated after its session ended.
const RETRIES: u32 = 3;
const FIRST_VERSION: &str = "18.2.6";
const NEWEST_VERSION: &str = "30.2.1";

fn capped(version: &str) -> String {
    let numbers = |text: &str| -> Vec<u32> {
        let parts = text.split('.').map(|part| part.parse().unwrap_or(0));
        parts.collect()
    };
    if numbers(version) > numbers(NEWEST_VERSION) {
        return NEWEST_VERSION.to_owned();
    }
    version.to_owned()
}
