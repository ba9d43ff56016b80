//! What the data source `ako_azure_cloud` tells the user.

use crate::framework::diagnostics::Diagnostic;
use crate::framework::path::Path;

/// The summary of a failed read.
pub(super) fn cannot_read(cloud: &str) -> String {
    format!("Cannot read cloud {cloud:?}")
}

/// Neither argument, or both.
pub(super) fn name_or_uuid() -> Diagnostic {
    Diagnostic::error(
        "Either name or uuid must be set",
        "A cloud is looked up by its `name` or by its `uuid`: set one of them.",
    )
    .at(Path::attribute("name"))
}

/// There is no such cloud.
pub(super) fn not_there(cloud: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Cloud {cloud:?} does not exist"),
        "The controller has none of that name or uuid in the tenant of the provider block (avi.tenant).",
    )
}

/// The cloud is made on something else than Azure.
pub(super) fn not_in_azure(cloud: &str, vtype: Option<&str>) -> Diagnostic {
    Diagnostic::error(
        format!("Cloud {cloud:?} is not in Azure"),
        format!(
            "It is a cloud of the type {}, not of the type CLOUD_AZURE.",
            vtype.unwrap_or("CLOUD_NONE")
        ),
    )
}
