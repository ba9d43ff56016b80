//! What the resources and data sources about SE groups share: the cloud that an SE group is in, its label, its subnet,
//! its Service Engines.

use crate::clients::Limits;
use crate::clients::avi::NoReference;
use crate::clients::avi::{
    Client, Cloud, Error, Filter, KeyValue, Object, Patch, Reference, SeGroup, ServiceEngine,
};
use crate::clients::azure::ids::VirtualNetworkId;
use crate::configured::Configured;
use crate::domain::se_groups::{DataNetwork, Label, LabelStep, are_same_data_networks, cluster_of};
use std::time::{Duration, Instant};

/// The cloud that an SE group is in, as far as decisions need it.
#[derive(Clone, Debug)]
pub(crate) struct CloudOfGroup {
    /// What the controller knows it by.
    pub(crate) uuid: String,
    /// Its name.
    pub(crate) name: String,
    /// The Azure id of its virtual network; none where it is not in Azure.
    pub(crate) virtual_network: Option<String>,
}

/// How an import names an SE group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupId {
    /// By the name of its cloud and its own.
    Names { cloud: String, name: String },
    /// By what the controller knows it by.
    Uuid(String),
}

/// What Azure says of the subnet in which Service Engines are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubnetLook {
    /// It is there, or Azure could not be asked.
    Unobjectionable,
    /// Its virtual network is there, and has no such subnet.
    Missing,
}

/// How long Azure may take to say whether a subnet is there: it is asked for better messages alone.
const SUBNET_LOOK: Duration = Duration::from_secs(15);

impl CloudOfGroup {
    /// The cloud that the reference means, or none.
    pub(crate) async fn find(
        avi: &Client,
        limits: &Limits,
        reference: &Reference,
    ) -> Result<Option<CloudOfGroup>, Error> {
        let found: Option<Cloud> = match reference {
            Reference::Uuid(uuid) => avi.get(limits, uuid).await?,
            Reference::Name(name) => avi.find(limits, &Filter::named(name)).await?,
        };
        Ok(found.map(CloudOfGroup::of))
    }

    fn of(cloud: Cloud) -> CloudOfGroup {
        let azure = cloud.azure_configuration;
        let network = azure.and_then(|azure| azure.network_info?.into_iter().next());
        CloudOfGroup {
            uuid: cloud.uuid.unwrap_or_default(),
            name: cloud.name,
            virtual_network: network.and_then(|network| network.virtual_network_id),
        }
    }

    /// The SE group of that name in this cloud.
    pub(crate) async fn find_group(
        &self,
        avi: &Client,
        limits: &Limits,
        name: &str,
    ) -> Result<Option<SeGroup>, Error> {
        let cloud = Reference::Uuid(self.uuid.clone());
        avi.find(limits, &Filter::named(name).in_cloud(cloud)).await
    }

    /// All SE groups of this cloud.
    pub(crate) async fn groups(
        &self,
        avi: &Client,
        limits: &Limits,
    ) -> Result<Vec<SeGroup>, Error> {
        let cloud = Reference::Uuid(self.uuid.clone());
        avi.list(limits, &Filter::all().in_cloud(cloud)).await
    }

    /// What Azure says of the subnet. The controller does not look for it before it places a Service Engine; where
    /// the provider can sign in to Azure, a name that is wrong is told at once.
    pub(crate) async fn look_for_subnet(
        &self,
        configured: &Configured,
        limits: &Limits,
        data_network: &str,
    ) -> SubnetLook {
        let (Ok(azure), Some(network)) = (configured.clients.azure(), &self.virtual_network) else {
            return SubnetLook::Unobjectionable;
        };
        let Ok(id) = network.parse::<VirtualNetworkId>() else {
            return SubnetLook::Unobjectionable;
        };
        let limits = Limits {
            deadline: limits.deadline.min(Instant::now() + SUBNET_LOOK),
            stop: limits.stop.clone(),
        };
        match azure.get_virtual_network(&limits, &id).await {
            Ok(Some(network)) if network.subnet(&name_of_network(data_network)).is_none() => {
                SubnetLook::Missing
            }
            Ok(_) => SubnetLook::Unobjectionable,
            Err(error) => {
                tracing::debug!(virtual_network = %id, %error, "not looking for the subnet of an SE group");
                SubnetLook::Unobjectionable
            }
        }
    }
}

impl GroupId {
    /// Reads what an import is given: `<cloud>/<name>`, a uuid, or a reference with one.
    pub(crate) fn parse(text: &str) -> Result<GroupId, NoReference> {
        let reference = Reference::parse(SeGroup::TYPE, text);
        match (reference, text.split_once('/')) {
            (Ok(Reference::Uuid(uuid)), _) => Ok(GroupId::Uuid(uuid)),
            (_, Some((cloud, name))) if !cloud.is_empty() && !name.is_empty() => {
                Ok(GroupId::Names {
                    cloud: cloud.to_owned(),
                    name: name.to_owned(),
                })
            }
            (Err(error), _) => Err(error),
            (Ok(Reference::Name(name)), _) => Err(NoReference::Unreadable {
                text: name,
                wanted: SeGroup::TYPE.to_owned(),
            }),
        }
    }
}

/// The names of the Service Engines of the SE group with this uuid.
pub(crate) async fn service_engines_of(
    avi: &Client,
    limits: &Limits,
    uuid: &str,
) -> Result<Vec<String>, Error> {
    let filter = Filter::all().with("se_group_ref.uuid", uuid);
    let engines: Vec<ServiceEngine> = avi.list(limits, &filter).await?;
    let names = engines.into_iter().filter(|engine| {
        let group = engine.se_group_ref.as_deref();
        // A controller that does not know a filter gives all.
        group
            .and_then(crate::clients::avi::refs::uuid_of)
            .is_none_or(|group| group == uuid)
    });
    let mut names: Vec<_> = names.map(|engine| engine.name).collect();
    names.sort();
    Ok(names)
}

/// The SE groups beside `name` whose Service Engines use the same subnet.
pub(crate) fn groups_with_network(
    groups: &[SeGroup],
    name: &str,
    data_network: &str,
) -> Vec<String> {
    let others = groups.iter().filter(|group| {
        let network = group.data_network_id.as_deref();
        group.name != name
            && network.is_some_and(|network| are_same_data_networks(network, data_network))
    });
    others.map(|group| group.name.clone()).collect()
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

/// The cluster that the label of the SE group names.
pub(crate) fn cluster_name_of(group: &SeGroup) -> Option<String> {
    cluster_of(&labels_of(group)).map(str::to_owned)
}

/// The patch with what the step does to the label.
pub(crate) fn with_label(patch: Patch, step: LabelStep, cluster_name: Option<&str>) -> Patch {
    let labelled = SeGroup {
        labels: cluster_name.map(|cluster| vec![to_label(cluster)]),
        ..SeGroup::default()
    };
    match step {
        LabelStep::Leave => patch,
        LabelStep::Add => patch.add(&labelled),
        LabelStep::Replace => patch.replace(&labelled),
    }
}

/// The label of the cluster as the controller takes it.
pub(crate) fn to_label(cluster_name: &str) -> KeyValue {
    let Label { key, value } = Label::of_cluster(cluster_name);
    KeyValue {
        key,
        value,
        ..KeyValue::default()
    }
}

/// The name by which the controller knows the subnet; what is neither a name nor an id goes as it is.
pub(crate) fn name_of_network(text: &str) -> String {
    match DataNetwork::parse(text) {
        Ok(network) => network.name().to_owned(),
        Err(_) => text.to_owned(),
    }
}

/// The reference without the name after its uuid, which some answers have and others do not.
pub(crate) fn without_name(reference: &str) -> String {
    let reference = reference.split('#').next();
    reference.unwrap_or_default().to_owned()
}

/// Whether the text refers to an object of that type.
pub(crate) fn check_ref<O: Object>(text: &str) -> Result<(), String> {
    let found = Reference::parse(O::TYPE, text);
    found
        .map(drop)
        .map_err(|error| format!("must be a reference: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_names_an_se_group_by_its_cloud_and_name_or_by_its_uuid() {
        let uuid = "serviceenginegroup-5c1a0000-0000-4000-8000-000000000001";
        let names = |cloud: &str, name: &str| GroupId::Names {
            cloud: cloud.to_owned(),
            name: name.to_owned(),
        };
        for (text, expected) in [
            ("azure/seg-1", names("azure", "seg-1")),
            ("azure west/a/b", names("azure west", "a/b")),
            (uuid, GroupId::Uuid(uuid.to_owned())),
            (
                &*format!("https://avi/api/serviceenginegroup/{uuid}#seg-1"),
                GroupId::Uuid(uuid.to_owned()),
            ),
        ] {
            assert_eq!(GroupId::parse(text).as_ref(), Ok(&expected), "{text}");
        }
        for text in ["", "seg-1", "/seg-1", "azure/"] {
            assert!(GroupId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn another_se_group_of_the_same_subnet_is_found_in_any_spelling() {
        let group = |name: &str, network: Option<&str>| SeGroup {
            name: name.to_owned(),
            data_network_id: network.map(str::to_owned),
            ..SeGroup::default()
        };
        let groups = [
            group("mine", Some("snet-se")),
            group("other", Some("SNET-SE")),
            group("third", Some("snet-x")),
            group("default", None),
        ];
        assert_eq!(groups_with_network(&groups, "mine", "snet-se"), ["other"]);
    }
}
