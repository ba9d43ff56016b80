//! The resource through the provider's server, against the lab's Azure.

use super::PodRoutes;
use crate::clients::{Clients, Settings, Variables, azure, kubernetes, user_agent};
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

#[tokio::test]
async fn routes_live_from_create_to_destroy_in_few_calls() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let planned = scene.plan(&Value::Null, &config).await;
    assert_eq!(planned.warnings, []);
    assert_eq!(scene.calls(), ["GET"]);
    let planned = planned.ok();
    assert!(planned.is_wholly_known());

    let state = scene.apply(&Value::Null, &planned, &config).await.ok();
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
    assert_eq!(state, planned);
    assert_eq!(scene.routes(), [CORP, N1, N2]);

    assert_eq!(scene.read(&state).await, state);
    assert_eq!(scene.calls(), ["GET"]);
    assert_eq!(scene.plan(&state, &config).await.ok(), state);
    assert_eq!(scene.calls(), [""; 0]);

    let less = scene.config(ONE);
    let state = scene.make(&state, &less).await.ok();
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
    assert_eq!(scene.routes(), [CORP, N1]);

    scene.next_run();
    assert_eq!(scene.destroy(&state).await.ok(), Value::Null);
    assert_eq!(scene.calls(), ["GET", "PUT", "GET"]);
    assert_eq!(scene.routes(), [CORP]);
}

#[tokio::test]
async fn a_change_that_concerns_terraform_alone_calls_nothing() {
    let scene = Scene::new().await;
    let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    let config = with(&scene.config(ONE), "on_conflict", Value::from("replace"));
    let state = scene.make(&state, &config).await.ok();
    assert_eq!(scene.calls(), [""; 0]);
    assert_eq!(state.get("on_conflict").as_str(), Some("replace"));
}

#[tokio::test]
async fn each_drift_shows_in_the_plan_and_is_repaired() {
    let drifts: [Drift; 5] = [
        ("deleted", |scene| {
            scene.arm("DELETE", "/routes/prod.n1_10.244.1.0_24", json!(null));
        }),
        ("next hop", |scene| {
            scene.put_route("prod.n1_10.244.1.0_24", "10.244.1.0/24", "10.1.9.9")
        }),
        ("prefix", |scene| {
            scene.put_route("prod.n1_10.244.1.0_24", "10.99.1.0/24", "10.1.0.4")
        }),
        ("added", |scene| {
            scene.put_route("prod.by-hand", "10.98.0.0/24", "10.1.0.4")
        }),
        ("kind", |scene| {
            let route =
                json!({"properties": {"addressPrefix": "10.244.1.0/24", "nextHopType": "None"}});
            scene.arm("PUT", "/routes/prod.n1_10.244.1.0_24", route);
        }),
    ];
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let mut state = scene.make(&Value::Null, &config).await.ok();
    for (drift, make) in drifts {
        make(&scene);
        let read = scene.read(&state).await;
        assert_ne!(read, state, "{drift} does not show");
        let planned = scene.plan(&read, &config).await.ok();
        assert_ne!(planned, read, "{drift} is not planned back");
        state = scene.apply(&read, &planned, &config).await.ok();
        let mut routes = scene.routes();
        routes.sort();
        assert_eq!(routes, [CORP, N1, N2], "{drift} is not repaired");
        assert_eq!(scene.read(&state).await, state);
    }
}

#[tokio::test]
async fn a_table_that_is_gone_takes_the_object_with_it_and_an_emptied_one_does_not() {
    let scene = Scene::new().await;
    let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    scene.arm(
        "PUT",
        "",
        json!({"location": "westeurope", "properties": {"routes": []}}),
    );
    let read = scene.read(&state).await;
    assert_eq!(read.get("routes"), &Value::object::<&str>([]));
    scene.arm("DELETE", "", json!(null));
    assert_eq!(scene.read(&state).await, Value::Null);
    assert_eq!(scene.destroy(&state).await.ok(), Value::Null);
}

#[tokio::test]
async fn a_plan_knows_what_its_nodes_let_it_know() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let node = |address: Value, cidrs: Value| {
        Value::object([("internal_ip", address), ("pod_cidrs", cidrs)])
    };
    let known = node(
        Value::from("10.1.0.5"),
        Value::list([Value::from("10.244.2.0/24")]),
    );

    let cidr_unknown = node(Value::from("10.1.0.4"), Value::list([Value::Unknown]));
    let nodes = Value::object([("n1", cidr_unknown), ("n2", known.clone())]);
    let planned = scene
        .plan(&Value::Null, &with(&config, "nodes", nodes))
        .await
        .ok();
    assert!(planned.get("routes").is_unknown());

    let address_unknown = node(Value::Unknown, Value::list([Value::from("10.244.1.0/24")]));
    let nodes = Value::object([("n1", address_unknown), ("n2", known)]);
    let planned = scene
        .plan(&Value::Null, &with(&config, "nodes", nodes))
        .await
        .ok();
    let route = |cidr| {
        planned
            .get("routes")
            .get(cidr)
            .get("next_hop_ip_address")
            .clone()
    };
    assert_eq!(route("10.244.1.0/24"), Value::Unknown);
    assert_eq!(route("10.244.2.0/24"), Value::from("10.1.0.5"));
    assert_eq!(scene.calls(), [""; 0]);

    let planned = scene
        .plan(
            &Value::Null,
            &with(&config, "route_table_id", Value::Unknown),
        )
        .await
        .ok();
    assert!(planned.get("id").is_unknown() && planned.get("routes").is_wholly_known());
}

#[tokio::test]
async fn overlapping_cidrs_are_refused_with_both_nodes_before_any_call() {
    let scene = Scene::new().await;
    let config = scene.config(&[
        ("n1", "10.1.0.4", &["10.244.0.0/16"]),
        ("n2", "10.1.0.5", &["10.244.2.0/24"]),
    ]);
    let found = Outcome::of(
        Value::Null,
        scene.server.validate_resource(TYPE, &config, true),
    );
    found.error(&["\"n1\" has 10.244.0.0/16", "\"n2\" has 10.244.2.0/24"]);
    let path = found.errors[0].attribute.as_ref().unwrap().to_string();
    assert_eq!(path, "nodes[\"n2\"].pod_cidrs");
    assert_eq!(scene.calls(), [""; 0]);
}

#[tokio::test]
async fn every_wrong_value_is_refused_at_its_path() {
    let scene = Scene::new().await;
    let good = scene.config(ONE);
    for (config, path) in [
        (
            with(&good, "cluster_name", Value::from("-prod")),
            "cluster_name",
        ),
        (
            with(&good, "route_table_id", Value::from("/subscriptions/s")),
            "route_table_id",
        ),
        (
            with(&good, "on_conflict", Value::from("maybe")),
            "on_conflict",
        ),
        (with(&good, "route_limit", Value::from(0)), "route_limit"),
        (
            scene.config(&[("n1", "fd00::1", &[])]),
            "nodes[\"n1\"].internal_ip",
        ),
        (
            scene.config(&[("n1", "10.1.0.4", &["fd00::/64"])]),
            "nodes[\"n1\"].pod_cidrs",
        ),
        (scene.config(&[("N_1", "10.1.0.4", &[])]), "nodes"),
    ] {
        let found = Outcome::of(
            Value::Null,
            scene.server.validate_resource(TYPE, &config, true),
        );
        let [error] = &*found.errors else {
            panic!("{path}: {:?}", found.errors)
        };
        let blamed = error.attribute.as_ref().unwrap().to_string();
        assert!(blamed.starts_with(path), "{blamed} in place of {path}");
    }
}

#[tokio::test]
async fn a_foreign_route_to_the_right_node_is_renamed_with_a_warning() {
    let scene = Scene::new().await;
    scene.put_route("avi-0", "10.244.1.0/24", "10.1.0.4");
    let config = scene.config(ONE);
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&[
        "avi-0 becomes prod.n1_10.244.1.0_24",
        "as things stand now; another change in this plan may settle it.",
    ]);
    let applied = scene.apply(&Value::Null, &planned.ok(), &config).await;
    applied.warning(&["avi-0 becomes"]);
    assert_eq!(scene.routes(), [CORP, N1]);
}

#[tokio::test]
async fn a_foreign_route_to_elsewhere_stops_the_create_before_any_write() {
    let scene = Scene::new().await;
    scene.put_route("avi-0", "10.244.1.0/24", "10.1.0.99");
    let config = scene.config(TWO);
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&[
        "avi-0 leads to 10.1.0.99",
        "as things stand now; another change",
    ]);
    let planned = planned.ok();
    scene.calls();
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&[
        "avi-0 leads to 10.1.0.99",
        "prod.n1_10.244.1.0_24 is to lead to 10.1.0.4",
        "on_conflict",
        "No route was changed.",
    ]);
    assert_eq!(applied.value, Value::Null);
    assert_eq!(scene.calls(), ["GET"]);

    let replace = with(&config, "on_conflict", Value::from("replace"));
    let state = scene.make(&Value::Null, &replace).await.ok();
    assert_eq!(scene.routes(), [CORP, N1, N2]);
    // The same drift later on: seen, and handled by the same rule.
    scene.arm("DELETE", "/routes/prod.n1_10.244.1.0_24", json!(null));
    scene.put_route("avi-1", "10.244.1.0/24", "10.1.0.99");
    let read = scene.read(&state).await;
    scene
        .make(&read, &config)
        .await
        .error(&["avi-1 leads to 10.1.0.99"]);
}

#[tokio::test]
async fn what_an_interrupted_create_left_is_adopted_without_a_write() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    scene.make(&Value::Null, &config).await.ok();
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&[
        "are adopted",
        "If another Terraform state manages them, stop",
    ]);
    scene.calls();
    let applied = scene.apply(&Value::Null, &planned.ok(), &config).await;
    applied.warning(&["are adopted", "prod.n2_10.244.2.0_24"]);
    assert_eq!(scene.calls(), ["GET"]);
}

#[tokio::test]
async fn remnants_are_an_error_where_the_provider_says_so() {
    let scene = Scene::new().await;
    scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    scene.configure(Value::from(false));
    let again = scene.make(&Value::Null, &scene.config(ONE)).await;
    again.error(&["adopt_remnants", "terraform import", ",prod'"]);
    assert_eq!(scene.calls(), ["GET"]);
}

#[tokio::test]
async fn a_second_resource_for_the_same_cluster_and_table_ends_with_the_import_command() {
    let scene = Scene::new().await;
    scene.make(&Value::Null, &scene.config(TWO)).await.ok();
    let second = scene.make(&Value::Null, &scene.config(ONE)).await;
    let import = format!("terraform import ADDRESS '{},prod'", scene.table);
    second.error(&["prod.n2_10.244.2.0_24", &import]);
    assert_eq!(scene.routes(), [CORP, N1, N2]);
}

#[tokio::test]
async fn an_import_plans_empty_with_what_it_found() {
    let scene = Scene::new().await;
    let long = "ip-10-1-0-4.westeurope.cloudapp.internal.example.com.of-a-long-pool-name";
    let nodes: &[(&str, &str, &[&str])] = &[
        (long, "10.1.0.4", &["10.244.100.0/24"]),
        ("n2", "10.1.0.5", &["10.244.2.0/24", "10.244.3.0/24"]),
    ];
    let created = scene.make(&Value::Null, &scene.config(nodes)).await.ok();
    scene.calls();
    let imported = scene.import("prod").await.ok();
    assert_eq!(scene.calls(), ["GET"]);
    let read = scene.read(&imported).await;
    assert_eq!(read, imported);
    assert_eq!(read.get("id"), created.get("id"));
    // What `terraform plan -generate-config-out` writes: everything that may be set.
    let mut config = with(&read, "routes", Value::Null);
    config = with(&config, "id", Value::Null);
    assert_eq!(scene.plan(&read, &config).await.ok(), read);
    // The node's whole name in place of its shortened one changes the name of no route.
    scene.calls();
    let state = scene.make(&read, &scene.config(nodes)).await.ok();
    assert_eq!(scene.calls(), ["GET"]);
    assert_eq!(state, created);
}

#[tokio::test]
async fn an_import_of_nothing_says_that_apply_adopts() {
    let scene = Scene::new().await;
    scene
        .import("prod")
        .await
        .error(&["prod.", "Nothing has to be imported"]);
    let (_, found) = scene.server.import(TYPE, "prod").await;
    Outcome::of(Value::Null, found).error(&["<route_table_id>,<cluster_name>"]);
    scene.arm("DELETE", "", json!(null));
    scene
        .import("prod")
        .await
        .error(&["There is no route table \"rt\""]);
}

#[tokio::test]
async fn a_table_in_another_spelling_is_the_same_table() {
    let scene = Scene::new().await;
    let config = scene.config(ONE);
    let state = scene.make(&Value::Null, &config).await.ok();
    let other = with(
        &config,
        "route_table_id",
        Value::from(scene.table.to_uppercase()),
    );
    let planned = scene.plan(&state, &other).await;
    assert_eq!(planned.replaced_by, [""; 0]);
    assert_eq!(planned.ok(), state);
}

#[tokio::test]
async fn a_renamed_cluster_takes_its_routes_over_without_a_gap() {
    let scene = Scene::new().await;
    let old = scene.make(&Value::Null, &scene.config(TWO)).await.ok();
    let config = with(&scene.config(TWO), "cluster_name", Value::from("next"));
    let planned = scene.plan(&old, &config).await;
    assert_eq!(planned.replaced_by, ["cluster_name"]);
    planned.warning(&["create_before_destroy"]);

    let new = scene.make(&Value::Null, &config).await.ok();
    assert_eq!(scene.destroy(&old).await.ok(), Value::Null);
    assert_eq!(scene.calls(), ["GET"]);
    assert_eq!(scene.read(&new).await, new);
    let history = scene.lab.azure().history(Some(&scene.table));
    let prefixes = history
        .iter()
        .filter(|change| change.state.to_string().contains("10.244.1.0/24"));
    let first = history
        .iter()
        .position(|change| change.state.to_string().contains("10.244.1.0/24"))
        .unwrap();
    assert_eq!(
        prefixes.count(),
        history.len() - first,
        "the prefix was missing for a time"
    );
}

#[tokio::test]
async fn an_object_replaced_by_its_like_leaves_the_routes_to_it() {
    let scene = Scene::new().await;
    let config = scene.config(TWO);
    let old = scene.make(&Value::Null, &config).await.ok();
    scene.next_run();
    scene.make(&Value::Null, &config).await.ok();
    scene.destroy(&old).await.warning(&["They stay"]);
    assert_eq!(scene.routes(), [CORP, N1, N2]);
}

#[tokio::test]
async fn a_route_that_another_writer_adds_meanwhile_is_kept() {
    let scene = Scene::new().await;
    let other =
        json!({"properties": {"addressPrefix": "192.168.0.0/16", "nextHopType": "VnetLocal"}});
    scene.lab.add_fault(Fault::on(
        "PUT",
        TABLES,
        Action::Write {
            method: "PUT".into(),
            path: format!("{}/routes/other", scene.table),
            body: other,
        },
    ));
    scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    let mut routes = scene.routes();
    routes.sort();
    assert_eq!(routes, [CORP, "other 192.168.0.0/16 VnetLocal", N1]);
    assert_eq!(scene.calls()[..4], ["GET", "PUT", "GET", "PUT"]);
}

#[tokio::test]
async fn two_clusters_in_one_table_do_not_meet_each_other() {
    let scene = Scene::new().await;
    let east = scene.config(ONE);
    let west = with(
        &scene.config(&[("n2", "10.1.0.5", &["10.244.2.0/24"])]),
        "cluster_name",
        Value::from("west"),
    );
    let east_planned = scene.plan(&Value::Null, &east).await.ok();
    let west_planned = scene.plan(&Value::Null, &west).await.ok();
    let (a, b) = tokio::join!(
        scene.apply(&Value::Null, &east_planned, &east),
        scene.apply(&Value::Null, &west_planned, &west),
    );
    a.ok();
    b.ok();
    assert_eq!(scene.routes().len(), 3);
    // Without the lock the later of two writes would be refused for its etag.
    assert!(
        scene
            .lab
            .journal()
            .iter()
            .all(|entry| entry.status != Some(412))
    );
}

#[tokio::test]
async fn a_lost_answer_costs_nothing_but_a_second_look() {
    let scene = Scene::new().await;
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, Action::Reset).after());
    let config = scene.config(TWO);
    let applied = scene.make(&Value::Null, &config).await;
    assert_eq!(applied.warnings, []);
    let state = applied.ok();
    assert_eq!(scene.routes(), [CORP, N1, N2]);
    assert_eq!(scene.plan(&state, &config).await.ok(), state);
}

#[tokio::test]
async fn a_create_that_runs_out_of_time_stores_nothing_and_says_that_the_routes_are_in_place() {
    let scene = Scene::new().await;
    let config = with(
        &scene.config(TWO),
        "timeouts",
        Value::object([
            ("create", Value::from("1s")),
            ("read", Value::Null),
            ("update", Value::Null),
            ("delete", Value::Null),
        ]),
    );
    let planned = scene.plan(&Value::Null, &config).await.ok();
    scene
        .lab
        .set_latency(Latency::fixed(Duration::ZERO, Duration::from_secs(3600)));
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&["The routes are in place"]);
    assert_eq!(applied.value, Value::Null);
    // The rerun finds them by name.
    scene.lab.set_latency(Latency::NONE);
    scene.lab.azure().finish_operations();
    scene.calls();
    scene.apply(&Value::Null, &planned, &config).await.ok();
    assert_eq!(scene.calls(), ["GET"]);
}

#[tokio::test]
async fn an_interrupted_update_keeps_the_prior_state_and_deletes_no_route() {
    let scene = Scene::new().await;
    let state = scene.make(&Value::Null, &scene.config(ONE)).await.ok();
    let config = scene.config(TWO);
    let planned = scene.plan(&state, &config).await.ok();
    scene
        .lab
        .set_latency(Latency::fixed(Duration::ZERO, Duration::from_secs(3600)));
    let hold = scene.lab.add_fault(Fault::on("PUT", TABLES, Action::Hold));
    let stop = async {
        assert!(scene.lab.held(hold, Duration::from_secs(10)).await);
        scene.server.stop();
        scene.lab.release(hold);
    };
    let (applied, ()) = tokio::join!(scene.apply(&state, &planned, &config), stop);
    assert_eq!(applied.value, state);
    applied.error(&["The routes are in place"]);
    assert_eq!(scene.routes(), [CORP, N1, N2]);
}

#[tokio::test]
async fn a_refused_write_says_that_nothing_has_changed() {
    let scene = Scene::new().await;
    let config = scene.config(ONE);
    let planned = scene.plan(&Value::Null, &config).await.ok();
    let refusal = json!({"error": {"code": "RequestDisallowedByPolicy", "message": "No."}});
    scene
        .lab
        .add_fault(Fault::on("PUT", TABLES, Action::respond(403, refusal)));
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&[
        "RequestDisallowedByPolicy",
        "status 403",
        "No route was changed.",
    ]);
    assert_eq!(scene.routes(), [CORP]);
}

#[tokio::test]
async fn a_missing_table_is_foretold_at_plan_and_refused_at_apply() {
    let scene = Scene::new().await;
    scene.arm("DELETE", "", json!(null));
    let config = scene.config(ONE);
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&[
        "There is no route table",
        "another change in this plan may settle it.",
    ]);
    let planned = planned.ok();
    let applied = scene.apply(&Value::Null, &planned, &config).await;
    applied.error(&["There is no route table \"rt\"", "ako_cluster_subnet"]);
}

#[tokio::test]
async fn a_provider_that_is_not_configured_yet_plans_creates_and_keeps_what_exists() {
    let scene = Scene::new().await;
    let config = scene.config(ONE);
    let state = scene.make(&Value::Null, &config).await.ok();
    let unknown = Value::object([
        ("variables", Value::Unknown),
        ("adopt_remnants", Value::Null),
    ]);
    scene.server.configure(unknown, "1.11.4");
    scene.calls();
    let planned = scene.plan(&Value::Null, &config).await;
    assert_eq!(planned.warnings, []);
    assert!(planned.ok().is_wholly_known());
    assert_eq!(scene.calls(), [""; 0]);
    let read = scene.server.read(TYPE, state.clone(), Vec::new()).await;
    assert_eq!(read.state, state);
    Outcome::of(Value::Null, read.diagnostics).error(&["azure.metadata_host is not known yet"]);
}

#[tokio::test]
async fn more_routes_than_the_limit_are_warned_of_when_they_change() {
    let scene = Scene::new().await;
    let config = with(&scene.config(TWO), "route_limit", Value::from(1));
    let planned = scene.plan(&Value::Null, &config).await;
    planned.warning(&["more than 1 routes", "route_limit"]);
    let applied = scene.make(&Value::Null, &config).await;
    applied.warning(&["There are 3 routes"]);
    let again = scene.plan(&applied.ok(), &config).await;
    assert_eq!(again.warnings, []);
}
