//! `cargo lab bench`: the figures, as a table or as JSON.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use ako_lab::bench::{self, AviHalf, Figures, Fleets, Step};
use clap::Args;
use serde::Serialize;

use super::build::{self, Profile};

/// What `bench` is told.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// A built provider; without it, the released form is built first.
    #[arg(long)]
    provider: Option<PathBuf>,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Measure many clusters in one configuration, and nothing else.
    #[arg(long)]
    fleets: bool,
    /// Measure credential, cloud, SE groups and VRF routes, and nothing else.
    #[arg(long, conflicts_with = "fleets")]
    avi: bool,
}

impl Bench {
    /// Measures and prints.
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let provider = match self.provider.clone() {
            Some(path) => path,
            None => build::provider(Profile::Release)?,
        };
        let say = |next: &str| {
            // Progress is worth nothing to whoever closed stderr.
            let _ = writeln!(io::stderr().lock(), "measuring {next} …");
        };
        if self.fleets {
            let figures = bench::measure_fleets(&provider, say)?;
            return self.print(&figures, fleets);
        }
        if self.avi {
            let figures = bench::measure_avi(&provider, say)?;
            return self.print(&figures, avi);
        }
        let figures = bench::measure(&provider, say)?;
        self.print(&figures, table)
    }

    fn print<F: Serialize>(
        &self,
        figures: &F,
        table: fn(&F, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Box<dyn Error>> {
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, figures)?;
            writeln!(out)?;
        } else {
            table(figures, &mut out)?;
        }
        Ok(())
    }
}

fn table(figures: &Figures, out: &mut dyn Write) -> io::Result<()> {
    let startup = &figures.startup;
    writeln!(
        out,
        "binary                   {:>8.2} MB",
        figures.binary_bytes as f64 / 1e6
    )?;
    writeln!(
        out,
        "exec to handshake        {:>8.1} ms   median; slowest {:.1} ms; mutual TLS",
        startup.handshake_milliseconds, startup.slowest_milliseconds
    )?;
    writeln!(
        out,
        "memory at handshake      {:>8} MB",
        number(startup.resident_megabytes)
    )?;
    writeln!(
        out,
        "providers schema         {:>8.2} s",
        figures.providers_schema_seconds
    )?;
    let plan = &figures.plan_of_5000_nodes;
    writeln!(
        out,
        "plan of 5,000 nodes      {:>8.2} s    whole command; plugin: {} s of processor time, {} MB",
        plan.seconds,
        number(plan.plugin_processor_seconds),
        number(plan.peak_megabytes)
    )?;
    writeln!(
        out,
        "\n{:<10} {:>6}  {:<16} {:>6} {:>6} {:>9} {:>8}",
        "latency", "routes", "step", "calls", "polls", "seconds", "peak MB"
    )?;
    for size in &figures.routes {
        let steps = [
            ("apply", &size.apply),
            ("no-change plan", &size.no_change_plan),
            ("change all", &size.change_all),
            ("remove all", &size.remove_all),
        ];
        for (name, step) in steps {
            row(out, &size.latency, size.routes, name, step)?;
        }
    }
    avi(&figures.avi, out)?;
    fleets(&figures.fleets, out)
}

fn avi(figures: &AviHalf, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{:<34} {:<16} {:>9} {:>6} {:>6} {:>9} {:>8} {:>8}",
        "credential, cloud, 2 SE groups",
        "step",
        "Avi calls",
        "logins",
        "writes",
        "seconds",
        "CPU s",
        "peak MB"
    )?;
    let name = format!("and 2 x {} VRF routes", figures.routes);
    let steps = [
        ("apply", &figures.apply),
        ("no-change plan", &figures.no_change_plan),
        ("change all", &figures.change_all),
        ("destroy", &figures.destroy),
    ];
    for (step, figures) in steps {
        writeln!(
            out,
            "{name:<34} {step:<16} {:>9} {:>6} {:>6} {:>9.2} {:>8} {:>8}",
            figures.avi_calls,
            figures.avi_logins,
            figures.avi_writes,
            figures.seconds,
            number(figures.plugin_processor_seconds),
            number(figures.peak_megabytes)
        )?;
    }
    Ok(())
}

fn fleets(figures: &Fleets, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{:<34} {:<16} {:>6} {:>6} {:>7} {:>6} {:>9} {:>8} {:>8}",
        "fleet", "step", "calls", "polls", "refused", "pages", "seconds", "CPU s", "peak MB"
    )?;
    for fleet in &figures.routes {
        let name = format!("{} x {} nodes", fleet.clusters, fleet.nodes);
        fleet_row(out, &name, "apply", &fleet.apply)?;
        fleet_row(out, &name, "no-change plan", &fleet.no_change_plan)?;
    }
    for shared in &figures.shared_network {
        let name = format!("10 SE subnets, parallelism {}", shared.parallelism);
        fleet_row(out, &name, "apply", &shared.apply)?;
        fleet_row(out, &name, "no-change plan", &shared.no_change_plan)?;
        fleet_row(out, &name, "destroy", &shared.destroy)?;
    }
    Ok(())
}

fn fleet_row(out: &mut dyn Write, fleet: &str, name: &str, step: &Step) -> io::Result<()> {
    writeln!(
        out,
        "{fleet:<34} {name:<16} {:>6} {:>6} {:>7} {:>6} {:>9.2} {:>8} {:>8}",
        step.calls,
        step.polls,
        step.refused,
        step.node_pages,
        step.seconds,
        number(step.plugin_processor_seconds),
        number(step.peak_megabytes)
    )
}

fn row(
    out: &mut dyn Write,
    latency: &str,
    routes: usize,
    name: &str,
    step: &Step,
) -> io::Result<()> {
    writeln!(
        out,
        "{latency:<10} {routes:>6}  {name:<16} {:>6} {:>6} {:>9.2} {:>8}",
        step.calls,
        step.polls,
        step.seconds,
        number(step.peak_megabytes)
    )
}

fn number(value: Option<f64>) -> String {
    value.map_or("?".to_owned(), |value| format!("{value:.2}"))
}
