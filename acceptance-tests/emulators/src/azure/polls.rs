//! The answers to polls.

use http::{StatusCode, header};
use serde_json::Value;

use super::call::Call;
use super::errors::ArmError;
use super::operations::{Operation, Work};
use super::{Core, ok, writes};
use crate::http::Response;

impl Core {
    /// `Azure-AsyncOperation`.
    pub(super) fn get_operation(&self, call: &Call, id: &str) -> Result<Response, ArmError> {
        let operation = self.polled(call, id)?;
        let mut response = ok(&operation.status());
        if !operation.done {
            self.add_retry_after(&mut response);
        }
        Ok(response)
    }

    /// `Location` of a network resource's deletion.
    pub(super) fn get_operation_result(&self, call: &Call, id: &str) -> Result<Response, ArmError> {
        let operation = self.polled(call, id)?;
        if !operation.done {
            let path = operation.poll_path(&self.identity.subscription_id, "operationResults");
            return Ok(self.wait(&format!("{}{path}", self.base_url)));
        }
        match (&operation.failure, &operation.work) {
            (Some(error), _) => Ok(failed(error)),
            (None, Work::Put { id, child: None }) => {
                let found = self.store.resource(id).map(|r| r.render(&self.store));
                Ok(ok(&found.unwrap_or_default()))
            }
            // Recorded for deletions; for children that were written it is assumed.
            _ => Ok(Response::empty(StatusCode::NO_CONTENT)),
        }
    }

    /// `Location` of a resource group's deletion: 202 until 200 without a body (recorded).
    pub(super) fn get_group_result(&self, call: &Call, id: &str) -> Result<Response, ArmError> {
        let operation = self.polled(call, id)?;
        if !operation.done {
            let path = self.group_result_path(operation);
            return Ok(self.wait(&format!("{}{path}", self.base_url)));
        }
        Ok(match &operation.failure {
            Some(error) => Response::json(StatusCode::CONFLICT, error),
            None => Response::empty(StatusCode::OK),
        })
    }

    /// Where the state of a resource group's deletion is asked for.
    pub(super) fn group_result_path(&self, operation: &Operation) -> String {
        format!(
            "/subscriptions/{}/operationresults/{}?{}",
            self.identity.subscription_id, operation.id, operation.query
        )
    }

    fn wait(&self, url: &str) -> Response {
        let mut response = Response::empty(StatusCode::ACCEPTED);
        writes::insert(&mut response.headers, header::LOCATION.as_str(), url);
        self.add_retry_after(&mut response);
        response
    }

    /// The operation that a poll asks about. The URL is signed since 2024: it only works verbatim. What the
    /// service answers to an altered or unknown one is assumed.
    fn polled(&self, call: &Call, id: &str) -> Result<&Operation, ArmError> {
        let Some(operation) = self.operations.find(id) else {
            let message = format!("The operation '{id}' is not found.");
            let status = StatusCode::NOT_FOUND;
            return Err(ArmError::provider(status, "OperationNotFound", message));
        };
        if operation.query != call.query {
            let message = "The signature of the polling URL is not valid.".to_owned();
            let status = StatusCode::FORBIDDEN;
            return Err(ArmError::gateway(
                status,
                "InvalidAsyncOperationSignature",
                message,
            ));
        }
        Ok(operation)
    }
}

/// The status of a failed deletion's result is assumed.
fn failed(error: &Value) -> Response {
    let body = serde_json::json!({ "error": error });
    Response::json(StatusCode::CONFLICT, &body)
}
