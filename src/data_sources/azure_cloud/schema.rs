//! The schema of the data source `ako_azure_cloud`.

use crate::framework::schema::{Attribute, Schema, Type};

/// The schema of the data source `ako_azure_cloud`.
pub(super) fn schema() -> Schema {
    Schema::new(DESCRIPTION, attributes())
}

const DESCRIPTION: &str =
    "A cloud of the Avi controller in Azure, with the state it is in at the moment.

It never waits: `ako_azure_cloud` as a resource does, when it creates the cloud.";

fn attributes() -> Vec<Attribute> {
    let text = |name: &str, description: &str| Attribute::computed(name, Type::String, description);
    vec![
        Attribute::optional(
            "name",
            Type::String,
            "The name of the cloud. Either this or `uuid`.",
        )
        .computed_too(),
        Attribute::optional(
            "uuid",
            Type::String,
            "What the controller knows the cloud by. Either this or `name`.",
        )
        .computed_too(),
        text(
            "ref",
            "Its reference, as resources of the official provider (`avi_*`) take it.",
        ),
        text(
            "state",
            "The state of the cloud: `CLOUD_STATE_PLACEMENT_READY` where virtual services can be placed.",
        ),
        text(
            "reason",
            "Why it is in that state, in the controller's words; empty where it gives no reason.",
        ),
        text(
            "subscription_id",
            "The subscription in which Service Engines are made.",
        ),
        text("location", "The region."),
        text(
            "resource_group",
            "The resource group in which Service Engines are made.",
        ),
        text(
            "virtual_network_id",
            "The id of the virtual network of the Service Engines.",
        ),
        text(
            "se_network_id",
            "The name of the subnet of Service Engines whose SE group names none.",
        ),
        text(
            "management_network_id",
            "The name of the subnet for management; null where there is none of its own.",
        ),
        text(
            "cloud_credential_ref",
            "The reference of the credential; null where the controller uses its managed identity.",
        ),
        Attribute::computed(
            "availability_zones",
            Type::set(Type::String),
            "The availability zones of Service Engines.",
        ),
        Attribute::computed(
            "use_standard_alb",
            Type::Bool,
            "Whether load balancers are of the kind Standard.",
        ),
        Attribute::computed(
            "dhcp_enabled",
            Type::Bool,
            "Whether Service Engines get their addresses by DHCP.",
        ),
        Attribute::computed(
            "mtu",
            Type::Number,
            "The largest packet of Service Engines, in bytes.",
        ),
        text("license_tier", "The licence of the cloud."),
        text(
            "ipam_provider_ref",
            "The reference of the profile that gives out addresses.",
        ),
        text(
            "dns_provider_ref",
            "The reference of the profile that registers names.",
        ),
    ]
}
