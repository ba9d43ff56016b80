//! Resources and data sources of any type behind one object-safe trait each, which works on values in place of
//! models.

use super::diagnostics::{Diagnostic, Diagnostics};
use super::path::Path;
use super::plan::{Config, Plan};
use super::resource::{Context, DataSource, Failure, Resource};
use super::schema::{Schema, TIMEOUTS};
use super::state::{to_model, to_object};
use super::value::{TypeError, Value};
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

/// A resource of any type that works with clients of type `C`.
pub trait AnyResource<C> {
    /// The resource, served with the clients that will be in `clients`.
    fn serve(&self, clients: Arc<Slot<C>>) -> (&'static str, Arc<dyn ResourceHandler>);
}

/// A data source of any type that works with clients of type `C`.
pub trait AnyDataSource<C> {
    /// The data source, served with the clients that will be in `clients`.
    fn serve(&self, clients: Arc<Slot<C>>) -> (&'static str, Arc<dyn DataSourceHandler>);
}

/// The resource `R` as one of many.
pub fn resource<R: Resource>() -> Box<dyn AnyResource<R::Clients>> {
    Box::new(Typed::<R>(PhantomData))
}

/// The data source `D` as one of many.
pub fn data_source<D: DataSource>() -> Box<dyn AnyDataSource<D::Clients>> {
    Box::new(Typed::<D>(PhantomData))
}

/// Where the clients are found once the provider is configured. A provider that a debugger holds is configured anew
/// by each run of Terraform.
#[derive(Debug)]
pub struct Slot<C>(RwLock<Option<Arc<C>>>);

impl<C> Slot<C> {
    /// An empty slot.
    pub fn new() -> Slot<C> {
        Slot(RwLock::new(None))
    }

    /// Puts clients in, in place of those that there were.
    pub fn fill(&self, clients: C) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(clients));
    }

    /// The clients, where there are some.
    pub fn current(&self) -> Option<Arc<C>> {
        let clients = self.0.read().unwrap_or_else(PoisonError::into_inner);
        clients.clone()
    }

    fn get(&self) -> Result<Arc<C>, Diagnostic> {
        self.current().ok_or_else(|| {
            Diagnostic::error(
                "The provider is not configured",
                "Terraform asked for an operation before it configured the provider. Nothing was done. Please report this with the command that you ran.",
            )
        })
    }
}

impl<C> Default for Slot<C> {
    fn default() -> Slot<C> {
        Slot::new()
    }
}

/// What the server asks of a resource.
#[async_trait]
pub trait ResourceHandler: Send + Sync {
    /// Its attributes.
    fn schema(&self) -> &Schema;
    /// See [`Resource::FOUND_AGAIN`].
    fn is_found_again(&self) -> bool;
    /// See [`Resource::validate`].
    fn validate(&self, config: &Config<'_>, diagnostics: &mut Diagnostics);
    /// See [`Resource::upgrade`].
    fn upgrade(&self, version: u32, state: Json) -> Result<Json, Diagnostic>;
    /// See [`Resource::plan`]: the completed plan and what needs another object.
    async fn plan(
        &self,
        context: &Context,
        prior: Option<&Value>,
        planned: Value,
    ) -> Result<(Value, BTreeSet<Path>), Diagnostics>;
    /// See [`Resource::create`].
    async fn create(&self, context: &Context, planned: &Value) -> Result<Value, Failure<Value>>;
    /// See [`Resource::read`].
    async fn read(&self, context: &Context, prior: &Value) -> Result<Option<Value>, Diagnostics>;
    /// See [`Resource::update`].
    async fn update(
        &self,
        context: &Context,
        prior: &Value,
        planned: &Value,
    ) -> Result<Value, Failure<Value>>;
    /// See [`Resource::delete`].
    async fn delete(&self, context: &Context, prior: &Value) -> Result<(), Failure<Value>>;
    /// See [`Resource::import`].
    async fn import(&self, context: &Context, id: &str) -> Result<Value, Diagnostics>;
}

/// What the server asks of a data source.
#[async_trait]
pub trait DataSourceHandler: Send + Sync {
    /// Its attributes.
    fn schema(&self) -> &Schema;
    /// See [`DataSource::validate`].
    fn validate(&self, config: &Config<'_>, diagnostics: &mut Diagnostics);
    /// See [`DataSource::read`].
    async fn read(&self, context: &Context, config: &Value) -> Result<Value, Diagnostics>;
}

struct Typed<T>(PhantomData<fn() -> T>);

impl<R: Resource> AnyResource<R::Clients> for Typed<R> {
    fn serve(&self, clients: Arc<Slot<R::Clients>>) -> (&'static str, Arc<dyn ResourceHandler>) {
        let served = Served::<R, R::Clients> {
            name: R::NAME,
            schema: R::schema(),
            clients,
            of: PhantomData,
        };
        (R::NAME, Arc::new(served))
    }
}

impl<D: DataSource> AnyDataSource<D::Clients> for Typed<D> {
    fn serve(&self, clients: Arc<Slot<D::Clients>>) -> (&'static str, Arc<dyn DataSourceHandler>) {
        let served = Served::<D, D::Clients> {
            name: D::NAME,
            schema: D::schema(),
            clients,
            of: PhantomData,
        };
        (D::NAME, Arc::new(served))
    }
}

struct Served<T, C> {
    name: &'static str,
    schema: Schema,
    clients: Arc<Slot<C>>,
    of: PhantomData<fn() -> T>,
}

#[async_trait]
impl<R: Resource> ResourceHandler for Served<R, R::Clients> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn is_found_again(&self) -> bool {
        R::FOUND_AGAIN
    }

    fn validate(&self, config: &Config<'_>, diagnostics: &mut Diagnostics) {
        R::validate(config, diagnostics);
    }

    fn upgrade(&self, version: u32, state: Json) -> Result<Json, Diagnostic> {
        R::upgrade(version, state)
    }

    async fn plan(
        &self,
        context: &Context,
        prior: Option<&Value>,
        mut planned: Value,
    ) -> Result<(Value, BTreeSet<Path>), Diagnostics> {
        let resource = R::new(self.clients.get()?);
        let mut plan = Plan::new(context.config(), prior, &mut planned);
        resource.plan(context, &mut plan).await?;
        let replaced_by = plan.replaced_by().clone();
        match planned.conform(&self.schema.object_type()) {
            Ok(planned) => Ok((planned, replaced_by)),
            Err(error) => Err(self.unfit("plan", &error).into()),
        }
    }

    async fn create(&self, context: &Context, planned: &Value) -> Result<Value, Failure<Value>> {
        let resource = R::new(self.clients.get()?);
        let model = self.model(planned, "plan")?;
        let created = resource.create(context, model).await;
        // Where the result cannot be stored, the plan is the best trace of what now exists.
        self.outcome(created, planned, || {
            Some(planned.clone().without_unknowns())
        })
    }

    async fn read(&self, context: &Context, prior: &Value) -> Result<Option<Value>, Diagnostics> {
        let resource = R::new(self.clients.get()?);
        let model = self.model(prior, "state")?;
        match resource.read(context, model).await? {
            Some(model) => Ok(Some(self.object(&model, prior)?)),
            None => Ok(None),
        }
    }

    async fn update(
        &self,
        context: &Context,
        prior: &Value,
        planned: &Value,
    ) -> Result<Value, Failure<Value>> {
        let resource = R::new(self.clients.get()?);
        let before = self.model(prior, "state")?;
        let after = self.model(planned, "plan")?;
        let updated = resource.update(context, before, after).await;
        self.outcome(updated, planned, || None)
    }

    async fn delete(&self, context: &Context, prior: &Value) -> Result<(), Failure<Value>> {
        let resource = R::new(self.clients.get()?);
        let model = self.model(prior, "state")?;
        let deleted = resource.delete(context, model).await;
        deleted.map_err(|failure| self.failure(failure, prior))
    }

    async fn import(&self, context: &Context, id: &str) -> Result<Value, Diagnostics> {
        let resource = R::new(self.clients.get()?);
        let model = resource.import(context, id).await?;
        Ok(self.object(&model, &Value::Null)?)
    }
}

#[async_trait]
impl<D: DataSource> DataSourceHandler for Served<D, D::Clients> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn validate(&self, config: &Config<'_>, diagnostics: &mut Diagnostics) {
        D::validate(config, diagnostics);
    }

    async fn read(&self, context: &Context, config: &Value) -> Result<Value, Diagnostics> {
        let source = D::new(self.clients.get()?);
        let model = self.model(config, "configuration")?;
        let model = source.read(context, model).await?;
        Ok(self.object(&model, config)?)
    }
}

impl<T, C> Served<T, C> {
    fn model<M: DeserializeOwned>(&self, object: &Value, what: &str) -> Result<M, Diagnostic> {
        to_model(object).map_err(|error| {
            Diagnostic::error(
                format!("The {what} of {} cannot be used", self.name),
                format!("{}: {error}. Nothing was done.", error.path),
            )
            .at(error.path)
        })
    }

    /// The object of a model, with the `timeouts` of an object of Terraform's.
    fn object<M: Serialize>(&self, model: &M, timeouts_of: &Value) -> Result<Value, Diagnostic> {
        to_object(&self.schema, model, timeouts_of.get(TIMEOUTS))
            .map_err(|error| self.unfit("model", &error))
    }

    fn outcome<M: Serialize>(
        &self,
        outcome: Result<M, Failure<M>>,
        timeouts_of: &Value,
        fallback: impl FnOnce() -> Option<Value>,
    ) -> Result<Value, Failure<Value>> {
        match outcome {
            Ok(model) => self.object(&model, timeouts_of).map_err(|bug| Failure {
                diagnostics: bug.into(),
                state: fallback(),
            }),
            Err(failure) => Err(self.failure(failure, timeouts_of)),
        }
    }

    fn failure<M: Serialize>(&self, failure: Failure<M>, timeouts_of: &Value) -> Failure<Value> {
        let mut diagnostics = failure.diagnostics;
        let state = failure.state.and_then(|model| {
            self.object(&model, timeouts_of)
                .map_err(|diagnostic| diagnostics.push(diagnostic))
                .ok()
        });
        Failure { diagnostics, state }
    }

    fn unfit(&self, what: &str, error: &TypeError) -> Diagnostic {
        Diagnostic::error(
            format!(
                "The provider made a {what} of {} that does not fit its schema",
                self.name
            ),
            format!(
                "{}: {error}. This is a bug of the provider: please report it.",
                error.path
            ),
        )
        .at(error.path.clone())
    }
}
