//! The attributes of `ako_se_group`, and what the controller holds of them.

use super::schema::SIZING;
use crate::clients::avi::refs::uuid_of;
use crate::clients::avi::{KeyValue, Marker as Entry, SeGroup};
use crate::domain::avi_marks::MarkerEntry;
use crate::domain::se_groups::{DataNetwork, Label, are_same_data_networks, cluster_of};
use crate::framework::plan::Config;
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
    /// The SE group as the controller is told: the settings that are planned, and nothing of which it decides itself.
    pub(super) fn to_api(&self) -> SeGroup {
        let mut object = SeGroup {
            name: self.name.clone(),
            description: self.description.clone(),
            data_network_id: self.data_network_id.as_deref().map(name_of_network),
            mgmt_network_ref: self.mgmt_network_ref.as_deref().map(spelt_network),
            availability_zone_refs: self.availability_zone_refs.as_ref().map(|zones| {
                let zones = zones.iter();
                zones.map(|zone| spelt("availabilityzone", zone)).collect()
            }),
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
        let (planned, mut found) = (self.to_api().in_spelling_of(actual), Vec::new());
        macro_rules! compare {
            ($field:ident) => {
                if planned.$field.is_some() && planned.$field != actual.$field {
                    found.push(Difference {
                        attribute: stringify!($field),
                        planned: shown(&planned.$field),
                        actual: shown(&actual.$field),
                    });
                }
            };
        }
        for_choices!(compare);
        for_sizing!(compare);
        found
    }

    /// What an update replaces in `actual` and what it gives back to the controller, to bring it from `prior` to the
    /// plan.
    pub(super) fn changes(&self, prior: &Model, actual: &SeGroup) -> (SeGroup, SeGroup) {
        let planned = self.to_api().in_spelling_of(actual);
        let (mut replaced, mut deleted) = (SeGroup::default(), SeGroup::default());
        if self.name != actual.name {
            replaced.name.clone_from(&self.name);
        }
        macro_rules! change {
            ($field:ident) => {
                if planned.$field.is_none() && prior.$field.is_some() {
                    deleted.$field = actual.$field.clone();
                } else if planned.$field != actual.$field {
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
        let actual = self.to_prior_spelling(actual);
        macro_rules! read {
            ($field:ident) => {
                self.$field = actual.$field.clone();
            };
        }
        for_sizing!(read);
        // Null is not managed: whatever others have set is none of our business.
        macro_rules! read_managed {
            ($field:ident) => {
                if self.$field.is_some() {
                    self.$field = actual.$field.clone().map(Into::into);
                }
            };
        }
        read_managed!(description);
        read_managed!(data_network_id);
        read_managed!(mgmt_network_ref);
        read_managed!(use_standard_alb);
        read_managed!(instance_flavor);
        read_managed!(accelerated_networking);
        if self.availability_zone_refs.is_some() {
            let zones = actual.availability_zone_refs.filter(|zones| !zones.is_empty());
            self.availability_zone_refs = zones.map(|zones| zones.into_iter().collect());
        }
        self
    }

    /// The SE group as an import finds it, in the cloud of that name.
    pub(super) fn imported(actual: &SeGroup, cloud_name: String) -> Model {
        let zones = actual.availability_zone_refs.clone();
        let model = Model {
            cloud_ref: actual.cloud_ref.clone().unwrap_or_default(),
            cloud_name: Some(cloud_name),
            mark_enabled: true,
            description: actual.description.clone(),
            data_network_id: actual.data_network_id.clone(),
            mgmt_network_ref: actual.mgmt_network_ref.clone(),
            availability_zone_refs: zones
                .filter(|zones| !zones.is_empty())
                .map(|zones| zones.into_iter().collect()),
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
        let cloud = actual.cloud_ref.as_deref().and_then(uuid_of);
        self.cloud_uuid = cloud.map(str::to_owned).or(self.cloud_uuid.take());
    }

    /// `actual` with the references and the subnet spelt as in this model where they mean the same.
    fn to_prior_spelling(&self, actual: &SeGroup) -> SeGroup {
        let mut actual = actual.clone();
        if let (Some(prior), Some(found)) = (&self.data_network_id, &actual.data_network_id)
            && are_same_data_networks(prior, found)
        {
            actual.data_network_id = Some(prior.clone());
        }
        if let (Some(prior), Some(found)) = (&self.mgmt_network_ref, &actual.mgmt_network_ref)
            && may_be_same("network", prior, found)
        {
            actual.mgmt_network_ref = Some(prior.clone());
        }
        if let (Some(prior), Some(found)) =
            (&self.availability_zone_refs, &actual.availability_zone_refs)
            && are_same_zones(prior, found)
        {
            actual.availability_zone_refs = Some(prior.iter().cloned().collect());
        }
        actual
    }
}

/// The sizing settings that the configuration sets, as they are kept beside the object: what is taken out of the
/// configuration later goes back to the controller's default.
pub(super) fn configured_sizing(config: &Config<'_>) -> Vec<u8> {
    let names = SIZING.iter().filter(|name| !config.get(name).is_null());
    let names: Vec<_> = names.copied().collect();
    names.join(",").into_bytes()
}

/// The sizing settings that the configuration set when the object was last written.
pub(super) fn sizing_kept(memory: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(memory);
    let kept: BTreeSet<_> = text.split(',').collect();
    let names = SIZING.iter().filter(|name| kept.contains(*name));
    names.copied().collect()
}

/// The labels as decisions take them.
pub(crate) fn labels_of(group: &SeGroup) -> Vec<Label> {
    let labels = group.labels.iter().flatten();
    labels
        .map(|label| Label {
            key: label.key.clone(),
            value: label.value.clone(),
        })
        .collect()
}

/// The label as the controller takes it.
pub(crate) fn to_label(cluster_name: &str) -> KeyValue {
    let Label { key, value } = Label::of_cluster(cluster_name);
    KeyValue {
        key,
        value,
        ..KeyValue::default()
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

/// The name by which the controller knows the subnet; ids were checked before.
pub(crate) fn name_of_network(text: &str) -> String {
    match DataNetwork::parse(text) {
        Ok(network) => network.name().to_owned(),
        Err(_) => text.to_owned(),
    }
}
