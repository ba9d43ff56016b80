//! The real `terraform`, run in a folder of its own with the provider that was just built.
//!
//! No `terraform init`, no registry, no network: a CLI configuration of our own overrides where the provider
//! comes from. Nothing of the caller's environment reaches Terraform but the search path and the log levels, so
//! that a developer's own credentials, proxies and plugin caches can never take part.

mod output;
mod plan;
mod running;
mod state;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs, io};

use serde_json::Value;
use tempfile::TempDir;

use crate::Connection;

pub use output::{Diagnostic, Run, Severity, Snippet};
pub use plan::{Action, Plan, ResourceChange};
pub use running::Running;
pub use state::State;

/// The oldest Terraform that the provider supports: the first with write-only arguments.
pub const OLDEST_TERRAFORM: (u64, u64) = (1, 11);

/// Names the `terraform` to use where it is not the first on the search path.
pub const PROGRAM_VARIABLE: &str = "AKO_TERRAFORM";

/// The address under which configurations ask for the provider.
pub const PROVIDER_ADDRESS: &str = "registry.terraform.io/ako-azure/ako";

/// Why a run did not give what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no `terraform` to run.
    #[error(
        "running {}: install Terraform 1.11 or newer, or name it in {PROGRAM_VARIABLE}",
        .0.display()
    )]
    NotFound(PathBuf, #[source] io::Error),
    /// The `terraform` found cannot drive the provider.
    #[error(
        "{} is Terraform {found}, the provider needs 1.11 or newer: name another one in {PROGRAM_VARIABLE}",
        program.display()
    )]
    TooOld {
        /// The program asked.
        program: PathBuf,
        /// What it said it is.
        found: String,
    },
    /// A file or a process of the workspace failed.
    #[error("{0}")]
    Io(String, #[source] io::Error),
    /// Terraform ended with an error of its own, or was interrupted.
    #[error("{}", .0.transcript())]
    Failed(Box<Run>),
    /// Terraform answered in a form that this module does not know.
    #[error("reading what `{0}` printed")]
    Unreadable(String, #[source] serde_json::Error),
}

/// A configuration, its state and the provider that serves it, in a temporary folder.
pub struct Workspace {
    program: PathBuf,
    folder: TempDir,
    environment: BTreeMap<OsString, OsString>,
}

impl Workspace {
    /// A workspace without a configuration; `provider` is the built plugin.
    pub fn new(provider: &Path) -> Result<Workspace, Error> {
        let program = usable_program()?;
        let folder = TempDir::with_prefix("ako-terraform-")
            .map_err(|error| Error::Io("creating a workspace".to_owned(), error))?;
        let workspace = Workspace {
            program,
            environment: own_environment(folder.path()),
            folder,
        };
        workspace.install(provider)?;
        Ok(workspace)
    }

    /// Lets the provider find a lab's Azure and its Avi controller, by the variables that the vendors' providers read.
    pub fn connect(&mut self, lab: &Connection) {
        let azure = &lab.azure;
        self.set_environment("ARM_METADATA_HOSTNAME", &azure.metadata_host);
        self.set_environment("ARM_SUBSCRIPTION_ID", &azure.subscription_id);
        self.set_environment("ARM_TENANT_ID", &azure.tenant_id);
        self.set_environment("ARM_CLIENT_ID", &azure.client_id);
        self.set_environment("ARM_CLIENT_SECRET", &azure.client_secret);
        let avi = &lab.avi;
        self.set_environment("AVI_CONTROLLER", &avi.controller);
        self.set_environment("AVI_USERNAME", &avi.username);
        self.set_environment("AVI_PASSWORD", &avi.password);
        self.set_environment("AVI_TENANT", &avi.tenant);
        self.set_environment("AVI_VERSION", &avi.version);
        self.set_environment("SSL_CERT_FILE", &lab.ca_certificate);
    }

    /// Gives a variable of the configuration its value.
    pub fn set_variable(&mut self, name: &str, value: &Value) {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        self.set_environment(&format!("TF_VAR_{name}"), text);
    }

    /// Sets an environment variable for every later run.
    pub fn set_environment(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.insert(name.into(), value.into());
    }

    /// Writes a file of the configuration, replacing it.
    pub fn write(&self, file: &str, text: &str) -> Result<(), Error> {
        write(&self.configuration().join(file), text)
    }

    /// Copies every Terraform file of a folder into the configuration.
    pub fn copy_configuration(&self, from: &Path) -> Result<(), Error> {
        let context = |error| {
            Error::Io(
                format!("copying the configuration {}", from.display()),
                error,
            )
        };
        for entry in fs::read_dir(from).map_err(context)? {
            let path = entry.map_err(context)?.path();
            if let (Some("tf"), Some(name)) = (extension(&path), path.file_name()) {
                fs::copy(&path, self.configuration().join(name)).map_err(context)?;
            }
        }
        Ok(())
    }

    /// Reads a file of the configuration, for example a generated one.
    pub fn read(&self, file: &str) -> Result<String, Error> {
        fs::read_to_string(self.configuration().join(file))
            .map_err(|error| Error::Io(format!("reading {file}"), error))
    }

    /// Removes a file of the configuration.
    pub fn remove(&self, file: &str) -> Result<(), Error> {
        fs::remove_file(self.configuration().join(file))
            .map_err(|error| Error::Io(format!("removing {file}"), error))
    }

    /// The folder that holds the configuration and its state.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("configuration")
    }

    /// Leaves the folder on disk when the workspace is dropped, to look at afterwards.
    pub fn keep(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.configuration()
    }

    /// Plans; what is planned is read from the saved plan.
    pub fn plan(&self, arguments: &[&str]) -> Result<Plan, Error> {
        const FIXED: [&str; 4] = ["plan", "-json", "-input=false", "-out=saved.tfplan"];
        let run = self.succeed(&[&FIXED[..], &["-detailed-exitcode"], arguments].concat())?;
        let document = self.json(&["show", "-json", "saved.tfplan"])?;
        Plan::new(run, &document)
            .map_err(|error| Error::Unreadable("terraform show".to_owned(), error))
    }

    /// Plans and applies.
    pub fn apply(&self, arguments: &[&str]) -> Result<Run, Error> {
        self.succeed(&[&APPLY[..], arguments].concat())
    }

    /// Applies what the last [`plan`](Workspace::plan) saved.
    pub fn apply_saved_plan(&self) -> Result<Run, Error> {
        self.succeed(&["apply", "-json", "-input=false", "saved.tfplan"])
    }

    /// Starts an apply and comes back at once, to interrupt it.
    pub fn start_apply(&self, arguments: &[&str]) -> Result<Running, Error> {
        self.start(&[&APPLY[..], arguments].concat())
    }

    /// Destroys everything in the state.
    pub fn destroy(&self, arguments: &[&str]) -> Result<Run, Error> {
        self.succeed(
            &[
                &["destroy", "-json", "-auto-approve", "-input=false"],
                arguments,
            ]
            .concat(),
        )
    }

    /// Starts a destroy and comes back at once.
    pub fn start_destroy(&self, arguments: &[&str]) -> Result<Running, Error> {
        self.start(
            &[
                &["destroy", "-json", "-auto-approve", "-input=false"],
                arguments,
            ]
            .concat(),
        )
    }

    /// `terraform import`, the command.
    pub fn import(&self, address: &str, id: &str) -> Result<Run, Error> {
        self.succeed(&["import", "-no-color", "-input=false", address, id])
    }

    /// The state, as `terraform show` tells it.
    pub fn state(&self) -> Result<State, Error> {
        Ok(State::new(self.json(&["show", "-json"])?))
    }

    /// Any command that prints one JSON document.
    pub fn json(&self, arguments: &[&str]) -> Result<Value, Error> {
        let run = self.succeed(arguments)?;
        serde_json::from_str(&run.stdout).map_err(|error| Error::Unreadable(run.command, error))
    }

    /// Any command, to its end; an error unless it succeeded.
    pub fn succeed(&self, arguments: &[&str]) -> Result<Run, Error> {
        let run = self.start(arguments)?.wait()?;
        if run.succeeded() {
            Ok(run)
        } else {
            Err(Error::Failed(Box::new(run)))
        }
    }

    /// Starts any command in a process group of its own, as a terminal would.
    pub fn start(&self, arguments: &[&str]) -> Result<Running, Error> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.configuration())
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null());
        Running::start(command, arguments, self.folder.path())
    }

    fn install(&self, provider: &Path) -> Result<(), Error> {
        for folder in ["configuration", "plugin", "home"] {
            let path = self.folder.path().join(folder);
            fs::create_dir(&path)
                .map_err(|error| Error::Io(format!("creating {}", path.display()), error))?;
        }
        let plugin = self.folder.path().join("plugin");
        link(provider, &plugin.join("terraform-provider-ako"))?;
        // No `direct` block: Terraform may not ask a registry for anything.
        let overrides = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"{PROVIDER_ADDRESS}\" = \"{}\"\n  }}\n}}\n",
            plugin.display()
        );
        write(&self.folder.path().join("terraform.rc"), &overrides)
    }
}

const APPLY: [&str; 4] = ["apply", "-json", "-auto-approve", "-input=false"];

/// The first `terraform` that is new enough; asked once per process.
fn usable_program() -> Result<PathBuf, Error> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = FOUND.get() {
        return Ok(program.clone());
    }
    let program =
        env::var_os(PROGRAM_VARIABLE).map_or_else(|| PathBuf::from("terraform"), PathBuf::from);
    let answer = Command::new(&program)
        .args(["version", "-json"])
        .env("CHECKPOINT_DISABLE", "1")
        .env_remove("TF_CLI_CONFIG_FILE")
        .output()
        .map_err(|error| Error::NotFound(program.clone(), error))?;
    let document: Value = serde_json::from_slice(&answer.stdout)
        .map_err(|error| Error::Unreadable("terraform version -json".to_owned(), error))?;
    let found = document["terraform_version"]
        .as_str()
        .unwrap_or("unknown")
        .to_owned();
    if !new_enough(&found) {
        return Err(Error::TooOld { program, found });
    }
    Ok(FOUND.get_or_init(|| program).clone())
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version
        .split(['.', '-'])
        .map_while(|part| part.parse::<u64>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST_TERRAFORM,
        _ => false,
    }
}

fn own_environment(folder: &Path) -> BTreeMap<OsString, OsString> {
    const PASSED_ON: [&str; 6] = [
        "PATH",
        "TMPDIR",
        "TF_LOG",
        "TF_LOG_CORE",
        "TF_LOG_PROVIDER",
        "TF_LOG_PROVIDER_AKO",
    ];
    let mut environment: BTreeMap<OsString, OsString> = PASSED_ON
        .iter()
        .filter_map(|name| Some((OsString::from(name), env::var_os(name)?)))
        .collect();
    let own = [
        (
            "TF_CLI_CONFIG_FILE",
            folder.join("terraform.rc").into_os_string(),
        ),
        ("HOME", folder.join("home").into_os_string()),
        ("TF_IN_AUTOMATION", "1".into()),
        ("CHECKPOINT_DISABLE", "1".into()),
    ];
    environment.extend(own.map(|(name, value)| (name.into(), value)));
    environment
}

fn link(provider: &Path, as_file: &Path) -> Result<(), Error> {
    let context = |error| {
        Error::Io(
            format!("installing the provider {}", provider.display()),
            error,
        )
    };
    let provider = provider.canonicalize().map_err(context)?;
    std::os::unix::fs::symlink(provider, as_file).map_err(context)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|error| Error::Io(format!("writing {}", path.display()), error))
}

fn extension(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terraform_1_11_is_the_oldest_that_will_do() {
        for good in ["1.11.0", "1.11.4", "1.15.9-rc1", "2.0.0"] {
            assert!(new_enough(good), "{good}");
        }
        for bad in ["1.10.5", "0.15.0", "", "unknown"] {
            assert!(!new_enough(bad), "{bad}");
        }
    }
}
