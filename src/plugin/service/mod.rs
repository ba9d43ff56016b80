//! Terraform's calls, one short method each: read the message, ask the framework, write the answer.
//!
//! A call that fails answers diagnostics, never a gRPC error: only those reach the user in one piece, and only with
//! them does Terraform keep the state.

#[cfg(test)]
mod tests;

use super::from_proto;
use super::lifetime::Calls;
use super::proto::provider_server::Provider;
use super::proto::{
    DynamicValue, apply_resource_change, call_function, configure_provider, get_functions,
    get_metadata, get_provider_schema, import_resource_state, move_resource_state,
    plan_resource_change, read_data_source, read_resource, stop_provider, upgrade_resource_state,
    validate_data_resource_config, validate_provider_config, validate_resource_config,
};
use super::to_proto::{self, Refusal};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::resource::FunctionError;
use crate::framework::schema::Schema;
use crate::framework::server::{ApplyRequest, PlanRequest, Server};
use crate::framework::value::Value;
use std::sync::Arc;
use tonic::{Request, Response, Status};
use tracing::Instrument;

/// The provider as a gRPC service.
pub(super) struct Service {
    server: Arc<Server>,
    calls: Calls,
}

type Answer<T> = Result<Response<T>, Status>;

impl Service {
    /// Counts its running calls in `calls`.
    pub(super) fn new(server: Arc<Server>, calls: Calls) -> Service {
        Service { server, calls }
    }

    /// Runs one call as a task of its own. A Terraform that goes away drops the request, but what writes to a cloud
    /// must not stop between two writes: it goes on until it sees the interrupt.
    async fn call<T, F>(
        &self,
        rpc: &'static str,
        type_name: &str,
        work: impl FnOnce(Arc<Server>) -> F,
    ) -> Answer<T>
    where
        T: Refusal + Send + 'static,
        F: Future<Output = Result<T, Diagnostics>> + Send + 'static,
    {
        let span = tracing::info_span!(
            "call",
            tf_rpc = rpc,
            tf_req_id = %uuid::Uuid::new_v4(),
            tf_resource_type = (!type_name.is_empty()).then_some(type_name)
        );
        let running = self.calls.begin();
        let work = work(Arc::clone(&self.server));
        let task = async move {
            let started = std::time::Instant::now();
            let answer = work.await;
            let milliseconds = started.elapsed().as_millis();
            tracing::debug!(milliseconds, refused = answer.is_err(), "call answered");
            drop(running);
            answer
        };
        let answer = match tokio::spawn(task.instrument(span)).await {
            Ok(answer) => answer,
            Err(_) => Err(crashed(rpc)),
        };
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| {
            T::refusal(to_proto::diagnostics(diagnostics))
        })))
    }
}

#[tonic::async_trait]
impl Provider for Service {
    async fn get_metadata(
        &self,
        _request: Request<get_metadata::Request>,
    ) -> Answer<get_metadata::Response> {
        self.call("GetMetadata", "", |server| async move {
            Ok(to_proto::metadata(&server))
        })
        .await
    }

    async fn get_provider_schema(
        &self,
        _request: Request<get_provider_schema::Request>,
    ) -> Answer<get_provider_schema::Response> {
        self.call("GetProviderSchema", "", |server| async move {
            Ok(to_proto::provider_schema(&server))
        })
        .await
    }

    async fn validate_provider_config(
        &self,
        request: Request<validate_provider_config::Request>,
    ) -> Answer<validate_provider_config::Response> {
        let request = request.into_inner();
        self.call("ValidateProviderConfig", "", |server| async move {
            let config = read(server.provider_schema(), request.config)?;
            Ok(validate_provider_config::Response {
                diagnostics: to_proto::diagnostics(server.validate_provider(&config)),
            })
        })
        .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<validate_resource_config::Request>,
    ) -> Answer<validate_resource_config::Response> {
        let request = request.into_inner();
        let type_name = request.type_name;
        self.call(
            "ValidateResourceConfig",
            &type_name.clone(),
            |server| async move {
                let config = read(server.resource_schema(&type_name)?, request.config)?;
                let allowed = from_proto::write_only_allowed(request.client_capabilities);
                let found = server.validate_resource(&type_name, &config, allowed);
                Ok(validate_resource_config::Response {
                    diagnostics: to_proto::diagnostics(found),
                })
            },
        )
        .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<validate_data_resource_config::Request>,
    ) -> Answer<validate_data_resource_config::Response> {
        let request = request.into_inner();
        let type_name = request.type_name;
        self.call(
            "ValidateDataResourceConfig",
            &type_name.clone(),
            |server| async move {
                let config = read(server.data_source_schema(&type_name)?, request.config)?;
                let found = server.validate_data_source(&type_name, &config);
                Ok(validate_data_resource_config::Response {
                    diagnostics: to_proto::diagnostics(found),
                })
            },
        )
        .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<upgrade_resource_state::Request>,
    ) -> Answer<upgrade_resource_state::Response> {
        let request = request.into_inner();
        let type_name = request.type_name;
        self.call(
            "UpgradeResourceState",
            &type_name.clone(),
            |server| async move {
                // The other form, which Terraform 0.11 had, leaves this one empty.
                let json = request.raw_state.unwrap_or_default().json;
                let (state, found) = server.upgrade_state(&type_name, request.version, &json);
                Ok(upgrade_resource_state::Response {
                    upgraded_state: state.as_ref().map(to_proto::value),
                    diagnostics: to_proto::diagnostics(found),
                })
            },
        )
        .await
    }

    async fn configure_provider(
        &self,
        request: Request<configure_provider::Request>,
    ) -> Answer<configure_provider::Response> {
        let request = request.into_inner();
        self.call("ConfigureProvider", "", |server| async move {
            let config = read(server.provider_schema(), request.config)?;
            let found = server.configure(config, &request.terraform_version);
            Ok(configure_provider::Response {
                diagnostics: to_proto::diagnostics(found),
            })
        })
        .await
    }

    async fn read_resource(
        &self,
        request: Request<read_resource::Request>,
    ) -> Answer<read_resource::Response> {
        let request = request.into_inner();
        let type_name = request.type_name;
        self.call("ReadResource", &type_name.clone(), |server| async move {
            let state = read(server.resource_schema(&type_name)?, request.current_state)?;
            let outcome = server.read(&type_name, state, request.private).await;
            Ok(read_resource::Response {
                new_state: Some(to_proto::value(&outcome.state)),
                diagnostics: to_proto::diagnostics(outcome.diagnostics),
                private: outcome.private,
                ..Default::default()
            })
        })
        .await
    }

    async fn plan_resource_change(
        &self,
        request: Request<plan_resource_change::Request>,
    ) -> Answer<plan_resource_change::Response> {
        let request = request.into_inner();
        let type_name = request.type_name;
        self.call(
            "PlanResourceChange",
            &type_name.clone(),
            |server| async move {
                let schema = server.resource_schema(&type_name)?;
                let outcome = server.plan(PlanRequest {
                    prior: read(schema, request.prior_state)?,
                    proposed: read(schema, request.proposed_new_state)?,
                    config: read(schema, request.config)?,
                    private: request.prior_private,
                    write_only_allowed: from_proto::write_only_allowed(request.client_capabilities),
                    type_name,
                });
                let outcome = outcome.await;
                Ok(plan_resource_change::Response {
                    planned_state: Some(to_proto::value(&outcome.planned)),
                    requires_replace: outcome
                        .requires_replace
                        .iter()
                        .map(to_proto::path)
                        .collect(),
                    planned_private: outcome.private,
                    diagnostics: to_proto::diagnostics(outcome.diagnostics),
                    ..Default::default()
                })
            },
        )
        .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<apply_resource_change::Request>,
    ) -> Answer<apply_resource_change::Response> {
        let request = request.into_inner();
        let type_name = request.type_name;
        self.call(
            "ApplyResourceChange",
            &type_name.clone(),
            |server| async move {
                let schema = server.resource_schema(&type_name)?;
                let outcome = server.apply(ApplyRequest {
                    prior: read(schema, request.prior_state)?,
                    planned: read(schema, request.planned_state)?,
                    config: read(schema, request.config)?,
                    private: request.planned_private,
                    type_name,
                });
                let outcome = outcome.await;
                Ok(apply_resource_change::Response {
                    new_state: Some(to_proto::value(&outcome.state)),
                    private: outcome.private,
                    diagnostics: to_proto::diagnostics(outcome.diagnostics),
                    ..Default::default()
                })
            },
        )
        .await
    }

    async fn import_resource_state(
        &self,
        request: Request<import_resource_state::Request>,
    ) -> Answer<import_resource_state::Response> {
        let request = request.into_inner();
        let type_name = request.type_name;
        self.call(
            "ImportResourceState",
            &type_name.clone(),
            |server| async move {
                let (state, found) = server.import(&type_name, &request.id).await;
                let imported =
                    (!state.is_null()).then(|| import_resource_state::ImportedResource {
                        type_name,
                        state: Some(to_proto::value(&state)),
                        ..Default::default()
                    });
                Ok(import_resource_state::Response {
                    imported_resources: imported.into_iter().collect(),
                    diagnostics: to_proto::diagnostics(found),
                    ..Default::default()
                })
            },
        )
        .await
    }

    async fn move_resource_state(
        &self,
        request: Request<move_resource_state::Request>,
    ) -> Answer<move_resource_state::Response> {
        let request = request.into_inner();
        let target = request.target_type_name;
        self.call("MoveResourceState", &target.clone(), |_server| async move {
            let source = request.source_type_name;
            Err(Diagnostic::error(
                format!("Moving a {source} to a {target} is not supported"),
                "This provider takes over the state of no other resource type. Remove the `moved` block, and bring \
                 the object in with an `import` block.",
            )
            .into())
        })
        .await
    }

    async fn read_data_source(
        &self,
        request: Request<read_data_source::Request>,
    ) -> Answer<read_data_source::Response> {
        let request = request.into_inner();
        let type_name = request.type_name;
        self.call("ReadDataSource", &type_name.clone(), |server| async move {
            let config = read(server.data_source_schema(&type_name)?, request.config)?;
            let (state, found) = server.read_data_source(&type_name, config).await;
            Ok(read_data_source::Response {
                state: Some(to_proto::value(&state)),
                diagnostics: to_proto::diagnostics(found),
                ..Default::default()
            })
        })
        .await
    }

    async fn get_functions(
        &self,
        _request: Request<get_functions::Request>,
    ) -> Answer<get_functions::Response> {
        self.call("GetFunctions", "", |server| async move {
            Ok(get_functions::Response {
                functions: to_proto::functions(&server),
                ..Default::default()
            })
        })
        .await
    }

    async fn call_function(
        &self,
        request: Request<call_function::Request>,
    ) -> Answer<call_function::Response> {
        let request = request.into_inner();
        self.call("CallFunction", "", |server| async move {
            let result = arguments(&server, &request.name, request.arguments)
                .and_then(|arguments| server.call_function(&request.name, arguments));
            Ok(to_proto::function_result(result))
        })
        .await
    }

    async fn stop_provider(
        &self,
        _request: Request<stop_provider::Request>,
    ) -> Answer<stop_provider::Response> {
        tracing::info!("Terraform asks to stop what runs");
        self.server.stop();
        Ok(Response::new(stop_provider::Response::default()))
    }
}

fn read(schema: &Schema, sent: Option<DynamicValue>) -> Result<Value, Diagnostics> {
    Ok(from_proto::value(sent, &schema.object_type())?)
}

fn arguments(
    server: &Server,
    function: &str,
    sent: Vec<DynamicValue>,
) -> Result<Vec<Value>, FunctionError> {
    let signature = server.signature(function)?;
    // An argument too many or too few is the framework's to refuse.
    let types = signature
        .parameters
        .iter()
        .map(|parameter| &parameter.r#type);
    let arguments = sent.into_iter().zip(types).enumerate();
    arguments
        .map(|(position, (argument, r#type))| {
            from_proto::value(Some(argument), r#type).map_err(|diagnostic| FunctionError {
                text: diagnostic.detail,
                argument: Some(position),
            })
        })
        .collect()
}

/// What no layer below has caught.
fn crashed(rpc: &str) -> Diagnostics {
    Diagnostic::error(
        format!("The provider crashed while it answered {rpc}"),
        "This is a bug of the provider. Please report it with the output of the same command under TF_LOG=debug; the \
         line \"a call panicked\" says where.",
    )
    .into()
}
