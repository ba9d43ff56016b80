//! `fake_thing`: an object that exists in the state alone.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use terraform_provider_ako::framework::diagnostics::{Diagnostic, Diagnostics};
use terraform_provider_ako::framework::resource::{Context, Failure, Resource};
use terraform_provider_ako::framework::schema::{Attribute, Schema, Shape, Type};
use terraform_provider_ako::framework::timeouts::Timeouts;

/// The resource.
pub(crate) struct Thing;

/// Its attributes.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Model {
    mode: Option<String>,
    secret: Option<String>,
    flag: Option<bool>,
    numbers: Option<Vec<f64>>,
    large: Option<u64>,
    words: Option<BTreeSet<String>>,
    tags: Option<BTreeMap<String, String>>,
    address: Option<String>,
    one: Option<Part>,
    in_order: Option<Vec<Part>>,
    as_set: Option<BTreeSet<Part>>,
    by_key: Option<BTreeMap<String, Part>>,
    size: Option<i64>,
    id: Option<String>,
    secret_length: Option<u64>,
}

/// A nested object.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    text: String,
    id: Option<String>,
}

#[async_trait]
impl Resource for Thing {
    const NAME: &'static str = "fake_thing";
    type Clients = ();
    type Model = Model;

    fn new(_: Arc<()>) -> Self {
        Thing
    }

    fn schema() -> Schema {
        let optional = |name, r#type| Attribute::optional(name, r#type, "A value.");
        let nested = |name, shape: fn(Vec<Attribute>) -> Shape| {
            Attribute::optional(name, shape(part()), "Parts.")
        };
        let attributes = vec![
            Attribute::optional(
                "mode",
                Type::String,
                "What it does: `panic in create`, …, `crash`, `deaf`, `log`.",
            ),
            Attribute::optional("secret", Type::String, "A secret.").write_only(),
            optional("flag", Type::Bool),
            optional("numbers", Type::list(Type::Number)),
            optional("large", Type::Number),
            optional("words", Type::set(Type::String)),
            optional("tags", Type::map(Type::String)),
            optional("address", Type::String).same_when(str::eq_ignore_ascii_case),
            nested("one", Shape::single),
            nested("in_order", Shape::list_of),
            nested("as_set", Shape::set_of),
            nested("by_key", Shape::map_of),
            optional("size", Type::Number).default_to(3.into()),
            Attribute::computed("id", Type::String, "Its id."),
            Attribute::computed("secret_length", Type::Number, "How long the secret was."),
        ];
        Schema::new("A thing.", attributes).with_timeouts(Timeouts::default())
    }

    async fn create(&self, context: &Context, mut made: Model) -> Result<Model, Failure<Model>> {
        obey(&made, "create");
        if made.mode.as_deref() == Some("crash") {
            crate::crash();
            std::future::pending::<()>().await;
        }
        if made.mode.as_deref() == Some("deaf") {
            // Says where it is by a file, and watches neither the interrupt nor the deadline.
            std::fs::write("creating", "")
                .map_err(|error| Diagnostic::error("It cannot say so", error.to_string()))?;
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        made.complete();
        let secret = context.config().get("secret").as_str();
        made.secret_length = Some(secret.map_or(0, |secret| secret.len() as u64));
        Ok(made)
    }

    async fn read(&self, _: &Context, mut prior: Model) -> Result<Option<Model>, Diagnostics> {
        obey(&prior, "read");
        prior.address = prior.address.map(|address| address.to_uppercase());
        Ok(Some(prior))
    }

    async fn update(
        &self,
        _: &Context,
        _: Model,
        mut planned: Model,
    ) -> Result<Model, Failure<Model>> {
        obey(&planned, "update");
        planned.complete();
        Ok(planned)
    }

    async fn delete(&self, _: &Context, prior: Model) -> Result<(), Failure<Model>> {
        obey(&prior, "delete");
        Ok(())
    }

    async fn import(&self, _: &Context, _: &str) -> Result<Model, Diagnostics> {
        Err(Diagnostics::error(
            "There is nothing to import",
            "It exists in states alone.",
        ))
    }
}

impl Model {
    fn complete(&mut self) {
        self.id.get_or_insert_with(|| "thing".to_owned());
        let in_order = self.in_order.iter_mut().flatten();
        let by_key = self.by_key.iter_mut().flat_map(BTreeMap::values_mut);
        for part in self.one.iter_mut().chain(in_order).chain(by_key) {
            part.complete();
        }
        self.as_set = self.as_set.take().map(|parts| {
            let parts = parts.into_iter();
            parts
                .map(|mut part| {
                    part.complete();
                    part
                })
                .collect()
        });
    }
}

impl Part {
    fn complete(&mut self) {
        self.id
            .get_or_insert_with(|| format!("id of {}", self.text));
    }
}

fn part() -> Vec<Attribute> {
    vec![
        Attribute::required("text", Type::String, "A text."),
        Attribute::computed("id", Type::String, "Its id."),
    ]
}

/// Does what the mode asks for in this operation.
fn obey(model: &Model, operation: &str) {
    let mode = model.mode.as_deref().unwrap_or_default();
    assert!(
        mode != format!("panic in {operation}"),
        "boom of the {operation}"
    );
    if mode == "log" {
        tracing::warn!(status = 404, "a short message");
        tracing::warn!(status = 500, "a long message {}", "x".repeat(100_000));
    }
}
