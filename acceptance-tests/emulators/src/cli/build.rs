//! Building the provider for the subcommands that need it.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How the provider is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Fast to build.
    Dev,
    /// As it is released: small and optimized.
    Release,
}

/// Builds the provider from this repository with the locked dependencies and returns its path.
pub(crate) fn provider(profile: Profile) -> Result<PathBuf, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--locked", "--bin", "terraform-provider-ako"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .stderr(Stdio::inherit());
    command.args(match profile {
        // With the features of dependencies that the tests and this program have: nothing is built twice.
        Profile::Dev => &["--workspace"][..],
        // With its own features only, which is what users get.
        Profile::Release => &["--package", "terraform-provider-ako", "--release"],
    });
    let output = command.output()?;
    if !output.status.success() {
        return Err("the provider does not build".into());
    }
    // Cargo says where the binary is: the target directory is the user's choice.
    let messages = output.stdout.split(|byte| *byte == b'\n');
    messages
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "terraform-provider-ako")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo did not say where it put the provider".into())
}
