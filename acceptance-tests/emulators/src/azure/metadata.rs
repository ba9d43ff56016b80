//! The document in which a cloud names its endpoints, in the form of api-version 2022-09-01, as azurerm's
//! `metadata_host` reads it.

use http::StatusCode;
use serde_json::json;

use super::Core;
use crate::http::Response;

/// Whether a path belongs to the metadata service.
pub(super) fn is_metadata(path: &str) -> bool {
    path == "/metadata/endpoints"
}

/// The document.
pub(super) fn document(core: &Core) -> Response {
    let base = core.base_url.as_str();
    let document = json!({
        "name": "AkoLab",
        "portal": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [base],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": base,
        "batch": format!("{base}/batch"),
        "graph": base,
        "graphAudience": base,
        "microsoftGraphResourceId": format!("{base}/graph"),
        "suffixes": {
            "azureFrontDoorEndpointSuffix": "fd.localhost",
            "keyVaultDns": "vault.localhost",
            "storage": "core.localhost",
        },
    });
    Response::json(StatusCode::OK, &document)
}
