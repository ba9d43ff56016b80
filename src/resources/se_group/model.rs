//! The attributes of `ako_se_group`, and what the controller holds of them.

use crate::clients::avi::refs::{self, uuid_of};
use crate::clients::avi::{Marker as Entry, Reference, SeGroup};
use crate::domain::avi_marks::MarkerEntry;
use crate::domain::se_groups::are_same_data_networks;
use crate::framework::plan::Config;
use crate::resources::se_groups::{cluster_name_of, name_of_network, without_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// One SE group as Terraform sees it; a field for each attribute, in the order of the schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its cloud, as the user refers to it.
    pub cloud_ref: String,
    /// The cluster that its label names.
    pub cluster_name: Option<String>,
    /// What people say of it; none where it is left to others, as all that follows down to `accelerated_networking`.
    pub description: Option<String>,
    /// The subnet of its Service Engines.
    pub data_network_id: Option<String>,
    /// The network for management.
    pub mgmt_network_ref: Option<String>,
    /// The availability zones.
    pub availability_zone_refs: Option<BTreeSet<String>>,
    /// Whether load balancers of the standard kind are used.
    pub use_standard_alb: Option<bool>,
    /// The size of the virtual machines.
    pub instance_flavor: Option<String>,
    /// Whether they have accelerated networking.
    pub accelerated_networking: Option<bool>,
    /// How many Service Engines there may be.
    pub max_se: Option<i64>,
    /// How many there are at least.
    pub min_se: Option<i64>,
    /// How many are kept beyond the need.
    pub buffer_se: Option<i64>,
    /// How virtual services survive the loss of one.
    pub ha_mode: Option<String>,
    /// How virtual services are placed.
    pub algo: Option<String>,
    /// How many virtual services one may have.
    pub max_vs_per_se: Option<i64>,
    /// On how many a virtual service is at least.
    pub min_scaleout_per_vs: Option<i64>,
    /// On how many a virtual service may be.
    pub max_scaleout_per_vs: Option<i64>,
    /// What their names begin with.
    pub se_name_prefix: Option<String>,
    /// How many minutes an unused one stays.
    pub se_deprovision_delay: Option<i64>,
    /// Their disk in GiB.
    pub disk_per_se: Option<i64>,
    /// Whether gateways are watched.
    pub host_gateway_monitor: Option<bool>,
    /// Whether those of a virtual service are on different hosts.
    pub vs_host_redundancy: Option<bool>,
    /// Whether the controller makes no security groups.
    pub disable_avi_securitygroups: Option<bool>,
    /// Public addresses of a load balancer.
    pub max_public_ips_per_lb: Option<i64>,
    /// Rules of a load balancer.
    pub max_rules_per_lb: Option<i64>,
    /// The load below which virtual services shrink.
    pub min_cpu_usage: Option<i64>,
    /// The load above which they grow.
    pub max_cpu_usage: Option<i64>,
    /// How often clocks are reported on.
    pub ntp_sync_status_interval: Option<i64>,
    /// How often packet capture is begun anew.
    pub se_pcap_reinit_frequency: Option<i64>,
    /// Whether it carries our mark.
    pub mark_enabled: bool,
    /// What the controller knows it by.
    pub uuid: Option<String>,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The uuid of its cloud.
    pub cloud_uuid: Option<String>,
    /// The name of its cloud.
    pub cloud_name: Option<String>,
}

/// A setting of the SE group that is not as planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) attribute: &'static str,
    pub(super) planned: String,
    pub(super) actual: String,
}

/// Does `$do` for each setting that the controller has a default for; [`SIZING`] has their names for Terraform.
macro_rules! for_sizing {
    ($do:ident) => {
        $do!(max_se);
        $do!(min_se);
        $do!(buffer_se);
        $do!(ha_mode);
        $do!(algo);
        $do!(max_vs_per_se);
        $do!(min_scaleout_per_vs);
        $do!(max_scaleout_per_vs);
        $do!(se_name_prefix);
        $do!(se_deprovision_delay);
        $do!(disk_per_se);
        $do!(host_gateway_monitor);
        $do!(vs_host_redundancy);
        $do!(disable_avi_securitygroups);
        $do!(max_public_ips_per_lb);
        $do!(max_rules_per_lb);
        $do!(min_cpu_usage);
        $do!(max_cpu_usage);
        $do!(ntp_sync_status_interval);
        $do!(se_pcap_reinit_frequency);
    };
}

/// Does `$do` for each setting that is absent unless somebody sets it.
macro_rules! for_choices {
    ($do:ident) => {
        $do!(description);
        $do!(data_network_id);
        $do!(mgmt_network_ref);
        $do!(availability_zone_refs);
        $do!(use_standard_alb);
        $do!(instance_flavor);
        $do!(accelerated_networking);
    };
}

impl Model {
    /// The SE group as the controller is told: the settings that are planned, and nothing that it decides itself.
    pub(super) fn to_api(&self) -> SeGroup {
        let mut object = SeGroup {
            name: self.name.clone(),
            data_network_id: self.data_network_id.as_deref().map(name_of_network),
            mgmt_network_ref: self
                .mgmt_network_ref
                .as_deref()
                .map(|network| spelt(NETWORK, network)),
            availability_zone_refs: self.availability_zone_refs.as_ref().map(|zones| {
                let zones = zones.iter();
                zones.map(|zone| spelt(ZONE, zone)).collect()
            }),
            description: self.description.clone(),
            use_standard_alb: self.use_standard_alb,
            instance_flavor: self.instance_flavor.clone(),
            accelerated_networking: self.accelerated_networking,
            ..SeGroup::default()
        };
        macro_rules! copy {
            ($field:ident) => {
                object.$field = self.$field.clone();
            };
        }
        for_sizing!(copy);
        object
    }

    /// The settings that `actual` has otherwise than planned.
    pub(super) fn differences(&self, actual: &SeGroup) -> Vec<Difference> {
        let planned = respelt(self.to_api(), actual, may_be_same);
        let mut found = Vec::new();
        macro_rules! compare {
            ($field:ident) => {
                if planned.$field.is_some() && planned.$field != actual.$field {
                    found.push(Difference {
                        attribute: stringify!($field),
                        planned: shown(planned.$field.as_ref()),
                        actual: shown(actual.$field.as_ref()),
                    });
                }
            };
        }
        for_choices!(compare);
        for_sizing!(compare);
        found
    }

    /// What an update replaces in `actual`, and what it gives back to the controller's defaults, so that from `prior`
    /// it becomes what is planned. A sizing setting that is not configured is none of its business.
    pub(super) fn changes(
        &self,
        prior: &Model,
        config: &Config<'_>,
        actual: &SeGroup,
    ) -> (SeGroup, SeGroup) {
        // A name and a uuid cannot be compared: where the configuration is as it was, nothing has changed.
        let as_it_was = self.mgmt_network_ref == prior.mgmt_network_ref
            && self.availability_zone_refs == prior.availability_zone_refs;
        let is_same = if as_it_was { may_be_same } else { is_same };
        let planned = respelt(self.to_api(), actual, is_same);
        let (mut replaced, mut deleted) = (SeGroup::default(), SeGroup::default());
        if self.name != actual.name {
            replaced.name.clone_from(&self.name);
        }
        macro_rules! change {
            ($field:ident) => {
                if planned.$field.is_none() && prior.$field.is_some() {
                    deleted.$field = actual.$field.clone();
                } else if planned.$field != actual.$field
                    && !config.get(stringify!($field)).is_null()
                {
                    replaced.$field = planned.$field.clone();
                }
            };
        }
        for_choices!(change);
        for_sizing!(change);
        (replaced, deleted)
    }

    /// The planned model once the controller holds `actual`: what it decides itself is filled in.
    pub(super) fn completed(mut self, actual: &SeGroup) -> Model {
        self.read_identity(actual);
        if self.cluster_name.is_none() {
            self.cluster_name = cluster_name_of(actual);
        }
        macro_rules! fill {
            ($field:ident) => {
                if self.$field.is_none() {
                    self.$field = actual.$field.clone();
                }
            };
        }
        for_sizing!(fill);
        self
    }

    /// The model as the controller shows it now. What means the same keeps the model's spelling.
    pub(super) fn refreshed(mut self, actual: &SeGroup) -> Model {
        self.read_identity(actual);
        self.name.clone_from(&actual.name);
        self.cluster_name = cluster_name_of(actual);
        let actual = respelt(actual.clone(), &self.as_spelt(), may_be_same);
        macro_rules! read {
            ($field:ident) => {
                self.$field = actual.$field.clone();
            };
        }
        for_sizing!(read);
        // Null is not managed: whatever others have set is none of our business.
        macro_rules! read_managed {
            ($($field:ident),*) => {$(
                if self.$field.is_some() {
                    self.$field.clone_from(&actual.$field);
                }
            )*};
        }
        read_managed!(
            description,
            data_network_id,
            mgmt_network_ref,
            use_standard_alb,
            instance_flavor,
            accelerated_networking
        );
        if self.availability_zone_refs.is_some() {
            self.availability_zone_refs = zones_of(&actual);
        }
        self
    }

    /// The SE group as an import finds it, in the cloud of that name.
    pub(super) fn imported(actual: &SeGroup, cloud_name: String) -> Model {
        let model = Model {
            cloud_ref: without_name(actual.cloud_ref.as_deref().unwrap_or_default()),
            cloud_name: Some(cloud_name),
            mark_enabled: true,
            description: actual.description.clone(),
            data_network_id: actual.data_network_id.clone(),
            mgmt_network_ref: actual.mgmt_network_ref.clone(),
            availability_zone_refs: zones_of(actual),
            use_standard_alb: actual.use_standard_alb,
            instance_flavor: actual.instance_flavor.clone(),
            accelerated_networking: actual.accelerated_networking,
            ..Model::default()
        };
        model.refreshed(actual)
    }

    fn read_identity(&mut self, actual: &SeGroup) {
        self.uuid.clone_from(&actual.uuid);
        self.reference = actual.url.as_deref().map(without_name);
        if let Some(cloud) = actual.cloud_ref.as_deref().and_then(uuid_of) {
            self.cloud_uuid = Some(cloud.to_owned());
        }
    }

    /// What can be spelt in several ways, as it is spelt here.
    fn as_spelt(&self) -> SeGroup {
        let zones = self.availability_zone_refs.as_ref();
        SeGroup {
            data_network_id: self.data_network_id.clone(),
            mgmt_network_ref: self.mgmt_network_ref.clone(),
            availability_zone_refs: zones.map(|zones| zones.iter().cloned().collect()),
            ..SeGroup::default()
        }
    }
}

/// The entries of `markers` as decisions take them.
pub(super) fn markers_of(group: &SeGroup) -> Vec<MarkerEntry> {
    let entries = group.markers.iter().flatten();
    entries
        .map(|entry| MarkerEntry {
            key: entry.key.clone(),
            values: entry.values.clone(),
        })
        .collect()
}

/// An entry of `markers` as the controller takes it.
pub(super) fn to_marker(entry: MarkerEntry) -> Entry {
    Entry {
        key: entry.key,
        values: entry.values,
        ..Entry::default()
    }
}

/// The types of what an SE group refers to, in paths.
const NETWORK: &str = "network";
const ZONE: &str = "availabilityzone";

/// `object` with the subnet and the references spelt as in `reference` where they mean the same.
fn respelt(
    mut object: SeGroup,
    reference: &SeGroup,
    is_same: fn(&str, &str, &str) -> bool,
) -> SeGroup {
    if let (Some(text), Some(other)) = (&reference.data_network_id, &object.data_network_id)
        && are_same_data_networks(text, other)
    {
        object.data_network_id = Some(text.clone());
    }
    if let (Some(text), Some(other)) = (&reference.mgmt_network_ref, &object.mgmt_network_ref)
        && is_same(NETWORK, text, other)
    {
        object.mgmt_network_ref = Some(text.clone());
    }
    let zones = (
        &reference.availability_zone_refs,
        &object.availability_zone_refs,
    );
    if let (Some(texts), Some(others)) = zones
        && texts.len() == others.len()
        && others
            .iter()
            .all(|other| texts.iter().any(|text| is_same(ZONE, text, other)))
    {
        object.availability_zone_refs = Some(texts.clone());
    }
    object
}

fn is_same(object_type: &str, one: &str, other: &str) -> bool {
    refs::same(object_type, one, other) == Some(true)
}

/// Whether nothing shows that they differ: the controller gives uuids, and a user may have given a name.
fn may_be_same(object_type: &str, one: &str, other: &str) -> bool {
    refs::same(object_type, one, other) != Some(false)
}

/// The reference as the controller takes it; what is none goes as it is, and the controller says what is wrong.
fn spelt(object_type: &str, text: &str) -> String {
    match Reference::parse(object_type, text) {
        Ok(reference) => reference.spelt(object_type),
        Err(_) => text.to_owned(),
    }
}

fn zones_of(actual: &SeGroup) -> Option<BTreeSet<String>> {
    let zones = actual.availability_zone_refs.as_ref()?;
    (!zones.is_empty()).then(|| zones.iter().cloned().collect())
}

fn shown<T: Debug>(value: Option<&T>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
}

#[cfg(test)]
mod tests {
    use super::super::schema::SIZING;
    use super::*;
    use crate::framework::value::Value;
    use serde_json::json;

    const NETWORK_UUID: &str = "network-5c1a0000-0000-4000-8000-000000000001";

    fn config(names: &[&str]) -> Value {
        Value::object(names.iter().map(|&name| (name, Value::from("set"))))
    }

    /// All that the schema calls a sizing setting, each with some value.
    fn sized() -> Model {
        let mut model = json!({"name": "seg-1", "cloud_ref": "azure", "mark_enabled": true});
        for (position, name) in SIZING.iter().enumerate() {
            model[name] = match *name {
                "ha_mode" | "algo" | "se_name_prefix" => json!(format!("value-{position}")),
                "host_gateway_monitor" | "vs_host_redundancy" | "disable_avi_securitygroups" => {
                    json!(true)
                }
                _ => json!(position + 1),
            };
        }
        serde_json::from_value(model).unwrap()
    }

    #[test]
    fn every_sizing_setting_reaches_the_controller_and_comes_back() {
        let sent = serde_json::to_value(sized().to_api()).unwrap();
        for name in SIZING {
            assert!(!sent[name].is_null(), "{name}");
        }
        let actual: SeGroup = serde_json::from_value(sent).unwrap();
        let bare = Model {
            name: "seg-1".to_owned(),
            cloud_ref: "azure".to_owned(),
            mark_enabled: true,
            ..Model::default()
        };
        assert_eq!(bare.clone().refreshed(&actual), sized());
        assert_eq!(bare.completed(&actual), sized());
    }

    #[test]
    fn a_change_has_what_is_configured_and_differs_and_gives_back_what_is_taken_out() {
        let actual = SeGroup {
            name: "seg-1".to_owned(),
            max_se: Some(10),
            min_se: Some(2),
            data_network_id: Some("SNET-SE".to_owned()),
            description: Some("old".to_owned()),
            ..SeGroup::default()
        };
        let prior = Model {
            name: "seg-1".to_owned(),
            max_se: Some(10),
            min_se: Some(1),
            buffer_se: Some(3),
            data_network_id: Some("snet-se".to_owned()),
            description: Some("old".to_owned()),
            ..Model::default()
        };
        let planned = Model {
            max_se: Some(4),
            description: None,
            ..prior.clone()
        };
        let config = config(&["max_se", "data_network_id"]);
        let (replaced, deleted) = planned.changes(&prior, &Config::new(&config), &actual);
        let sent = (
            serde_json::to_value(replaced).unwrap(),
            serde_json::to_value(deleted).unwrap(),
        );
        // Somebody has changed min_se and buffer_se meanwhile, which are not configured.
        assert_eq!(sent, (json!({"max_se": 4}), json!({"description": "old"})));
    }

    #[test]
    fn a_reference_by_name_is_no_drift_and_is_sent_when_it_changes() {
        let actual = SeGroup {
            name: "seg-1".to_owned(),
            mgmt_network_ref: Some(format!("https://avi/api/network/{NETWORK_UUID}")),
            ..SeGroup::default()
        };
        let model = |network: &str| Model {
            name: "seg-1".to_owned(),
            mgmt_network_ref: Some(network.to_owned()),
            ..Model::default()
        };
        let shown = model("mgmt").refreshed(&actual);
        assert_eq!(shown.mgmt_network_ref.as_deref(), Some("mgmt"));
        let config = config(&["mgmt_network_ref"]);
        let change = |from: &str, to: &str| {
            let config = Config::new(&config);
            let (replaced, _) = model(to).changes(&model(from), &config, &actual);
            replaced.mgmt_network_ref
        };
        assert_eq!(change("mgmt", "mgmt"), None);
        assert_eq!(change("mgmt", NETWORK_UUID), None);
        assert_eq!(
            change("mgmt", "other").as_deref(),
            Some("/api/network?name=other")
        );
    }
}
