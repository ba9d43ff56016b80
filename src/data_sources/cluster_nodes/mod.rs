//! `ako_cluster_nodes`: the nodes of a cluster with their pod CIDRs, as AKO reads them.

mod messages;
mod schema;
#[cfg(test)]
mod tests;

use crate::clients::kubernetes::{self, Connection, Error, PluginObjects};
use crate::configured::{Configured, limits_of};
use crate::domain::nodes::{
    ClusterFacts, CniPlugin, NodeFacts, NodeSubnets, PluginObject, Selection, select_nodes,
};
use crate::framework::diagnostics::Diagnostics;
use crate::framework::resource::{Context, DataSource};
use crate::framework::schema::Schema;
use crate::resources::nodes::NodeModel;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The data source `ako_cluster_nodes`.
#[derive(Debug)]
pub struct ClusterNodes {
    configured: Arc<Configured>,
}

/// The attributes of `ako_cluster_nodes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// A kubeconfig file.
    pub config_path: Option<String>,
    /// The context in it.
    pub config_context: Option<String>,
    /// The address of the API server.
    pub host: Option<String>,
    /// The certificate authority of the API server, PEM.
    pub cluster_ca_certificate: Option<String>,
    /// The network plugin, as AKO's `cniPlugin`.
    pub cni_plugin: Option<String>,
    /// Which nodes are read, where not all are.
    pub label_selector: Option<String>,
    /// The nodes by name.
    pub nodes: Option<BTreeMap<String, NodeModel>>,
    /// Why nodes are left out, by name.
    pub skipped_nodes: Option<BTreeMap<String, String>>,
    /// Which pod CIDRs are left out, and why.
    pub skipped_cidrs: Option<Vec<SkippedCidrModel>>,
}

/// A pod CIDR that is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkippedCidrModel {
    /// The node that has it.
    pub node_name: String,
    /// As Kubernetes has it.
    pub cidr: String,
    /// Why.
    pub reason: String,
}

#[async_trait]
impl DataSource for ClusterNodes {
    const NAME: &'static str = "ako_cluster_nodes";
    type Clients = Configured;
    type Model = Model;

    fn new(configured: Arc<Configured>) -> ClusterNodes {
        ClusterNodes { configured }
    }

    fn schema() -> Schema {
        schema::schema()
    }

    async fn read(&self, context: &Context, config: Model) -> Result<Model, Diagnostics> {
        // Not in validate: Terraform validates a data source twice in one plan, and would tell both twice.
        for warning in messages::unlike_ako(&config) {
            context.warn(warning);
        }
        let cni = config.cni();
        let read = self.read_cluster(context, &config, cni).await;
        let cluster = read.map_err(|error| messages::failed(&error, cni, config.selector()))?;
        let served = cluster.objects.is_some();
        let selection = select_nodes(cluster, cni);
        for warning in messages::doubtful(&selection, cni, served, config.selector()) {
            context.warn(warning);
        }
        Ok(config.with(selection))
    }
}

impl ClusterNodes {
    async fn read_cluster(
        &self,
        context: &Context,
        config: &Model,
        cni: CniPlugin,
    ) -> Result<ClusterFacts, Error> {
        let limits = limits_of(context);
        let connection = config.connection();
        let client = self.configured.clients.kubernetes(&limits, &connection);
        let client = client.await?;
        let nodes = client.list_nodes(&limits, config.selector());
        let (nodes, objects) = match objects_of(cni) {
            Some(kind) => tokio::try_join!(nodes, client.list_plugin_objects(&limits, kind))?,
            None => (nodes.await?, None),
        };
        Ok(ClusterFacts {
            nodes: nodes.into_iter().map(node_facts).collect(),
            objects: objects.map(|objects| objects.into_iter().map(plugin_object).collect()),
        })
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

    fn cni(&self) -> CniPlugin {
        CniPlugin::of_name(self.cni_plugin.as_deref().unwrap_or_default())
    }

    /// An empty selector selects all nodes, as none does.
    fn selector(&self) -> Option<&str> {
        self.label_selector
            .as_deref()
            .filter(|text| !text.trim().is_empty())
    }

    fn with(self, selection: Selection) -> Model {
        let nodes = selection.nodes.into_iter();
        let nodes = nodes.map(|(name, node)| (name, NodeModel::from(node)));
        let skipped_nodes = selection.skipped_nodes.into_iter();
        let skipped_cidrs = selection.skipped_cidrs.into_iter();
        Model {
            nodes: Some(nodes.collect()),
            skipped_nodes: Some(
                skipped_nodes
                    .map(|node| (node.name, node.reason.to_string()))
                    .collect(),
            ),
            skipped_cidrs: Some(
                skipped_cidrs
                    .map(|skipped| SkippedCidrModel {
                        node_name: skipped.node,
                        cidr: skipped.cidr,
                        reason: skipped.reason.to_string(),
                    })
                    .collect(),
            ),
            ..self
        }
    }
}

/// The objects that have to be listed besides the nodes.
fn objects_of(cni: CniPlugin) -> Option<PluginObjects> {
    match cni {
        CniPlugin::Calico => Some(PluginObjects::BlockAffinities),
        CniPlugin::OpenShift => Some(PluginObjects::HostSubnets),
        CniPlugin::Cilium => Some(PluginObjects::CiliumNodes),
        CniPlugin::Default | CniPlugin::Antrea | CniPlugin::OvnKubernetes => None,
    }
}

fn node_facts(node: kubernetes::Node) -> NodeFacts {
    use kubernetes::NodeSubnets as Read;
    let node_subnets = match node.node_subnets() {
        Read::Absent => NodeSubnets::Absent,
        Read::Unreadable(reason) => NodeSubnets::Unreadable(reason),
        Read::NoDefault => NodeSubnets::NoDefault,
        Read::Default(subnets) => NodeSubnets::Default(subnets),
    };
    let internal = node.addresses.into_iter();
    let internal = internal.filter(|(kind, _)| kind == "InternalIP");
    NodeFacts {
        name: node.name,
        annotations: node.annotations,
        pod_cidrs: node.pod_cidrs,
        internal_ips: internal.map(|(_, address)| address).collect(),
        node_subnets,
    }
}

fn plugin_object(object: kubernetes::PluginObject) -> PluginObject {
    PluginObject {
        name: object.name,
        node: object.node,
        pod_cidrs: object.pod_cidrs,
    }
}
