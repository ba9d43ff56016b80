//! A bare client of the lab's Avi controller, which shows answers as they are.

use std::collections::BTreeMap;

use ako_lab::Lab;
use http::{HeaderMap, Method, StatusCode};
use reqwest::Client;
use serde_json::{Value, json};

use crate::arm::{Answer, http};

/// A client with a session.
pub(crate) struct Controller {
    http: Client,
    base: String,
    cookies: BTreeMap<String, String>,
}

impl Controller {
    /// Signs in with the connection's password.
    pub(crate) async fn of(lab: &Lab) -> Controller {
        let mut controller = Controller::stranger(lab);
        let avi = &lab.connection().avi;
        let body = json!({"username": avi.username, "password": avi.password});
        let answer = controller.sign_in(&body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        controller
    }

    /// Has no session yet.
    pub(crate) fn stranger(lab: &Lab) -> Controller {
        Controller {
            http: http(lab),
            base: format!("https://{}", lab.connection().avi.controller),
            cookies: BTreeMap::new(),
        }
    }

    /// Signs in and keeps the cookies.
    pub(crate) async fn sign_in(&mut self, body: &Value) -> Answer {
        let answer = self
            .raw(Method::POST, "/login", &[], Some(body.to_string()))
            .await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// A GET in version 30.2.1 for the tenant admin.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Value::Null).await
    }

    /// A request in version 30.2.1 for the tenant admin.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.with(method, path, &[], body).await
    }

    /// The same with headers, which take the place of the usual ones.
    pub(crate) async fn with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let cookies = self.cookies.iter();
        let cookies: Vec<String> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let (cookies, referer) = (cookies.join("; "), format!("{}/", self.base));
        let csrf = self.cookies.get("csrftoken").cloned().unwrap_or_default();
        let mut all = BTreeMap::from([
            ("cookie", cookies.as_str()),
            ("referer", referer.as_str()),
            ("x-csrftoken", csrf.as_str()),
            ("x-avi-tenant", "admin"),
            ("x-avi-version", "30.2.1"),
            ("content-type", "application/json"),
        ]);
        all.extend(headers.iter().copied());
        let all: Vec<(&str, &str)> = all
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let body = Some(body).filter(|body| !body.is_null());
        self.raw(method, path, &all, body.map(|body| body.to_string()))
            .await
    }

    /// A request as it is.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.unwrap_or_default()).send().await.unwrap();
        let status = response.status();
        let headers: HeaderMap = response.headers().clone();
        let text = response.text().await.unwrap();
        Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }
}
