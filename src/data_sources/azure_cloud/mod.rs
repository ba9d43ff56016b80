//! `ako_azure_cloud`: a cloud of the Avi controller in Azure, with the state it is in.

mod messages;
mod schema;

use crate::clients::NotReady;
use crate::clients::avi::{AzureConfiguration, Cloud, CloudStatus, Error, Filter};
use crate::configured::{Configured, limits_of};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::plan::Config;
use crate::framework::resource::{Context, DataSource};
use crate::framework::schema::Schema;
use crate::resources::avi_creation::{ref_of, uuid_of};
use crate::resources::avi_errors::{call_failed, not_ready};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The data source `ako_azure_cloud`.
#[derive(Debug)]
pub struct AzureCloud {
    configured: Arc<Configured>,
}

/// The attributes of the data source `ako_azure_cloud`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: Option<String>,
    /// What the controller knows it by.
    pub uuid: Option<String>,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The state it is in.
    pub state: Option<String>,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// The subscription.
    pub subscription_id: Option<String>,
    /// The region.
    pub location: Option<String>,
    /// The resource group of Service Engines.
    pub resource_group: Option<String>,
    /// The virtual network.
    pub virtual_network_id: Option<String>,
    /// The subnet of Service Engines.
    pub se_network_id: Option<String>,
    /// The subnet for management.
    pub management_network_id: Option<String>,
    /// The credential.
    pub cloud_credential_ref: Option<String>,
    /// The availability zones.
    pub availability_zones: Option<BTreeSet<String>>,
    /// Whether load balancers are of the kind Standard.
    pub use_standard_alb: Option<bool>,
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
}

#[async_trait]
impl DataSource for AzureCloud {
    const NAME: &'static str = "ako_azure_cloud";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> AzureCloud {
        AzureCloud { configured }
    }

    fn schema() -> Schema {
        schema::schema()
    }

    fn validate(config: &Config<'_>, diagnostics: &mut Diagnostics) {
        let [name, uuid] = ["name", "uuid"].map(|name| config.get(name));
        if name.is_null() && uuid.is_null() || !name.is_null() && !uuid.is_null() {
            diagnostics.push(messages::name_or_uuid());
        }
    }

    async fn read(&self, context: &Context, config: Model) -> Result<Model, Diagnostics> {
        let wanted = config.uuid.as_deref().or(config.name.as_deref());
        let wanted = wanted.unwrap_or_default();
        let summary = messages::cannot_read(wanted);
        let found = self.look(context, &config).await;
        let found = found.map_err(|error| match error {
            Failed::NotReady(error) => not_ready(&summary, &error),
            Failed::Call(error) => call_failed(&summary, &error),
        })?;
        let (cloud, status) = found.ok_or_else(|| messages::not_there(wanted))?;
        match cloud.vtype.as_deref() {
            Some("CLOUD_AZURE") => Ok(Model::of(cloud, status)),
            other => Err(messages::not_in_azure(wanted, other).into()),
        }
    }
}

enum Failed {
    NotReady(NotReady),
    Call(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed::Call(error)
    }
}

impl AzureCloud {
    async fn look(
        &self,
        context: &Context,
        config: &Model,
    ) -> Result<Option<(Cloud, CloudStatus)>, Failed> {
        let avi = self.configured.clients.avi().map_err(Failed::NotReady)?;
        let limits = limits_of(context);
        let found: Option<Cloud> = match (&config.uuid, &config.name) {
            (Some(uuid), _) => avi.get(&limits, uuid).await?,
            (None, name) => {
                let name = name.as_deref().unwrap_or_default();
                avi.find(&limits, &Filter::named(name)).await?
            }
        };
        let Some(cloud) = found else {
            return Ok(None);
        };
        let status = avi.cloud_status(&limits, uuid_of(&cloud)).await?;
        Ok(Some((cloud, status)))
    }
}

impl Model {
    fn of(cloud: Cloud, status: CloudStatus) -> Model {
        let azure: AzureConfiguration = cloud.azure_configuration.unwrap_or_default();
        let networks = azure.network_info.unwrap_or_default();
        let network = networks.into_iter().next().unwrap_or_default();
        Model {
            name: Some(cloud.name),
            uuid: cloud.uuid,
            reference: ref_of(cloud.url.as_deref()),
            state: Some(status.state.to_string()),
            reason: Some(status.reason),
            subscription_id: azure.subscription_id,
            location: azure.location,
            resource_group: azure.resource_group,
            virtual_network_id: network.virtual_network_id,
            se_network_id: network.se_network_id,
            management_network_id: network.management_network_id,
            cloud_credential_ref: ref_of(azure.cloud_credentials_ref.as_deref()),
            availability_zones: Some(azure.availability_zones.into_iter().flatten().collect()),
            use_standard_alb: azure.use_standard_alb,
            dhcp_enabled: cloud.dhcp_enabled,
            mtu: cloud.mtu,
            license_tier: cloud.license_tier,
            ipam_provider_ref: ref_of(cloud.ipam_provider_ref.as_deref()),
            dns_provider_ref: ref_of(cloud.dns_provider_ref.as_deref()),
        }
    }
}
