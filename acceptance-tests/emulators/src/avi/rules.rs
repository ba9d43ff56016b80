//! What holds between members and between objects.

use std::collections::BTreeSet;

use super::errors::Refusal;
use super::store::{CLOUD, SE_GROUP, SERVICE_ENGINE, Stored, VRF};

/// The SE group that every cloud has.
pub(super) const DEFAULT_GROUP: &str = "Default-Group";

/// Checks an object by itself and against what it was.
pub(super) fn check(object: &Stored, old: Option<&Stored>) -> Result<(), Refusal> {
    if object.kind == VRF {
        check_route_ids(object)?;
    }
    let Some(old) = old else { return Ok(()) };
    let moved = object.text("cloud_ref") != old.text("cloud_ref");
    if moved && object.kind.in_cloud {
        // Nobody has been seen to change it; assumed to be refused.
        return Err(Refusal::bad(format!(
            "Cannot modify cloud_ref of {}",
            object.kind.model
        )));
    }
    Ok(())
}

/// Checks a cloud against what it was and what refers to it.
pub(super) fn check_cloud<'a>(
    cloud: &Stored,
    old: &Stored,
    mut referring: impl Iterator<Item = &'a Stored>,
) -> Result<(), Refusal> {
    // Default-Cloud may be given a type (the vendor's playbooks); any other change is assumed to be refused.
    let was = old.text("vtype");
    if was != cloud.text("vtype") && was != "CLOUD_NONE" {
        return Err(Refusal::bad("Cannot modify vtype of Cloud"));
    }
    let enhanced = |cloud: &Stored| {
        let configuration = cloud.members.get("azure_configuration");
        configuration.is_some_and(|it| it["use_enhanced_ha"] == true)
    };
    if enhanced(cloud) && !enhanced(old) && referring.any(|it| it.kind == SERVICE_ENGINE) {
        // The model's description; status and text are assumed.
        let error = "use_enhanced_ha cannot be enabled once the cloud has Service Engines";
        return Err(Refusal::bad(error));
    }
    Ok(())
}

/// Refuses to delete what belongs to the system (text from the vendor's Ansible modules, status assumed).
pub(super) fn check_delete(object: &Stored) -> Result<(), Refusal> {
    let is_default = match object.kind {
        VRF => object.members.get("system_default") == Some(&true.into()),
        SE_GROUP => object.name() == DEFAULT_GROUP,
        CLOUD => object.name() == "Default-Cloud",
        _ => false,
    };
    if is_default {
        return Err(Refusal::bad("Cannot delete system default object"));
    }
    Ok(())
}

/// Whether an object goes away with the one that it refers to: what a cloud brought, and nothing else.
pub(super) fn goes_with(object: &Stored, other: &Stored) -> bool {
    object.kind == CLOUD && check_delete(other).is_err()
}

/// As AKO's changelog quotes the controller.
fn check_route_ids(vrf: &Stored) -> Result<(), Refusal> {
    let routes = vrf.members.get("static_routes");
    let routes = routes.and_then(|it| it.as_array()).into_iter().flatten();
    let mut seen = BTreeSet::new();
    for id in routes.filter_map(|route| route["route_id"].as_str()) {
        if !seen.insert(id) {
            return Err(Refusal::bad(
                "Field check for static_routes failed: Unique constraints route_id has duplicated value",
            ));
        }
    }
    Ok(())
}
