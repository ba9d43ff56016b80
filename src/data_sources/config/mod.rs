//! `ako_config`: what AKO in a cluster is configured with, as its config map says.

mod messages;
mod schema;
#[cfg(test)]
mod tests;

use crate::clients::kubernetes::{Connection, Error};
use crate::configured::{Configured, limits_of};
use crate::domain::ako_config::{is_secret, is_true, static_route_sync_enabled};
use crate::framework::diagnostics::{Diagnostic, Diagnostics};
use crate::framework::resource::{Context, DataSource};
use crate::framework::schema::Schema;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The config map of AKO, under this name whatever its release is called.
const CONFIG_MAP: &str = "avi-k8s-config";

/// The namespace in which AKO is unless it was installed elsewhere.
const DEFAULT_NAMESPACE: &str = "avi-system";

/// The data source `ako_config`.
#[derive(Debug)]
pub struct Config {
    configured: Arc<Configured>,
}

/// The attributes of `ako_config`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// A kubeconfig file.
    pub config_path: Option<String>,
    /// The context in it.
    pub config_context: Option<String>,
    /// The address of the API server.
    pub host: Option<String>,
    /// The certificate authority of the API server, PEM.
    pub cluster_ca_certificate: Option<String>,
    /// The namespace of AKO.
    pub namespace: Option<String>,
    /// `clusterName`.
    pub cluster_name: Option<String>,
    /// `cloudName`.
    pub cloud_name: Option<String>,
    /// `serviceEngineGroupName`.
    pub se_group_name: Option<String>,
    /// `cniPlugin`.
    pub cni_plugin: Option<String>,
    /// Whether AKO writes the routes to pods.
    pub static_route_sync_enabled: Option<bool>,
    /// `serviceType`.
    pub service_type: Option<String>,
    /// `vipNetworkList`.
    pub vip_networks: Option<Vec<VipNetworkModel>>,
    /// `controllerIP`.
    pub controller_host: Option<String>,
    /// `controllerVersion`.
    pub controller_version: Option<String>,
    /// `tenantName`.
    pub tenant_name: Option<String>,
    /// `primaryInstance`.
    pub primary_instance: Option<bool>,
    /// `deleteConfig`.
    pub delete_config: Option<bool>,
    /// All entries.
    pub data: Option<BTreeMap<String, String>>,
}

/// A network for virtual addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VipNetworkModel {
    /// Its name; on Azure that of a subnet.
    pub network_name: Option<String>,
    /// What the controller knows it by.
    pub network_uuid: Option<String>,
    /// Its IPv4 network.
    pub cidr: Option<String>,
    /// Its IPv6 network.
    pub v6_cidr: Option<String>,
}

#[async_trait]
impl DataSource for Config {
    const NAME: &'static str = "ako_config";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> Config {
        Config { configured }
    }

    fn schema() -> Schema {
        schema::schema()
    }

    async fn read(&self, context: &Context, config: Model) -> Result<Model, Diagnostics> {
        let read = self.read_config_map(context, &config).await;
        let data = read.map_err(|error| messages::failed(&error, config.namespace()))?;
        let data = data.ok_or_else(|| messages::missing(config.namespace()))?;
        let (model, warning) = config.with(data);
        warning
            .into_iter()
            .for_each(|warning| context.warn(warning));
        Ok(model)
    }
}

impl Config {
    async fn read_config_map(
        &self,
        context: &Context,
        config: &Model,
    ) -> Result<Option<BTreeMap<String, String>>, Error> {
        let limits = limits_of(context);
        let connection = config.connection();
        let client = self.configured.clients.kubernetes(&limits, &connection);
        let client = client.await?;
        client
            .get_config_map(&limits, config.namespace(), CONFIG_MAP)
            .await
    }
}

impl Model {
    fn connection(&self) -> Connection {
        Connection {
            config_path: self.config_path.clone(),
            config_context: self.config_context.clone(),
            host: self.host.clone(),
            cluster_ca_certificate: self.cluster_ca_certificate.clone(),
        }
    }

    fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE)
    }

    /// The same connection with what the config map says; a warning where a part of it cannot be read.
    fn with(self, mut data: BTreeMap<String, String>) -> (Model, Option<Diagnostic>) {
        data.retain(|key, _| !is_secret(key));
        let text = |key: &str| data.get(key).cloned();
        let flag = |key: &str| data.get(key).map(|text| is_true(text));
        let disable = data.get("disableStaticRouteSync").map(String::as_str);
        let service_type = data.get("serviceType").map(String::as_str);
        let (vip_networks, warning) = match data.get("vipNetworkList").map(|list| networks(list)) {
            None => (None, None),
            Some(Ok(networks)) => (Some(networks), None),
            Some(Err(error)) => (None, Some(messages::unreadable_networks(&error))),
        };
        let model = Model {
            cluster_name: text("clusterName"),
            cloud_name: text("cloudName"),
            se_group_name: text("serviceEngineGroupName"),
            cni_plugin: text("cniPlugin"),
            static_route_sync_enabled: Some(static_route_sync_enabled(disable, service_type)),
            service_type: text("serviceType"),
            vip_networks,
            controller_host: text("controllerIP"),
            controller_version: text("controllerVersion"),
            tenant_name: text("tenantName"),
            primary_instance: flag("primaryInstance"),
            delete_config: flag("deleteConfig"),
            data: Some(data),
            ..self
        };
        (model, warning)
    }
}

/// The networks in `vipNetworkList`, which is JSON within the config map.
fn networks(list: &str) -> Result<Vec<VipNetworkModel>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct VipNetwork {
        network_name: Option<String>,
        #[serde(rename = "networkUUID")]
        network_uuid: Option<String>,
        cidr: Option<String>,
        // Its spelling differs between AKO's chart and its operator.
        #[serde(alias = "v6Cidr")]
        v6cidr: Option<String>,
    }
    if list.trim().is_empty() {
        return Ok(Vec::new());
    }
    let networks: Option<Vec<VipNetwork>> = serde_json::from_str(list)?;
    let networks = networks.unwrap_or_default().into_iter();
    Ok(networks
        .map(|network| VipNetworkModel {
            network_name: network.network_name,
            network_uuid: network.network_uuid,
            cidr: network.cidr,
            v6_cidr: network.v6cidr,
        })
        .collect())
}
