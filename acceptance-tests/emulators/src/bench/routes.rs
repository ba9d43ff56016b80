//! The life of `ako_pod_routes` at several sizes, counted in calls of Azure and in seconds.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::terraform::{Run, Running, Workspace};
use crate::{BlockingLab, Lab, Latency, Options, Seed};

use super::{Error, seconds, watch};

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

/// One Terraform command.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Calls of Azure Resource Manager, without polls of operations.
    pub calls: usize,
    /// Polls of operations.
    pub polls: usize,
    /// From start to end of the command.
    pub seconds: f64,
    /// The most memory that the plugin held, in MB (where the system tells).
    pub peak_megabytes: Option<f64>,
    /// The most processor time that one plugin process took (where the system tells).
    pub plugin_processor_seconds: Option<f64>,
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

const PLAN: [&str; 3] = ["plan", "-input=false", "-no-color"];

/// Where the nodes are, and where they are once every next hop has changed.
const FIRST_NETWORK: u8 = 1;
const SECOND_NETWORK: u8 = 2;

/// The whole life at one size.
pub(super) fn measure(
    provider: &Path,
    routes: usize,
    name: &str,
    latency: Latency,
) -> Result<Steps, Error> {
    let bench = Bench::new(provider, routes, latency)?;
    let apply = bench.step(|terraform| terraform.start_apply(&[]))?;
    let no_change_plan = bench.step(|terraform| terraform.start(&PLAN))?;
    bench.set_nodes(routes, SECOND_NETWORK)?;
    let change_all = bench.step(|terraform| terraform.start_apply(&[]))?;
    let remove_all = bench.step(|terraform| terraform.start_destroy(&[]))?;
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
    bench.step(|terraform| terraform.start(&PLAN))
}

pub(super) fn providers_schema(provider: &Path) -> Result<Duration, Error> {
    let bench = Bench::new(provider, 1, Latency::NONE)?;
    let run = bench.terraform.succeed(&["providers", "schema", "-json"])?;
    Ok(run.took)
}

struct Bench {
    lab: BlockingLab,
    terraform: Workspace,
}

impl Bench {
    fn new(provider: &Path, routes: usize, latency: Latency) -> Result<Bench, Error> {
        let mut options = Options {
            seed: Seed::empty(),
            ..Options::default()
        };
        options.settings.route_limit = routes.max(400);
        let lab = Lab::start_blocking(options)?;
        let mut terraform = Workspace::new(provider)?;
        terraform.connect(lab.connection());
        terraform.write("main.tf", CONFIGURATION)?;
        terraform.set_variable("route_table_id", &json!(route_table(&lab)?));
        lab.set_latency(latency);
        let bench = Bench { lab, terraform };
        bench.set_nodes(routes, FIRST_NETWORK)?;
        Ok(bench)
    }

    /// Gives every node a pod CIDR and an address in the network 10.<network>.0.0/16.
    fn set_nodes(&self, count: usize, network: u8) -> Result<(), Error> {
        let node = |index: usize| {
            let (high, low) = (index / 250, index % 250 + 4);
            let facts = json!({
                "internal_ip": format!("10.{network}.{high}.{low}"),
                "pod_cidrs": [format!("100.{}.{}.0/24", 64 + index / 256, index % 256)],
            });
            (format!("node-{index:04}"), facts)
        };
        let nodes: Value = (0..count).map(node).collect();
        let values = json!({"nodes": nodes});
        Ok(self
            .terraform
            .write("nodes.auto.tfvars.json", &values.to_string())?)
    }

    fn step(
        &self,
        start: impl FnOnce(&Workspace) -> Result<Running, crate::terraform::Error>,
    ) -> Result<Step, Error> {
        self.lab.clear_journal();
        let running = start(&self.terraform)?;
        let (run, peak) = watch::children_of(running.process_id(), || running.wait());
        let run = ended_well(run?)?;
        let journal = self.lab.journal();
        let of_azure = journal.iter().filter(|entry| entry.service == "arm");
        let (polls, calls): (Vec<_>, Vec<_>) = of_azure.partition(|entry| entry.poll);
        Ok(Step {
            calls: calls.len(),
            polls: polls.len(),
            seconds: seconds(run.took),
            peak_megabytes: peak.resident_megabytes,
            plugin_processor_seconds: peak.processor_seconds,
        })
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

fn ended_well(run: Run) -> Result<Run, Error> {
    if run.succeeded() {
        Ok(run)
    } else {
        Err(crate::terraform::Error::Failed(Box::new(run)).into())
    }
}
