//! What a plan of `ako_azure_cloud` adds to the rules of its schema.

use super::messages;
use super::model::Model;
use crate::clients::avi::{CloudConnectorUser, Object, Reference};
use crate::domain::se_groups::DataNetwork;
use crate::framework::diagnostics::Diagnostics;
use crate::framework::plan::{Config, Plan};
use crate::framework::state::to_model;
use crate::framework::value::Value;
use std::collections::BTreeSet;

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

/// Whether a new object is adopted is known at plan only where that is not asked for.
pub(super) fn plan_adopted(plan: &mut Plan<'_>) {
    if plan.planned("adopt_existing").as_bool() == Some(false) {
        plan.set("adopted", Value::from(false));
    }
}

/// A planned create as far as it is known, with what is not; nothing unless its name is known, and whether it adopts.
pub(super) fn known_part(plan: &Plan<'_>) -> Option<(Model, BTreeSet<&'static str>)> {
    let decisive = ["name", "adopt_existing", "mark_enabled"];
    if decisive.iter().any(|name| plan.planned(name).is_unknown()) {
        return None;
    }
    let model: Model = to_model(plan.planned_object()).ok()?;
    let is_unknown = |name: &&str| match *name {
        // A name would have to be looked up first.
        "cloud_credential_ref" if is_name(plan.planned(name)) => true,
        name => !plan.planned(name).is_wholly_known(),
    };
    Some((model, COMPARED.into_iter().filter(is_unknown).collect()))
}

/// What may be unknown and takes part in the comparison with what is there.
const COMPARED: [&str; 19] = [
    "subscription_id",
    "location",
    "resource_group",
    "virtual_network_id",
    "se_network_id",
    "management_network_id",
    "cloud_credential_ref",
    "availability_zones",
    "use_enhanced_ha",
    "use_managed_disks",
    "use_standard_alb",
    "use_azure_dns",
    "des_id",
    "se_storage_account",
    "dhcp_enabled",
    "mtu",
    "license_tier",
    "ipam_provider_ref",
    "dns_provider_ref",
];

fn is_name(credential: &Value) -> bool {
    let text = credential.as_str().unwrap_or_default();
    let reference = Reference::parse(CloudConnectorUser::TYPE, text);
    reference.is_ok_and(|reference| reference.uuid().is_none())
}
