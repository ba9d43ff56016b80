//! Memory and processor time of the plugins of a running Terraform, as far as the system tells.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What the plugins of one command took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Plugins {
    /// The most memory that one of them held.
    pub(super) peak_megabytes: Option<f64>,
    /// The processor time of all of them.
    pub(super) processor_seconds: Option<f64>,
}

/// Watches the children of a process while `work` runs.
pub(super) fn children_of<T>(process: u32, work: impl FnOnce() -> T) -> (T, Plugins) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak = None;
            // A process is gone after its last moment: what counts is the last figure that was read of each.
            let mut times = BTreeMap::new();
            while !done.load(Ordering::Relaxed) {
                for child in children(process)
                    .into_iter()
                    .filter(|child| is_plugin(*child))
                {
                    peak = larger(peak, memory(child, "VmHWM:"));
                    times.extend(processor_seconds(child).map(|time| (child, time)));
                }
                thread::sleep(Duration::from_millis(2));
            }
            Plugins {
                peak_megabytes: peak,
                processor_seconds: (!times.is_empty()).then(|| times.values().sum()),
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, watcher.join().unwrap_or_default())
    })
}

/// Resident memory of a process now.
pub(super) fn resident_megabytes(process: u32) -> Option<f64> {
    memory(process, "VmRSS:")
}

fn children(process: u32) -> Vec<u32> {
    // Terraform starts plugins from whichever thread happens to run: every thread has children of its own.
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let threads = threads.into_iter().flatten().flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|listed| numbers(&listed))
        .collect()
}

/// Between fork and exec a child still is Terraform, memory included; the system cuts names at 15 bytes.
fn is_plugin(process: u32) -> bool {
    let name = fs::read_to_string(format!("/proc/{process}/comm"));
    name.is_ok_and(|name| name.trim_end() == "terraform-provi")
}

fn numbers(text: &str) -> Vec<u32> {
    text.split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect()
}

fn memory(process: u32, name: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kilobytes / 102.4).round() / 10.0)
}

fn processor_seconds(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold spaces; utime and stime are fields 14 and 15, in hundredths of a second on Linux.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

fn larger(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        _ => one.or(other),
    }
}
