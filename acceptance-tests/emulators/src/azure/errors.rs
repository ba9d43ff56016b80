//! The error bodies of Azure Resource Manager and of its network resource provider.
//!
//! Two authors are told apart, because the answers differ: the gateway, whose bodies have no `details` and
//! whose answers carry `x-ms-failure-cause: gateway`, and the resource provider behind it, whose bodies do.
//! Recorded: cloud-provider-azure. Texts that come from elsewhere name their source.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::http::Response;

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct ArmError {
    status: StatusCode,
    code: String,
    message: String,
    details: Option<Vec<(String, String)>>,
    gateway: bool,
    challenge: Option<String>,
}

impl ArmError {
    /// A refusal of the resource provider.
    pub(super) fn provider(status: StatusCode, code: &str, message: String) -> ArmError {
        ArmError {
            status,
            code: code.to_owned(),
            message,
            details: Some(Vec::new()),
            gateway: false,
            challenge: None,
        }
    }

    /// A refusal of the gateway.
    pub(super) fn gateway(status: StatusCode, code: &str, message: String) -> ArmError {
        let error = ArmError::provider(status, code, message);
        ArmError {
            details: None,
            gateway: true,
            ..error
        }
    }

    /// A refusal of the resource provider for authorization, whose bodies have no `details` either.
    pub(super) fn plain(status: StatusCode, code: &str, message: String) -> ArmError {
        let error = ArmError::provider(status, code, message);
        ArmError {
            details: None,
            ..error
        }
    }

    fn with_detail(mut self, code: &str, message: String) -> ArmError {
        self.details = Some(vec![(code.to_owned(), message)]);
        self
    }

    /// The answer.
    pub(super) fn response(&self) -> Response {
        let mut response = Response::json(self.status, &self.body());
        if self.gateway {
            let gateway = HeaderValue::from_static("gateway");
            response.headers.insert("x-ms-failure-cause", gateway);
        }
        if let Some(challenge) = &self.challenge
            && let Ok(challenge) = HeaderValue::from_str(challenge)
        {
            response.headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    fn body(&self) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(details) = &self.details {
            error["details"] = details
                .iter()
                .map(|(code, message)| json!({"code": code, "message": message}))
                .collect();
        }
        json!({ "error": error })
    }

    // -- who asks ----------------------------------------------------------------------------------------

    /// No or no usable token.
    pub(super) fn unauthenticated(code: &str, message: &str, authority: &str) -> ArmError {
        let error = ArmError::gateway(StatusCode::UNAUTHORIZED, code, message.to_owned());
        let challenge = format!(
            "Bearer authorization_uri=\"{authority}\", error=\"invalid_token\", \
             error_description=\"{message}\""
        );
        ArmError {
            challenge: Some(challenge),
            ..error
        }
    }

    /// The caller lacks an action. Recorded by the Azure SDKs, as all of facts about 403.
    pub(super) fn authorization_failed(object_id: &str, action: &str, scope: &str) -> ArmError {
        let message = format!(
            "The client '{object_id}' with object id '{object_id}' does not have authorization to perform \
             action '{action}' over scope '{scope}' or the scope is invalid. If access was recently \
             granted, please refresh your credentials."
        );
        ArmError::gateway(StatusCode::FORBIDDEN, "AuthorizationFailed", message)
    }

    /// The caller may write the resource but not join another one to it.
    pub(super) fn linked_authorization_failed(
        object_id: &str,
        (action, scope): (&str, &str),
        (linked_action, linked_scope): (&str, &str),
    ) -> ArmError {
        let message = format!(
            "The client '{object_id}' with object id '{object_id}' has permission to perform action \
             '{action}' on scope '{scope}'; however, it does not have permission to perform action(s) \
             '{linked_action}' on the linked scope(s) '{linked_scope}' (respectively) or the linked \
             scope(s) are invalid."
        );
        ArmError::gateway(StatusCode::FORBIDDEN, "LinkedAuthorizationFailed", message)
    }

    // -- what is asked for -------------------------------------------------------------------------------

    /// A subscription that is not ours.
    pub(super) fn subscription_not_found(subscription: &str) -> ArmError {
        let message = format!("The subscription '{subscription}' could not be found.");
        ArmError::gateway(StatusCode::NOT_FOUND, "SubscriptionNotFound", message)
    }

    /// A missing resource group.
    pub(super) fn group_not_found(group: &str) -> ArmError {
        let message = format!("Resource group '{group}' could not be found.");
        ArmError::gateway(StatusCode::NOT_FOUND, "ResourceGroupNotFound", message)
    }

    /// A missing top-level resource.
    pub(super) fn resource_not_found(kind: &str, name: &str, group: &str) -> ArmError {
        let message = format!(
            "The Resource 'Microsoft.Network/{kind}/{name}' under resource group '{group}' was not found. \
             For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        );
        ArmError::gateway(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    /// A missing child of a resource that exists.
    pub(super) fn child_not_found(id: &str) -> ArmError {
        let message = format!("Resource {id} not found.");
        ArmError::provider(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// A child whose parent is missing.
    pub(super) fn parent_not_found(parent: &str) -> ArmError {
        let message = format!(
            "Can not perform requested operation on nested resource. Parent resource '{parent}' not found."
        );
        ArmError::gateway(StatusCode::NOT_FOUND, "ParentResourceNotFound", message)
    }

    /// A type that the lab does not have.
    pub(super) fn unknown_type(path: &str) -> ArmError {
        let message = format!("The resource type of '{path}' could not be found.");
        ArmError::gateway(StatusCode::NOT_FOUND, "InvalidResourceType", message)
    }

    /// A method that the type does not have.
    pub(super) fn method_not_allowed(method: &str) -> ArmError {
        let message = format!("The requested resource does not support http method '{method}'.");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        ArmError::gateway(status, "UnsupportedHttpMethod", message)
    }

    // -- how it is asked ---------------------------------------------------------------------------------

    /// No api-version.
    pub(super) fn missing_api_version() -> ArmError {
        let message =
            "The api-version query parameter (?api-version=) is required for all requests.";
        ArmError::bad_gateway_request("MissingApiVersionParameter", message.to_owned())
    }

    /// An api-version that is no date.
    pub(super) fn invalid_api_version(version: &str) -> ArmError {
        let message = format!("The api-version '{version}' is invalid.");
        ArmError::bad_gateway_request("InvalidApiVersionParameter", message)
    }

    /// A body that is no JSON object.
    pub(super) fn invalid_content(why: &str) -> ArmError {
        let message =
            format!("The request content was invalid and could not be deserialized: '{why}'.");
        ArmError::bad_gateway_request("InvalidRequestContent", message)
    }

    /// A top-level resource without a location.
    pub(super) fn location_required() -> ArmError {
        let message = "The location property is required for this definition.".to_owned();
        ArmError::bad_gateway_request("LocationRequired", message)
    }

    /// A location other than that of the existing resource.
    pub(super) fn location_differs(name: &str, group: &str, has: &str, asked: &str) -> ArmError {
        let message = format!(
            "The resource '{name}' already exists in location '{has}' in resource group '{group}'. A \
             resource with the same name cannot be created in location '{asked}'. Please select a new \
             resource name."
        );
        ArmError::gateway(StatusCode::CONFLICT, "InvalidResourceLocation", message)
    }

    fn bad_gateway_request(code: &str, message: String) -> ArmError {
        ArmError::gateway(StatusCode::BAD_REQUEST, code, message)
    }

    /// A 400 of the resource provider.
    pub(super) fn bad_request(code: &str, message: String) -> ArmError {
        ArmError::provider(StatusCode::BAD_REQUEST, code, message)
    }

    /// A member that the type does not have. The resource provider's JSON is strict; the text is assumed.
    pub(super) fn unknown_member(member: &str, kind: &str, path: &str) -> ArmError {
        let message = "Cannot parse the request.".to_owned();
        ArmError::bad_request("InvalidRequestFormat", message).with_detail(
            "InvalidJson",
            format!("Could not find member '{member}' on object of type '{kind}'. Path '{path}'."),
        )
    }

    // -- what stands in the way --------------------------------------------------------------------------

    /// An `If-Match` that the resource does not have.
    pub(super) fn etag_mismatch(sent: &str, has: &str, id: &str) -> ArmError {
        let message = "Precondition failed.".to_owned();
        let sent = sent.trim_start_matches("W/").trim_matches('"');
        ArmError::provider(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            message,
        )
        .with_detail(
            "PreconditionFailedEtagMismatch",
            format!(
                "Etag provided in if-match header W/\"{sent}\" does not match etag {has} of resource {id} \
                 in NRP data store."
            ),
        )
    }

    /// An `If-Match` on what does not exist, or `If-None-Match: *` on what does. Assumed.
    pub(super) fn precondition_failed(id: &str, why: &str) -> ArmError {
        let message = "Precondition failed.".to_owned();
        let status = StatusCode::PRECONDITION_FAILED;
        ArmError::provider(status, "PreconditionFailed", message)
            .with_detail("PreconditionFailed", format!("Resource {id} {why}."))
    }

    /// 409 while an operation runs (sap-automation#1052).
    pub(super) fn another_operation(uri: &str) -> ArmError {
        let message = format!(
            "Another operation on this or dependent resource is in progress. To retrieve status of the \
             operation use uri: {uri}."
        );
        ArmError::provider(StatusCode::CONFLICT, "AnotherOperationInProgress", message)
    }

    /// 429 that is a lock and no quota (cluster-api-provider-azure#4385).
    pub(super) fn retryable_operation(operation: &str, id: &str) -> ArmError {
        ArmError::retryable().with_detail(
            "RetryableErrorDueToAnotherOperation",
            format!(
                "Operation PutOperation ({operation}) is updating resource {id}. The call can be retried \
                 in 1 seconds."
            ),
        )
    }

    /// 429 because what the body names is not ready (azurerm#21293).
    pub(super) fn reference_not_provisioned(reference: &str, by: &str) -> ArmError {
        ArmError::retryable().with_detail(
            "ReferencedResourceNotProvisioned",
            format!(
                "Cannot proceed with operation because resource {reference} used by resource {by} is not \
                 in Succeeded state. Resource is in Updating state and the last operation that \
                 updated/is updating the resource is PutOperation."
            ),
        )
    }

    fn retryable() -> ArmError {
        let message = "A retryable error occurred.".to_owned();
        let status = StatusCode::TOO_MANY_REQUESTS;
        ArmError::provider(status, "RetryableError", message)
    }

    /// A reference to what does not exist, or exists in another region.
    pub(super) fn invalid_reference(reference: &str, by: &str) -> ArmError {
        let message = format!(
            "Resource {reference} referenced by resource {by} was not found. Please make sure that the \
             referenced resource exists, and that both resources are in the same region."
        );
        ArmError::bad_request("InvalidResourceReference", message)
    }
}
