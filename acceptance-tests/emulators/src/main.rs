//! `cargo lab`: run the emulators by hand, watch the provider against them, measure it.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::Cli::parse().run()
}
