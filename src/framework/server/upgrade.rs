//! State that any version of the provider stored.

use super::crash;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::guard;
use crate::framework::handler::ResourceHandler;
use crate::framework::json::from_json;
use crate::framework::state::fill_defaults;
use crate::framework::value::Value;
use std::cmp::Ordering;

/// The state that is stored in `json`, in the shape of the present schema. An argument that came later has its default.
pub(super) fn upgrade(
    type_name: &str,
    resource: &dyn ResourceHandler,
    version: i64,
    json: &[u8],
) -> Result<Value, Diagnostics> {
    let schema = resource.schema();
    let failed = |detail: String| {
        Diagnostics::error(format!("The state of {type_name} cannot be used"), detail)
    };
    if json.is_empty() {
        return Err(failed(
            "It is in the form that Terraform had before version 0.12, which no version of this provider has ever written. Remove the object with `terraform state rm` and import it again.".to_owned(),
        ));
    }
    let state = serde_json::from_slice(json)
        .map_err(|error| failed(format!("It is not valid JSON: {error}.")))?;
    let state = match version.cmp(&i64::from(schema.version)) {
        Ordering::Equal => state,
        Ordering::Greater => {
            return Err(failed(format!(
                "A newer version of the provider wrote it: its schema version is {version}, this provider knows {}. Use that version or a newer one.",
                schema.version
            )));
        }
        Ordering::Less => {
            let version = u32::try_from(version)
                .map_err(|_| failed(format!("Its schema version is {version}.")))?;
            guard::catch(|| resource.upgrade(version, state))
                .map_err(|panic| crash(&format!("upgrading the state of {type_name}"), &panic))??
        }
    };
    let mut state = from_json(&state, &schema.object_type())
        .map_err(|error| failed(format!("{}: {error}.", error.path)))?;
    fill_defaults(&schema.attributes, &mut state);
    Ok(state)
}
