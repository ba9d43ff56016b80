//! The calls as they come over the wire, answered by a provider for tests.

use super::Service;
use crate::framework::codec;
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::function::AnyFunction;
use crate::framework::handler::{AnyDataSource, AnyResource};
use crate::framework::number::Number;
use crate::framework::plan::Config;
use crate::framework::provider::{Provider as Author, function, resource};
use crate::framework::resource::{
    Context, Failure, Function, FunctionError, Parameter, Resource, Signature,
};
use crate::framework::schema::{Attribute, Schema, Type};
use crate::framework::server::Server;
use crate::framework::value::Value;
use crate::plugin::lifetime::Calls;
use crate::plugin::logging::tests::written;
use crate::plugin::proto::attribute_path::step::Selector;
use crate::plugin::proto::provider_server::Provider;
use crate::plugin::proto::{
    ClientCapabilities, DynamicValue, RawState, apply_resource_change, call_function,
    configure_provider, diagnostic, get_metadata, get_provider_schema, import_resource_state,
    move_resource_state, plan_resource_change, read_resource, stop_provider,
    upgrade_resource_state, validate_resource_config,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};
use tracing::level_filters::LevelFilter;

const TYPE: &str = "fake_thing";

#[tokio::test]
async fn everything_that_is_served_is_listed() {
    let service = service().await;
    let request = Request::new(get_provider_schema::Request {});
    let schema = answer(service.get_provider_schema(request).await);
    assert!(schema.resource_schemas.contains_key(TYPE));
    assert!(schema.functions.contains_key("double"));
    let request = Request::new(get_metadata::Request {});
    let metadata = answer(service.get_metadata(request).await);
    assert_eq!(metadata.resources[0].type_name, TYPE);
    assert_eq!(metadata.functions[0].name, "double");
    assert_eq!(metadata.server_capabilities, schema.server_capabilities);
}

#[tokio::test]
async fn an_object_is_planned_with_unknowns_and_created_without() {
    let service = service().await;
    let request = plan_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: sent(&Value::Null),
        proposed_new_state: sent(&thing("a", Value::Null)),
        config: sent(&thing("a", Value::Null)),
        prior_private: b"kept".to_vec(),
        ..Default::default()
    };
    let plan = answer(service.plan_resource_change(Request::new(request)).await);
    assert_eq!(plan.diagnostics, []);
    assert_eq!(
        received(plan.planned_state.clone()),
        thing("a", Value::Unknown)
    );
    assert_eq!(plan.planned_private, b"kept");

    let made = answer(
        service
            .apply_resource_change(Request::new(create("a")))
            .await,
    );
    assert_eq!(made.diagnostics, []);
    assert_eq!(received(made.new_state), thing("a", Value::from("id of a")));
    assert_eq!(made.private, b"private");
}

#[tokio::test]
async fn a_change_that_needs_another_object_names_the_attribute() {
    let service = service().await;
    let request = plan_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: sent(&thing("a", Value::from("id of a"))),
        proposed_new_state: sent(&thing("b", Value::from("id of a"))),
        config: sent(&thing("b", Value::Null)),
        ..Default::default()
    };
    let plan = answer(service.plan_resource_change(Request::new(request)).await);
    let steps: Vec<_> = plan
        .requires_replace
        .into_iter()
        .flat_map(|path| path.steps)
        .collect();
    let name = Selector::AttributeName("name".to_owned());
    assert_eq!(
        steps
            .into_iter()
            .map(|step| step.selector)
            .collect::<Vec<_>>(),
        [Some(name)]
    );
}

#[tokio::test]
async fn an_object_that_is_gone_has_null_for_its_state() {
    let service = service().await;
    let request = read_resource::Request {
        type_name: TYPE.to_owned(),
        current_state: sent(&thing("gone", Value::from("id"))),
        private: b"kept".to_vec(),
        ..Default::default()
    };
    let read = answer(service.read_resource(Request::new(request)).await);
    assert_eq!(read.diagnostics, []);
    assert_eq!(read.new_state.unwrap().msgpack, b"\xc0");
}

#[tokio::test]
async fn a_write_only_value_needs_a_client_that_keeps_it_out_of_its_files() {
    let service = service().await;
    let mut config = thing("a", Value::Null);
    if let Value::Map(attributes) = &mut config {
        attributes.insert("secret".to_owned(), Value::from("hunter2"));
    }
    for (allowed, errors) in [(true, 0), (false, 1)] {
        let request = validate_resource_config::Request {
            type_name: TYPE.to_owned(),
            config: sent(&config),
            client_capabilities: Some(ClientCapabilities {
                write_only_attributes_allowed: allowed,
                ..Default::default()
            }),
        };
        let found = answer(
            service
                .validate_resource_config(Request::new(request))
                .await,
        );
        assert_eq!(found.diagnostics.len(), errors, "{allowed}");
    }
}

#[tokio::test]
async fn an_import_brings_one_object_or_says_why_not() {
    let service = service().await;
    let import = async |id: &str| {
        let request = import_resource_state::Request {
            type_name: TYPE.to_owned(),
            id: id.to_owned(),
            ..Default::default()
        };
        answer(service.import_resource_state(Request::new(request)).await)
    };
    let found = import("a").await;
    assert_eq!(found.diagnostics, []);
    assert_eq!(found.imported_resources.len(), 1);
    assert_eq!(found.imported_resources[0].type_name, TYPE);

    let missing = import("none").await;
    assert_eq!(missing.imported_resources, []);
    assert_eq!(missing.diagnostics.len(), 1);
}

#[tokio::test]
async fn stored_state_comes_back_as_msgpack() {
    let service = service().await;
    let request = upgrade_resource_state::Request {
        type_name: TYPE.to_owned(),
        version: 0,
        raw_state: Some(RawState {
            json: br#"{"name":"a","id":"i"}"#.to_vec(),
            ..Default::default()
        }),
    };
    let upgraded = answer(service.upgrade_resource_state(Request::new(request)).await);
    assert_eq!(
        received(upgraded.upgraded_state),
        thing("a", Value::from("i"))
    );
}

#[tokio::test]
async fn state_of_another_type_is_not_moved() {
    let service = service().await;
    let request = move_resource_state::Request {
        source_type_name: "azurerm_subnet".to_owned(),
        target_type_name: TYPE.to_owned(),
        ..Default::default()
    };
    let refused = answer(service.move_resource_state(Request::new(request)).await);
    assert!(refused.diagnostics[0].summary.contains("azurerm_subnet"));
    assert!(refused.target_state.is_none());
}

#[tokio::test]
async fn a_function_answers_its_result_or_the_argument_to_blame() {
    let service = service().await;
    let double = async |argument: &[u8]| {
        let request = call_function::Request {
            name: "double".to_owned(),
            arguments: vec![DynamicValue {
                msgpack: argument.to_vec(),
                ..Default::default()
            }],
        };
        answer(service.call_function(Request::new(request)).await)
    };
    assert_eq!(double(b"\x04").await.result.unwrap().msgpack, b"\x08");
    let refused = double(b"\x90").await;
    assert!(refused.result.is_none());
    assert_eq!(refused.error.unwrap().function_argument, Some(0));
}

#[tokio::test]
async fn an_interrupt_ends_what_waits_and_what_there_is_is_stored() {
    let (service, mut waiting) = (service().await, watch("wait and stop"));
    let apply = service.apply_resource_change(Request::new(create("wait and stop")));
    let interrupt = async {
        waiting.recv().await.unwrap();
        let stopped = service
            .stop_provider(Request::new(stop_provider::Request {}))
            .await;
        assert_eq!(answer(stopped).error, "");
    };
    let (made, ()) = tokio::join!(apply, interrupt);
    let made = answer(made);
    assert_eq!(made.diagnostics[0].severity(), diagnostic::Severity::Error);
    assert_eq!(
        received(made.new_state),
        thing("wait and stop", Value::from("half"))
    );
}

#[tokio::test]
async fn a_terraform_that_goes_away_does_not_cut_a_call_short() {
    let (service, mut waiting) = (service().await, watch("wait alone"));
    let apply = service.apply_resource_change(Request::new(create("wait alone")));
    tokio::select! {
        _ = apply => panic!("it waits"),
        said = waiting.recv() => assert_eq!(said, Some("waits")),
    }
    // The request is dropped here.
    service.server.stop();
    service.calls.finished().await;
    assert_eq!(waiting.try_recv(), Ok("ended"));
}

#[tokio::test]
async fn a_crash_is_a_diagnostic_too() {
    let service = service().await;
    let crash = service.call::<read_resource::Response, _>("ReadResource", TYPE, |_| async {
        panic!("boom");
    });
    let found = answer(crash.await);
    assert!(found.diagnostics[0].summary.contains("ReadResource"));
    assert!(found.new_state.is_none());
    service.calls.finished().await;
}

#[test]
fn what_a_resource_logs_names_its_call() {
    let lines = written(LevelFilter::INFO, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let service = service().await;
            answer(
                service
                    .apply_resource_change(Request::new(create("a")))
                    .await,
            )
        });
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["@message"], "making a thing");
    assert_eq!(lines[0]["tf_rpc"], "ApplyResourceChange");
    assert_eq!(lines[0]["tf_resource_type"], TYPE);
}

/// The service of the fake provider, configured.
async fn service() -> Service {
    let service = Service::new(Arc::new(Server::new::<Fake>()), Calls::default());
    let request = configure_provider::Request {
        terraform_version: "1.11.4".to_owned(),
        config: sent(&Value::object(Vec::<(String, Value)>::new())),
        ..Default::default()
    };
    let configured = answer(service.configure_provider(Request::new(request)).await);
    assert_eq!(configured.diagnostics, []);
    service
}

fn answer<T>(answer: Result<Response<T>, Status>) -> T {
    answer.unwrap().into_inner()
}

fn create(name: &str) -> apply_resource_change::Request {
    apply_resource_change::Request {
        type_name: TYPE.to_owned(),
        prior_state: sent(&Value::Null),
        planned_state: sent(&thing(name, Value::Unknown)),
        config: sent(&thing(name, Value::Null)),
        planned_private: b"private".to_vec(),
        ..Default::default()
    }
}

fn thing(name: &str, id: Value) -> Value {
    Value::object([
        ("name", Value::from(name)),
        ("secret", Value::Null),
        ("id", id),
    ])
}

fn sent(value: &Value) -> Option<DynamicValue> {
    Some(DynamicValue {
        msgpack: codec::encode(value),
        ..DynamicValue::default()
    })
}

fn received(value: Option<DynamicValue>) -> Value {
    codec::decode(&value.unwrap().msgpack, &Thing::schema().object_type()).unwrap()
}

/// Who wants to know how far the thing of a name has come. A name belongs to one test.
static WATCHERS: Mutex<BTreeMap<String, mpsc::UnboundedSender<&'static str>>> =
    Mutex::new(BTreeMap::new());

fn watch(name: &str) -> mpsc::UnboundedReceiver<&'static str> {
    let (sender, receiver) = mpsc::unbounded_channel();
    WATCHERS.lock().unwrap().insert(name.to_owned(), sender);
    receiver
}

fn tell(name: &str, progress: &'static str) {
    // A test that has ended listens no longer.
    let _ = WATCHERS.lock().unwrap()[name].send(progress);
}

struct Fake;

impl Author for Fake {
    const NAME: &'static str = "fake";
    type Clients = ();

    fn schema() -> Schema {
        Schema::new("A provider for tests.", Vec::new())
    }

    fn configure(_: Config<'_>, _: &str) -> Result<(), Diagnostics> {
        Ok(())
    }

    fn resources() -> Vec<Box<dyn AnyResource<()>>> {
        vec![resource::<Thing>()]
    }

    fn data_sources() -> Vec<Box<dyn AnyDataSource<()>>> {
        Vec::new()
    }

    fn functions() -> Vec<AnyFunction> {
        vec![function::<Double>()]
    }
}

struct Thing;

#[derive(Clone, Serialize, Deserialize)]
struct Model {
    name: String,
    secret: Option<String>,
    id: Option<String>,
}

#[async_trait]
impl Resource for Thing {
    const NAME: &'static str = TYPE;
    type Clients = ();
    type Model = Model;

    fn new(_: Arc<()>) -> Self {
        Thing
    }

    fn schema() -> Schema {
        let attributes = vec![
            Attribute::required("name", Type::String, "What it does.").force_new(),
            Attribute::optional("secret", Type::String, "A secret.").write_only(),
            Attribute::computed("id", Type::String, "Its id."),
        ];
        Schema::new("A thing.", attributes)
    }

    async fn create(&self, context: &Context, mut made: Model) -> Result<Model, Failure<Model>> {
        tracing::info!(name = made.name, "making a thing");
        made.id = Some(format!("id of {}", made.name));
        if !made.name.starts_with("wait") {
            return Ok(made);
        }
        tell(&made.name, "waits");
        context.stop().cancelled().await;
        tell(&made.name, "ended");
        made.id = Some("half".to_owned());
        Err(Failure::with_state(
            Diagnostic::error("Stopped", "Half of it exists."),
            made,
        ))
    }

    async fn read(&self, _: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        Ok((prior.name != "gone").then_some(prior))
    }

    async fn update(&self, _: &Context, _: Model, planned: Model) -> Result<Model, Failure<Model>> {
        Ok(planned)
    }

    async fn delete(&self, _: &Context, _: Model) -> Result<(), Failure<Model>> {
        Ok(())
    }

    async fn import(&self, _: &Context, id: &str) -> Result<Model, Diagnostics> {
        if id == "none" {
            return Err(Diagnostics::error("There is no such thing", "Look again."));
        }
        Ok(Model {
            name: id.to_owned(),
            secret: None,
            id: None,
        })
    }
}

struct Double;

impl Function for Double {
    const NAME: &'static str = "double";

    fn signature() -> Signature {
        Signature {
            summary: "Doubles.".to_owned(),
            description: "Doubles a number.".to_owned(),
            parameters: vec![Parameter {
                name: "number".to_owned(),
                r#type: Type::Number,
                description: "What to double.".to_owned(),
            }],
            result: Type::Number,
        }
    }

    fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
        match &arguments[0] {
            Value::Number(Number::Integer(number)) => {
                Ok(Value::Number(Number::Integer(2 * number)))
            }
            _ => unreachable!("the framework has looked at the types"),
        }
    }
}
