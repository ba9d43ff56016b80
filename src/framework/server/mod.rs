//! What Terraform asks of a provider, without the protocol in which it asks.

mod conformity;
mod operations;
#[cfg(test)]
mod tests;
mod upgrade;

use crate::framework::diagnostics::Diagnostics;
use crate::framework::function::AnyFunction;
use crate::framework::guard::{self, Ended, GRACE};
use crate::framework::handler::{DataSourceHandler, ResourceHandler, Slot};
use crate::framework::path::Path;
use crate::framework::plan::Config;
use crate::framework::provider::Provider;
use crate::framework::resource::{FunctionError, Memory, Signature};
use crate::framework::schema::Schema;
use crate::framework::schema_check::Kind;
use crate::framework::spelling::keep_spelling;
use crate::framework::state::fill_defaults;
use crate::framework::timeouts::Operation;
use crate::framework::validate::validate;
use crate::framework::value::Value;
use async_trait::async_trait;
use operations::{Operations, lost, new_context, with_error};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use upgrade::upgrade;

/// A provider in service. It goes on serving whatever a handler does.
pub struct Server {
    name: &'static str,
    provider: Box<dyn Configurable>,
    resources: BTreeMap<&'static str, Arc<dyn ResourceHandler>>,
    data_sources: BTreeMap<&'static str, Arc<dyn DataSourceHandler>>,
    functions: BTreeMap<&'static str, AnyFunction>,
    stop: Mutex<CancellationToken>,
    grace: Duration,
}

/// What is to be planned.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The type name of the resource.
    pub type_name: String,
    /// The object as it is; null for a create.
    pub prior: Value,
    /// What core proposes; null for a delete.
    pub proposed: Value,
    /// What the user wrote.
    pub config: Value,
    /// What the provider stored beside the object.
    pub private: Vec<u8>,
    /// Whether the client keeps write-only values out of its files.
    pub write_only_allowed: bool,
}

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanOutcome {
    /// The object as it is to become; null for a delete and after an error.
    pub planned: Value,
    /// The attributes because of which another object is needed.
    pub requires_replace: Vec<Path>,
    /// What to store beside the object.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct ApplyRequest {
    /// The type name of the resource.
    pub type_name: String,
    /// The object as it is; null for a create.
    pub prior: Value,
    /// The object as it is to become; null for a delete.
    pub planned: Value,
    /// What the user wrote; null for a delete.
    pub config: Value,
    /// What the provider stored beside the object.
    pub private: Vec<u8>,
}

/// What is there after an apply.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplyOutcome {
    /// The object to store; null where there is none.
    pub state: Value,
    /// What to store beside the object.
    pub private: Vec<u8>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

impl Server {
    /// The provider `P` in service, not yet configured.
    pub fn new<P: Provider>() -> Server {
        let clients = Arc::new(Slot::new());
        let resources = P::resources();
        let data_sources = P::data_sources();
        let server = Server {
            name: P::NAME,
            resources: resources
                .iter()
                .map(|resource| resource.serve(clients.clone()))
                .collect(),
            data_sources: data_sources
                .iter()
                .map(|source| source.serve(clients.clone()))
                .collect(),
            functions: P::functions()
                .into_iter()
                .map(|function| (function.name(), function))
                .collect(),
            provider: Box::new(Served::<P> {
                schema: P::schema(),
                clients,
            }),
            stop: Mutex::default(),
            grace: GRACE,
        };
        debug_assert_eq!(server.check(), Vec::<String>::new());
        server
    }

    /// What is wrong with the schemas of everything that is served: nothing, a test sees to that.
    pub fn check(&self) -> Vec<String> {
        let provider = [(self.name, self.provider.schema())].into_iter();
        let all = provider
            .map(|(name, schema)| (Kind::Provider, name, schema))
            .chain(
                self.resource_schemas()
                    .map(|(name, schema)| (Kind::Resource, name, schema)),
            )
            .chain(
                self.data_source_schemas()
                    .map(|(name, schema)| (Kind::DataSource, name, schema)),
            );
        let mut problems = Vec::new();
        for (kind, name, schema) in all {
            let of_this_provider = name.strip_prefix(self.name);
            if kind != Kind::Provider && !of_this_provider.is_some_and(|rest| rest.starts_with('_'))
            {
                problems.push(format!(
                    "{name}: the name must begin with \"{}_\"",
                    self.name
                ));
            }
            let found = schema.check_as(kind).err().unwrap_or_default();
            problems.extend(found.iter().map(|problem| format!("{name}: {problem}")));
        }
        for (name, function) in &self.functions {
            let found = function.check().into_iter();
            problems.extend(found.map(|problem| format!("{name}: {problem}")));
        }
        problems
    }

    /// The attributes of the provider's block.
    pub fn provider_schema(&self) -> &Schema {
        self.provider.schema()
    }

    /// The resources by type name.
    pub fn resource_schemas(&self) -> impl Iterator<Item = (&str, &Schema)> {
        let resources = self.resources.iter();
        resources.map(|(name, resource)| (*name, resource.schema()))
    }

    /// The data sources by type name.
    pub fn data_source_schemas(&self) -> impl Iterator<Item = (&str, &Schema)> {
        let sources = self.data_sources.iter();
        sources.map(|(name, source)| (*name, source.schema()))
    }

    /// The functions by name.
    pub fn functions(&self) -> impl Iterator<Item = (&str, &Signature)> {
        let functions = self.functions.iter();
        functions.map(|(name, function)| (*name, function.signature()))
    }

    /// The attributes of that resource.
    pub fn resource_schema(&self, type_name: &str) -> Result<&Schema, Diagnostics> {
        self.resource(type_name).map(|resource| resource.schema())
    }

    /// The attributes of that data source.
    pub fn data_source_schema(&self, type_name: &str) -> Result<&Schema, Diagnostics> {
        self.data_source(type_name).map(|source| source.schema())
    }

    /// What that function takes and gives.
    pub fn signature(&self, function: &str) -> Result<&Signature, FunctionError> {
        self.function(function).map(AnyFunction::signature)
    }

    /// What is wrong with the provider's block. Calls nothing.
    pub fn validate_provider(&self, config: &Value) -> Diagnostics {
        let schema = self.provider.schema();
        // Providers' schemas have no write-only attributes.
        check_config(schema, config, true, |config, found| {
            self.provider.validate(config, found);
        })
    }

    /// Makes the clients. A cancelled earlier run is over then.
    pub fn configure(&self, config: Value, terraform_version: &str) -> Diagnostics {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = CancellationToken::new();
        let configured = guard::catch(|| self.provider.configure(&config, terraform_version));
        let mut found = match configured {
            Ok(Ok(())) => Diagnostics::new(),
            Ok(Err(errors)) => with_error(errors, "configuring", "the provider"),
            Err(panic) => crash("configuring the provider", &panic),
        };
        keep_known_paths(self.provider.schema(), &mut found);
        found
    }

    /// What is wrong with the configuration of a resource. Calls nothing; values may be unknown.
    pub fn validate_resource(
        &self,
        type_name: &str,
        config: &Value,
        write_only_allowed: bool,
    ) -> Diagnostics {
        match self.resource(type_name) {
            Ok(resource) => check_config(
                resource.schema(),
                config,
                write_only_allowed,
                |config, found| resource.validate(config, found),
            ),
            Err(unknown) => unknown,
        }
    }

    /// What is wrong with the configuration of a data source. Calls nothing; values may be unknown.
    pub fn validate_data_source(&self, type_name: &str, config: &Value) -> Diagnostics {
        match self.data_source(type_name) {
            Ok(source) => check_config(source.schema(), config, true, |config, found| {
                source.validate(config, found);
            }),
            Err(unknown) => unknown,
        }
    }

    /// Stored state in the shape of the present schema.
    pub fn upgrade_state(
        &self,
        type_name: &str,
        version: i64,
        json: &[u8],
    ) -> (Option<Value>, Diagnostics) {
        let upgraded = self
            .resource(type_name)
            .and_then(|resource| upgrade(type_name, resource.as_ref(), version, json));
        match upgraded {
            Ok(state) => (Some(state), Diagnostics::new()),
            Err(errors) => (None, errors),
        }
    }

    /// The object as it is now; null if it is gone.
    pub async fn read(&self, type_name: &str, state: Value, private: Vec<u8>) -> ApplyOutcome {
        let memory = Arc::new(Memory::new(private));
        let (state, diagnostics) = match self.operations(type_name, &memory) {
            Ok(operations) => operations.read(state).await,
            Err(unknown) => (state, unknown),
        };
        self.outcome(type_name, state, &memory, diagnostics)
    }

    /// What an apply would make of the object.
    pub async fn plan(&self, request: PlanRequest) -> PlanOutcome {
        let mut outcome = PlanOutcome {
            planned: Value::Null,
            requires_replace: Vec::new(),
            private: Vec::new(),
            diagnostics: Diagnostics::new(),
        };
        let memory = Arc::new(Memory::new(request.private));
        let is_delete = request.proposed.is_null();
        // What core proposes is as large as the object, and the planner makes a proposal of its own.
        drop(request.proposed);
        match self.operations(&request.type_name, &memory) {
            Err(unknown) => outcome.diagnostics = unknown,
            Ok(_) if is_delete => {}
            Ok(operations) => {
                let resource = operations.handler.clone();
                let (planned, replaced_by, diagnostics) = operations
                    .plan(request.prior, request.config, request.write_only_allowed)
                    .await;
                outcome.planned = planned;
                let known = |path: &Path| !path.steps().is_empty();
                let replaced_by = replaced_by.iter();
                outcome.requires_replace = replaced_by
                    .map(|path| resource.schema().known_part(path))
                    .filter(known)
                    .collect();
                outcome.diagnostics = diagnostics;
                keep_known_paths(resource.schema(), &mut outcome.diagnostics);
            }
        }
        outcome.private = memory.recall();
        outcome
    }

    /// Does what was planned.
    pub async fn apply(&self, request: ApplyRequest) -> ApplyOutcome {
        let ApplyRequest {
            type_name,
            prior,
            planned,
            config,
            private,
        } = request;
        let memory = Arc::new(Memory::new(private));
        let (state, diagnostics) = match self.operations(&type_name, &memory) {
            Err(unknown) => (prior, unknown),
            Ok(operations) => match (prior.is_null(), planned.is_null()) {
                (_, true) => operations.delete(prior).await,
                (true, false) => operations.create(planned, config).await,
                (false, false) => operations.update(prior, planned, config).await,
            },
        };
        self.outcome(&type_name, state, &memory, diagnostics)
    }

    /// The object that the user names by `id`.
    pub async fn import(&self, type_name: &str, id: &str) -> (Value, Diagnostics) {
        let memory = Arc::default();
        let (state, diagnostics) = match self.operations(type_name, &memory) {
            Ok(operations) => operations.import(id.to_owned()).await,
            Err(unknown) => (Value::Null, unknown),
        };
        let outcome = self.outcome(type_name, state, &memory, diagnostics);
        (outcome.state, outcome.diagnostics)
    }

    /// What the data source finds; null after an error.
    pub async fn read_data_source(
        &self,
        type_name: &str,
        mut config: Value,
    ) -> (Value, Diagnostics) {
        let source = match self.data_source(type_name) {
            Ok(source) => source.clone(),
            Err(unknown) => return (Value::Null, unknown),
        };
        if !config.is_wholly_known() {
            let unknown = Diagnostics::error(
                format!("The configuration of {type_name} is not known yet"),
                "Terraform asked for the data before everything in its configuration was known. Please report this with the configuration.",
            );
            return (Value::Null, unknown);
        }
        fill_defaults(&source.schema().attributes, &mut config);
        let timeouts = source.schema().timeouts.unwrap_or_default();
        let stop = self.stop_token();
        let context = new_context(
            timeouts,
            Operation::Read,
            &config,
            config.clone(),
            (&stop, Arc::default()),
        );
        let work = {
            let (source, context, config) = (source.clone(), context.clone(), config.clone());
            async move { source.read(&context, &config).await }
        };
        let ended = guard::run(&context, self.grace, work).await;
        let mut diagnostics = context.take_warnings();
        let state = match ended {
            Ended::Returned(Ok(mut state)) => {
                keep_spelling(&source.schema().attributes, &config, &mut state);
                state
            }
            Ended::Returned(Err(errors)) => {
                diagnostics.extend(with_error(errors, "reading", type_name));
                Value::Null
            }
            ended => {
                diagnostics.push(lost(type_name, "reading", &ended, "Nothing was changed."));
                Value::Null
            }
        };
        keep_known_paths(source.schema(), &mut diagnostics);
        (state, diagnostics)
    }

    /// The result of a function.
    pub fn call_function(&self, name: &str, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        self.function(name)?.call(arguments)
    }

    /// Cancels what runs and what comes until the next configure: core begins nothing new after this.
    pub fn stop(&self) {
        self.stop_token().cancel();
    }

    /// Ends what the clients have open in the world.
    pub async fn close(&self) {
        self.provider.close().await;
    }

    fn operations(&self, type_name: &str, memory: &Arc<Memory>) -> Result<Operations, Diagnostics> {
        Ok(Operations {
            type_name: type_name.to_owned(),
            handler: self.resource(type_name)?.clone(),
            stop: self.stop_token(),
            grace: self.grace,
            memory: memory.clone(),
        })
    }

    fn outcome(
        &self,
        type_name: &str,
        state: Value,
        memory: &Memory,
        mut diagnostics: Diagnostics,
    ) -> ApplyOutcome {
        if let Ok(resource) = self.resource(type_name) {
            keep_known_paths(resource.schema(), &mut diagnostics);
        }
        ApplyOutcome {
            state,
            private: memory.recall(),
            diagnostics,
        }
    }

    fn stop_token(&self) -> CancellationToken {
        let stop = self.stop.lock();
        stop.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn resource(&self, type_name: &str) -> Result<&Arc<dyn ResourceHandler>, Diagnostics> {
        self.resources
            .get(type_name)
            .ok_or_else(|| no_such("resource", type_name))
    }

    fn data_source(&self, type_name: &str) -> Result<&Arc<dyn DataSourceHandler>, Diagnostics> {
        self.data_sources
            .get(type_name)
            .ok_or_else(|| no_such("data source", type_name))
    }

    fn function(&self, name: &str) -> Result<&AnyFunction, FunctionError> {
        self.functions.get(name).ok_or_else(|| FunctionError {
            text: format!("This version of the provider has no function {name}."),
            argument: None,
        })
    }
}

#[async_trait]
trait Configurable: Send + Sync {
    fn schema(&self) -> &Schema;
    fn validate(&self, config: &Config<'_>, diagnostics: &mut Diagnostics);
    fn configure(&self, config: &Value, terraform_version: &str) -> Result<(), Diagnostics>;
    async fn close(&self);
}

struct Served<P: Provider> {
    schema: Schema,
    clients: Arc<Slot<P::Clients>>,
}

#[async_trait]
impl<P: Provider> Configurable for Served<P> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: &Config<'_>, diagnostics: &mut Diagnostics) {
        P::validate(config, diagnostics);
    }

    fn configure(&self, config: &Value, terraform_version: &str) -> Result<(), Diagnostics> {
        let clients = P::configure(Config::new(config), terraform_version)?;
        self.clients.fill(clients);
        Ok(())
    }

    async fn close(&self) {
        if let Some(clients) = self.clients.current() {
            P::close(&clients).await;
        }
    }
}

fn check_config(
    schema: &Schema,
    config: &Value,
    write_only_allowed: bool,
    further: impl FnOnce(&Config<'_>, &mut Diagnostics),
) -> Diagnostics {
    let mut found = validate(schema, config, write_only_allowed);
    let mut more = Diagnostics::new();
    match guard::catch(|| further(&Config::new(config), &mut more)) {
        Ok(()) => found.extend(more),
        Err(panic) => found.extend(crash("checking the configuration", &panic)),
    }
    keep_known_paths(schema, &mut found);
    found
}

fn crash(doing: &str, panic: &str) -> Diagnostics {
    Diagnostics::error(
        format!("The provider crashed while {doing}"),
        format!("{panic}\n\nThis is a bug of the provider: please report it with the text above."),
    )
}

fn no_such(what: &str, type_name: &str) -> Diagnostics {
    Diagnostics::error(
        format!("There is no {what} {type_name}"),
        format!("This version of the provider has no {what} of the type {type_name}."),
    )
}

/// Shortens every path to what the schema has: core cannot show another one.
fn keep_known_paths(schema: &Schema, diagnostics: &mut Diagnostics) {
    diagnostics.for_each_mut(|diagnostic| {
        let path = diagnostic.attribute.take();
        diagnostic.attribute = path
            .map(|path| schema.known_part(&path))
            .filter(|path| !path.steps().is_empty());
    });
}
