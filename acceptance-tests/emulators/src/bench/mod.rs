//! `cargo lab bench`: what the provider costs, in time, memory and calls of Azure and the Avi controller.

mod avi;
mod fleet;
mod ground;
mod routes;
mod startup;
mod watch;

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::{Latency, terraform};

pub use avi::AviHalf;
pub use fleet::{Fleet, SharedNetwork};
pub use ground::Step;
pub use routes::Steps;
pub use startup::Startup;

/// Why the bench stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lab did not start.
    #[error("starting the lab")]
    Lab(#[from] crate::Error),
    /// Terraform did not do what it was asked.
    #[error(transparent)]
    Terraform(#[from] terraform::Error),
    /// The plugin could not be started as Terraform starts it.
    #[error("starting the plugin")]
    Plugin(#[source] io::Error),
    /// The plugin did not answer with a handshake.
    #[error("the plugin answered {0:?} instead of a handshake")]
    NoHandshake(String),
    /// No certificate to show to the plugin.
    #[error("making a client certificate")]
    Certificate(#[from] rcgen::Error),
    /// The emulated Azure refused the ground of the bench.
    #[error("preparing a route table: {0}")]
    Azure(serde_json::Value),
}

/// Everything measured.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// The built plugin.
    pub binary_bytes: u64,
    /// From exec to handshake.
    pub startup: Startup,
    /// `terraform providers schema`, whole command.
    pub providers_schema_seconds: f64,
    /// The life of `ako_pod_routes` at several sizes.
    pub routes: Vec<Steps>,
    /// `terraform plan` of a create with 5,000 nodes.
    pub plan_of_5000_nodes: Step,
    /// Credential, cloud, SE groups and VRF routes.
    pub avi: AviHalf,
    /// Many clusters in one configuration.
    pub fleets: Fleets,
}

/// What many clusters in one configuration cost.
#[derive(Debug, Serialize)]
pub struct Fleets {
    /// From their nodes to their routes, at several sizes.
    pub routes: Vec<Fleet>,
    /// Ten SE subnets that share a virtual network.
    pub shared_network: Vec<SharedNetwork>,
}

/// The sizes that are measured.
pub const ROUTES: [usize; 3] = [50, 400, 1_000];

/// How many VRF routes each of two clusters has.
pub const VRF_ROUTES: usize = 400;

/// The clusters and nodes of each fleet; one page of Kubernetes holds 500 nodes.
pub const FLEETS: [(u8, usize); 4] = [(1, 500), (1, 501), (1, 5_000), (10, 500)];

/// How many operations Terraform runs at once in a shared network.
pub const PARALLELISM: [usize; 2] = [10, 50];

/// Measures a built provider; `say` is told what comes next.
pub fn measure(provider: &Path, mut say: impl FnMut(&str)) -> Result<Figures, Error> {
    say("start of the plugin, with mutual TLS");
    let startup = startup::measure(provider)?;
    say("terraform providers schema");
    let providers_schema_seconds = seconds(routes::providers_schema(provider)?);
    let mut sizes = Vec::new();
    for (name, latency) in [("none", Latency::NONE), ("realistic", Latency::REALISTIC)] {
        for count in ROUTES {
            say(&format!("{count} routes, latency {name}"));
            sizes.push(routes::measure(provider, count, name, latency)?);
        }
    }
    say("planning 5,000 nodes");
    let plan_of_5000_nodes = routes::plan(provider, 5_000)?;
    Ok(Figures {
        binary_bytes: provider.metadata().map_err(Error::Plugin)?.len(),
        startup,
        providers_schema_seconds,
        routes: sizes,
        plan_of_5000_nodes,
        avi: measure_avi(provider, &mut say)?,
        fleets: measure_fleets(provider, say)?,
    })
}

/// Measures the Avi half only.
pub fn measure_avi(provider: &Path, mut say: impl FnMut(&str)) -> Result<AviHalf, Error> {
    say(&format!(
        "credential, cloud, two SE groups and twice {VRF_ROUTES} VRF routes"
    ));
    avi::measure(provider, VRF_ROUTES)
}

/// Measures many clusters in one configuration only.
pub fn measure_fleets(provider: &Path, mut say: impl FnMut(&str)) -> Result<Fleets, Error> {
    let mut routes = Vec::new();
    for (clusters, nodes) in FLEETS {
        say(&format!("{clusters} clusters of {nodes} nodes"));
        routes.push(fleet::measure(provider, clusters, nodes)?);
    }
    let mut shared_network = Vec::new();
    for parallelism in PARALLELISM {
        say(&format!(
            "ten SE subnets in one network, parallelism {parallelism}"
        ));
        shared_network.push(fleet::share_network(provider, parallelism)?);
    }
    Ok(Fleets {
        routes,
        shared_network,
    })
}

fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000.0).round() / 1_000.0
}
