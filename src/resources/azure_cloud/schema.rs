//! The schema of `ako_azure_cloud`.

use crate::clients::avi::{CloudConnectorUser, Object, Reference, refs};
use crate::clients::azure::ids::VirtualNetworkId;
use crate::domain::azure_ids::are_same_ids;
use crate::domain::se_groups::{DataNetwork, are_same_data_networks};
use crate::framework::schema::{Attribute, Check, Schema, Type};
use crate::framework::timeouts::Timeouts;

/// The schema of `ako_azure_cloud`.
pub(super) fn schema() -> Schema {
    let attributes = [place(), settings(), ours(), computed()].concat();
    Schema::new(DESCRIPTION, attributes).with_timeouts(Timeouts::default())
}

const DESCRIPTION: &str = "A cloud of the Avi controller in Azure: where Service Engines are made, and with which \
credential.

A create waits until virtual services can be placed in the cloud (`CLOUD_STATE_PLACEMENT_READY`). Rights that the \
credential still lacks are waited for, too, because Azure takes minutes to spread them: the controller's reason is in \
the log, and in the error once the time is up. A cloud whose wait failed is in the state, marked as tainted.

With `adopt_existing = true` a cloud that exists under the name is taken as it is: it must agree with what the \
configuration sets, is not written, and destroy only forgets it. Arguments that are not set take what the cloud has, \
also those with a default. A later change of the configuration is written to it as to any other.

An update sends what changes. Optional arguments without a default are not managed while they are not set: what \
somebody else has set there stays. One that is taken out of the configuration is cleared. Members that this resource \
does not know stay as they are. A cloud to which anything \
still refers, such as an SE group or a virtual service, is not deleted: the error names what does.

A cloud of this resource carries an entry with the key `ako-terraform` among its `markers` (controllers from 22.1.1), \
by which an interrupted run is taken up again. Markers also take part in the controller's granular access control: \
where a role is limited by markers, set `mark_enabled = false`.";

const LICENSE_TIERS: &[&str] = &[
    "ENTERPRISE_16",
    "ENTERPRISE",
    "ENTERPRISE_18",
    "BASIC",
    "ESSENTIALS",
    "ENTERPRISE_WITH_CLOUD_SERVICES",
];

/// Where the cloud is.
fn place() -> Vec<Attribute> {
    let required = |name: &str, description: &str| {
        Attribute::required(name, Type::String, description).check(Check::Text(check_text))
    };
    vec![
        required("name", "The name of the cloud, as AKO's `cloudName` has it."),
        required("subscription_id", "The subscription in which Service Engines are made. Another one means another cloud.")
            .same_when(|one, other| one.eq_ignore_ascii_case(other))
            .force_new(),
        required("location", "The region, such as `westeurope`. Another one means another cloud.")
            .same_when(are_same_locations)
            .force_new(),
        required("resource_group", "The resource group in which Service Engines are made. Another one means another cloud.")
            .same_when(are_same_ids)
            .force_new(),
        required("virtual_network_id", "The id of the virtual network of the Service Engines. Another one means another cloud.")
            .check(Check::Text(check_network))
            .same_when(are_same_ids)
            .force_new(),
        required("se_network_id", "The subnet of Service Engines whose SE group names none (`data_network_id`): its name, or its id if it is in the virtual network of the cloud.")
            .check(Check::Text(check_subnet))
            .same_when(are_same_data_networks),
        Attribute::optional("management_network_id", Type::String, "The subnet for the management of Service Engines, by name or id. Never set: they are managed through the subnet of their data.")
            .check(Check::Text(check_subnet))
            .same_when(are_same_data_networks),
        Attribute::optional("cloud_credential_ref", Type::String, "The credential: `ref` of `ako_cloud_credential`, a uuid, or a name (which costs a call more in each plan). Never set: the managed identity of the controller.")
            .check(Check::Text(check_credential))
            .same_when(are_same_credentials),
    ]
}

/// How the cloud works. Defaults are those of the controller's API unless their description says why not.
fn settings() -> Vec<Attribute> {
    let flag = |name: &str, default: bool, description: &str| {
        let description = format!("{description} Defaults to `{default}`.");
        Attribute::optional(name, Type::Bool, description).default_to(default.into())
    };
    let text = |name: &str, description: &str| {
        Attribute::optional(name, Type::String, description).check(Check::Text(check_text))
    };
    vec![
        Attribute::optional("availability_zones", Type::set(Type::String), "The availability zones of Service Engines: `[\"1\", \"2\", \"3\"]`.")
            .check(Check::Text(check_text)),
        flag("use_enhanced_ha", false, "Whether Service Engines are spread over availability zones. The controller lets it be switched on only while the cloud has no Service Engine and no virtual service."),
        flag("use_managed_disks", true, "Whether the disks of Service Engines are managed by Azure."),
        flag("use_standard_alb", true, "Whether Service Engines stand behind load balancers of the kind Standard, which is the controller's own default: Azure offers the kind Basic for nothing new any more."),
        flag("use_azure_dns", false, "Whether names of virtual services are registered in Azure's private DNS."),
        text("des_id", "The id of the disk encryption set of the disks.").same_when(are_same_ids),
        text("se_storage_account", "The storage account for the images of Service Engines, as `<resource group> <account>`. Controllers from 22.1.3."),
        flag("dhcp_enabled", true, "Whether Service Engines get their addresses by DHCP. Azure gives out addresses in no other way; without a default the value would depend on the version of the controller."),
        Attribute::optional("mtu", Type::Number, "The largest packet of Service Engines, in bytes. Defaults to `1500`.")
            .check(Check::Range(1..=65_535))
            .default_to(1500.into()),
        Attribute::optional("license_tier", Type::String, "The licence of the cloud: `ENTERPRISE`, `ENTERPRISE_WITH_CLOUD_SERVICES`, `ENTERPRISE_16`, `ENTERPRISE_18`, `BASIC` or `ESSENTIALS`. Defaults to what the controller chooses by its own licence, because another one may not be licensed; once known it stays.")
            .check(Check::OneOf(LICENSE_TIERS))
            .computed_too(),
        Attribute::optional("ipam_provider_ref", Type::String, "The profile that gives out addresses, by its reference or uuid.")
            .check(Check::Text(check_profile))
            .same_when(are_same_profiles),
        Attribute::optional("dns_provider_ref", Type::String, "The profile that registers names, by its reference or uuid.")
            .check(Check::Text(check_profile))
            .same_when(are_same_profiles),
    ]
}

/// What exists on our side alone.
fn ours() -> Vec<Attribute> {
    vec![
        Attribute::optional("adopt_existing", Type::Bool, "Whether a create takes a cloud that exists under the name, if it agrees with what the configuration sets. Destroy then only forgets it. Defaults to `false`: an existing cloud is an error.")
            .default_to(false.into()),
        Attribute::optional("mark_enabled", Type::Bool, "Whether the cloud carries our entry among its `markers`. Without it a cloud that an interrupted run has left is an error, with the command that imports it. A cloud that was adopted is never marked. Defaults to `true`.")
            .default_to(true.into()),
    ]
}

fn computed() -> Vec<Attribute> {
    vec![
        Attribute::computed(
            "adopted",
            Type::Bool,
            "Whether the cloud was there before (`adopt_existing`), so that destroy only forgets it.",
        ),
        Attribute::computed("uuid", Type::String, "What the controller knows it by."),
        Attribute::computed(
            "ref",
            Type::String,
            "Its reference, as resources of the official provider (`avi_*`) take it.",
        ),
    ]
}

/// Azure's names for a region differ by case and blanks: `West Europe`.
pub(super) fn are_same_locations(one: &str, other: &str) -> bool {
    let folded = |text: &str| text.replace(' ', "").to_lowercase();
    folded(one) == folded(other)
}

/// Whether two references mean the same credential, as far as they tell.
pub(super) fn are_same_credentials(one: &str, other: &str) -> bool {
    are_same_refs(CloudConnectorUser::TYPE, one, other)
}

/// Whether two references mean the same profile for addresses or names.
pub(super) fn are_same_profiles(one: &str, other: &str) -> bool {
    are_same_refs(PROFILE, one, other)
}

/// The type of profiles for addresses and names.
const PROFILE: &str = "ipamdnsproviderprofile";

/// The profile as it is sent.
pub(super) fn profile(text: &str) -> String {
    spelt(PROFILE, text)
}

/// The credential as it is sent.
pub(super) fn credential(text: &str) -> String {
    spelt(CloudConnectorUser::TYPE, text)
}

fn spelt(wanted: &str, text: &str) -> String {
    match Reference::parse(wanted, text) {
        Ok(reference) => reference.spelt(wanted),
        // Malformed text was refused while validating.
        Err(_) => text.to_owned(),
    }
}

fn are_same_refs(wanted: &str, one: &str, other: &str) -> bool {
    one == other || refs::same(wanted, one, other) == Some(true)
}

fn check_text(text: &str) -> Result<(), String> {
    match text.trim().is_empty() {
        true => Err("must not be empty".to_owned()),
        false => Ok(()),
    }
}

fn check_network(text: &str) -> Result<(), String> {
    let id: Result<VirtualNetworkId, _> = text.parse();
    id.map(drop).map_err(|error| error.to_string())
}

fn check_subnet(text: &str) -> Result<(), String> {
    check_text(text)?;
    DataNetwork::parse(text).map(drop)
}

fn check_credential(text: &str) -> Result<(), String> {
    let reference = Reference::parse(CloudConnectorUser::TYPE, text);
    reference
        .map(drop)
        .map_err(|error| format!("must refer to a cloud credential: {error}"))
}

fn check_profile(text: &str) -> Result<(), String> {
    match Reference::parse(PROFILE, text) {
        Ok(Reference::Uuid(_)) => Ok(()),
        Ok(Reference::Name(_)) => Err(format!(
            "must be a reference with a uuid, as `id` of an `avi_{PROFILE}` has it, or the uuid itself"
        )),
        Err(error) => Err(format!("must refer to a profile: {error}")),
    }
}
