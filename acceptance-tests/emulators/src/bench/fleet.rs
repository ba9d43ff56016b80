//! Many clusters in one configuration: what a plan of all of them costs, and how their SE subnets share a network.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::{Latency, Options, Seed};

use super::Error;
use super::ground::{Ground, PLAN, Step};

/// The nodes of some clusters as routes, each in a table of its own.
#[derive(Debug, Serialize)]
pub struct Fleet {
    /// How many clusters.
    pub clusters: u8,
    /// How many nodes each has.
    pub nodes: usize,
    /// Creating all routes.
    pub apply: Step,
    /// A plan that finds nothing to do.
    pub no_change_plan: Step,
}

/// Ten SE subnets, with tables and routes of their own, in one virtual network at realistic latency.
#[derive(Debug, Serialize)]
pub struct SharedNetwork {
    /// Terraform's `-parallelism`.
    pub parallelism: usize,
    /// Creating all of them.
    pub apply: Step,
    /// A plan that finds nothing to do.
    pub no_change_plan: Step,
    /// Destroying all of them.
    pub destroy: Step,
}

const PREAMBLE: &str = r#"
terraform {
  required_providers {
    ako = { source = "ako-azure/ako" }
  }
}

provider "ako" {
  azure = {}
}
"#;

const ROUTES: &str = r#"
variable "kubeconfigs" { type = map(string) }
variable "resource_group_id" { type = string }

data "ako_cluster_nodes" "of" {
  for_each    = var.kubeconfigs
  config_path = each.value
}

resource "ako_pod_routes" "of" {
  for_each       = var.kubeconfigs
  cluster_name   = each.key
  route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-${each.key}"
  route_limit    = 100000
  nodes          = data.ako_cluster_nodes.of[each.key].nodes
}
"#;

const SUBNETS: &str = r#"
variable "virtual_network_id" { type = string }

resource "ako_cluster_subnet" "se" {
  count              = 10
  cluster_name       = "cluster-${count.index}"
  virtual_network_id = var.virtual_network_id
  name               = "snet-se-${count.index}"
  address_prefixes   = ["10.0.${100 + count.index}.0/24"]
}

resource "ako_pod_routes" "of" {
  count          = 10
  cluster_name   = "cluster-${count.index}"
  route_table_id = ako_cluster_subnet.se[count.index].route_table_id
  nodes          = { "node-1" = { internal_ip = "10.1.0.4", pod_cidrs = ["10.244.0.0/24"] } }
}
"#;

/// Clusters of that size, without latency.
pub(super) fn measure(provider: &Path, clusters: u8, nodes: usize) -> Result<Fleet, Error> {
    let mut options = Options {
        seed: Seed::fleet(clusters, nodes),
        ..Options::default()
    };
    options.settings.route_limit = nodes.max(400);
    let mut ground = Ground::new(provider, options, &format!("{PREAMBLE}{ROUTES}"))?;
    let connection = ground.lab.connection();
    let azure = &connection.azure;
    let group = format!(
        "/subscriptions/{}/resourceGroups/{}",
        azure.subscription_id, azure.resource_group
    );
    let kubeconfigs = connection.kubernetes.iter();
    let kubeconfigs = kubeconfigs
        .map(|cluster| (cluster.name.clone(), json!(cluster.kubeconfig)))
        .collect();
    ground
        .terraform
        .set_variable("resource_group_id", &json!(group));
    ground.terraform.set_variable("kubeconfigs", &kubeconfigs);
    Ok(Fleet {
        clusters,
        nodes,
        apply: ground.step(|terraform| terraform.start_apply(&[]))?,
        no_change_plan: ground.step(|terraform| terraform.start(&PLAN))?,
    })
}

/// Ten SE subnets, `parallelism` operations at a time.
pub(super) fn share_network(provider: &Path, parallelism: usize) -> Result<SharedNetwork, Error> {
    let mut options = Options {
        seed: Seed::empty(),
        latency: Latency::REALISTIC,
        ..Options::default()
    };
    // What users meet: a second write in the network is refused.
    options.settings.busy = crate::azure::Busy::Conflict;
    let mut ground = Ground::new(provider, options, &format!("{PREAMBLE}{SUBNETS}"))?;
    let network = json!(ground.lab.connection().azure.virtual_network_id);
    ground
        .terraform
        .set_variable("virtual_network_id", &network);
    let argument = format!("-parallelism={parallelism}");
    Ok(SharedNetwork {
        parallelism,
        apply: ground.step(|terraform| terraform.start_apply(&[&argument]))?,
        no_change_plan: ground.step(|terraform| terraform.start(&PLAN))?,
        destroy: ground.step(|terraform| terraform.start_destroy(&[&argument]))?,
    })
}
