//! The Avi half at its usual size, counted in requests to the controller.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::{Options, Seed};

use super::Error;
use super::ground::{FIRST_NETWORK, Ground, PLAN, SECOND_NETWORK, Step, nodes};

/// A credential, a cloud, two SE groups, and the routes of two clusters in the cloud's VRF.
#[derive(Debug, Serialize)]
pub struct AviHalf {
    /// How many routes each cluster has.
    pub routes: usize,
    /// Creating everything.
    pub apply: Step,
    /// A plan that finds nothing to do.
    pub no_change_plan: Step,
    /// Every next hop of both clusters and one member of each other object change.
    pub change_all: Step,
    /// Destroying everything.
    pub destroy: Step,
}

const CONFIGURATION: &str = r#"
terraform {
  required_providers {
    ako = { source = "ako-azure/ako" }
  }
}

provider "ako" {
  azure = {}
  avi   = {}
}

variable "virtual_network_id" { type = string }
variable "principal" { type = map(string) }
variable "se_group_size" { type = number }
variable "nodes" {
  type = map(object({ internal_ip = string, pod_cidrs = list(string) }))
}

resource "ako_cloud_credential" "bench" {
  name                     = "bench"
  tenant_id                = var.principal.tenant_id
  application_id           = var.principal.application_id
  client_secret_wo         = var.principal.secret
  client_secret_wo_version = var.se_group_size
}

resource "ako_azure_cloud" "bench" {
  name                 = "bench"
  cloud_credential_ref = ako_cloud_credential.bench.ref
  subscription_id      = split("/", var.virtual_network_id)[2]
  location             = "westeurope"
  resource_group       = split("/", var.virtual_network_id)[4]
  virtual_network_id   = var.virtual_network_id
  se_network_id        = "snet-se-1"
  dhcp_enabled         = var.se_group_size == 4
}

resource "ako_se_group" "of" {
  count           = 2
  name            = "seg-${count.index + 1}"
  cloud_ref       = ako_azure_cloud.bench.ref
  cluster_name    = "cluster-${count.index + 1}"
  data_network_id = "snet-se-${count.index + 1}"
  max_se          = var.se_group_size
}

resource "ako_vrf_pod_routes" "of" {
  count        = 2
  cloud_ref    = ako_azure_cloud.bench.ref
  cluster_name = ako_se_group.of[count.index].cluster_name
  nodes        = var.nodes
}
"#;

/// The whole life, with that many routes in each of two clusters.
pub(super) fn measure(provider: &Path, routes: usize) -> Result<AviHalf, Error> {
    let options = Options {
        seed: Seed::empty(),
        ..Options::default()
    };
    let mut ground = Ground::new(provider, options, CONFIGURATION)?;
    // The connector would write the same routes to Azure, which is not what is measured.
    ground
        .lab
        .connector()
        .change_settings(|settings| settings.running = false);
    add_subnets(&ground)?;
    let connection = ground.lab.connection();
    let (azure, principal) = (&connection.azure, &connection.avi.principal);
    let network = json!(azure.virtual_network_id);
    let principal = json!({
        "tenant_id": azure.tenant_id,
        "application_id": principal.client_id,
        "secret": principal.client_secret,
    });
    ground
        .terraform
        .set_variable("virtual_network_id", &network);
    ground.terraform.set_variable("principal", &principal);
    set_size(&ground, routes, 4, FIRST_NETWORK)?;
    let apply = ground.step(|terraform| terraform.start_apply(&[]))?;
    let no_change_plan = ground.step(|terraform| terraform.start(&PLAN))?;
    set_size(&ground, routes, 6, SECOND_NETWORK)?;
    Ok(AviHalf {
        routes,
        apply,
        no_change_plan,
        change_all: ground.step(|terraform| terraform.start_apply(&[]))?,
        destroy: ground.step(|terraform| terraform.start_destroy(&[]))?,
    })
}

fn add_subnets(ground: &Ground) -> Result<(), Error> {
    let network = &ground.lab.connection().azure.virtual_network_id;
    for number in 1..=2 {
        let subnet =
            json!({"properties": {"addressPrefix": format!("10.0.{}.0/24", 100 + number)}});
        let id = format!("{network}/subnets/snet-se-{number}");
        let (status, answer) = ground.lab.azure().request("PUT", &id, subnet);
        if !(200..300).contains(&status) {
            return Err(Error::Azure(answer));
        }
    }
    Ok(())
}

fn set_size(ground: &Ground, count: usize, se_group_size: u8, network: u8) -> Result<(), Error> {
    let values = json!({"nodes": nodes(count, network), "se_group_size": se_group_size});
    Ok(ground
        .terraform
        .write("size.auto.tfvars.json", &values.to_string())?)
}
