//! A Terraform command that is under way.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::{Error, Run};

/// A Terraform command that was started and not yet waited for; dropping it kills its whole group.
pub struct Running {
    child: Child,
    command: String,
    started: Instant,
    stdout: PathBuf,
    stderr: PathBuf,
    ended: bool,
}

impl Running {
    pub(super) fn start(
        mut command: Command,
        arguments: &[&str],
        folder: &Path,
    ) -> Result<Running, Error> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("terraform {}", arguments.join(" "));
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let context = |error| Error::Io(format!("starting `{name}`"), error);
        // Files, not pipes: nobody has to read along, and a plugin that outlives a killed Terraform holds
        // nothing open that we wait for.
        let stdout = folder.join(format!("{number}.stdout"));
        let stderr = folder.join(format!("{number}.stderr"));
        command
            .stdout(File::create(&stdout).map_err(context)?)
            .stderr(File::create(&stderr).map_err(context)?)
            .process_group(0);
        Ok(Running {
            started: Instant::now(),
            child: command.spawn().map_err(context)?,
            command: name,
            stdout,
            stderr,
            ended: false,
        })
    }

    /// The process id of Terraform itself.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// What Terraform has printed so far.
    pub fn output_so_far(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap_or_default()
    }

    /// Ctrl-C: SIGINT to Terraform and to its plugins alike, as a terminal sends it.
    pub fn interrupt(&self) -> Result<(), Error> {
        self.signal(|group| kill_process_group(group, Signal::INT))
    }

    /// `kill -9` of Terraform alone: its plugins are orphaned.
    pub fn kill_terraform(&self) -> Result<(), Error> {
        self.signal(|terraform| kill_process(terraform, Signal::KILL))
    }

    /// `kill -9` of Terraform and its plugins in one stroke, as a lost machine.
    pub fn kill_everything(&self) -> Result<(), Error> {
        self.signal(|group| kill_process_group(group, Signal::KILL))
    }

    /// Waits for the end, whatever it is.
    pub fn wait(mut self) -> Result<Run, Error> {
        let context = |error| Error::Io(format!("waiting for `{}`", self.command), error);
        let status = self.child.wait().map_err(context)?;
        self.ended = true;
        let read =
            |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Run::new(
            self.command.clone(),
            status.code(),
            read(&self.stdout).map_err(context)?,
            read(&self.stderr).map_err(context)?,
            self.started.elapsed(),
        ))
    }

    fn signal(&self, send: impl Fn(Pid) -> rustix::io::Result<()>) -> Result<(), Error> {
        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let sent = process.ok_or(rustix::io::Errno::SRCH).and_then(send);
        sent.map_err(|errno| {
            Error::Io(
                format!("signalling `{}`", self.command),
                io::Error::from(errno),
            )
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // Nothing can be done about a failure here, and an ended group is what we want.
            let _ = self.kill_everything();
            let _ = self.child.wait();
        }
    }
}
