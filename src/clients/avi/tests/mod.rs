//! The client against the lab's controller: what it asks, what it makes of the answers, how it fails.

mod endings;
mod objects;
mod session;

use super::{Client, Cloud, Filter, KeyValue, Reference, SeGroup, Settings};
use crate::clients::{self, Clients, Limits, Setting, Variables, azure, kubernetes, user_agent};
use ako_lab::{Lab, Options};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const GROUPS: &str = "/api/serviceenginegroup";
const ONE_GROUP: &str = "/api/serviceenginegroup/*";

struct Scene {
    lab: Lab,
    clients: Clients,
    limits: Limits,
}

impl Scene {
    async fn new() -> Scene {
        Scene::with(|_| {}).await
    }

    /// A scene in which the section `avi` is changed.
    async fn with(change: impl FnOnce(&mut Settings)) -> Scene {
        let lab = Lab::start(Options::default()).await.unwrap();
        let mut section = section(&lab);
        change(&mut section);
        let clients = clients(&lab, section);
        Scene {
            lab,
            clients,
            limits: limits(Duration::from_secs(60)),
        }
    }

    fn avi(&self) -> &Client {
        self.clients.avi().unwrap()
    }

    /// An SE group that somebody has made; its uuid.
    fn group(&self, name: &str) -> String {
        let body = json!({"name": name, "cloud_ref": "/api/cloud?name=Default-Cloud", "max_se": 4});
        let (status, made) = self.lab.avi().request("POST", GROUPS, body);
        assert_eq!(status, 201, "{made}");
        made["uuid"].as_str().unwrap().to_owned()
    }

    async fn get(&self, uuid: &str) -> Option<SeGroup> {
        self.avi().get(&self.limits, uuid).await.unwrap()
    }

    /// The object as the controller holds it; null where there is none.
    fn held(&self, uuid: &str) -> Value {
        let path = format!("{GROUPS}/{uuid}");
        match self.lab.avi().request("GET", &path, Value::Null) {
            (200, held) => held,
            _ => Value::Null,
        }
    }

    /// How often a method was called on a path of the controller.
    fn calls(&self, method: &str, path: &str) -> usize {
        let journal = self.lab.journal();
        let calls = journal.iter().filter(|entry| entry.service == "avi");
        calls
            .filter(|entry| entry.method == method && entry.path.starts_with(path))
            .count()
    }

    fn logins(&self) -> usize {
        self.calls("POST", "/login")
    }
}

fn section(lab: &Lab) -> Settings {
    let avi = &lab.connection().avi;
    let known = |text: &str| Setting::Known(text.to_owned());
    Settings {
        controller: known(&avi.controller),
        username: known(&avi.username),
        password: Setting::Known(avi.password.clone().into()),
        ..Settings::default()
    }
}

/// Clients that trust the certificates of `trusted`.
fn clients(trusted: &Lab, section: Settings) -> Clients {
    let ca = trusted.connection().ca_certificate.display().to_string();
    let variables = BTreeMap::from([("SSL_CERT_FILE".to_owned(), ca)]);
    Clients::new(clients::Settings {
        avi: section,
        azure: azure::Settings::default(),
        kubernetes: kubernetes::Settings::default(),
        variables: Variables::from_map(variables),
        user_agent: user_agent("1.11.4"),
        request_timeout: Duration::from_secs(30),
    })
}

fn limits(time: Duration) -> Limits {
    Limits {
        deadline: Instant::now() + time,
        stop: CancellationToken::new(),
    }
}
