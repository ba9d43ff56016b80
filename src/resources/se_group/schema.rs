//! The schema of `ako_se_group`: its attributes, what they mean, and what a single value must fulfil.

use crate::clients::avi::{Cloud, refs};
use crate::domain::se_groups::{DataNetwork, are_same_data_networks, check_cluster_name};
use crate::framework::schema::{Attribute, Check, Schema, Type};
use crate::framework::timeouts::Timeouts;
use crate::framework::value::Value;
use crate::resources::se_groups::check_ref;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The schema of `ako_se_group`.
pub(super) fn schema() -> Schema {
    Schema::new(DESCRIPTION, attributes()).with_timeouts(Timeouts {
        // The wait for Service Engines ends earlier: see the description.
        delete: Duration::from_secs(24 * 3600),
        ..Timeouts::default()
    })
}

/// The settings that the controller has defaults for, in the order of the schema: those that are not configured
/// follow the controller.
pub(super) const SIZING: [&str; 20] = [
    "max_se",
    "min_se",
    "buffer_se",
    "ha_mode",
    "algo",
    "max_vs_per_se",
    "min_scaleout_per_vs",
    "max_scaleout_per_vs",
    "se_name_prefix",
    "se_deprovision_delay",
    "disk_per_se",
    "host_gateway_monitor",
    "vs_host_redundancy",
    "disable_avi_securitygroups",
    "max_public_ips_per_lb",
    "max_rules_per_lb",
    "min_cpu_usage",
    "max_cpu_usage",
    "ntp_sync_status_interval",
    "se_pcap_reinit_frequency",
];

const DESCRIPTION: &str = "The SE group of one cluster: how the Service Engines that serve it are made, and in which subnet.

The label `clustername` and `data_network_id` are set in the request that creates the SE group, because Service Engines \
that run already keep what they were made with until they are redeployed. AKO puts the same label on the SE group itself \
where there is none; that is no difference. Labels of other clusters, and whatever this resource has no argument for, \
are never changed. A change is one request with what changes; one that also takes something away needs a second.

Settings that are not configured are the controller's: its defaults at creation, afterwards whatever is there. One that \
is taken out of the configuration goes back to the controller's default; of an imported SE group only after its first change here.

The SE group carries the entry `ako-terraform` among its `markers`, by which an interrupted run is taken up again. \
Markers also take part in the controller's granular access control: `mark_enabled` does without. Controllers before \
20.1.7 have none.

Destroying waits for Service Engines to leave, for `se_deprovision_delay` and 10 minutes more, or for the time of \
`delete` in the `timeouts` block where that is shorter.";

fn attributes() -> Vec<Attribute> {
    let mut attributes = identity();
    attributes.extend(network());
    attributes.extend(sizing());
    attributes.push(
        Attribute::optional(
            "mark_enabled",
            Type::Bool,
            "Whether the SE group carries the provider's entry among its `markers`. Defaults to `true`. Without it the \
             next run does not recognise an SE group that an interrupted one has made.",
        )
        .default_to(Value::from(true)),
    );
    attributes.extend(computed());
    attributes
}

fn identity() -> Vec<Attribute> {
    vec![
        Attribute::required(
            "name",
            Type::String,
            "The name of the SE group, as in AKO's `serviceEngineGroupName`.",
        )
        .check(Check::Text(check_name)),
        Attribute::required(
            "cloud_ref",
            Type::String,
            "The cloud of the SE group: a reference in any spelling that the controller gives or takes, a uuid, or a \
             name. Another cloud means another SE group.",
        )
        .check(Check::Text(check_ref::<Cloud>)),
        Attribute::optional(
            "cluster_name",
            Type::String,
            "The cluster that the SE group serves, as in AKO's `clusterName`: the label `clustername`. Not set: any \
             label is left alone. The label of another cluster is an error and stays, unless this resource has put it on: \
             then a changed `cluster_name` replaces it, and the plan warns.",
        )
        .check(Check::Text(check_cluster_name))
        .computed_too(),
        Attribute::optional("description", Type::String, "What people say of it."),
    ]
}

fn network() -> Vec<Attribute> {
    vec![
        Attribute::optional(
            "data_network_id",
            Type::String,
            "The subnet of the Service Engines in place of the cloud's: its name, such as the `name` of an \
             `ako_cluster_subnet`, or its Azure id in the cloud's virtual network. Taken out again, it is cleared.",
        )
        .check(Check::Text(|text| DataNetwork::parse(text).map(drop)))
        .same_when(are_same_data_networks),
        Attribute::optional(
            "mgmt_network_ref",
            Type::String,
            "The network for management. Drift is seen where it is a reference by uuid.",
        )
        .same_when(|one, other| refs::same("network", one, other) == Some(true)),
        Attribute::optional(
            "availability_zone_refs",
            Type::set(Type::String),
            "The availability zones of the Service Engines.",
        )
        .same_when(|one, other| refs::same("availabilityzone", one, other) == Some(true)),
        Attribute::optional(
            "use_standard_alb",
            Type::Bool,
            "Whether Azure load balancers of the standard kind are used. Not set: as the cloud says.",
        ),
        Attribute::optional(
            "instance_flavor",
            Type::String,
            "The size of the virtual machines, such as `Standard_F4s_v2`.",
        ),
        Attribute::optional(
            "accelerated_networking",
            Type::Bool,
            "Whether the virtual machines have accelerated networking, which takes a size that supports it.",
        ),
    ]
}

/// The ranges, special values and words are those of Avi's object models (30.2.1).
fn sizing() -> Vec<Attribute> {
    let word = |name: &str, words: &'static [&'static str], description: &str| {
        let words_text: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        let description = format!("{description} One of {}.", words_text.join(", "));
        Attribute::optional(name, Type::String, description)
            .check(Check::OneOf(words))
            .computed_too()
    };
    let flag = |name: &str, description: &str| {
        Attribute::optional(name, Type::Bool, description).computed_too()
    };
    vec![
        number(
            "max_se",
            0..=1000,
            &[],
            "How many Service Engines there may be.",
        ),
        number(
            "min_se",
            0..=1000,
            &[],
            "How many Service Engines there are at least.",
        ),
        number(
            "buffer_se",
            0..=1000,
            &[],
            "How many Service Engines are kept beyond the need.",
        ),
        word(
            "ha_mode",
            &[
                "HA_MODE_SHARED",
                "HA_MODE_SHARED_PAIR",
                "HA_MODE_LEGACY_ACTIVE_STANDBY",
            ],
            "How virtual services survive the loss of a Service Engine: N+M buffer, active/active, active/standby.",
        ),
        word(
            "algo",
            &["PLACEMENT_ALGO_PACKED", "PLACEMENT_ALGO_DISTRIBUTED"],
            "Whether virtual services fill one Service Engine after the other or spread.",
        ),
        number(
            "max_vs_per_se",
            1..=1000,
            &[],
            "How many virtual services a Service Engine may have.",
        ),
        number(
            "min_scaleout_per_vs",
            1..=64,
            &[],
            "On how many Service Engines a virtual service is at least.",
        ),
        number(
            "max_scaleout_per_vs",
            1..=64,
            &[],
            "On how many Service Engines a virtual service may be.",
        ),
        Attribute::optional(
            "se_name_prefix",
            Type::String,
            "What the names of the Service Engines begin with.",
        )
        .check(Check::Text(check_name))
        .computed_too(),
        number(
            "se_deprovision_delay",
            0..=525_600,
            &[],
            "How many minutes an unused Service Engine stays.",
        ),
        number(
            "disk_per_se",
            1..=4096,
            &[],
            "Disk of a Service Engine in GiB.",
        ),
        flag(
            "host_gateway_monitor",
            "Whether gateways are watched by the host.",
        ),
        flag(
            "vs_host_redundancy",
            "Whether the Service Engines of a virtual service are on different hosts.",
        ),
        flag(
            "disable_avi_securitygroups",
            "Whether the controller makes no network security groups of its own.",
        ),
        number(
            "max_public_ips_per_lb",
            1..=1000,
            &[],
            "How many public addresses an Azure load balancer may have.",
        ),
        number(
            "max_rules_per_lb",
            1..=5000,
            &[],
            "How many rules an Azure load balancer may have.",
        ),
        number(
            "min_cpu_usage",
            20..=60,
            &[],
            "The load in percent below which a virtual service gives up Service Engines.",
        ),
        number(
            "max_cpu_usage",
            40..=90,
            &[],
            "The load in percent above which a virtual service gets more Service Engines.",
        ),
        number(
            "ntp_sync_status_interval",
            120..=900,
            &[0],
            "How often, in seconds, Service Engines report whether their clocks agree; 0 is never. From 22.1.2.",
        ),
        number(
            "se_pcap_reinit_frequency",
            900..=43_200,
            &[0],
            "How often, in seconds, packet capture is begun anew; 0 is never.",
        ),
    ]
}

fn computed() -> Vec<Attribute> {
    vec![
        Attribute::computed("uuid", Type::String, "What the controller knows it by."),
        Attribute::computed(
            "ref",
            Type::String,
            "Its reference, as resources of the official provider (`avi_*`) take it.",
        ),
        Attribute::computed("cloud_uuid", Type::String, "The uuid of its cloud."),
        Attribute::computed(
            "cloud_name",
            Type::String,
            "The name of its cloud when the SE group was created or imported.",
        ),
    ]
}

fn number(
    name: &str,
    range: RangeInclusive<i64>,
    special: &'static [i64],
    description: &str,
) -> Attribute {
    let description = format!(
        "{description} From {} to {}{}.",
        range.start(),
        range.end(),
        match special {
            [] => String::new(),
            special => {
                let special: Vec<_> = special.iter().map(i64::to_string).collect();
                format!(", or {}", special.join(", "))
            }
        }
    );
    let check = match special {
        [] => Check::Range(range),
        special => Check::RangeOr(range, special),
    };
    Attribute::optional(name, Type::Number, description)
        .check(check)
        .computed_too()
}

fn check_name(text: &str) -> Result<(), String> {
    match text.trim() == text && !text.is_empty() {
        true => Ok(()),
        false => Err("must not be empty, nor begin or end with a space".to_owned()),
    }
}
