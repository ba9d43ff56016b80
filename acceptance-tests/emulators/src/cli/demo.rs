//! `cargo lab demo`: the whole job, step by step.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;

use super::build::{self, Profile};

/// What `demo` is told.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A built provider; without it, the provider is built first.
    #[arg(long)]
    provider: Option<PathBuf>,
}

impl Demo {
    /// Runs the demo on standard output; an error names the step that failed.
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let provider = match self.provider {
            Some(path) => path,
            None => build::provider(Profile::Dev)?,
        };
        Ok(ako_lab::demo::run(
            &provider,
            &mut std::io::stdout().lock(),
        )?)
    }
}
