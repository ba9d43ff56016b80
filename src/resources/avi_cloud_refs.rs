//! The argument `cloud_ref`: which cloud it means, whatever its spelling.

use crate::clients::avi::{Cloud, Object, Reference};
use crate::framework::path::Path;
use crate::framework::plan::Plan;

/// Plans a `cloud_ref`: another cloud means another object, another spelling of the same one means nothing. Gives
/// whether it is another cloud.
///
/// The object has `cloud_uuid` and `cloud_name`, which tell the two apart without a call.
pub(super) fn plan_cloud_ref(plan: &mut Plan<'_>) -> bool {
    if plan.is_create() || !plan.changes("cloud_ref") {
        return false;
    }
    let is_another = !is_same_cloud(plan);
    match is_another {
        true => plan.replace(Path::attribute("cloud_ref")),
        false => plan.set("cloud_ref", plan.prior("cloud_ref").clone()),
    }
    is_another
}

fn is_same_cloud(plan: &Plan<'_>) -> bool {
    let text = plan.planned("cloud_ref").as_str();
    let Some(Ok(cloud)) = text.map(|text| Reference::parse(Cloud::TYPE, text)) else {
        return false;
    };
    let known = match &cloud {
        Reference::Uuid(_) => plan.prior("cloud_uuid"),
        Reference::Name(_) => plan.prior("cloud_name"),
    };
    known.as_str() == Some(&cloud.to_string())
}
