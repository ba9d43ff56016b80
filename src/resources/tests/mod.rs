//! A provider in a lab, for the tests of resources that call the controller.

use super::pod_route_sync::PodRouteSync;
use super::vrf_pod_routes::VrfPodRoutes;
use crate::clients::{Clients, Settings, Variables, avi, azure, kubernetes, user_agent};
use crate::configured::{Claims, Configured};
use crate::framework::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::framework::function::AnyFunction;
use crate::framework::handler::{AnyDataSource, AnyResource};
use crate::framework::plan::Config;
use crate::framework::provider::{Provider, resource};
use crate::framework::schema::{Attribute, Schema, Type};
use crate::framework::server::{ApplyRequest, PlanRequest, Server};
use crate::framework::value::Value;
use ako_lab::{Lab, Options};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// A provider whose environment variables are arguments.
struct InLab;

impl Provider for InLab {
    const NAME: &'static str = "ako";
    type Clients = Configured;

    fn schema() -> Schema {
        let variables = Attribute::optional("variables", Type::map(Type::String), "Variables.");
        Schema::new("A provider in the lab.", vec![variables])
    }

    fn configure(config: Config<'_>, version: &str) -> Result<Configured, Diagnostics> {
        let variables = config.get("variables").as_map().into_iter().flatten();
        let variables: BTreeMap<String, String> = variables
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        Ok(Configured {
            clients: Clients::new(Settings {
                avi: avi::Settings::default(),
                azure: azure::Settings::default(),
                kubernetes: kubernetes::Settings::default(),
                variables: Variables::from_map(variables),
                user_agent: user_agent(version),
                request_timeout: Duration::from_secs(5),
            }),
            adopt_remnants: true,
            claims: Claims::default(),
            replaced: Claims::default(),
        })
    }

    fn resources() -> Vec<Box<dyn AnyResource<Configured>>> {
        vec![resource::<VrfPodRoutes>(), resource::<PodRouteSync>()]
    }

    fn data_sources() -> Vec<Box<dyn AnyDataSource<Configured>>> {
        Vec::new()
    }

    fn functions() -> Vec<AnyFunction> {
        Vec::new()
    }
}

/// A lab with a provider, and a cloud `azure` in the lab's virtual network.
pub(super) struct Scene {
    pub(super) lab: Lab,
    server: Server,
    variables: Value,
    r#type: &'static str,
}

/// What came of a plan or an apply.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) value: Value,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// Nodes: name, address, pod CIDRs.
pub(super) type Nodes<'a> = &'a [(&'a str, &'a str, &'a [&'a str])];

impl Scene {
    pub(super) async fn of(r#type: &'static str) -> Scene {
        let lab = Lab::start(Options::default()).await.unwrap();
        let (azure, avi) = (&lab.connection().azure, &lab.connection().avi);
        let ca = lab.connection().ca_certificate.display().to_string();
        let variables = Value::object([
            ("ARM_METADATA_HOSTNAME", Value::from(&*azure.metadata_host)),
            ("ARM_TENANT_ID", Value::from(&*azure.tenant_id)),
            ("ARM_CLIENT_ID", Value::from(&*azure.client_id)),
            ("ARM_CLIENT_SECRET", Value::from(&*azure.client_secret)),
            ("AVI_CONTROLLER", Value::from(&*avi.controller)),
            ("AVI_USERNAME", Value::from(&*avi.username)),
            ("AVI_PASSWORD", Value::from(&*avi.password)),
            ("SSL_CERT_FILE", Value::from(ca)),
        ]);
        let scene = Scene {
            lab,
            server: Server::new::<InLab>(),
            variables,
            r#type,
        };
        scene.next_run();
        let cloud = json!({"name": "azure", "vtype": "CLOUD_NONE"});
        scene.avi("POST", "/api/cloud", cloud);
        scene.lab.clear_journal();
        scene
    }

    /// Terraform starts the provider anew for every command.
    pub(super) fn next_run(&self) {
        let config = Value::object([("variables", self.variables.clone())]);
        assert!(!self.server.configure(config, "1.11.4").has_errors());
    }

    /// A request of another client to the controller.
    pub(super) fn avi(
        &self,
        method: &str,
        path: &str,
        body: serde_json::Value,
    ) -> serde_json::Value {
        let (status, answer) = self.lab.avi().request(method, path, body);
        assert!(status < 400, "{method} {path}: {status} {answer}");
        answer
    }

    /// The calls of a service since the last time, sign-in left out.
    pub(super) fn calls(&self, service: &str) -> Vec<String> {
        let journal = self.lab.journal();
        self.lab.clear_journal();
        let calls = journal
            .iter()
            .filter(|entry| entry.service == service && entry.path.starts_with("/api/"));
        let calls = calls.filter(|entry| !entry.path.contains("initial-data"));
        calls.map(|entry| entry.method.clone()).collect()
    }

    pub(super) async fn plan(&self, prior: &Value, config: &Value) -> Outcome {
        let request = PlanRequest {
            type_name: self.r#type.into(),
            prior: prior.clone(),
            proposed: config.clone(),
            config: config.clone(),
            private: Vec::new(),
            write_only_allowed: true,
        };
        let planned = self.server.plan(request).await;
        Outcome::of(planned.planned, planned.diagnostics)
    }

    pub(super) async fn apply(&self, prior: &Value, planned: &Value, config: &Value) -> Outcome {
        let request = ApplyRequest {
            type_name: self.r#type.into(),
            prior: prior.clone(),
            planned: planned.clone(),
            config: config.clone(),
            private: Vec::new(),
        };
        let applied = self.server.apply(request).await;
        Outcome::of(applied.state, applied.diagnostics)
    }

    /// Plans and applies, as core does it.
    pub(super) async fn make(&self, prior: &Value, config: &Value) -> Outcome {
        let planned = self.plan(prior, config).await.ok();
        self.lab.clear_journal();
        self.apply(prior, &planned, config).await
    }

    pub(super) async fn destroy(&self, state: &Value) -> Outcome {
        self.lab.clear_journal();
        self.apply(state, &Value::Null, &Value::Null).await
    }

    pub(super) async fn read(&self, state: &Value) -> Value {
        let read = self
            .server
            .read(self.r#type, state.clone(), Vec::new())
            .await;
        Outcome::of(read.state, read.diagnostics).ok()
    }

    pub(super) async fn import(&self, id: &str) -> Outcome {
        let (state, diagnostics) = self.server.import(self.r#type, id).await;
        Outcome::of(state, diagnostics)
    }
}

impl Outcome {
    fn of(value: Value, diagnostics: Diagnostics) -> Outcome {
        let (errors, warnings) = diagnostics
            .into_iter()
            .partition(|diagnostic| diagnostic.severity == Severity::Error);
        Outcome {
            value,
            errors,
            warnings,
        }
    }

    pub(super) fn ok(self) -> Value {
        assert_eq!(self.errors, []);
        self.value
    }

    /// Some error or warning in which all of these occur.
    pub(super) fn says(&self, parts: &[&str]) {
        let all = self.errors.iter().chain(&self.warnings);
        let texts: Vec<_> = all
            .map(|said| format!("{}\n{}", said.summary, said.detail))
            .collect();
        let found = texts
            .iter()
            .any(|text| parts.iter().all(|part| text.contains(part)));
        assert!(found, "{parts:?} is missing in:\n{}", texts.join("\n---\n"));
    }
}

/// A value with nodes.
pub(super) fn nodes(nodes: Nodes<'_>) -> Value {
    Value::object(nodes.iter().map(|(name, address, cidrs)| {
        let cidrs = cidrs.iter().map(|&cidr| Value::from(cidr));
        let node = Value::object([
            ("internal_ip", Value::from(*address)),
            ("pod_cidrs", Value::list(cidrs)),
        ]);
        (*name, node)
    }))
}

/// The value with another member.
pub(super) fn with(config: &Value, name: &str, value: Value) -> Value {
    let mut config = config.clone();
    if let Value::Map(members) = &mut config {
        members.insert(name.to_owned(), value);
    }
    config
}
