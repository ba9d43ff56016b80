//! The subcommands of `cargo lab`, one file each.

mod bench;
mod build;
mod demo;
mod serve;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Azure and Kubernetes on loopback, to try the provider on.
#[derive(Debug, Parser)]
#[command(name = "cargo lab", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the provider do its whole job, with the real terraform, on an Azure of its own.
    Demo(demo::Demo),
    /// Measure the provider: start, memory, and calls of Azure and seconds for 50 to 1,000 routes.
    Bench(bench::Bench),
    /// Run the emulators until Ctrl-C; prints one line of JSON with everything a client needs.
    Serve(serve::Serve),
}

impl Cli {
    /// Runs the subcommand.
    pub(crate) fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Demo(demo) => demo.run(),
            Command::Bench(bench) => bench.run(),
            Command::Serve(serve) => serve.run(),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(error.as_ref());
                ExitCode::FAILURE
            }
        }
    }
}

/// Prints an error with its causes.
fn complain(error: &dyn Error) {
    let mut line = format!("error: {error}");
    let mut cause = error.source();
    while let Some(why) = cause {
        line.push_str(&format!(": {why}"));
        cause = why.source();
    }
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
