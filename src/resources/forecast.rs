//! What a plan tells of live data: warnings, because another change of the same plan may come before the apply.

use super::azure_errors::call_failed;
use crate::clients::azure::Error;
use crate::framework::diagnostics::{Diagnostic, Severity};
use crate::framework::resource::Context;

/// What apply would meet, as a warning at plan.
pub fn forecast(mut diagnostic: Diagnostic) -> Diagnostic {
    let consequence = match diagnostic.severity {
        Severity::Error => "Apply would end with this error, as things stand now",
        Severity::Warning => "This is as things stand now",
    };
    diagnostic.severity = Severity::Warning;
    diagnostic.detail = format!(
        "{}\n\n{consequence}; another change in this plan may settle it.",
        diagnostic.detail
    );
    diagnostic
}

/// Tells at plan that Azure could not be looked at: a warning where a change of the same plan may open the way, as the
/// grant of a right does, and else the error.
pub fn look_failed(context: &Context, summary: String, error: &Error) -> Result<(), Diagnostic> {
    let diagnostic = call_failed(summary, error);
    // A credential that the plan makes would be unknown now, and nothing would have been asked.
    let is_final = matches!(error, Error::NotAuthenticated { .. }) || error.is_interruption();
    tell_at_plan(context, diagnostic, is_final)
}

/// Tells a failure at plan: as the error that it is where it `is_final`, else as a warning.
pub(super) fn tell_at_plan(
    context: &Context,
    diagnostic: Diagnostic,
    is_final: bool,
) -> Result<(), Diagnostic> {
    if is_final {
        return Err(diagnostic);
    }
    context.warn(forecast(diagnostic));
    Ok(())
}
