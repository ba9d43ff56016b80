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
            azure_configuration: Some(self.azure()),
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
    /// A PATCH replaces the part about Azure as a whole: all of it that does not change goes back as it came.
    pub(super) fn change_from(&self, prior: &Model, actual: &Cloud, is_markable: bool) -> Patch {
        let mut replaced = Cloud::default();
        let mut deleted = Cloud::default();
        if prior.name != self.name {
            replaced.name.clone_from(&self.name);
        }
        if prior.differs_in_azure(self) {
            let azure = actual.azure_configuration.clone().unwrap_or_default();
            replaced.azure_configuration = Some(merged(azure, prior.azure(), self.azure()));
        }
        replaced.dhcp_enabled = changed(&prior.dhcp_enabled, &self.dhcp_enabled);
        replaced.mtu = changed(&prior.mtu, &self.mtu);
        replaced.license_tier = changed(&prior.license_tier, &self.license_tier);
        let (ipam, dns) = (&self.ipam_provider_ref, &self.dns_provider_ref);
        replaced.ipam_provider_ref =
            changed(&prior.ipam_provider_ref, ipam).map(|text| profile(&text));
        replaced.dns_provider_ref =
            changed(&prior.dns_provider_ref, dns).map(|text| profile(&text));
        deleted.ipam_provider_ref =
            taken_away(&prior.ipam_provider_ref, ipam, &actual.ipam_provider_ref);
        deleted.dns_provider_ref =
            taken_away(&prior.dns_provider_ref, dns, &actual.dns_provider_ref);
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

    /// Whether `planned` asks for something else in the part about Azure.
    pub(super) fn differs_in_azure(&self, planned: &Model) -> bool {
        self.azure() != planned.azure()
    }

    /// Whether `planned` asks for something that concerns the controller.
    pub(super) fn differs_at_controller(&self, planned: &Model) -> bool {
        self.at_controller() != planned.at_controller() || self.mark_enabled != planned.mark_enabled
    }

    /// What a create is to know of a cloud under the same name. What is not set, or not known yet, counts as equal.
    pub(super) fn found(&self, actual: &Cloud) -> Found {
        let vtype = actual.vtype.as_deref().unwrap_or("CLOUD_NONE");
        let mark = avi_marks::Marker::of_cloud(&self.name);
        Found {
            alien: (vtype != AZURE)
                .then(|| format!("is a cloud of the type {vtype}, not of the type {AZURE}")),
            is_ours: mark.is_in(&markers_of(actual)),
            differences: self.differences(&self.clone().refreshed(actual)),
        }
    }

    /// The model of a cloud that is to be made, where the plan has left open what an existing one would have had:
    /// the controller's defaults, but for DHCP (see the schema).
    pub(super) fn with_defaults(self) -> Model {
        let dhcp_enabled = self.dhcp_enabled.or(Some(true));
        let defaults = Model::of(&Cloud::default());
        Model {
            dhcp_enabled,
            ..self.filled_from(&defaults)
        }
    }

    /// The planned model once it is in place, as the cloud `actual`.
    pub(super) fn completed(self, actual: &Cloud, adopted: bool) -> Model {
        let now = Model::of(actual);
        Model {
            adopted: self.adopted.or(Some(adopted)),
            uuid: now.uuid.clone(),
            reference: now.reference.clone(),
            ..self.filled_from(&now)
        }
    }

    /// The model as the controller shows it now. Where it means the same, the model's spelling stays; an argument
    /// that the model does not have is not managed, and what somebody else has set there is not shown.
    pub(super) fn refreshed(self, actual: &Cloud) -> Model {
        let now = Model::of(actual);
        let same_text = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let same_network = are_same_data_networks;
        Model {
            name: now.name,
            subscription_id: kept(self.subscription_id, now.subscription_id, same_text),
            location: kept(self.location, now.location, are_same_locations),
            resource_group: kept(self.resource_group, now.resource_group, are_same_ids),
            virtual_network_id: kept(
                self.virtual_network_id,
                now.virtual_network_id,
                are_same_ids,
            ),
            se_network_id: kept(self.se_network_id, now.se_network_id, same_network),
            management_network_id: kept(
                self.management_network_id,
                now.management_network_id,
                same_network,
            ),
            cloud_credential_ref: kept(
                self.cloud_credential_ref,
                now.cloud_credential_ref,
                are_same_credentials,
            ),
            availability_zones: match self.availability_zones {
                // An empty set and no set at all are the same at the controller.
                Some(zones) if zones.is_empty() && now.availability_zones.is_none() => Some(zones),
                Some(_) => now.availability_zones,
                None => None,
            },
            des_id: kept(self.des_id, now.des_id, are_same_ids),
            se_storage_account: kept(self.se_storage_account, now.se_storage_account, str::eq),
            ipam_provider_ref: kept(
                self.ipam_provider_ref,
                now.ipam_provider_ref,
                are_same_profiles,
            ),
            dns_provider_ref: kept(
                self.dns_provider_ref,
                now.dns_provider_ref,
                are_same_profiles,
            ),
            adopt_existing: self.adopt_existing,
            mark_enabled: self.mark_enabled,
            adopted: self.adopted,
            ..now
        }
    }

    /// The cloud as an import finds it: ours from here on, whoever has made it.
    pub(super) fn imported(actual: &Cloud) -> Model {
        Model {
            mark_enabled: true,
            adopted: Some(false),
            ..Model::of(actual)
        }
    }

    /// All that the controller shows. What it leaves out has its default (Avi's object models).
    fn of(actual: &Cloud) -> Model {
        let azure = actual.azure_configuration.clone().unwrap_or_default();
        let networks = azure.network_info.unwrap_or_default();
        let network = networks.into_iter().next().unwrap_or_default();
        let zones: BTreeSet<_> = azure.availability_zones.into_iter().flatten().collect();
        Model {
            name: actual.name.clone(),
            subscription_id: azure.subscription_id,
            location: azure.location,
            resource_group: azure.resource_group,
            virtual_network_id: network.virtual_network_id,
            se_network_id: network.se_network_id,
            management_network_id: network.management_network_id,
            cloud_credential_ref: ref_of(azure.cloud_credentials_ref.as_deref()),
            availability_zones: Some(zones).filter(|zones| !zones.is_empty()),
            use_enhanced_ha: Some(azure.use_enhanced_ha.unwrap_or(false)),
            use_managed_disks: Some(azure.use_managed_disks.unwrap_or(true)),
            use_standard_alb: Some(azure.use_standard_alb.unwrap_or(true)),
            use_azure_dns: Some(azure.use_azure_dns.unwrap_or(false)),
            des_id: azure.des_id,
            se_storage_account: azure.se_storage_account,
            dhcp_enabled: Some(actual.dhcp_enabled.unwrap_or(false)),
            mtu: Some(actual.mtu.unwrap_or(1500)),
            license_tier: actual.license_tier.clone(),
            ipam_provider_ref: ref_of(actual.ipam_provider_ref.as_deref()),
            dns_provider_ref: ref_of(actual.dns_provider_ref.as_deref()),
            uuid: actual.uuid.clone(),
            reference: ref_of(actual.url.as_deref()),
            ..Model::default()
        }
    }

    /// The model with what only `other` knows of the arguments that have a default, or the controller's choice.
    fn filled_from(self, other: &Model) -> Model {
        Model {
            use_enhanced_ha: self.use_enhanced_ha.or(other.use_enhanced_ha),
            use_managed_disks: self.use_managed_disks.or(other.use_managed_disks),
            use_standard_alb: self.use_standard_alb.or(other.use_standard_alb),
            use_azure_dns: self.use_azure_dns.or(other.use_azure_dns),
            dhcp_enabled: self.dhcp_enabled.or(other.dhcp_enabled),
            mtu: self.mtu.or(other.mtu),
            license_tier: self.license_tier.or_else(|| other.license_tier.clone()),
            ..self
        }
    }

    /// The part about Azure as this model has it.
    fn azure(&self) -> AzureConfiguration {
        let name_of = |text: &String| match DataNetwork::parse(text) {
            Ok(network) => network.name().to_owned(),
            Err(_) => text.clone(),
        };
        let network = AzureNetworkInfo {
            virtual_network_id: self.virtual_network_id.clone(),
            se_network_id: self.se_network_id.as_ref().map(name_of),
            management_network_id: self.management_network_id.as_ref().map(name_of),
            ..AzureNetworkInfo::default()
        };
        let zones = self.availability_zones.iter().flatten().cloned();
        let zones: Vec<_> = zones.collect();
        AzureConfiguration {
            subscription_id: self.subscription_id.clone(),
            location: self.location.clone(),
            resource_group: self.resource_group.clone(),
            cloud_credentials_ref: self.cloud_credential_ref.as_deref().map(credential),
            network_info: Some(vec![network]),
            availability_zones: Some(zones).filter(|zones| !zones.is_empty()),
            des_id: self.des_id.clone(),
            se_storage_account: self.se_storage_account.clone(),
            use_azure_dns: self.use_azure_dns,
            use_enhanced_ha: self.use_enhanced_ha,
            use_managed_disks: self.use_managed_disks,
            use_standard_alb: self.use_standard_alb,
            ..AzureConfiguration::default()
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

    /// Where `actual` is not as planned; an argument that is not set takes everything.
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
            text("license_tier", |model| &model.license_tier),
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
    let wanted = planned.as_ref()?;
    (planned != actual).then(|| Difference {
        attribute,
        planned: format!("{wanted:?}"),
        actual: match actual {
            Some(actual) => format!("{actual:?}"),
            None => "nothing".to_owned(),
        },
    })
}

/// The text as the controller shows it now, in its own spelling where that means the same.
fn kept(
    text: Option<String>,
    actual: Option<String>,
    same: impl Fn(&str, &str) -> bool,
) -> Option<String> {
    let text = text?;
    match actual {
        Some(actual) if !same(&text, &actual) => Some(actual),
        Some(_) => Some(text),
        None => None,
    }
}

/// The part about Azure with what differs between `prior` and `planned`; the rest stays as somebody has set it.
fn merged(
    mut actual: AzureConfiguration,
    prior: AzureConfiguration,
    planned: AzureConfiguration,
) -> AzureConfiguration {
    let first = |networks: Option<Vec<AzureNetworkInfo>>| {
        let networks = networks.into_iter().flatten();
        networks.into_iter().next().unwrap_or_default()
    };
    let mut network = first(actual.network_info.take());
    let (before, after) = (first(prior.network_info), first(planned.network_info));
    put(
        &mut network.virtual_network_id,
        before.virtual_network_id,
        after.virtual_network_id,
    );
    put(
        &mut network.se_network_id,
        before.se_network_id,
        after.se_network_id,
    );
    put(
        &mut network.management_network_id,
        before.management_network_id,
        after.management_network_id,
    );
    actual.network_info = Some(vec![network]);
    put(
        &mut actual.cloud_credentials_ref,
        prior.cloud_credentials_ref,
        planned.cloud_credentials_ref,
    );
    put(
        &mut actual.availability_zones,
        prior.availability_zones,
        planned.availability_zones,
    );
    put(&mut actual.des_id, prior.des_id, planned.des_id);
    put(
        &mut actual.se_storage_account,
        prior.se_storage_account,
        planned.se_storage_account,
    );
    put(
        &mut actual.use_azure_dns,
        prior.use_azure_dns,
        planned.use_azure_dns,
    );
    put(
        &mut actual.use_enhanced_ha,
        prior.use_enhanced_ha,
        planned.use_enhanced_ha,
    );
    put(
        &mut actual.use_managed_disks,
        prior.use_managed_disks,
        planned.use_managed_disks,
    );
    put(
        &mut actual.use_standard_alb,
        prior.use_standard_alb,
        planned.use_standard_alb,
    );
    actual
}

fn put<T: PartialEq>(member: &mut Option<T>, prior: Option<T>, planned: Option<T>) {
    if prior != planned {
        *member = planned;
    }
}

fn changed<T: Clone + PartialEq>(prior: &Option<T>, planned: &Option<T>) -> Option<T> {
    planned.clone().filter(|_| prior != planned)
}

/// What has to be named so that it goes: what the configuration had and has no more, if it is there.
fn taken_away(
    prior: &Option<String>,
    planned: &Option<String>,
    actual: &Option<String>,
) -> Option<String> {
    let is_taken_away = prior.is_some() && planned.is_none();
    actual.clone().filter(|_| is_taken_away)
}

fn to_marker(entry: MarkerEntry) -> Marker {
    Marker {
        key: entry.key,
        values: entry.values,
        ..Marker::default()
    }
}
