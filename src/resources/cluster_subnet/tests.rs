//! `ako_cluster_subnet` against the lab's Azure, through the RPC logic that Terraform calls.

use super::{ClusterSubnet, Model};
use crate::clients::{Clients, Settings, Variables, azure, kubernetes, user_agent};
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
        let mut outcome = self
            .server
            .apply(ApplyRequest {
                type_name: NAME.to_owned(),
                prior,
                planned: plan.planned,
                config: object(config),
                private: Vec::new(),
            })
            .await;
        outcome.diagnostics.extend(plan.diagnostics);
        outcome
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

fn mark_of(table: &Json) -> &str {
    table["tags"][MARK_KEY].as_str().unwrap_or("none")
}

#[tokio::test]
async fn the_table_comes_first_and_the_se_subnet_is_made_with_it_and_its_group_in_one_put() {
    let scene = Scene::new().await;
    let nsg = format!(
        "{}/providers/Microsoft.Network/networkSecurityGroups/nsg-nodes",
        scene.group()
    );
    let config = scene.config(json!({"network_security_group_id": nsg, "tags": {"env": "prod"}}));
    let state = scene.created(&config).await;
    assert_eq!(scene.writes(), ["PUT rt-se", "PUT snet-se"]);
    // Two reads while planning, six calls to create.
    assert_eq!(scene.calls().len(), 8, "{:?}", scene.calls());
    let subnet = scene.azure(&scene.subnet("snet-se"));
    assert_eq!(
        subnet["properties"]["routeTable"]["id"],
        scene.table("rt-se")
    );
    assert_eq!(subnet["properties"]["networkSecurityGroup"]["id"], nsg);
    let table = scene.azure(&scene.table("rt-se"));
    assert_eq!(
        (table["tags"]["env"].as_str(), table["location"].as_str()),
        (Some("prod"), Some("westeurope"))
    );
    assert!(mark_of(&table).ends_with(":cluster1"));
    assert_eq!(text(&state, "id"), scene.subnet("snet-se"));
    assert_eq!(text(&state, "route_table_id"), scene.table("rt-se"));
    assert_eq!(
        state.get("associated_route_table_id"),
        state.get("route_table_id")
    );
    assert_eq!(state.get("tags"), &value(&json!({"env": "prod"})));
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn what_the_configuration_leaves_out_has_defaults_that_a_plan_already_shows() {
    let scene = Scene::new().await;
    let config = scene.config(json!({"route_table_name": null, "cluster_name": null}));
    let plan = scene.plan(&Value::Null, &config).await;
    assert_eq!(text(&plan.planned, "route_table_name"), "snet-se-routes");
    assert_eq!(
        text(&plan.planned, "route_table_resource_group_name"),
        "rg-ako-lab"
    );
    assert_eq!(
        plan.planned.get("bgp_route_propagation_enabled"),
        &Value::from(true)
    );
    assert_eq!(plan.planned.get("id"), &Value::Unknown);
    assert_eq!(plan.planned.get("route_table_id"), &Value::Unknown);
    let state = scene.created(&config).await;
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn a_plan_calls_nobody_while_the_virtual_network_is_not_known() {
    let scene = Scene::new().await;
    let config = scene.config(json!({"virtual_network_id": "UNKNOWN"}));
    let plan = scene.plan(&Value::Null, &config).await;
    assert_eq!(errors(&plan.diagnostics), "");
    assert_eq!(
        plan.planned.get("route_table_resource_group_name"),
        &Value::Unknown
    );
    assert_eq!(scene.calls(), [""; 0]);
}

#[tokio::test]
async fn somebody_elses_table_is_associated_and_never_written() {
    let scene = Scene::new().await;
    let table = scene.make_table("rt-theirs", json!({"tags": {"owner": "net"}}));
    let before = scene.azure(&table)["tags"].clone();
    let config = scene.config(json!({"route_table_name": null, "existing_route_table_id": table}));
    let state = scene.created(&config).await;
    assert_eq!(scene.writes(), ["PUT snet-se"]);
    assert_eq!(text(&state, "route_table_id"), table);
    assert!(state.get("route_table_name").is_null());
    scene.assert_settled(&state, &config).await;
    scene.lab.clear_journal();
    assert_eq!(scene.read(&state).await, state);
    assert_eq!(scene.calls(), ["GET snet-se"]);
    assert_eq!(scene.delete(&state).await.state, Value::Null);
    assert_eq!(scene.azure(&table)["tags"], before);
}

#[tokio::test]
async fn a_subnet_that_exists_is_refused_with_the_import_command_before_anything_is_written() {
    let scene = Scene::new().await;
    let id = scene.make_subnet("snet-se", json!({"addressPrefix": "10.1.32.0/24"}));
    let outcome = scene.apply(&Value::Null, &scene.config(json!({}))).await;
    let command = format!("terraform import ako_cluster_subnet.NAME '{id}'");
    assert!(
        errors(&outcome.diagnostics).contains(&command),
        "{:?}",
        outcome.diagnostics
    );
    let foretold = warnings(&outcome.diagnostics);
    assert!(
        foretold.contains(&command) && foretold.contains("as things stand now"),
        "{foretold}"
    );
    assert_eq!(outcome.state, Value::Null);
    assert_eq!(scene.writes(), [""; 0]);
}

#[tokio::test]
async fn a_table_of_that_name_without_our_mark_is_refused_before_anything_is_written() {
    let scene = Scene::new().await;
    scene.make_table("rt-se", json!({"tags": {"owner": "net"}}));
    let outcome = scene.apply(&Value::Null, &scene.config(json!({}))).await;
    let error = errors(&outcome.diagnostics);
    assert!(error.contains("existing_route_table_id ="), "{error}");
    assert_eq!((scene.writes(), outcome.state), (Vec::new(), Value::Null));
}

#[tokio::test]
async fn what_an_interrupted_run_left_is_taken_over_with_a_warning_and_without_a_write() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    scene.lab.clear_journal();
    let outcome = scene.apply(&Value::Null, &config).await;
    assert_eq!(errors(&outcome.diagnostics), "");
    let warned = warnings(&outcome.diagnostics);
    assert!(
        warned.contains("apply adopts it") && warned.contains("it was adopted"),
        "{warned}"
    );
    assert_eq!((scene.writes(), outcome.state), (Vec::new(), state));

    // The table alone: the run ended before the SE subnet was made.
    scene.forget(&scene.subnet("snet-se"));
    let outcome = scene.apply(&Value::Null, &config).await;
    assert_eq!(errors(&outcome.diagnostics), "");
    assert_eq!(scene.writes(), ["PUT snet-se"]);
}

#[tokio::test]
async fn a_remnant_that_is_not_as_planned_is_refused_with_the_difference() {
    let scene = Scene::new().await;
    scene.created(&scene.config(json!({}))).await;
    let config = scene.config(json!({"address_prefixes": ["10.1.33.0/24"]}));
    let outcome = scene.apply(&Value::Null, &config).await;
    let error = errors(&outcome.diagnostics);
    assert!(
        error.contains("10.1.33.0/24 is planned, Azure has 10.1.32.0/24"),
        "{error}"
    );
}

#[tokio::test]
async fn a_remnant_is_an_error_if_the_provider_block_says_so() {
    let scene = Scene::with_adopt_remnants(false).await;
    let config = scene.config(json!({}));
    scene.created(&config).await;
    let outcome = scene.apply(&Value::Null, &config).await;
    assert!(errors(&outcome.diagnostics).contains("adopt_remnants = false"));
    assert_eq!(outcome.state, Value::Null);
}

#[tokio::test]
async fn a_create_that_fails_half_way_leaves_a_state_by_which_all_of_it_can_be_deleted() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let refusal = Action::Respond {
        status: 403,
        headers: BTreeMap::new(),
        body: json!({"error": {"code": "RequestDisallowedByPolicy", "message": "No."}}),
    };
    scene
        .lab
        .add_fault(Fault::on("PUT", "*/subnets/snet-se", refusal));
    let outcome = scene.apply(&Value::Null, &config).await;
    let error = errors(&outcome.diagnostics);
    assert!(
        error.contains("RequestDisallowedByPolicy") && error.contains("tainted"),
        "{error}"
    );
    assert_eq!(text(&outcome.state, "route_table_id"), scene.table("rt-se"));
    let refreshed = scene.read(&outcome.state).await;
    assert!(refreshed.get("address_prefixes").is_null());
    let deleted = scene.delete(&refreshed).await;
    assert_eq!(
        (errors(&deleted.diagnostics), deleted.state),
        (String::new(), Value::Null)
    );
    assert_eq!(scene.azure(&scene.table("rt-se")), Json::Null);
    scene.created(&config).await;
}

#[tokio::test]
async fn a_create_that_made_nothing_leaves_no_state() {
    let scene = Scene::new().await;
    let refusal = Action::Respond {
        status: 403,
        headers: BTreeMap::new(),
        body: json!({"error": {"code": "AuthorizationFailed", "message": "No."}}),
    };
    scene
        .lab
        .add_fault(Fault::on("PUT", "*/routeTables/rt-se", refusal));
    let outcome = scene.apply(&Value::Null, &scene.config(json!({}))).await;
    assert!(errors(&outcome.diagnostics).contains("AuthorizationFailed"));
    assert_eq!(outcome.state, Value::Null);
}

#[tokio::test]
async fn an_interrupt_during_an_unclear_write_keeps_the_object_in_the_state() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let held = scene
        .lab
        .add_fault(Fault::on("PUT", "*/subnets/snet-se", Action::Hold));
    let apply = scene.apply(&Value::Null, &config);
    let interrupt = async {
        assert!(scene.lab.held(held, Duration::from_secs(20)).await);
        scene.server.stop();
    };
    let (outcome, ()) = tokio::join!(apply, interrupt);
    assert_ne!(errors(&outcome.diagnostics), "");
    assert_eq!(text(&outcome.state, "id"), scene.subnet("snet-se"));
}

#[tokio::test]
async fn a_swapped_association_is_drift_that_leaves_route_table_id_alone_and_is_repaired() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    let theirs = scene.make_table("rt-theirs", json!({}));
    scene.change(&scene.subnet("snet-se"), |subnet| {
        subnet["properties"]["routeTable"] = json!({"id": theirs});
    });
    let drifted = scene.read(&state).await;
    assert_eq!(text(&drifted, "associated_route_table_id"), theirs);
    let plan = scene.plan(&drifted, &config).await;
    assert_eq!(
        plan.planned.get("route_table_id"),
        state.get("route_table_id")
    );
    assert_eq!(plan.planned, state);
    assert_eq!(scene.applied(&state, &config).await, state);
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn a_missing_se_subnet_is_drift_while_its_table_stands_and_is_repaired_in_place() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    scene.forget(&scene.subnet("snet-se"));
    let drifted = scene.read(&state).await;
    assert!(drifted.get("address_prefixes").is_null());
    assert!(drifted.get("associated_route_table_id").is_null());
    assert_eq!(drifted.get("id"), state.get("id"));
    assert_eq!(scene.plan(&drifted, &config).await.planned, state);
    scene.applied(&drifted, &config).await;
    scene.assert_settled(&state, &config).await;
    scene.forget(&scene.subnet("snet-se"));
    scene.forget(&scene.table("rt-se"));
    assert_eq!(
        scene.read(&state).await,
        Value::Null,
        "every owned part is gone"
    );
}

#[tokio::test]
async fn a_missing_table_is_made_again_in_place() {
    let scene = Scene::new().await;
    let config = scene.config(json!({"tags": {"env": "prod"}}));
    let state = scene.created(&config).await;
    scene.change(&scene.subnet("snet-se"), |subnet| {
        subnet["properties"]["routeTable"] = Json::Null;
    });
    scene.forget(&scene.table("rt-se"));
    assert_eq!(scene.applied(&state, &config).await, state);
    assert!(mark_of(&scene.azure(&scene.table("rt-se"))).ends_with(":cluster1"));
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn changed_prefixes_and_a_changed_group_are_drift_and_one_put_repairs_them() {
    let scene = Scene::new().await;
    let nsg = format!(
        "{}/providers/Microsoft.Network/networkSecurityGroups/nsg-nodes",
        scene.group()
    );
    let config = scene.config(json!({"network_security_group_id": nsg}));
    let state = scene.created(&config).await;
    scene.change(&scene.subnet("snet-se"), |subnet| {
        subnet["properties"]["networkSecurityGroup"] = Json::Null;
        subnet["properties"]["addressPrefix"] = json!("10.1.34.0/24");
    });
    let drifted = scene.read(&state).await;
    assert_eq!(
        drifted.get("address_prefixes"),
        &value(&json!(["10.1.34.0/24"]))
    );
    assert!(drifted.get("network_security_group_id").is_null());
    scene.lab.clear_journal();
    assert_eq!(scene.applied(&state, &config).await, state);
    assert_eq!(scene.writes(), ["PUT snet-se"]);
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn what_others_set_on_the_se_subnet_survives_each_write() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let nsg = format!(
        "{}/providers/Microsoft.Network/networkSecurityGroups/nsg-nodes",
        scene.group()
    );
    scene.change(&scene.subnet("snet-se"), |subnet| {
        subnet["properties"]["serviceEndpoints"] = json!([{"service": "Microsoft.Storage"}]);
        subnet["properties"]["networkSecurityGroup"] = json!({"id": nsg});
    });
    let config = scene.config(json!({"address_prefixes": ["10.1.32.0/24", "10.1.33.0/24"]}));
    let state = scene.applied(&state, &config).await;
    let properties = scene.azure(&scene.subnet("snet-se"))["properties"].clone();
    assert_eq!(
        properties["serviceEndpoints"][0]["service"],
        "Microsoft.Storage"
    );
    assert_eq!(properties["networkSecurityGroup"]["id"], nsg);
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn a_write_that_comes_between_our_read_and_our_write_is_kept() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let mut table = scene.azure(&scene.table("rt-se"));
    table["properties"]["routes"] = json!([{"name": "theirs", "properties": {
        "addressPrefix": "10.244.0.0/24", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.0.4"}}]);
    let write = Action::Write {
        method: "PUT".into(),
        path: scene.table("rt-se"),
        body: table,
    };
    scene
        .lab
        .add_fault(Fault::on("PUT", "*/routeTables/rt-se", write));
    let mut subnet = scene.azure(&scene.subnet("snet-se"));
    subnet["properties"]["serviceEndpoints"] = json!([{"service": "Microsoft.Storage"}]);
    let write = Action::Write {
        method: "PUT".into(),
        path: scene.subnet("snet-se"),
        body: subnet,
    };
    scene
        .lab
        .add_fault(Fault::on("PUT", "*/subnets/snet-se", write));
    let config = scene.config(json!({
        "bgp_route_propagation_enabled": false,
        "address_prefixes": ["10.1.32.0/24", "10.1.33.0/24"],
    }));
    let state = scene.applied(&state, &config).await;
    let table = scene.azure(&scene.table("rt-se"));
    assert_eq!(table["properties"]["routes"][0]["name"], "theirs");
    assert_eq!(table["properties"]["disableBgpRoutePropagation"], true);
    let subnet = scene.azure(&scene.subnet("snet-se"));
    assert_eq!(
        subnet["properties"]["serviceEndpoints"][0]["service"],
        "Microsoft.Storage"
    );
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn tags_of_others_stay_unless_tags_are_managed_and_the_mark_stays_in_either_case() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    let id = scene.table("rt-se");
    let tags = json!({"tags": {"owner": "net"}});
    scene.lab.azure().request("PATCH", &id, tags);
    // The mark is lost with that; it is no drift and comes back with the next write.
    scene.assert_settled(&state, &config).await;
    let renamed = scene.config(json!({"cluster_name": "cluster2"}));
    scene.lab.clear_journal();
    let state = scene.applied(&state, &renamed).await;
    assert_eq!(scene.writes(), ["PATCH rt-se"]);
    let journal = scene.lab.journal();
    let patch = journal
        .iter()
        .find(|entry| entry.method == "PATCH")
        .unwrap();
    assert!(patch.if_match.is_some());
    let table = scene.azure(&id);
    assert!(table["tags"]["owner"] == "net" && mark_of(&table).ends_with(":cluster2"));

    let managed = scene.config(json!({"cluster_name": "cluster2", "tags": {"env": "prod"}}));
    let state = scene.applied(&state, &managed).await;
    let table = scene.azure(&id);
    assert_eq!(
        table["tags"].as_object().unwrap().len(),
        2,
        "{}",
        table["tags"]
    );
    scene.lab.azure().request(
        "PATCH",
        &id,
        json!({"tags": {"env": "test", MARK_KEY: mark_of(&table)}}),
    );
    let drifted = scene.read(&state).await;
    assert_eq!(drifted.get("tags"), &value(&json!({"env": "test"})));
    assert_eq!(scene.applied(&drifted, &managed).await, state);
    scene.assert_settled(&state, &managed).await;
}

#[tokio::test]
async fn ownership_of_the_same_table_is_taken_and_given_up_by_its_mark_alone() {
    let scene = Scene::new().await;
    let id = scene.make_table("rt-shared", json!({"tags": {"owner": "net"}}));
    let existing = scene.config(json!({"route_table_name": null, "existing_route_table_id": id}));
    let state = scene.created(&existing).await;
    let owned = scene.config(json!({"route_table_name": "rt-shared"}));
    scene.lab.clear_journal();
    let outcome = scene.apply(&state, &owned).await;
    assert!(warnings(&outcome.diagnostics).contains("destroy will delete it"));
    assert_eq!(scene.writes(), ["PATCH rt-shared"]);
    assert_eq!(
        outcome.state.get("route_table_id"),
        state.get("route_table_id")
    );
    assert_ne!(mark_of(&scene.azure(&id)), "none");
    scene.assert_settled(&outcome.state, &owned).await;

    scene.lab.clear_journal();
    let state = scene.applied(&outcome.state, &existing).await;
    assert_eq!(scene.writes(), ["PATCH rt-shared"]);
    assert_eq!(scene.azure(&id)["tags"], json!({"owner": "net"}));
    scene.assert_settled(&state, &existing).await;
    scene.delete(&state).await;
    assert_ne!(scene.azure(&id), Json::Null, "the table was given up");
}

#[tokio::test]
async fn a_table_of_another_se_subnet_is_not_taken() {
    let scene = Scene::new().await;
    let first = scene.created(&scene.config(json!({}))).await;
    let theirs = text(&first, "route_table_id");
    let second = json!({"name": "snet-se2", "address_prefixes": ["10.1.40.0/24"], "cluster_name": "cluster2",
        "route_table_name": null, "existing_route_table_id": theirs});
    let state = scene.created(&scene.config(second)).await;
    let taking = json!({"name": "snet-se2", "address_prefixes": ["10.1.40.0/24"], "cluster_name": "cluster2"});
    let outcome = scene.apply(&state, &scene.config(taking)).await;
    let error = errors(&outcome.diagnostics);
    assert!(
        error.contains("another SE subnet, of cluster \"cluster1\""),
        "{error}"
    );
    assert_eq!(outcome.state, state);
}

#[tokio::test]
async fn a_move_to_another_table_makes_it_switches_once_and_then_removes_the_old_one() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let moved = scene.config(json!({"route_table_name": "rt-new"}));
    scene.lab.clear_journal();
    let outcome = scene.apply(&state, &moved).await;
    assert_eq!(errors(&outcome.diagnostics), "");
    assert!(warnings(&outcome.diagnostics).contains("the routes do not move with it"));
    assert_eq!(
        scene.writes(),
        ["PUT rt-new", "PUT snet-se", "DELETE rt-se"]
    );
    assert_eq!(
        text(&outcome.state, "route_table_id"),
        scene.table("rt-new")
    );
    scene.assert_settled(&outcome.state, &moved).await;
}

#[tokio::test]
async fn the_old_table_stays_without_our_mark_if_it_serves_another_subnet() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let old = scene.table("rt-se");
    let other = scene.make_subnet(
        "snet-other",
        json!({"addressPrefix": "10.1.50.0/24", "routeTable": {"id": old}}),
    );
    let outcome = scene
        .apply(&state, &scene.config(json!({"route_table_name": "rt-new"})))
        .await;
    assert_eq!(errors(&outcome.diagnostics), "");
    assert!(warnings(&outcome.diagnostics).contains(&other));
    assert_eq!(mark_of(&scene.azure(&old)), "none");
}

#[tokio::test]
async fn a_move_that_ends_before_the_old_table_is_gone_is_finished_by_the_next_apply_or_by_destroy()
{
    for finish_by_destroy in [false, true] {
        let scene = Scene::new().await;
        let state = scene.created(&scene.config(json!({}))).await;
        let moved = scene.config(json!({"route_table_name": "rt-new"}));
        let refusal = Action::Respond {
            status: 403,
            headers: BTreeMap::new(),
            body: json!({"error": {"code": "ScopeLocked", "message": "No."}}),
        };
        scene
            .lab
            .add_fault(Fault::on("DELETE", "*/routeTables/rt-se", refusal));
        let outcome = scene.apply(&state, &moved).await;
        assert!(errors(&outcome.diagnostics).contains("ScopeLocked"));
        let left = scene.read(&outcome.state).await;
        assert_eq!(text(&left, "route_table_id"), scene.table("rt-se"));
        assert_eq!(
            text(&left, "associated_route_table_id"),
            scene.table("rt-new")
        );
        if finish_by_destroy {
            assert_eq!(errors(&scene.delete(&left).await.diagnostics), "");
            assert_eq!(scene.azure(&scene.table("rt-new")), Json::Null);
        } else {
            let state = scene.applied(&left, &moved).await;
            scene.assert_settled(&state, &moved).await;
        }
        assert_eq!(scene.azure(&scene.table("rt-se")), Json::Null);
    }
}

#[tokio::test]
async fn delete_removes_the_se_subnet_and_then_the_table() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    scene.lab.clear_journal();
    assert_eq!(scene.delete(&state).await.state, Value::Null);
    assert_eq!(scene.writes(), ["DELETE snet-se", "DELETE rt-se"]);
    let again = scene.delete(&state).await;
    assert_eq!(
        (errors(&again.diagnostics), again.state),
        (String::new(), Value::Null)
    );
}

#[tokio::test]
async fn delete_refuses_before_its_first_step_if_the_table_serves_another_subnet() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let table = scene.table("rt-se");
    let other = scene.make_subnet(
        "snet-other",
        json!({"addressPrefix": "10.1.50.0/24", "routeTable": {"id": table}}),
    );
    scene.lab.clear_journal();
    let outcome = scene.delete(&state).await;
    assert!(errors(&outcome.diagnostics).contains(&other));
    assert_eq!((scene.writes(), outcome.state), (Vec::new(), state));
}

#[tokio::test]
async fn a_delete_that_ends_between_its_steps_is_finished_by_the_next_one() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let refusal = Action::Respond {
        status: 403,
        headers: BTreeMap::new(),
        body: json!({"error": {"code": "ScopeLocked", "message": "No."}}),
    };
    scene
        .lab
        .add_fault(Fault::on("DELETE", "*/routeTables/rt-se", refusal));
    let outcome = scene.delete(&state).await;
    assert!(errors(&outcome.diagnostics).contains("The SE subnet is deleted"));
    assert!(outcome.state.get("address_prefixes").is_null());
    let left = scene.read(&outcome.state).await;
    assert_eq!(scene.delete(&left).await.state, Value::Null);
    assert_eq!(scene.azure(&scene.table("rt-se")), Json::Null);
}

#[tokio::test]
async fn delete_waits_for_network_interfaces_to_leave_and_names_those_that_stay() {
    let scene = Scene::new().await;
    let config = scene.config(
        json!({"timeouts": {"create": null, "read": null, "update": null, "delete": "2s"}}),
    );
    let state = scene.created(&config).await;
    let nic = format!(
        "{}/providers/Microsoft.Network/networkInterfaces/nic-se-1",
        scene.group()
    );
    let body = json!({"location": "westeurope", "properties": {"ipConfigurations": [{"name": "ipconfig1",
        "properties": {"subnet": {"id": scene.subnet("snet-se")}}}]}});
    let (status, answer) = scene.lab.azure().request("PUT", &nic, body);
    assert!(status < 300, "{answer}");
    let outcome = scene.delete(&state).await;
    let error = errors(&outcome.diagnostics);
    assert!(
        error.contains(&nic) && error.contains("Nothing was deleted"),
        "{error}"
    );
    assert_eq!(outcome.state, state);

    let leave = Action::Write {
        method: "DELETE".into(),
        path: nic,
        body: Json::Null,
    };
    scene
        .lab
        .add_fault(Fault::on("GET", "*/subnets/snet-se", leave));
    assert_eq!(scene.delete(&state).await.state, Value::Null);
}

#[tokio::test]
async fn an_import_takes_a_table_with_our_mark_as_owned_and_plans_nothing() {
    let scene = Scene::new().await;
    let config =
        scene.config(json!({"tags": {"env": "prod"}, "bgp_route_propagation_enabled": false}));
    let state = scene.created(&config).await;
    let imported = scene.import(&scene.subnet("snet-se")).await;
    assert_eq!(imported, state);
    scene.assert_settled(&imported, &config).await;
}

#[tokio::test]
async fn an_import_takes_any_other_table_as_existing_and_none_as_none() {
    let scene = Scene::new().await;
    let table = scene.make_table("rt-theirs", json!({}));
    let id = scene.make_subnet(
        "snet-a",
        json!({"addressPrefix": "10.1.50.0/24", "routeTable": {"id": table}}),
    );
    let imported = scene
        .import(
            &id.to_uppercase()
                .replace("/SUBSCRIPTIONS", "/subscriptions"),
        )
        .await;
    assert_eq!(text(&imported, "existing_route_table_id"), table);
    assert_eq!(text(&imported, "id"), id);
    let config = json!({"name": "snet-a", "virtual_network_id": scene.network(),
        "address_prefixes": ["10.1.50.0/24"], "existing_route_table_id": table});
    scene.assert_settled(&imported, &config).await;

    let id = scene.make_subnet("snet-b", json!({"addressPrefix": "10.1.51.0/24"}));
    let imported = scene.import(&id).await;
    assert!(
        imported.get("existing_route_table_id").is_null()
            && imported.get("route_table_name").is_null()
    );
    let config = json!({"name": "snet-b", "virtual_network_id": scene.network(),
        "address_prefixes": ["10.1.51.0/24"]});
    let plan = scene.plan(&imported, &config).await;
    assert_eq!(
        text(&plan.planned, "route_table_id"),
        scene.table("snet-b-routes")
    );
    let state = scene.applied(&imported, &config).await;
    scene.assert_settled(&state, &config).await;
}

#[tokio::test]
async fn another_name_or_network_is_another_se_subnet_and_nothing_else_is() {
    let scene = Scene::new().await;
    let state = scene.created(&scene.config(json!({}))).await;
    let replaced = |plan: PlanOutcome| -> Vec<String> {
        plan.requires_replace
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let other = scene
        .plan(&state, &scene.config(json!({"name": "snet-se2"})))
        .await;
    assert_eq!(replaced(other), ["name"]);
    let spelling = json!({"name": "SNET-se", "virtual_network_id": scene.network().to_uppercase()});
    let same = scene.plan(&state, &scene.config(spelling)).await;
    assert_eq!(
        (same.planned.clone(), replaced(same)),
        (state.clone(), Vec::new())
    );
    let all_else = json!({"address_prefixes": ["10.1.33.0/24"], "cluster_name": "c2", "tags": {"a": "b"},
        "route_table_name": "rt-2", "bgp_route_propagation_enabled": false});
    let changed = scene.plan(&state, &scene.config(all_else)).await;
    assert!(changed.planned.is_wholly_known());
    assert_eq!(replaced(changed), [""; 0]);
}

#[tokio::test]
async fn a_plan_foretells_what_the_virtual_network_would_refuse() {
    let scene = Scene::new().await;
    let config = scene.config(json!({"address_prefixes": ["10.1.0.0/24", "192.168.0.0/24"]}));
    let plan = scene.plan(&Value::Null, &config).await;
    let warned = warnings(&plan.diagnostics);
    assert_eq!(errors(&plan.diagnostics), "");
    assert!(
        warned.contains("10.1.0.0/24 overlaps with subnet \"snet-cluster1-nodes\""),
        "{warned}"
    );
    assert!(warned.contains("192.168.0.0/24 is outside"), "{warned}");
}

#[test]
fn what_the_configuration_alone_shows_is_an_error_at_its_attribute() {
    let network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
    let table = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t";
    let base =
        json!({"name": "se", "virtual_network_id": network, "address_prefixes": ["10.1.0.0/24"]});
    let server = Server::new::<LabProvider>();
    let table = [
        (
            json!({"address_prefixes": ["10.1.0.1/24"]}),
            "address_prefixes",
            "10.1.0.0/24",
        ),
        (
            json!({"address_prefixes": ["10.1.0.0/16", "10.1.0.0/24"]}),
            "address_prefixes",
            "which is in it",
        ),
        (
            json!({"address_prefixes": []}),
            "address_prefixes",
            "at least one",
        ),
        (json!({"name": "se subnet"}), "name", "letters"),
        (
            json!({"virtual_network_id": table}),
            "virtual_network_id",
            "got a route table id",
        ),
        (
            json!({"network_security_group_id": "nsg"}),
            "network_security_group_id",
            "expected",
        ),
        (
            json!({"existing_route_table_id": table, "route_table_name": "t"}),
            "existing_route_table_id",
            "excludes",
        ),
        (
            json!({"existing_route_table_id": table, "tags": {}}),
            "existing_route_table_id",
            "excludes",
        ),
        (json!({"tags": {"AKO-cluster-subnet": "x"}}), "tags", "mark"),
        (json!({"cluster_name": "a.b"}), "cluster_name", "letters"),
    ];
    for (change, attribute, expected) in table {
        let mut config = base.clone();
        for (name, value) in change.as_object().unwrap() {
            config[name] = value.clone();
        }
        let found = server.validate_resource(NAME, &object(&config), true);
        let error = found.iter().find(|d| d.severity == Severity::Error);
        let error = error.unwrap_or_else(|| panic!("no error for {change}"));
        let path = error
            .attribute
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(path.starts_with(attribute), "{change}: {path}");
        let text = format!("{} {}", error.summary, error.detail);
        assert!(text.contains(expected), "{change}: {text}");
    }
    let fine = server.validate_resource(NAME, &object(&base), true);
    assert_eq!(errors(&fine), "");
}

#[tokio::test]
async fn a_changed_cluster_in_the_mark_is_drift_and_a_lost_mark_is_none() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    let table = scene.table("rt-se");
    let mark = mark_of(&scene.azure(&table)).replace("cluster1", "cluster9");
    let tags = json!({"tags": {MARK_KEY: mark}});
    scene.lab.azure().request("PATCH", &table, tags);
    let drifted = scene.read(&state).await;
    assert_eq!(text(&drifted, "cluster_name"), "cluster9");
    assert_eq!(scene.applied(&drifted, &config).await, state);
    assert!(mark_of(&scene.azure(&table)).ends_with(":cluster1"));
}

#[tokio::test]
async fn se_subnets_of_one_network_are_written_one_after_the_other() {
    let scene = Scene::new().await;
    scene
        .lab
        .azure()
        .change_settings(|settings| settings.busy = Busy::Conflict);
    let operation = Duration::from_millis(300);
    scene
        .lab
        .set_latency(Latency::fixed(Duration::ZERO, operation));
    let config = |number: u8| {
        scene.config(
            json!({"name": format!("snet-{number}"), "route_table_name": format!("rt-{number}"),
            "address_prefixes": [format!("10.1.{}.0/24", 40 + number)]}),
        )
    };
    let (first, second, third) = (config(1), config(2), config(3));
    tokio::join!(
        scene.created(&first),
        scene.created(&second),
        scene.created(&third)
    );
    // Azure refuses a second write in the same virtual network (azurerm#3780); nothing was refused.
    let refused = scene
        .lab
        .journal()
        .into_iter()
        .filter(|entry| entry.status == Some(409));
    assert_eq!(refused.map(|entry| entry.path).collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test]
async fn a_plan_does_not_take_the_object_that_it_replaces_for_a_stranger() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    // A tainted object: read, then planned as a create.
    scene.read(&state).await;
    let plan = scene.plan(&Value::Null, &config).await;
    assert_eq!(plan.diagnostics, Diagnostics::new());
    // Another name with the same table: planned in place first, then as a create.
    let renamed = scene.config(json!({"name": "snet-new", "address_prefixes": ["10.1.60.0/24"]}));
    scene.plan(&state, &renamed).await;
    let plan = scene.plan(&Value::Null, &renamed).await;
    assert_eq!(plan.diagnostics, Diagnostics::new());
}

#[tokio::test]
async fn each_operation_makes_as_few_calls_as_its_steps_need() {
    let scene = Scene::new().await;
    let config = scene.config(json!({}));
    let state = scene.created(&config).await;
    let calls = |scene: &Scene| {
        let count = scene.calls().len();
        scene.lab.clear_journal();
        count
    };
    assert_eq!(calls(&scene), 2 + 6, "planning and creating");
    scene.read(&state).await;
    assert_eq!(calls(&scene), 2, "reading");
    let config = scene.config(json!({"tags": {"a": "b"}}));
    let state = scene.applied(&state, &config).await;
    assert_eq!(calls(&scene), 2 + 3, "reading and changing tags");
    let config = scene.config(json!({"tags": {"a": "b"}, "address_prefixes": ["10.1.33.0/24"]}));
    let state = scene.applied(&state, &config).await;
    assert_eq!(calls(&scene), 2 + 3, "reading and changing prefixes");
    let config =
        scene.config(json!({"address_prefixes": ["10.1.33.0/24"], "route_table_name": "rt-2"}));
    let state = scene.applied(&state, &config).await;
    assert_eq!(calls(&scene), 2 + 9, "reading and moving to another table");
    scene.delete(&state).await;
    assert_eq!(calls(&scene), 3, "deleting");
}

#[test]
fn a_model_has_a_field_for_each_attribute_of_the_schema() {
    let model = Model {
        id: None,
        name: String::new(),
        virtual_network_id: String::new(),
        address_prefixes: None,
        cluster_name: None,
        network_security_group_id: None,
        existing_route_table_id: None,
        route_table_name: None,
        route_table_resource_group_name: None,
        bgp_route_propagation_enabled: None,
        tags: None,
        route_table_id: None,
        associated_route_table_id: None,
    };
    let fields = serde_json::to_value(model).unwrap();
    let mut fields: Vec<_> = fields.as_object().unwrap().keys().cloned().collect();
    let mut attributes: Vec<_> = ClusterSubnet::schema()
        .attributes
        .into_iter()
        .map(|a| a.name)
        .collect();
    fields.sort();
    attributes.sort();
    assert_eq!(fields, attributes);
}
