//! The schema of `ako_se_group_override`: its attributes, what they mean, and what a single value must fulfil.

use crate::clients::avi::Cloud;
use crate::domain::se_groups::{
    DataNetwork, OnDestroy, are_same_data_networks, check_cluster_name,
};
use crate::framework::schema::{Attribute, Check, Schema, Type};
use crate::framework::timeouts::Timeouts;
use crate::framework::value::Value;
use crate::resources::se_groups::check_ref;

/// The schema of `ako_se_group_override`.
pub(super) fn schema() -> Schema {
    Schema::new(DESCRIPTION, attributes()).with_timeouts(Timeouts::default())
}

const DESCRIPTION: &str = "The subnet, and if wanted the cluster's label, of an SE group that something else owns: `Default-Group`, or one \
that another team or tool has made.

Only `data_network_id` and the label `clustername` are ever changed, each in a request that holds nothing else. What the \
SE group had before is kept in `previous_data_network_id` and comes back when the override is destroyed, unless somebody \
has changed the value since.

Service Engines that run already keep the old subnet until they are redeployed; a plan lists them.";

fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "cloud_ref",
            Type::String,
            "The cloud of the SE group: a reference in any spelling that the controller gives or takes, a uuid, or a \
             name. Another cloud means another override.",
        )
        .check(Check::Text(check_ref::<Cloud>)),
        Attribute::required(
            "se_group_name",
            Type::String,
            "The name of the SE group. Another one means another override.",
        )
        .force_new(),
        Attribute::required(
            "data_network_id",
            Type::String,
            "The subnet of the Service Engines in place of the cloud's: its name, such as the `name` of an \
             `ako_cluster_subnet`, or its Azure id in the cloud's virtual network.",
        )
        .check(Check::Text(|text| DataNetwork::parse(text).map(drop)))
        .same_when(are_same_data_networks),
        Attribute::optional(
            "cluster_name",
            Type::String,
            "The cluster that the SE group serves: the label `clustername`, which `ako_vrf_pod_routes` needs where AKO \
             does not set it. Not set: any label is left alone, also one that this resource has added before. The label of \
             another cluster is an error and stays, unless this resource has added it: then a changed `cluster_name` \
             replaces it, and the plan warns. Destroying removes the label only if this resource has added it.",
        )
        .check(Check::Text(check_cluster_name)),
        Attribute::optional(
            "previous_data_network_id",
            Type::String,
            "What the SE group had before, read just before the first change and kept for life. Empty text: nothing. \
             Null: not known, because the override was imported or the value was there already; then destroying leaves \
             the value and warns. It can be set by hand.",
        )
        .computed_too(),
        Attribute::optional(
            "on_destroy",
            Type::String,
            "What destroying does to a value that is still this resource's: `restore` what was there before, `clear` it \
             so that the cloud's subnet counts, or `keep` it, and the label with it. Defaults to `restore`.",
        )
        .check(Check::OneOf(&OnDestroy::WORDS))
        .default_to(Value::from("restore")),
        Attribute::computed(
            "label_added",
            Type::Bool,
            "Whether this resource has added the label.",
        ),
        Attribute::computed("se_group_uuid", Type::String, "What the controller knows the SE group by."),
        Attribute::computed("cloud_uuid", Type::String, "The uuid of the cloud."),
        Attribute::computed(
            "cloud_name",
            Type::String,
            "The name of the cloud when the override was created or imported.",
        ),
    ]
}
