//! The operations on one resource: what is handed to its handler, and what becomes of the state however it ends.

use super::conformity::check_applied;
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::guard::{self, Ended};
use crate::framework::handler::ResourceHandler;
use crate::framework::path::Path;
use crate::framework::planner::{forced_replacements, plan_object};
use crate::framework::resource::{Context, Failure, Memory};
use crate::framework::schema::{Schema, TIMEOUTS};
use crate::framework::spelling::keep_spelling;
use crate::framework::state::{fill_defaults, forget_write_only};
use crate::framework::timeouts::{Operation, Timeouts};
use crate::framework::validate::validate;
use crate::framework::value::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// One operation on one resource.
pub(super) struct Operations {
    pub(super) type_name: String,
    pub(super) handler: Arc<dyn ResourceHandler>,
    pub(super) stop: CancellationToken,
    pub(super) grace: Duration,
    pub(super) memory: Arc<Memory>,
}

impl Operations {
    /// The planned object and what needs another one.
    pub(super) async fn plan(
        self,
        prior: Value,
        config: Value,
        write_only_allowed: bool,
    ) -> (Value, BTreeSet<Path>, Diagnostics) {
        let schema = self.handler.schema().clone();
        let mut diagnostics = validate(&schema, &config, write_only_allowed);
        if diagnostics.has_errors() {
            return (Value::Null, BTreeSet::new(), diagnostics);
        }
        let prior = Some(prior).filter(|prior| !prior.is_null()).map(Arc::new);
        let prepared = plan_object(&schema, prior.as_deref(), &config);
        let context = self.context(Operation::Read, &prepared, config);
        let work = {
            let (handler, context, prior) = (self.handler.clone(), context.clone(), prior.clone());
            async move { handler.plan(&context, prior.as_deref(), prepared).await }
        };
        let ended = guard::run(&context, self.grace, work).await;
        diagnostics.extend(context.take_warnings());
        match ended {
            Ended::Returned(Ok((planned, replaced_by))) => {
                let (planned, replaced_by) =
                    finish(&schema, prior.as_deref(), planned, replaced_by);
                (planned, replaced_by, diagnostics)
            }
            Ended::Returned(Err(errors)) => {
                diagnostics.extend(with_error(errors, "planning", &self.type_name));
                (Value::Null, BTreeSet::new(), diagnostics)
            }
            lost => {
                diagnostics.push(self.lost("planning", &lost, "Nothing was changed."));
                (Value::Null, BTreeSet::new(), diagnostics)
            }
        }
    }

    /// The object as it is now, or null if it is gone. A failure leaves it as it was stored.
    pub(super) async fn read(self, prior: Value) -> (Value, Diagnostics) {
        let context = self.context(Operation::Read, &prior, Value::Null);
        let prior = Arc::new(prior);
        let work = {
            let (handler, context, prior) = (self.handler.clone(), context.clone(), prior.clone());
            async move { handler.read(&context, &prior).await }
        };
        let ended = guard::run(&context, self.grace, work).await;
        let mut diagnostics = context.take_warnings();
        let state = match ended {
            Ended::Returned(Ok(Some(mut object))) => {
                keep_spelling(&self.handler.schema().attributes, &prior, &mut object);
                object
            }
            Ended::Returned(Ok(None)) => Value::Null,
            Ended::Returned(Err(errors)) => {
                diagnostics.extend(with_error(errors, "reading", &self.type_name));
                Arc::unwrap_or_clone(prior)
            }
            lost => {
                diagnostics.push(self.lost("reading", &lost, "The state stays as it was."));
                Arc::unwrap_or_clone(prior)
            }
        };
        (state, diagnostics)
    }

    /// The new object. After an error core stores what is returned here as tainted.
    pub(super) async fn create(self, planned: Value, config: Value) -> (Value, Diagnostics) {
        let context = self.context(Operation::Create, &planned, config);
        let planned = Arc::new(planned);
        let work = {
            let (handler, context, planned) =
                (self.handler.clone(), context.clone(), planned.clone());
            async move { handler.create(&context, &planned).await }
        };
        let ended = guard::run(&context, self.grace, work).await;
        let mut diagnostics = context.take_warnings();
        let state = match ended {
            Ended::Returned(Ok(object)) => self.applied(&planned, object, &mut diagnostics),
            Ended::Returned(Err(failure)) => {
                self.failed(failure, "creating", &planned, Value::Null, &mut diagnostics)
            }
            lost => {
                let (state, what_now) = if self.handler.is_found_again() {
                    (
                        Value::Null,
                        "Whether the object exists is not known; the next apply looks for it.",
                    )
                } else {
                    (
                        Arc::unwrap_or_clone(planned).without_unknowns(),
                        "Whether the object exists is not known; it is stored as tainted, so that the next apply replaces it.",
                    )
                };
                diagnostics.push(self.lost("creating", &lost, what_now));
                state
            }
        };
        // Core destroys a tainted object before it creates another one. What the next create finds by itself must
        // not go that way.
        if diagnostics.has_errors() && self.handler.is_found_again() {
            return (Value::Null, diagnostics);
        }
        (state, diagnostics)
    }

    /// The changed object. A failure leaves what the handler says, or the prior state.
    pub(super) async fn update(
        self,
        prior: Value,
        planned: Value,
        config: Value,
    ) -> (Value, Diagnostics) {
        // The limits of operations concern Terraform alone: where they are all that changes, nobody is called.
        if differ_in_timeouts_at_most(&prior, &planned) {
            return (planned, Diagnostics::new());
        }
        let context = self.context(Operation::Update, &planned, config);
        // Shared with the work, not copied: thousands of routes are megabytes.
        let (prior, planned) = (Arc::new(prior), Arc::new(planned));
        let work = {
            let (handler, context, prior, planned) = (
                self.handler.clone(),
                context.clone(),
                prior.clone(),
                planned.clone(),
            );
            async move { handler.update(&context, &prior, &planned).await }
        };
        let ended = guard::run(&context, self.grace, work).await;
        let mut diagnostics = context.take_warnings();
        let state = match ended {
            Ended::Returned(Ok(object)) => self.applied(&planned, object, &mut diagnostics),
            Ended::Returned(Err(failure)) => self.failed(
                failure,
                "updating",
                &prior,
                (*prior).clone(),
                &mut diagnostics,
            ),
            lost => {
                let what_now = "What was changed is not known. The state stays as it was; the next plan shows the difference.";
                diagnostics.push(self.lost("updating", &lost, what_now));
                Arc::unwrap_or_clone(prior)
            }
        };
        (state, diagnostics)
    }

    /// Null once the object is gone. A failure leaves what the handler says, or the prior state.
    pub(super) async fn delete(self, prior: Value) -> (Value, Diagnostics) {
        let context = self.context(Operation::Delete, &prior, Value::Null);
        let prior = Arc::new(prior);
        let work = {
            let (handler, context, prior) = (self.handler.clone(), context.clone(), prior.clone());
            async move { handler.delete(&context, &prior).await }
        };
        let ended = guard::run(&context, self.grace, work).await;
        let mut diagnostics = context.take_warnings();
        let state = match ended {
            Ended::Returned(Ok(())) => Value::Null,
            Ended::Returned(Err(failure)) => self.failed(
                failure,
                "deleting",
                &prior,
                (*prior).clone(),
                &mut diagnostics,
            ),
            lost => {
                let what_now =
                    "What was removed is not known. The state stays as it was; apply again.";
                diagnostics.push(self.lost("deleting", &lost, what_now));
                Arc::unwrap_or_clone(prior)
            }
        };
        (state, diagnostics)
    }

    /// The object that the user names, with the default of every argument that says nothing about it.
    pub(super) async fn import(self, id: String) -> (Value, Diagnostics) {
        let context = self.context(Operation::Read, &Value::Null, Value::Null);
        let work = {
            let (handler, context) = (self.handler.clone(), context.clone());
            async move { handler.import(&context, &id).await }
        };
        let ended = guard::run(&context, self.grace, work).await;
        let mut diagnostics = context.take_warnings();
        let state = match ended {
            Ended::Returned(Ok(mut object)) => {
                fill_defaults(&self.handler.schema().attributes, &mut object);
                object
            }
            Ended::Returned(Err(errors)) => {
                diagnostics.extend(with_error(errors, "importing", &self.type_name));
                Value::Null
            }
            lost => {
                diagnostics.push(self.lost("importing", &lost, "Nothing was imported."));
                Value::Null
            }
        };
        (state, diagnostics)
    }

    fn context(&self, operation: Operation, object: &Value, config: Value) -> Arc<Context> {
        let timeouts = self.handler.schema().timeouts.unwrap_or_default();
        let memory = self.memory.clone();
        new_context(timeouts, operation, object, config, (&self.stop, memory))
    }

    fn applied(&self, planned: &Value, mut object: Value, diagnostics: &mut Diagnostics) -> Value {
        let schema = self.handler.schema();
        keep_spelling(&schema.attributes, planned, &mut object);
        diagnostics.extend(check_applied(
            &self.type_name,
            &schema.object_type(),
            planned,
            &object,
        ));
        object
    }

    fn failed(
        &self,
        failure: Failure<Value>,
        doing: &str,
        reference: &Value,
        otherwise: Value,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        diagnostics.extend(with_error(failure.diagnostics, doing, &self.type_name));
        failure.state.map_or(otherwise, |mut state| {
            keep_spelling(&self.handler.schema().attributes, reference, &mut state);
            state
        })
    }

    fn lost<T>(&self, doing: &str, ended: &Ended<T>, what_now: &str) -> Diagnostic {
        lost(&self.type_name, doing, ended, what_now)
    }
}

/// What an operation may take, from now on.
pub(super) fn new_context(
    timeouts: Timeouts,
    operation: Operation,
    object: &Value,
    config: Value,
    (stop, memory): (&CancellationToken, Arc<Memory>),
) -> Arc<Context> {
    let deadline = Instant::now() + timeouts.limit(operation, object);
    let context = Context::new(deadline, stop.child_token(), config);
    Arc::new(context.with_memory(memory))
}

/// That a handler did not come back with a result.
pub(super) fn lost<T>(
    type_name: &str,
    doing: &str,
    ended: &Ended<T>,
    what_now: &str,
) -> Diagnostic {
    match ended {
        Ended::Panicked(message) => Diagnostic::error(
            format!("The provider crashed while {doing} {type_name}"),
            format!(
                "{message}\n\n{what_now} This is a bug of the provider: please report it with the text above."
            ),
        ),
        _ => Diagnostic::error(
            format!("The provider did not end {doing} {type_name}"),
            format!(
                "The limit of the operation has passed, and it went on after it was cancelled. {what_now} This is a bug of the provider: please report it."
            ),
        ),
    }
}

/// The diagnostics of a failure, which hold an error in any case: core takes a failure without one for a success.
pub(super) fn with_error(
    mut diagnostics: Diagnostics,
    doing: &str,
    type_name: &str,
) -> Diagnostics {
    if !diagnostics.has_errors() {
        diagnostics.push(Diagnostic::error(
            format!("{doing} {type_name} failed"),
            "The provider does not say why. This is a bug: please report it.",
        ));
    }
    diagnostics
}

fn finish(
    schema: &Schema,
    prior: Option<&Value>,
    mut planned: Value,
    mut replaced_by: BTreeSet<Path>,
) -> (Value, BTreeSet<Path>) {
    forget_write_only(&schema.attributes, &mut planned);
    if let Some(prior) = prior {
        keep_spelling(&schema.attributes, prior, &mut planned);
        replaced_by.extend(forced_replacements(schema, prior, &planned));
    }
    (planned, replaced_by)
}

fn differ_in_timeouts_at_most(one: &Value, other: &Value) -> bool {
    let (Value::Map(one), Value::Map(other)) = (one, other) else {
        return one == other;
    };
    let counted = |(name, _): &(&String, &Value)| name.as_str() != TIMEOUTS;
    one.iter().filter(counted).eq(other.iter().filter(counted))
}
