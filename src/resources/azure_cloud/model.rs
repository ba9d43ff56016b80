//! The attributes of `ako_azure_cloud`, and what they are at the controller.

use super::schema::{
    are_same_credentials, are_same_locations, are_same_profiles, credential, profile,
};
use crate::clients::avi::{AzureConfiguration, AzureNetworkInfo, Cloud, Marker, Patch};
use crate::domain::avi_marks::{self, MarkerEntry};
use crate::domain::avi_objects::{Difference, Found};
use crate::domain::azure_ids::are_same_ids;
use crate::domain::se_groups::{DataNetwork, are_same_data_networks};
use crate::resources::avi_creation::ref_of;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What the controller calls a cloud in Azure.
pub(super) const AZURE: &str = "CLOUD_AZURE";

/// One cloud as Terraform sees it; a field for each attribute, in the order of the schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The subscription.
    pub subscription_id: Option<String>,
    /// The region.
    pub location: Option<String>,
    /// The resource group of Service Engines.
    pub resource_group: Option<String>,
    /// The virtual network.
    pub virtual_network_id: Option<String>,
    /// The subnet of Service Engines, by name or id.
    pub se_network_id: Option<String>,
    /// The subnet for management, by name or id.
    pub management_network_id: Option<String>,
    /// The credential, in any spelling.
    pub cloud_credential_ref: Option<String>,
    /// The availability zones.
    pub availability_zones: Option<BTreeSet<String>>,
    /// Whether Service Engines are spread over them.
    pub use_enhanced_ha: Option<bool>,
    /// Whether disks are managed.
    pub use_managed_disks: Option<bool>,
    /// Whether load balancers are of the kind Standard.
    pub use_standard_alb: Option<bool>,
    /// Whether names are registered in Azure.
    pub use_azure_dns: Option<bool>,
    /// The disk encryption set.
    pub des_id: Option<String>,
    /// The storage account of images.
    pub se_storage_account: Option<String>,
    /// Whether addresses come by DHCP.
    pub dhcp_enabled: Option<bool>,
    /// The largest packet.
    pub mtu: Option<i64>,
    /// The licence.
    pub license_tier: Option<String>,
    /// The profile that gives out addresses.
    pub ipam_provider_ref: Option<String>,
    /// The profile that registers names.
    pub dns_provider_ref: Option<String>,
    /// Whether a create takes an existing cloud.
    pub adopt_existing: bool,
    /// Whether the cloud is marked.
    pub mark_enabled: bool,
    /// Whether it was there before.
    pub adopted: Option<bool>,
    /// What the controller knows it by.
    pub uuid: Option<String>,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
}

/// The entries among the cloud's markers, as decisions take them.
fn markers_of(cloud: &Cloud) -> Vec<MarkerEntry> {
    let markers = cloud.markers.iter().flatten();
    markers
        .map(|marker| MarkerEntry {
            key: marker.key.clone(),
            values: marker.values.clone(),
        })
        .collect()
}

impl Model {
    /// The uuid; a stored object always has one.
    pub(super) fn uuid(&self) -> &str {
        self.uuid.as_deref().unwrap_or_default()
    }

    /// Whether destroy only forgets it.
    pub(super) fn is_adopted(&self) -> bool {
        self.adopted == Some(true)
    }

    /// What is to be at the controller, with our mark where that is wanted and `is_markable`.
    pub(super) fn desired(&self, is_markable: bool) -> Cloud {
        Cloud {
            name: self.name.clone(),
            vtype: Some(AZURE.to_owned()),
            azure_configuration: Some(self.merged_into(AzureConfiguration::default())),
            dhcp_enabled: self.dhcp_enabled,
            mtu: self.mtu,
            license_tier: self.license_tier.clone(),
            ipam_provider_ref: self.ipam_provider_ref.as_deref().map(profile),
            dns_provider_ref: self.dns_provider_ref.as_deref().map(profile),
            markers: (is_markable && self.mark_enabled).then(|| vec![to_marker(self.mark())]),
            ..Cloud::default()
        }
    }

    /// The change from `prior` to this model, on the cloud as it was just read.
    ///
    /// A PATCH replaces the part about Azure as a whole: what this resource does not know of it goes back as it came.
    pub(super) fn change_from(&self, prior: &Model, actual: &Cloud, is_markable: bool) -> Patch {
        let mut replaced = Cloud::default();
        let mut deleted = Cloud::default();
        if prior.name != self.name {
            replaced.name.clone_from(&self.name);
        }
        if prior.differs_in_azure(self) {
            let azure = actual.azure_configuration.clone().unwrap_or_default();
            replaced.azure_configuration = Some(self.merged_into(azure));
        }
        replaced.dhcp_enabled = changed(&prior.dhcp_enabled, &self.dhcp_enabled);
        replaced.mtu = changed(&prior.mtu, &self.mtu);
        replaced.license_tier = changed(&prior.license_tier, &self.license_tier);
        let (ipam, dns) = (&self.ipam_provider_ref, &self.dns_provider_ref);
        replaced.ipam_provider_ref =
            changed(&prior.ipam_provider_ref, ipam).map(|text| profile(&text));
        replaced.dns_provider_ref =
            changed(&prior.dns_provider_ref, dns).map(|text| profile(&text));
        deleted.ipam_provider_ref = taken_away(ipam, &actual.ipam_provider_ref);
        deleted.dns_provider_ref = taken_away(dns, &actual.dns_provider_ref);
        let mut added = Cloud::default();
        if prior.mark_enabled != self.mark_enabled && is_markable && !self.is_adopted() {
            let found = avi_marks::Marker::find_in(&markers_of(actual));
            match (self.mark_enabled, found) {
                (true, None) => added.markers = Some(vec![to_marker(self.mark())]),
                (false, Some(mark)) => deleted.markers = Some(vec![to_marker(mark.entry())]),
                _ => {}
            }
        }
        Patch::new().replace(&replaced).add(&added).delete(&deleted)
    }

    /// The model with the credential spelt as in `prior` where that means the same.
    pub(super) fn in_spelling_of(mut self, prior: &Model) -> Model {
        if let (Some(own), Some(prior)) = (&self.cloud_credential_ref, &prior.cloud_credential_ref)
            && are_same_credentials(own, prior)
        {
            self.cloud_credential_ref = Some(prior.clone());
        }
        self
    }

    /// Whether `planned` asks for something else in the part about Azure.
    pub(super) fn differs_in_azure(&self, planned: &Model) -> bool {
        let rest = |model: &Model| Model {
            name: String::new(),
            dhcp_enabled: None,
            mtu: None,
            license_tier: None,
            ipam_provider_ref: None,
            dns_provider_ref: None,
            ..model.at_controller()
        };
        rest(self) != rest(planned)
    }

    /// Whether `planned` asks for something that concerns the controller.
    pub(super) fn differs_at_controller(&self, planned: &Model) -> bool {
        self.at_controller() != planned.at_controller() || self.mark_enabled != planned.mark_enabled
    }

    /// What a create is to know of a cloud under the same name; what is not known of the plan yet counts as equal.
    pub(super) fn found(&self, actual: &Cloud, unknown: &BTreeSet<&str>) -> Found {
        let vtype = actual.vtype.as_deref().unwrap_or("CLOUD_NONE");
        let mark = avi_marks::Marker::of_cloud(&self.name);
        let mut differences = self.differences(&self.clone().refreshed(actual));
        differences.retain(|difference| !unknown.contains(difference.attribute));
        Found {
            alien: (vtype != AZURE)
                .then(|| format!("is a cloud of the type {vtype}, not of the type {AZURE}")),
            is_ours: mark.is_in(&markers_of(actual)),
            differences,
        }
    }

    /// The planned model once it is in place, as the cloud `actual`.
    pub(super) fn completed(mut self, actual: &Cloud, adopted: bool) -> Model {
        self.adopted.get_or_insert(adopted);
        if self.license_tier.is_none() {
            self.license_tier.clone_from(&actual.license_tier);
        }
        self.uuid.clone_from(&actual.uuid);
        self.reference = ref_of(actual.url.as_deref());
        self
    }

    /// The model as the controller shows it now. Where it means the same, the model's spelling stays.
    pub(super) fn refreshed(mut self, actual: &Cloud) -> Model {
        self.name.clone_from(&actual.name);
        self.read_azure(actual.azure_configuration.clone().unwrap_or_default());
        // What a controller leaves out has its default (Avi's object models).
        self.dhcp_enabled = Some(actual.dhcp_enabled.unwrap_or(false));
        self.mtu = Some(actual.mtu.unwrap_or(1500));
        self.license_tier.clone_from(&actual.license_tier);
        let ipam = ref_of(actual.ipam_provider_ref.as_deref());
        keep(&mut self.ipam_provider_ref, ipam, are_same_profiles);
        let dns = ref_of(actual.dns_provider_ref.as_deref());
        keep(&mut self.dns_provider_ref, dns, are_same_profiles);
        self.uuid.clone_from(&actual.uuid);
        self.reference = ref_of(actual.url.as_deref());
        self
    }

    /// The cloud as an import finds it: ours from here on, whoever has made it.
    pub(super) fn imported(actual: &Cloud) -> Model {
        let empty = Model {
            mark_enabled: true,
            adopted: Some(false),
            ..Model::default()
        };
        empty.refreshed(actual)
    }

    fn read_azure(&mut self, azure: AzureConfiguration) {
        let networks = azure.network_info.unwrap_or_default();
        let network = networks.into_iter().next().unwrap_or_default();
        let same_text = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        keep(&mut self.subscription_id, azure.subscription_id, same_text);
        keep(&mut self.location, azure.location, are_same_locations);
        keep(&mut self.resource_group, azure.resource_group, are_same_ids);
        let virtual_network = network.virtual_network_id;
        keep(&mut self.virtual_network_id, virtual_network, are_same_ids);
        let subnet = network.se_network_id;
        keep(&mut self.se_network_id, subnet, are_same_data_networks);
        let management = network.management_network_id;
        keep(
            &mut self.management_network_id,
            management,
            are_same_data_networks,
        );
        let credential = ref_of(azure.cloud_credentials_ref.as_deref());
        keep(
            &mut self.cloud_credential_ref,
            credential,
            are_same_credentials,
        );
        let zones: BTreeSet<_> = azure.availability_zones.into_iter().flatten().collect();
        // No zones are the zones of a configuration that sets none, and of one that sets an empty set.
        if self.availability_zones.clone().unwrap_or_default() != zones {
            self.availability_zones = Some(zones).filter(|zones| !zones.is_empty());
        }
        self.use_enhanced_ha = Some(azure.use_enhanced_ha.unwrap_or(false));
        self.use_managed_disks = Some(azure.use_managed_disks.unwrap_or(true));
        self.use_standard_alb = Some(azure.use_standard_alb.unwrap_or(true));
        self.use_azure_dns = Some(azure.use_azure_dns.unwrap_or(false));
        keep(&mut self.des_id, azure.des_id, are_same_ids);
        self.se_storage_account = azure.se_storage_account;
    }

    /// The part about Azure as it is to be; what this resource does not know of `actual` stays.
    fn merged_into(&self, mut actual: AzureConfiguration) -> AzureConfiguration {
        let networks = actual.network_info.take().unwrap_or_default();
        let network = networks.into_iter().next().unwrap_or_default();
        let name_of = |text: &String| match DataNetwork::parse(text) {
            Ok(network) => network.name().to_owned(),
            Err(_) => text.clone(),
        };
        let network = AzureNetworkInfo {
            virtual_network_id: self.virtual_network_id.clone(),
            se_network_id: self.se_network_id.as_ref().map(name_of),
            management_network_id: self.management_network_id.as_ref().map(name_of),
            ..network
        };
        let zones = self.availability_zones.as_ref();
        AzureConfiguration {
            subscription_id: self.subscription_id.clone(),
            location: self.location.clone(),
            resource_group: self.resource_group.clone(),
            cloud_credentials_ref: self.cloud_credential_ref.as_deref().map(credential),
            network_info: Some(vec![network]),
            availability_zones: zones.map(|zones| zones.iter().cloned().collect()),
            des_id: self.des_id.clone(),
            se_storage_account: self.se_storage_account.clone(),
            use_azure_dns: self.use_azure_dns,
            use_enhanced_ha: self.use_enhanced_ha,
            use_managed_disks: self.use_managed_disks,
            use_standard_alb: self.use_standard_alb,
            ..actual
        }
    }

    /// The model without what exists on our side alone.
    fn at_controller(&self) -> Model {
        Model {
            adopt_existing: false,
            mark_enabled: false,
            adopted: None,
            uuid: None,
            reference: None,
            ..self.clone()
        }
    }

    fn mark(&self) -> MarkerEntry {
        avi_marks::Marker::of_cloud(&self.name).entry()
    }

    /// Where `actual` is not as planned.
    fn differences(&self, actual: &Model) -> Vec<Difference> {
        let text = |name, of: fn(&Model) -> &Option<String>| differing(name, of(self), of(actual));
        let flag = |name, of: fn(&Model) -> &Option<bool>| differing(name, of(self), of(actual));
        let all = [
            text("subscription_id", |model| &model.subscription_id),
            text("location", |model| &model.location),
            text("resource_group", |model| &model.resource_group),
            text("virtual_network_id", |model| &model.virtual_network_id),
            text("se_network_id", |model| &model.se_network_id),
            text("management_network_id", |model| {
                &model.management_network_id
            }),
            text("cloud_credential_ref", |model| &model.cloud_credential_ref),
            differing(
                "availability_zones",
                &self.availability_zones,
                &actual.availability_zones,
            ),
            flag("use_enhanced_ha", |model| &model.use_enhanced_ha),
            flag("use_managed_disks", |model| &model.use_managed_disks),
            flag("use_standard_alb", |model| &model.use_standard_alb),
            flag("use_azure_dns", |model| &model.use_azure_dns),
            text("des_id", |model| &model.des_id),
            text("se_storage_account", |model| &model.se_storage_account),
            flag("dhcp_enabled", |model| &model.dhcp_enabled),
            differing("mtu", &self.mtu, &actual.mtu),
            // Where none is planned the controller's choice is right, whatever it is.
            text("license_tier", |model| &model.license_tier)
                .filter(|_| self.license_tier.is_some()),
            text("ipam_provider_ref", |model| &model.ipam_provider_ref),
            text("dns_provider_ref", |model| &model.dns_provider_ref),
        ];
        all.into_iter().flatten().collect()
    }
}

fn differing<T: fmt::Debug + PartialEq>(
    attribute: &'static str,
    planned: &Option<T>,
    actual: &Option<T>,
) -> Option<Difference> {
    let shown = |value: &Option<T>| match value {
        Some(value) => format!("{value:?}"),
        None => "nothing".to_owned(),
    };
    (planned != actual).then(|| Difference {
        attribute,
        planned: shown(planned),
        actual: shown(actual),
    })
}

/// Keeps the spelling of a text where `actual` means the same.
fn keep(text: &mut Option<String>, actual: Option<String>, same: impl Fn(&str, &str) -> bool) {
    match (text.as_deref(), &actual) {
        (Some(spelling), Some(actual)) if same(spelling, actual) => {}
        _ => *text = actual,
    }
}

fn changed<T: Clone + PartialEq>(prior: &Option<T>, planned: &Option<T>) -> Option<T> {
    planned.clone().filter(|_| prior != planned)
}

/// What has to be named so that it goes: nothing where one is planned, or none is there.
fn taken_away(planned: &Option<String>, actual: &Option<String>) -> Option<String> {
    actual.clone().filter(|_| planned.is_none())
}

fn to_marker(entry: MarkerEntry) -> Marker {
    Marker {
        key: entry.key,
        values: entry.values,
        ..Marker::default()
    }
}
