//! What a plan of `ako_azure_cloud` adds to the rules of its schema.

use super::messages;
use super::model::Model;
use crate::clients::avi::{CloudConnectorUser, Object, Reference};
use crate::domain::se_groups::DataNetwork;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::plan::{Config, Plan};
use crate::framework::state::to_model;
use crate::framework::value::Value;

/// What a configuration shows by itself: a subnet in another virtual network than the cloud's.
pub(super) fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
    let Some(network) = config.get("virtual_network_id").as_str() else {
        return;
    };
    for argument in ["se_network_id", "management_network_id"] {
        let subnet = config.get(argument).as_str().map(DataNetwork::parse);
        // A subnet that does not read has been told of as a single value.
        if let Some(Ok(subnet)) = subnet
            && let Err(outside) = subnet.check_inside(Some(network))
        {
            diagnostics.push(messages::outside(argument, &outside.virtual_network));
        }
    }
}

/// The arguments with a default. An adopted cloud keeps what it has where the configuration does not set them.
const DEFAULTED: [&str; 6] = [
    "use_enhanced_ha",
    "use_managed_disks",
    "use_standard_alb",
    "use_azure_dns",
    "dhcp_enabled",
    "mtu",
];

/// Plans what depends on whether the cloud is adopted, which is known before a create only where that is not asked
/// for.
pub(super) fn plan_adopted(plan: &mut Plan<'_>) {
    let is_create = plan.is_create();
    if is_create && plan.planned("adopt_existing").as_bool() == Some(false) {
        plan.set("adopted", Value::from(false));
        return;
    }
    if !is_create && plan.prior("adopted").as_bool() != Some(true) {
        return;
    }
    for name in DEFAULTED {
        match (plan.config.get(name).is_null(), is_create) {
            (false, _) => {}
            (true, true) => plan.set_unknown(name),
            (true, false) => plan.set(name, plan.prior(name).clone()),
        }
    }
}

/// A planned create as far as it is known; nothing unless its name is known, and whether it adopts.
pub(super) fn known_part(plan: &Plan<'_>) -> Option<Model> {
    let decisive = ["name", "adopt_existing", "mark_enabled"];
    if decisive.iter().any(|name| plan.planned(name).is_unknown()) {
        return None;
    }
    let model: Model = to_model(plan.planned_object()).ok()?;
    match is_name(plan.planned("cloud_credential_ref")) {
        // It would have to be looked up first.
        true => Some(Model {
            cloud_credential_ref: None,
            ..model
        }),
        false => Some(model),
    }
}

fn is_name(credential: &Value) -> bool {
    let text = credential.as_str().unwrap_or_default();
    let reference = Reference::parse(CloudConnectorUser::TYPE, text);
    reference.is_ok_and(|reference| reference.uuid().is_none())
}
