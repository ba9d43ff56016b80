//! The attributes of `ako_se_group_override`, and what the controller holds of them.

use crate::clients::avi::SeGroup;
use crate::clients::avi::refs::uuid_of;
use crate::domain::se_groups::are_same_data_networks;
use crate::resources::se_groups::{cluster_name_of, without_name};
use serde::{Deserialize, Serialize};

/// One override as Terraform sees it; a field for each attribute, in the order of the schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The cloud, as the user refers to it.
    pub cloud_ref: String,
    /// The name of the SE group.
    pub se_group_name: String,
    /// The subnet; none where somebody has cleared it.
    pub data_network_id: Option<String>,
    /// The cluster that the label names.
    pub cluster_name: Option<String>,
    /// What was there before.
    pub previous_data_network_id: Option<String>,
    /// What a destroy does.
    pub on_destroy: String,
    /// Whether the label was added here.
    pub label_added: Option<bool>,
    /// What the controller knows the SE group by.
    pub se_group_uuid: Option<String>,
    /// The uuid of the cloud.
    pub cloud_uuid: Option<String>,
    /// The name of the cloud.
    pub cloud_name: Option<String>,
}

impl Model {
    /// The override as the controller shows it now.
    pub(super) fn refreshed(mut self, actual: &SeGroup) -> Model {
        let found = actual.data_network_id.clone();
        let is_same = match (&self.data_network_id, &found) {
            (Some(prior), Some(found)) => are_same_data_networks(prior, found),
            _ => false,
        };
        if !is_same {
            self.data_network_id = found;
        }
        self.se_group_name.clone_from(&actual.name);
        // Null is not managed: any label is left alone. One that has come in place of ours is not ours.
        let cluster = cluster_name_of(actual);
        if self.cluster_name.is_some() && self.cluster_name != cluster {
            self.cluster_name = cluster;
            self.label_added = Some(false);
        }
        self
    }

    pub(super) fn imported(actual: &SeGroup, cloud_name: String) -> Model {
        let cloud_ref = without_name(actual.cloud_ref.as_deref().unwrap_or_default());
        Model {
            cloud_uuid: uuid_of(&cloud_ref).map(str::to_owned),
            cloud_ref,
            se_group_name: actual.name.clone(),
            data_network_id: actual.data_network_id.clone(),
            // The label may be AKO's.
            cluster_name: None,
            previous_data_network_id: None,
            on_destroy: "restore".to_owned(),
            label_added: Some(false),
            se_group_uuid: actual.uuid.clone(),
            cloud_name: Some(cloud_name),
        }
    }

    /// The cluster whose label was added here.
    pub(super) fn own_label(&self) -> Option<&str> {
        match self.label_added {
            Some(true) => self.cluster_name.as_deref(),
            _ => None,
        }
    }
}
