//! The life of `ako_pod_routes` at several sizes, counted in calls of Azure and in seconds.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::{BlockingLab, Latency, Options, Seed};

use super::Error;
use super::ground::{FIRST_NETWORK, Ground, PLAN, SECOND_NETWORK, Step, nodes};

/// One size at one latency.
#[derive(Debug, Serialize)]
pub struct Steps {
    /// How many routes.
    pub routes: usize,
    /// The latency profile.
    pub latency: String,
    /// Creating all of them.
    pub apply: Step,
    /// A plan that finds nothing to do.
    pub no_change_plan: Step,
    /// Every next hop changes.
    pub change_all: Step,
    /// Destroying all of them.
    pub remove_all: Step,
}

const CONFIGURATION: &str = r#"
terraform {
  required_providers {
    ako = { source = "ako-azure/ako" }
  }
}

provider "ako" {
  azure = {}
}

variable "route_table_id" { type = string }
variable "nodes" {
  type = map(object({ internal_ip = string, pod_cidrs = list(string) }))
}

resource "ako_pod_routes" "bench" {
  cluster_name   = "bench"
  route_table_id = var.route_table_id
  route_limit    = 100000
  nodes          = var.nodes
}
"#;

/// The whole life at one size.
pub(super) fn measure(
    provider: &Path,
    routes: usize,
    name: &str,
    latency: Latency,
) -> Result<Steps, Error> {
    let bench = Bench::new(provider, routes, latency)?;
    let apply = bench.0.step(|terraform| terraform.start_apply(&[]))?;
    let no_change_plan = bench.0.step(|terraform| terraform.start(&PLAN))?;
    bench.set_nodes(routes, SECOND_NETWORK)?;
    let change_all = bench.0.step(|terraform| terraform.start_apply(&[]))?;
    let remove_all = bench.0.step(|terraform| terraform.start_destroy(&[]))?;
    Ok(Steps {
        routes,
        latency: name.to_owned(),
        apply,
        no_change_plan,
        change_all,
        remove_all,
    })
}

/// The plan of a create.
pub(super) fn plan(provider: &Path, nodes: usize) -> Result<Step, Error> {
    let bench = Bench::new(provider, nodes, Latency::NONE)?;
    bench.0.step(|terraform| terraform.start(&PLAN))
}

pub(super) fn providers_schema(provider: &Path) -> Result<Duration, Error> {
    let bench = Bench::new(provider, 1, Latency::NONE)?;
    let run = bench
        .0
        .terraform
        .succeed(&["providers", "schema", "-json"])?;
    Ok(run.took)
}

struct Bench(Ground);

impl Bench {
    fn new(provider: &Path, routes: usize, latency: Latency) -> Result<Bench, Error> {
        let mut options = Options {
            seed: Seed::empty(),
            latency,
            ..Options::default()
        };
        options.settings.route_limit = routes.max(400);
        let mut ground = Ground::new(provider, options, CONFIGURATION)?;
        let table = json!(route_table(&ground.lab)?);
        ground.terraform.set_variable("route_table_id", &table);
        let bench = Bench(ground);
        bench.set_nodes(routes, FIRST_NETWORK)?;
        Ok(bench)
    }

    fn set_nodes(&self, count: usize, network: u8) -> Result<(), Error> {
        let values = json!({"nodes": nodes(count, network)});
        Ok(self
            .0
            .terraform
            .write("nodes.auto.tfvars.json", &values.to_string())?)
    }
}

fn route_table(lab: &BlockingLab) -> Result<String, Error> {
    let azure = &lab.connection().azure;
    let id = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/routeTables/rt-bench",
        azure.subscription_id, azure.resource_group
    );
    match lab.azure().request(
        "PUT",
        &id,
        json!({"location": "westeurope", "properties": {}}),
    ) {
        (200 | 201, _) => Ok(id),
        (_, refusal) => Err(Error::Azure(refusal)),
    }
}
