//! `ako_cluster_subnet` against the lab's Azure, through the RPC logic that Terraform calls.

mod create;
mod delete;
mod drift;
mod import;
mod interrupts;
mod plan;
mod update;

use super::{ClusterSubnet, Model};
use crate::clients::{Clients, Settings, Variables, avi, azure, kubernetes, user_agent};
use crate::configured::{Claims, Configured};
use crate::domain::marks::MARK_KEY;
use crate::framework::diagnostics::{Diagnostics, Severity};
use crate::framework::function::AnyFunction;
use crate::framework::handler::{AnyDataSource, AnyResource};
use crate::framework::plan::Config;
use crate::framework::provider::{Provider, resource};
use crate::framework::resource::Resource;
use crate::framework::schema::{Attribute, Schema, Type};
use crate::framework::server::{ApplyOutcome, ApplyRequest, PlanOutcome, PlanRequest, Server};
use crate::framework::value::Value;
use ako_lab::azure::Busy;
use ako_lab::{Action, Fault, Lab, Latency, Options};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;

const NAME: &str = ClusterSubnet::NAME;

/// A provider with this one resource, and with the lab as its Azure.
struct LabProvider;

impl Provider for LabProvider {
    const NAME: &'static str = "ako";
    type Clients = Configured;

    fn schema() -> Schema {
        let variables = Attribute::optional("variables", Type::map(Type::String), "Environment.");
        let adopt = Attribute::optional("adopt_remnants", Type::Bool, "Whether to adopt.");
        Schema::new("The lab.", vec![variables, adopt])
    }

    fn configure(config: Config<'_>, version: &str) -> Result<Configured, Diagnostics> {
        let variables = config.get("variables").as_map().unwrap().iter();
        let variables =
            variables.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        Ok(Configured {
            clients: Clients::new(Settings {
                avi: avi::Settings::default(),
                azure: azure::Settings::default(),
                kubernetes: kubernetes::Settings::default(),
                variables: Variables::from_map(variables.collect()),
                user_agent: user_agent(version),
                request_timeout: Duration::from_secs(30),
            }),
            adopt_remnants: config.get("adopt_remnants").as_bool().unwrap(),
            claims: Claims::default(),
            replaced: Claims::default(),
        })
    }

    fn resources() -> Vec<Box<dyn AnyResource<Configured>>> {
        vec![resource::<ClusterSubnet>()]
    }

    fn data_sources() -> Vec<Box<dyn AnyDataSource<Configured>>> {
        Vec::new()
    }

    fn functions() -> Vec<AnyFunction> {
        Vec::new()
    }
}

struct Scene {
    lab: Lab,
    server: Server,
}

impl Scene {
    async fn new() -> Scene {
        Scene::with_adopt_remnants(true).await
    }

    async fn with_adopt_remnants(adopt_remnants: bool) -> Scene {
        let lab = Lab::start(Options::default()).await.unwrap();
        let server = server(&lab, adopt_remnants);
        Scene { lab, server }
    }

    fn network(&self) -> &str {
        &self.lab.connection().azure.virtual_network_id
    }

    fn group(&self) -> &str {
        self.network().split("/providers/").next().unwrap()
    }

    fn table(&self, name: &str) -> String {
        format!(
            "{}/providers/Microsoft.Network/routeTables/{name}",
            self.group()
        )
    }

    fn subnet(&self, name: &str) -> String {
        format!("{}/subnets/{name}", self.network())
    }

    /// The usual configuration with these changes; null takes an argument away.
    fn config(&self, changes: Json) -> Json {
        let mut config = json!({
            "name": "snet-se",
            "virtual_network_id": self.network(),
            "address_prefixes": ["10.1.32.0/24"],
            "cluster_name": "cluster1",
            "route_table_name": "rt-se",
        });
        for (name, value) in changes.as_object().unwrap() {
            config[name] = value.clone();
        }
        config
    }

    async fn plan(&self, prior: &Value, config: &Json) -> PlanOutcome {
        let config = object(config);
        let request = PlanRequest {
            type_name: NAME.to_owned(),
            prior: prior.clone(),
            proposed: config.clone(),
            config,
            private: Vec::new(),
            write_only_allowed: true,
        };
        self.server.plan(request).await
    }

    /// Reads, plans and applies, as Terraform does; gives the state and every diagnostic.
    async fn apply(&self, prior: &Value, config: &Json) -> ApplyOutcome {
        let prior = match prior {
            Value::Null => Value::Null,
            prior => self.read(prior).await,
        };
        let plan = self.plan(&prior, config).await;
        assert_eq!(errors(&plan.diagnostics), "");
        assert_eq!(plan.requires_replace, []);
        let mut outcome = self.apply_planned(prior, plan.planned, config).await;
        outcome.diagnostics.extend(plan.diagnostics);
        outcome
    }

    async fn apply_planned(&self, prior: Value, planned: Value, config: &Json) -> ApplyOutcome {
        let request = ApplyRequest {
            type_name: NAME.to_owned(),
            prior,
            planned,
            config: object(config),
            private: Vec::new(),
        };
        self.server.apply(request).await
    }

    /// Applies without an error.
    async fn applied(&self, prior: &Value, config: &Json) -> Value {
        let outcome = self.apply(prior, config).await;
        assert_eq!(errors(&outcome.diagnostics), "");
        outcome.state
    }

    async fn created(&self, config: &Json) -> Value {
        self.applied(&Value::Null, config).await
    }

    async fn read(&self, state: &Value) -> Value {
        let outcome = self.server.read(NAME, state.clone(), Vec::new()).await;
        assert_eq!(errors(&outcome.diagnostics), "");
        outcome.state
    }

    async fn delete(&self, prior: &Value) -> ApplyOutcome {
        let request = ApplyRequest {
            type_name: NAME.to_owned(),
            prior: prior.clone(),
            planned: Value::Null,
            config: Value::Null,
            private: Vec::new(),
        };
        self.server.apply(request).await
    }

    async fn import(&self, id: &str) -> Value {
        let (state, diagnostics) = self.server.import(NAME, id).await;
        assert_eq!(errors(&diagnostics), "");
        self.read(&state).await
    }

    /// That a plan of this configuration changes nothing, after a refresh.
    async fn assert_settled(&self, state: &Value, config: &Json) {
        let state = self.read(state).await;
        self.lab.clear_journal();
        let plan = self.plan(&state, config).await;
        assert_eq!(errors(&plan.diagnostics), "");
        assert_eq!(plan.planned, state);
        assert_eq!(self.calls(), [""; 0], "a plan without changes calls nobody");
    }

    /// Calls of ARM as `METHOD name`, polls left out.
    fn calls(&self) -> Vec<String> {
        let journal = self.lab.journal();
        let calls = journal
            .iter()
            .filter(|entry| entry.service == "arm" && !entry.poll);
        calls
            .map(|entry| {
                format!(
                    "{} {}",
                    entry.method,
                    entry.path.rsplit('/').next().unwrap()
                )
            })
            .collect()
    }

    fn writes(&self) -> Vec<String> {
        let mut calls = self.calls();
        calls.retain(|call| !call.starts_with("GET"));
        calls
    }

    /// What Azure holds, as another client sees it; null where there is nothing.
    fn azure(&self, id: &str) -> Json {
        match self.lab.azure().request("GET", id, Json::Null) {
            (200, body) => body,
            _ => Json::Null,
        }
    }

    /// Changes an object as another client does: a PUT of what is there, with the change merged.
    fn change(&self, id: &str, change: impl FnOnce(&mut Json)) {
        let mut body = self.azure(id);
        change(&mut body);
        let (status, answer) = self.lab.azure().request("PUT", id, body);
        assert!(status < 300, "{status} {answer}");
    }

    fn make_table(&self, name: &str, body: Json) -> String {
        let id = self.table(name);
        let mut whole = json!({"location": "westeurope", "properties": {}});
        for (member, value) in body.as_object().unwrap() {
            whole[member] = value.clone();
        }
        let (status, answer) = self.lab.azure().request("PUT", &id, whole);
        assert!(status < 300, "{status} {answer}");
        id
    }

    fn make_subnet(&self, name: &str, properties: Json) -> String {
        let id = self.subnet(name);
        let body = json!({"properties": properties});
        let (status, answer) = self.lab.azure().request("PUT", &id, body);
        assert!(status < 300, "{status} {answer}");
        id
    }

    /// A network interface in the SE subnet, as a Service Engine has it.
    fn make_network_interface(&self, name: &str) -> String {
        let id = format!(
            "{}/providers/Microsoft.Network/networkInterfaces/{name}",
            self.group()
        );
        let body = json!({"location": "westeurope", "properties": {"ipConfigurations": [{"name": "ipconfig1",
            "properties": {"subnet": {"id": self.subnet("snet-se")}}}]}});
        let (status, answer) = self.lab.azure().request("PUT", &id, body);
        assert!(status < 300, "{answer}");
        id
    }

    fn forget(&self, id: &str) {
        let (status, answer) = self.lab.azure().request("DELETE", id, Json::Null);
        assert!(status < 300, "{status} {answer}");
    }
}

fn server(lab: &Lab, adopt_remnants: bool) -> Server {
    let azure = &lab.connection().azure;
    let variables = BTreeMap::from([
        ("ARM_METADATA_HOSTNAME", azure.metadata_host.clone()),
        ("ARM_TENANT_ID", azure.tenant_id.clone()),
        ("ARM_CLIENT_ID", azure.client_id.clone()),
        ("ARM_CLIENT_SECRET", azure.client_secret.clone()),
        (
            "SSL_CERT_FILE",
            lab.connection().ca_certificate.display().to_string(),
        ),
    ]);
    let variables = variables
        .into_iter()
        .map(|(name, value)| (name, Value::from(value)));
    let config = Value::object([
        ("variables", Value::object(variables)),
        ("adopt_remnants", Value::from(adopt_remnants)),
    ]);
    let server = Server::new::<LabProvider>();
    assert_eq!(errors(&server.configure(config, "1.11.4")), "");
    server
}

/// A configuration as core sends it: all attributes, those that are not set as null.
fn object(config: &Json) -> Value {
    let Type::Object(attributes) = ClusterSubnet::schema().object_type() else {
        panic!("a schema is an object");
    };
    let attribute = |name: &str| config.get(name).map_or(Value::Null, value);
    Value::object(
        attributes
            .into_iter()
            .map(|(name, _)| (name.clone(), attribute(&name))),
    )
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::from(*value),
        Json::String(text) if text == "UNKNOWN" => Value::Unknown,
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(elements) => Value::list(elements.iter().map(value)),
        Json::Object(members) => Value::object(members.iter().map(|(k, v)| (k.as_str(), value(v)))),
        Json::Number(_) => panic!("no attribute is a number"),
    }
}

fn text<'a>(state: &'a Value, name: &str) -> &'a str {
    state.get(name).as_str().unwrap_or("null")
}

fn errors(diagnostics: &Diagnostics) -> String {
    said(diagnostics, Severity::Error)
}

fn warnings(diagnostics: &Diagnostics) -> String {
    said(diagnostics, Severity::Warning)
}

fn said(diagnostics: &Diagnostics, severity: Severity) -> String {
    let texts = diagnostics.iter().filter(|d| d.severity == severity);
    let texts: Vec<_> = texts
        .map(|d| format!("{}\n{}", d.summary, d.detail))
        .collect();
    texts.join("\n\n")
}

/// An answer of 403 with this code.
fn refusal(code: &str) -> Action {
    Action::Respond {
        status: 403,
        headers: BTreeMap::new(),
        body: json!({"error": {"code": code, "message": "No."}}),
    }
}

/// The acceptance of a write whose operation then fails with this code: Azure shows what was written, as failed.
fn failed_operation(code: &str) -> Action {
    Action::FailOperation {
        code: code.into(),
        message: "No.".into(),
    }
}

fn mark_of(table: &Json) -> &str {
    table["tags"][MARK_KEY].as_str().unwrap_or("none")
}
