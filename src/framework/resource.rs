//! What the author of a resource, a data source or a function writes.

use super::diagnostics::{Diagnostic, Diagnostics};
use super::plan::{Config, Plan};
use super::schema::{Schema, Type};
use super::value::Value;
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A resource: one kind of object that Terraform creates, reads, changes and deletes.
///
/// The methods stand in the order of an object's life. `validate` and `plan` work on values that may be unknown;
/// from `create` on everything is known and a typed model. A model has one field for each attribute (`timeouts`
/// apart, which the framework keeps); a field that may be null, or unknown while planning, is an `Option`.
#[async_trait]
pub trait Resource: Send + Sync + Sized + 'static {
    /// The type name in HCL.
    const NAME: &'static str;
    /// Whether the next create finds by itself what an interrupted one left. Such an object is never stored as
    /// tainted, because core would destroy it before it creates it again.
    const FOUND_AGAIN: bool = false;
    /// What it calls.
    type Clients: Send + Sync + 'static;
    /// Its attributes as a typed struct.
    type Model: Serialize + DeserializeOwned + Clone + Send + Sync;

    /// The resource, ready to act with these clients.
    fn new(clients: Arc<Self::Clients>) -> Self;

    /// Its attributes.
    fn schema() -> Schema;

    /// What can be said of a configuration without any client, beyond the checks of the schema.
    fn validate(_config: &Config<'_>, _diagnostics: &mut Diagnostics) {}

    /// Completes a plan that the schema's rules have prepared. May read, never writes.
    async fn plan(&self, _context: &Context, _plan: &mut Plan<'_>) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Makes the object.
    async fn create(
        &self,
        context: &Context,
        planned: Self::Model,
    ) -> Result<Self::Model, Failure<Self::Model>>;

    /// What the object is now; `None` if it is gone.
    async fn read(
        &self,
        context: &Context,
        prior: Self::Model,
    ) -> Result<Option<Self::Model>, Diagnostics>;

    /// Makes the object what is planned.
    async fn update(
        &self,
        context: &Context,
        prior: Self::Model,
        planned: Self::Model,
    ) -> Result<Self::Model, Failure<Self::Model>>;

    /// Removes the object; already gone is success.
    async fn delete(
        &self,
        context: &Context,
        prior: Self::Model,
    ) -> Result<(), Failure<Self::Model>>;

    /// The object that the user names by `id`, as far as a following read needs it.
    async fn import(&self, context: &Context, id: &str) -> Result<Self::Model, Diagnostics>;

    /// State of an older schema version in the shape of this one. Changes shape only, calls nothing.
    fn upgrade(version: u32, _state: serde_json::Value) -> Result<serde_json::Value, Diagnostic> {
        Err(Diagnostic::error(
            format!(
                "The state of this {} has an unknown schema version",
                Self::NAME
            ),
            format!(
                "Version {version} of its schema is not known to this provider. Use the provider version that wrote it, or a newer one."
            ),
        ))
    }
}

/// A data source: something that Terraform looks up. It never waits and never writes.
#[async_trait]
pub trait DataSource: Send + Sync + Sized + 'static {
    /// The type name in HCL.
    const NAME: &'static str;
    /// What it calls.
    type Clients: Send + Sync + 'static;
    /// Its attributes as a typed struct.
    type Model: Serialize + DeserializeOwned + Send + Sync;

    /// The data source, ready to act with these clients.
    fn new(clients: Arc<Self::Clients>) -> Self;

    /// Its attributes.
    fn schema() -> Schema;

    /// What can be said of a configuration without any client, beyond the checks of the schema.
    fn validate(_config: &Config<'_>, _diagnostics: &mut Diagnostics) {}

    /// The configuration with everything computed filled in.
    async fn read(
        &self,
        context: &Context,
        config: Self::Model,
    ) -> Result<Self::Model, Diagnostics>;
}

/// A provider-defined function: offline and pure.
pub trait Function: Send + Sync + 'static {
    /// Its name in HCL, after `provider::ako::`.
    const NAME: &'static str;

    /// Its parameters, its result and its text.
    fn signature() -> Signature;

    /// The result. Arguments are known and of the declared types.
    fn call(arguments: &[Value]) -> Result<Value, FunctionError>;
}

/// What a function takes and gives.
#[derive(Clone, Debug)]
pub struct Signature {
    /// One sentence.
    pub summary: String,
    /// The whole text, in Markdown.
    pub description: String,
    /// What it takes, in order.
    pub parameters: Vec<Parameter>,
    /// The type of what it gives.
    pub result: Type,
}

/// One parameter of a function.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name in the docs.
    pub name: String,
    /// Its type.
    pub r#type: Type,
    /// What it means, in Markdown.
    pub description: String,
}

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// What is wrong and what to do.
    pub text: String,
    /// The position of the argument to blame, from 0.
    pub argument: Option<usize>,
}

/// One running operation: how long it may take, whether it should stop, and what it warns of.
#[derive(Debug)]
pub struct Context {
    deadline: Instant,
    stop: CancellationToken,
    config: Value,
    warnings: Mutex<Diagnostics>,
    memory: Arc<Memory>,
}

/// What a resource keeps beside the object, in bytes of its own making: nobody sees it, and nothing is planned by it.
///
/// Core hands it back with the object. It may be missing at any time: an imported object has none, nor has one that
/// is created anew.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Vec<u8>>);

impl Memory {
    /// A memory of what was kept.
    pub fn new(kept: Vec<u8>) -> Memory {
        Memory(Mutex::new(kept))
    }

    /// What is kept now.
    pub fn recall(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keeps this in place of what was kept.
    pub fn keep(&self, bytes: Vec<u8>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
    }
}

impl Context {
    /// An operation that ends at `deadline` or soon after `stop` is cancelled. `config` is null where Terraform
    /// hands over none.
    pub fn new(deadline: Instant, stop: CancellationToken, config: Value) -> Context {
        Context {
            deadline,
            stop,
            config,
            warnings: Mutex::default(),
            memory: Arc::default(),
        }
    }

    /// The same with what is kept beside the object.
    #[must_use]
    pub fn with_memory(mut self, memory: Arc<Memory>) -> Context {
        self.memory = memory;
        self
    }

    /// What is kept beside the object.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// When the operation must have ended: the `timeouts` block or its default.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Cancelled when the user interrupts Terraform: waits and polls end at once.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// The configuration, the one place where write-only values are found.
    pub fn config(&self) -> Config<'_> {
        Config::new(&self.config)
    }

    /// Tells the user something without failing.
    pub fn warn(&self, warning: Diagnostic) {
        self.warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(warning);
    }

    /// What was warned of since this was last asked.
    pub fn take_warnings(&self) -> Diagnostics {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A failed operation: why, and what there is all the same.
#[derive(Debug)]
pub struct Failure<M> {
    /// Why it failed.
    pub diagnostics: Diagnostics,
    /// What to store. After a create the object is stored as tainted; `None` keeps the prior state.
    pub state: Option<M>,
}

impl<M> Failure<M> {
    /// A failure after which `state` is what there is.
    pub fn with_state(diagnostics: impl Into<Diagnostics>, state: M) -> Failure<M> {
        Failure {
            diagnostics: diagnostics.into(),
            state: Some(state),
        }
    }
}

/// A failure that changed nothing.
impl<M> From<Diagnostic> for Failure<M> {
    fn from(diagnostic: Diagnostic) -> Failure<M> {
        Failure {
            diagnostics: diagnostic.into(),
            state: None,
        }
    }
}

/// A failure that changed nothing.
impl<M> From<Diagnostics> for Failure<M> {
    fn from(diagnostics: Diagnostics) -> Failure<M> {
        Failure {
            diagnostics,
            state: None,
        }
    }
}
