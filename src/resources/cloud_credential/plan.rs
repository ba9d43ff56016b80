//! What a plan of `ako_cloud_credential` adds to the rules of its schema.

use super::messages;
use super::model::Model;
use crate::framework::diagnostics::Diagnostic;
use crate::framework::plan::Plan;

/// Refuses a plan that would write the secret and has none: configuration and state show that alone.
pub(super) fn check_secret(plan: &Plan<'_>) -> Result<(), Diagnostic> {
    if !plan.config.get("client_secret_wo").is_null() {
        return Ok(());
    }
    if plan.is_create() {
        return Err(messages::secret_for_create());
    }
    let principal_changes = plan.changes("application_id") || plan.changes("tenant_id");
    let version_changes = plan.changes("client_secret_wo_version")
        && !plan.planned("client_secret_wo_version").is_null();
    match principal_changes || version_changes {
        true => Err(messages::secret_for_change()),
        false => Ok(()),
    }
}

/// A planned create as far as it is known; nothing unless it is known what would tell the credential from others.
pub(super) fn known_part(plan: &Plan<'_>) -> Option<Model> {
    let text = |name: &str| plan.planned(name).as_str().map(str::to_owned);
    Some(Model {
        name: text("name")?,
        application_id: Some(text("application_id")?),
        tenant_id: Some(text("tenant_id")?),
        client_secret_wo: None,
        client_secret_wo_version: None,
        uuid: None,
        reference: None,
    })
}
