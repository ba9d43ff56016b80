//! What every measurement stands on: a lab, a Terraform workspace, and what one command of it costs.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::terraform::{Run, Running, Workspace};
use crate::{BlockingLab, Lab, Latency, Options};

use super::{Error, seconds, watch};

/// One Terraform command.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Calls of Azure Resource Manager, without polls of operations.
    pub calls: usize,
    /// Polls of operations.
    pub polls: usize,
    /// Those of the calls that Azure refused for now: 409, 412 and 429.
    pub refused: usize,
    /// Lists of the clusters' nodes, page by page.
    pub node_pages: usize,
    /// Requests to the Avi controller, those for its session included.
    pub avi_calls: usize,
    /// Those of them that sign in.
    pub avi_logins: usize,
    /// Those of them that write an object.
    pub avi_writes: usize,
    /// From start to end of the command.
    pub seconds: f64,
    /// The most memory that the plugin held, in MB (where the system tells).
    pub peak_megabytes: Option<f64>,
    /// Processor time of all plugin processes of the command together (where the system tells).
    pub plugin_processor_seconds: Option<f64>,
}

/// The command of a plan.
pub(super) const PLAN: [&str; 3] = ["plan", "-input=false", "-no-color"];

/// Where nodes are, and where they are once every next hop has changed.
pub(super) const FIRST_NETWORK: u8 = 1;
pub(super) const SECOND_NETWORK: u8 = 2;

/// A lab and a workspace that is connected to it.
pub(super) struct Ground {
    pub(super) lab: BlockingLab,
    pub(super) terraform: Workspace,
}

impl Ground {
    /// A lab with this seed; the latency is that of everything after its start.
    pub(super) fn new(
        provider: &Path,
        options: Options,
        configuration: &str,
    ) -> Result<Ground, Error> {
        let latency = options.latency;
        let lab = Lab::start_blocking(Options {
            latency: Latency::NONE,
            ..options
        })?;
        lab.set_latency(latency);
        let mut terraform = Workspace::new(provider)?;
        terraform.connect(lab.connection());
        terraform.write("main.tf", configuration)?;
        Ok(Ground { lab, terraform })
    }

    /// Runs a command, which must succeed, and measures it.
    pub(super) fn step(
        &self,
        start: impl FnOnce(&Workspace) -> Result<Running, crate::terraform::Error>,
    ) -> Result<Step, Error> {
        self.lab.clear_journal();
        let running = start(&self.terraform)?;
        let (run, plugins) = watch::children_of(running.process_id(), || running.wait());
        let run = ended_well(run?)?;
        let journal = self.lab.journal();
        let of_azure = journal.iter().filter(|entry| entry.service == "arm");
        let (polls, calls): (Vec<_>, Vec<_>) = of_azure.partition(|entry| entry.poll);
        let refused = calls
            .iter()
            .filter(|entry| matches!(entry.status, Some(409 | 412 | 429)));
        let pages = journal
            .iter()
            .filter(|entry| entry.service.starts_with("kubernetes/"))
            .filter(|entry| entry.path.ends_with("/nodes"));
        let of_avi: Vec<_> = journal
            .iter()
            .filter(|entry| entry.service == "avi")
            .collect();
        let is_of_session = |path: &str| path == "/login" || path == "/logout";
        let writes = of_avi
            .iter()
            .filter(|entry| entry.method != "GET" && !is_of_session(&entry.path));
        let logins = of_avi.iter().filter(|entry| entry.path == "/login");
        Ok(Step {
            avi_calls: of_avi.len(),
            avi_logins: logins.count(),
            avi_writes: writes.count(),
            calls: calls.len(),
            polls: polls.len(),
            refused: refused.count(),
            node_pages: pages.count(),
            seconds: seconds(run.took),
            peak_megabytes: plugins.peak_megabytes,
            plugin_processor_seconds: plugins.processor_seconds,
        })
    }
}

/// Nodes, each with a pod CIDR and an address in the network 10.<network>.0.0/16.
pub(super) fn nodes(count: usize, network: u8) -> Value {
    let node = |index: usize| {
        let (high, low) = (index / 250, index % 250 + 4);
        let facts = json!({
            "internal_ip": format!("10.{network}.{high}.{low}"),
            "pod_cidrs": [format!("100.{}.{}.0/24", 64 + index / 256, index % 256)],
        });
        (format!("node-{index:04}"), facts)
    };
    (0..count).map(node).collect()
}

fn ended_well(run: Run) -> Result<Run, Error> {
    if run.succeeded() {
        Ok(run)
    } else {
        Err(crate::terraform::Error::Failed(Box::new(run)).into())
    }
}
