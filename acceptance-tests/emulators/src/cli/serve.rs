//! `cargo lab serve`: the emulators, until Ctrl-C.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ako_lab::{Lab, Latency, Options, Seed};
use clap::Args;

/// What `serve` is told.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// What exists at first: two-clusters, empty or a JSON file.
    #[arg(long, default_value = "two-clusters")]
    seed: String,
    /// How long calls and operations take: none, realistic (100 ms a call, operations of 2 to 4 s) or milliseconds.
    #[arg(long, default_value = "none", value_parser = Latency::parse)]
    latency: Latency,
    /// Seconds of Retry-After on accepted writes and polls, or none.
    #[arg(long, default_value = "none")]
    retry_after: RetryAfter,
    /// Nodes per cluster of the seed two-clusters.
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Also write the line of JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where certificates, kubeconfigs and lab.env go; a new directory in the system's temporary one by default.
    #[arg(long)]
    directory: Option<PathBuf>,
}

impl Serve {
    /// Runs the lab.
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Result<(), Box<dyn Error>> {
        let mut options = Options {
            seed: self.seed()?,
            latency: self.latency,
            directory: self.directory.clone(),
            ..Options::default()
        };
        options.settings.retry_after = self.retry_after.0;
        let lab = Lab::start(options).await?;

        let line = serde_json::to_string(lab.connection())?;
        if let Some(file) = &self.json {
            std::fs::write(file, format!("{line}\n"))?;
        }
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{line}")?;
        stdout.flush()?;
        drop(stdout);
        let environment = lab.directory().join("lab.env");
        let hint = format!(
            "ready: source {} in another shell; Ctrl-C stops the lab",
            environment.display()
        );
        writeln!(std::io::stderr().lock(), "{hint}")?;
        wait_for_the_end().await?;
        Ok(())
    }

    fn seed(&self) -> Result<Seed, ako_lab::seed::Error> {
        match self.seed.as_str() {
            "two-clusters" => Ok(Seed::two_clusters(self.nodes)),
            "empty" => Ok(Seed::empty()),
            file => Seed::read(Path::new(file)),
        }
    }
}

/// Ctrl-C, or SIGTERM from a script that started us; both leave through main, so that the directory goes too.
async fn wait_for_the_end() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            ended = tokio::signal::ctrl_c() => ended,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// `none` or seconds.
#[derive(Clone, Copy, Debug)]
struct RetryAfter(Option<u32>);

impl FromStr for RetryAfter {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<RetryAfter, Self::Err> {
        match text {
            "none" => Ok(RetryAfter(None)),
            seconds => seconds.parse().map(|seconds| RetryAfter(Some(seconds))),
        }
    }
}
