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
        // Before anybody can know that we run, and stop us.
        let end = the_end()?;
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
        end.await?;
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

/// Ctrl-C, or SIGTERM from a script that started us; both leave through main, so that the directory goes too. The
/// signals are caught from the call on, not only once the future is awaited.
#[cfg(unix)]
fn the_end() -> std::io::Result<impl Future<Output = std::io::Result<()>>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
    })
}

/// Ctrl-C.
#[cfg(not(unix))]
fn the_end() -> std::io::Result<impl Future<Output = std::io::Result<()>>> {
    Ok(tokio::signal::ctrl_c())
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
