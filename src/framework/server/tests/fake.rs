//! A provider whose resource does what its name says.

use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::function::AnyFunction;
use crate::framework::handler::{AnyDataSource, AnyResource};
use crate::framework::path::Path;
use crate::framework::plan::{Config, Plan};
use crate::framework::provider::{Provider, data_source, function, resource};
use crate::framework::resource::{
    Context, DataSource, Failure, Function, FunctionError, Parameter, Resource, Signature,
};
use crate::framework::schema::{Attribute, Schema, Type};
use crate::framework::timeouts::Timeouts;
use crate::framework::value::Value;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Told of a handler that waits.
pub(super) static WAITING: tokio::sync::Notify = tokio::sync::Notify::const_new();

/// The provider.
pub(super) struct Fake;

#[derive(Default)]
pub(super) struct FakeClients {
    made: AtomicUsize,
}

impl Provider for Fake {
    const NAME: &'static str = "fake";
    type Clients = FakeClients;

    fn schema() -> Schema {
        let mode = Attribute::optional("mode", Type::String, "How it ends.");
        Schema::new("A provider for tests.", vec![mode])
    }

    fn configure(config: Config<'_>, _: &str) -> Result<FakeClients, Diagnostics> {
        match config.get("mode").as_str() {
            Some("fail") => Err(Diagnostics::error("no", "It fails.")),
            Some("panic") => panic!("boom"),
            _ => Ok(FakeClients::default()),
        }
    }

    fn resources() -> Vec<Box<dyn AnyResource<FakeClients>>> {
        vec![resource::<Thing<false>>(), resource::<Thing<true>>()]
    }

    fn data_sources() -> Vec<Box<dyn AnyDataSource<FakeClients>>> {
        vec![data_source::<Lookup>()]
    }

    fn functions() -> Vec<AnyFunction> {
        vec![function::<Double>()]
    }
}

/// Does what its `name` says.
struct Thing<const FOUND_AGAIN: bool>(Arc<FakeClients>);

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    name: String,
    size: Option<i64>,
    secret: Option<String>,
    id: Option<String>,
    note: Option<String>,
}

#[async_trait]
impl<const FOUND_AGAIN: bool> Resource for Thing<FOUND_AGAIN> {
    const NAME: &'static str = if FOUND_AGAIN {
        "fake_found"
    } else {
        "fake_thing"
    };
    const FOUND_AGAIN: bool = FOUND_AGAIN;
    type Clients = FakeClients;
    type Model = Model;

    fn new(clients: Arc<FakeClients>) -> Self {
        Thing(clients)
    }

    fn schema() -> Schema {
        let mut schema = Schema::new(
            "A thing.",
            vec![
                Attribute::required("name", Type::String, "What it does.").force_new(),
                Attribute::optional("size", Type::Number, "How big.").default_to(Value::from(3)),
                Attribute::optional("secret", Type::String, "A secret.").write_only(),
                Attribute::computed("id", Type::String, "Its id."),
                Attribute::computed("note", Type::String, "What it noted."),
            ],
        )
        .with_timeouts(Timeouts::default());
        schema.version = 1;
        schema
    }

    fn validate(config: &Config<'_>, _: &mut Diagnostics) {
        assert_ne!(config.get("name").as_str(), Some("panic in validate"));
    }

    async fn plan(&self, _: &Context, plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        if plan.is_create() {
            plan.set_unknown("note");
        }
        Ok(())
    }

    async fn create(&self, context: &Context, planned: Model) -> Result<Model, Failure<Model>> {
        let number = self.0.made.fetch_add(1, Ordering::Relaxed) + 1;
        let mut made = Model {
            id: Some(format!("id-{number}")),
            ..planned
        };
        match made.name.as_str() {
            "panic" => panic!("boom"),
            "fail" => return Err(Diagnostic::error("no", "It fails.").into()),
            "fail with state" => {
                made.id = Some("half".into());
                return Err(Failure::with_state(Diagnostic::error("no", "Half."), made));
            }
            "mismatch" => made.size = Some(77),
            "keep" => {
                let mut kept = context.memory().recall();
                kept.extend(b" and more");
                context.memory().keep(kept);
            }
            "stubborn" => return Err(Diagnostics::new().into()),
            "wait" => {
                WAITING.notify_one();
                context.stop().cancelled().await;
                return Err(Diagnostic::error("interrupted", "By the user.").into());
            }
            "secret" => {
                let secret = context.config().get("secret").as_str().unwrap();
                made.note = Some(format!("{} characters", secret.len()));
            }
            "warn" => {
                let warning = Diagnostic::warning("careful", "It is hot.");
                context.warn(warning.at(Path::attribute("no_such")));
            }
            "deadline" => {
                let left = context.deadline().saturating_duration_since(Instant::now());
                made.note = Some(format!("{:.0} s", left.as_secs_f64()));
            }
            _ => {}
        }
        Ok(made)
    }

    async fn read(&self, _: &Context, prior: Model) -> Result<Option<Model>, Diagnostics> {
        match prior.name.as_str() {
            "panic" => panic!("boom"),
            "gone" => Ok(None),
            _ => Ok(Some(prior)),
        }
    }

    async fn update(
        &self,
        _: &Context,
        prior: Model,
        planned: Model,
    ) -> Result<Model, Failure<Model>> {
        match prior.name.as_str() {
            "panic" => panic!("boom"),
            "fail" => Err(Diagnostic::error("no", "It fails.").into()),
            "fail with state" => {
                let half = Model {
                    size: Some(99),
                    ..prior
                };
                Err(Failure::with_state(Diagnostic::error("no", "Half."), half))
            }
            _ => Ok(planned),
        }
    }

    async fn delete(&self, _: &Context, prior: Model) -> Result<(), Failure<Model>> {
        assert_ne!(prior.name, "panic");
        Ok(())
    }

    async fn import(&self, _: &Context, id: &str) -> Result<Model, Diagnostics> {
        Ok(Model {
            name: "imported".into(),
            size: None,
            secret: None,
            id: Some(id.to_owned()),
            note: None,
        })
    }

    fn upgrade(_: u32, mut state: serde_json::Value) -> Result<serde_json::Value, Diagnostic> {
        state["name"] = state["title"].take();
        Ok(state)
    }
}

struct Lookup;

#[derive(Serialize, Deserialize)]
struct LookupModel {
    key: String,
    found: Option<String>,
}

#[async_trait]
impl DataSource for Lookup {
    const NAME: &'static str = "fake_lookup";
    type Clients = FakeClients;
    type Model = LookupModel;

    fn new(_: Arc<FakeClients>) -> Self {
        Lookup
    }

    fn schema() -> Schema {
        Schema::new(
            "A lookup.",
            vec![
                Attribute::required("key", Type::String, "What to look up."),
                Attribute::computed("found", Type::String, "What was found."),
            ],
        )
    }

    async fn read(&self, _: &Context, config: LookupModel) -> Result<LookupModel, Diagnostics> {
        Ok(LookupModel {
            found: Some(format!("value of {}", config.key)),
            ..config
        })
    }
}

struct Double;

impl Function for Double {
    const NAME: &'static str = "double";

    fn signature() -> Signature {
        Signature {
            summary: "Doubles a number".into(),
            description: "Doubles a number.".into(),
            parameters: vec![Parameter {
                name: "number".into(),
                r#type: Type::Number,
                description: "The number.".into(),
            }],
            result: Type::Number,
        }
    }

    fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
        let number = arguments[0].as_i64().unwrap();
        assert!(number >= 0);
        Ok(Value::from(2 * number))
    }
}
