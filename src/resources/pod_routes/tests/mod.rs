//! The resource through the provider's server, against the lab's Azure.

mod failures;
mod life;
mod others;
mod plan;

use super::PodRoutes;
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
use ako_lab::{Action, Fault, Lab, Latency, Options};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

const TYPE: &str = "ako_pod_routes";
const TABLES: &str = "*/routeTables/*";
/// Every poll of an operation.
const POLLS: &str = "*/operations/*";

/// A provider whose environment variables are arguments.
struct InLab;

impl Provider for InLab {
    const NAME: &'static str = "ako";
    type Clients = Configured;

    fn schema() -> Schema {
        let variables = Attribute::optional("variables", Type::map(Type::String), "Variables.");
        let adopt = Attribute::optional("adopt_remnants", Type::Bool, "As in the provider.");
        Schema::new("A provider in the lab.", vec![variables, adopt])
    }

    fn configure(config: Config<'_>, version: &str) -> Result<Configured, Diagnostics> {
        let variables = config.get("variables").as_map().into_iter().flatten();
        let variables: BTreeMap<String, String> = variables
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let mut azure = azure::Settings::default();
        if config.get("variables").is_unknown() {
            azure.metadata_host = crate::clients::Setting::Unknown;
        }
        Ok(Configured {
            clients: Clients::new(Settings {
                avi: avi::Settings::default(),
                azure,
                kubernetes: kubernetes::Settings::default(),
                variables: Variables::from_map(variables),
                user_agent: user_agent(version),
                request_timeout: Duration::from_secs(5),
            }),
            adopt_remnants: config.get("adopt_remnants").as_bool().unwrap_or(true),
            claims: Claims::default(),
            replaced: Claims::default(),
        })
    }

    fn resources() -> Vec<Box<dyn AnyResource<Configured>>> {
        vec![resource::<PodRoutes>()]
    }

    fn data_sources() -> Vec<Box<dyn AnyDataSource<Configured>>> {
        Vec::new()
    }

    fn functions() -> Vec<AnyFunction> {
        Vec::new()
    }
}

/// A lab with a route table `rt` that holds one route of someone else.
struct Scene {
    lab: Lab,
    server: Server,
    variables: Value,
    table: String,
}

/// What someone does to the table behind Terraform's back, and what that is called.
type Drift = (&'static str, fn(&Scene));

/// What came of a plan or an apply.
struct Outcome {
    value: Value,
    replaced_by: Vec<String>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Scene {
    async fn new() -> Scene {
        let lab = Lab::start(Options::default()).await.unwrap();
        let azure = &lab.connection().azure;
        let group = azure
            .virtual_network_id
            .split("/providers/")
            .next()
            .unwrap();
        let table = format!("{group}/providers/Microsoft.Network/routeTables/rt");
        let ca = lab.connection().ca_certificate.display().to_string();
        let variables = Value::object([
            ("ARM_METADATA_HOSTNAME", Value::from(&*azure.metadata_host)),
            ("ARM_TENANT_ID", Value::from(&*azure.tenant_id)),
            ("ARM_CLIENT_ID", Value::from(&*azure.client_id)),
            ("ARM_CLIENT_SECRET", Value::from(&*azure.client_secret)),
            ("SSL_CERT_FILE", Value::from(ca)),
        ]);
        let scene = Scene {
            lab,
            server: Server::new::<InLab>(),
            variables,
            table,
        };
        scene.configure(Value::Null);
        let corp = json!([{"name": "corp", "properties": {
            "addressPrefix": "172.16.0.0/12", "nextHopType": "VirtualNetworkGateway"}}]);
        let table = json!({"location": "westeurope", "tags": {"team": "net"},
            "properties": {"routes": corp}});
        scene.arm("PUT", "", table);
        scene.lab.clear_journal();
        scene
    }

    fn configure(&self, adopt_remnants: Value) {
        let config = Value::object([
            ("variables", self.variables.clone()),
            ("adopt_remnants", adopt_remnants),
        ]);
        assert!(!self.server.configure(config, "1.11.4").has_errors());
    }

    /// Terraform starts the provider anew for every command.
    fn next_run(&self) {
        self.configure(Value::Null);
    }

    /// A request of another client to the table, or to what is below it.
    fn arm(&self, method: &str, below: &str, body: serde_json::Value) -> serde_json::Value {
        let (status, answer) =
            self.lab
                .azure()
                .request(method, &format!("{}{below}", self.table), body);
        assert!(status < 400, "{status} {answer}");
        self.lab.azure().finish_operations();
        answer
    }

    fn put_route(&self, name: &str, prefix: &str, next_hop: &str) {
        let route = json!({"properties": {"addressPrefix": prefix,
            "nextHopType": "VirtualAppliance", "nextHopIpAddress": next_hop}});
        self.arm("PUT", &format!("/routes/{name}"), route);
    }

    /// The routes of the table as `name prefix hop`.
    fn routes(&self) -> Vec<String> {
        let table = self.arm("GET", "", serde_json::Value::Null);
        let routes = table["properties"]["routes"].as_array().unwrap().iter();
        routes
            .map(|route| {
                let properties = &route["properties"];
                let hop = properties["nextHopIpAddress"].as_str();
                let hop = hop.or(properties["nextHopType"].as_str()).unwrap();
                let prefix = properties["addressPrefix"].as_str().unwrap();
                format!("{} {prefix} {hop}", route["name"].as_str().unwrap())
            })
            .collect()
    }

    /// The calls of ARM since the last time, polls left out.
    fn calls(&self) -> Vec<String> {
        let journal = self.lab.journal();
        self.lab.clear_journal();
        let calls = journal
            .iter()
            .filter(|entry| entry.service == "arm" && !entry.poll);
        calls.map(|entry| entry.method.clone()).collect()
    }

    fn config(&self, nodes: &[(&str, &str, &[&str])]) -> Value {
        let nodes = nodes.iter().map(|(name, address, cidrs)| {
            let cidrs = cidrs.iter().map(|&cidr| Value::from(cidr));
            let node = Value::object([
                ("internal_ip", Value::from(*address)),
                ("pod_cidrs", Value::list(cidrs)),
            ]);
            (*name, node)
        });
        let config = [
            ("id", Value::Null),
            ("cluster_name", Value::from("prod")),
            ("route_table_id", Value::from(&*self.table)),
            ("nodes", Value::object(nodes)),
            ("on_conflict", Value::Null),
            ("route_limit", Value::Null),
            ("next_hop_check_enabled", Value::Null),
            ("routes", Value::Null),
            ("timeouts", Value::Null),
        ];
        Value::object(config)
    }

    async fn plan(&self, prior: &Value, config: &Value) -> Outcome {
        let request = PlanRequest {
            type_name: TYPE.into(),
            prior: prior.clone(),
            proposed: config.clone(),
            config: config.clone(),
            private: Vec::new(),
            write_only_allowed: true,
        };
        let planned = self.server.plan(request).await;
        let paths = planned.requires_replace.iter();
        Outcome {
            replaced_by: paths.map(ToString::to_string).collect(),
            ..Outcome::of(planned.planned, planned.diagnostics)
        }
    }

    async fn apply(&self, prior: &Value, planned: &Value, config: &Value) -> Outcome {
        let request = ApplyRequest {
            type_name: TYPE.into(),
            prior: prior.clone(),
            planned: planned.clone(),
            config: config.clone(),
            private: Vec::new(),
        };
        let applied = self.server.apply(request).await;
        Outcome::of(applied.state, applied.diagnostics)
    }

    /// Plans and applies, as core does it.
    async fn make(&self, prior: &Value, config: &Value) -> Outcome {
        let planned = self.plan(prior, config).await.ok();
        self.calls();
        self.apply(prior, &planned, config).await
    }

    async fn destroy(&self, state: &Value) -> Outcome {
        self.calls();
        self.apply(state, &Value::Null, &Value::Null).await
    }

    async fn read(&self, state: &Value) -> Value {
        let read = self.server.read(TYPE, state.clone(), Vec::new()).await;
        Outcome::of(read.state, read.diagnostics).ok()
    }

    async fn import(&self, cluster: &str) -> Outcome {
        let id = format!("{},{cluster}", self.table);
        let (state, diagnostics) = self.server.import(TYPE, &id).await;
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
            replaced_by: Vec::new(),
            errors,
            warnings,
        }
    }

    fn ok(self) -> Value {
        assert_eq!(self.errors, []);
        self.value
    }

    /// The only error, in which all of these occur.
    fn error(&self, parts: &[&str]) {
        let [error] = &*self.errors else {
            panic!("{:?}", self.errors)
        };
        contains(error, parts);
    }

    fn warning(&self, parts: &[&str]) {
        let [warning] = &*self.warnings else {
            panic!("{:?}", self.warnings)
        };
        contains(warning, parts);
    }
}

fn contains(diagnostic: &Diagnostic, parts: &[&str]) {
    let text = format!("{}\n{}", diagnostic.summary, diagnostic.detail);
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

fn with(config: &Value, name: &str, value: Value) -> Value {
    let mut config = config.clone();
    if let Value::Map(members) = &mut config {
        members.insert(name.to_owned(), value);
    }
    config
}

const CORP: &str = "corp 172.16.0.0/12 VirtualNetworkGateway";
const N1: &str = "prod.n1_10.244.1.0_24 10.244.1.0/24 10.1.0.4";
const N2: &str = "prod.n2_10.244.2.0_24 10.244.2.0/24 10.1.0.5";
const ONE: &[(&str, &str, &[&str])] = &[("n1", "10.1.0.4", &["10.244.1.0/24"])];
const TWO: &[(&str, &str, &[&str])] = &[
    ("n1", "10.1.0.4", &["10.244.1.0/24"]),
    ("n2", "10.1.0.5", &["10.244.2.0/24"]),
];
