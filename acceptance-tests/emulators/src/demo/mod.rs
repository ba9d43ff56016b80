//! `cargo lab demo`: the whole job in front of your eyes, with the real terraform against the embedded Azure.
//!
//! It applies `examples/two-clusters`, changes things behind Terraform's back over HTTP, shows that `terraform
//! plan` sees each change, repairs it, and destroys everything. Every line it prints as done was checked: on the
//! plan, and on what Azure then holds.

mod changes;
mod scene;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::second_client::{self, SecondClient};
use crate::terraform::{self, Action, Plan, Workspace};
use crate::{BlockingLab, Lab, Options};

use changes::{Change, Seen};
use scene::Scene;

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lab did not start.
    #[error("starting the lab")]
    Lab(#[from] crate::Error),
    /// Terraform did not do what it was asked.
    #[error(transparent)]
    Terraform(#[from] terraform::Error),
    /// Azure did not do what it was asked.
    #[error(transparent)]
    Azure(#[from] second_client::Error),
    /// Everything ran, and the outcome is not what it should be.
    #[error("{expected}, but {found}")]
    Unexpected {
        /// What the demo promised.
        expected: String,
        /// What is the case.
        found: String,
    },
    /// Nobody listens any more.
    #[error("printing")]
    Print(#[from] io::Error),
}

/// Runs the demo with a built provider; an error names the step that failed.
pub fn run(provider: &Path, out: &mut dyn Write) -> Result<(), Error> {
    let lab = Lab::start_blocking(Options::default())?;
    let azure = SecondClient::log_in(lab.connection())?;
    let mut demo = Demo {
        scene: Scene::new(lab.connection()),
        terraform: workspace(provider, &lab)?,
        azure,
        lab,
        out,
        begun: Instant::now(),
    };
    demo.set_the_scene()?;
    demo.apply_two_clusters()?;
    demo.plan_again()?;
    for change in changes::in_azure() {
        demo.change_and_repair(&change)?;
    }
    demo.lose_a_node()?;
    demo.destroy()?;
    let seconds = demo.begun.elapsed().as_secs_f64();
    demo.say(&format!(
        "\nEverything was seen, repaired and cleaned up, in {seconds:.1} s."
    ))
}

struct Demo<'a> {
    lab: BlockingLab,
    azure: SecondClient,
    terraform: Workspace,
    scene: Scene,
    out: &'a mut dyn Write,
    begun: Instant,
}

impl Demo<'_> {
    fn set_the_scene(&mut self) -> Result<(), Error> {
        let endpoint = self
            .lab
            .connection()
            .azure
            .resource_manager_endpoint
            .clone();
        self.say(&format!(
            "An Azure of our own listens at {endpoint}, with two Kubernetes clusters in one VNet."
        ))?;
        self.say("Both clusters use the same pod CIDRs. Service Engines are to reach all pods directly.\n")?;
        // What is not Terraform's, and must be there in the end as it is now.
        self.scene.add_foreign_table(&self.azure)?;
        Ok(())
    }

    fn apply_two_clusters(&mut self) -> Result<(), Error> {
        self.heading("terraform apply   (examples/two-clusters)")?;
        self.terraform.apply(&[])?;
        let routes = self.scene.pod_routes(&self.azure)?;
        for cluster in self.scene.clusters() {
            self.done(&format!(
                "{cluster}: SE subnet with a route table of its own, and in it"
            ))?;
            for route in routes.iter().filter(|route| route.cluster == cluster) {
                self.say(&format!(
                    "        {:<16} -> {}",
                    route.prefix, route.next_hop
                ))?;
            }
        }
        let [one, two] = self.scene.clusters().map(|cluster| {
            let of = routes.iter().filter(move |route| route.cluster == cluster);
            of.map(|route| (route.prefix.as_str(), route.next_hop.as_str()))
                .collect::<Vec<_>>()
        });
        let same_prefixes = !one.is_empty()
            && one
                .iter()
                .map(|route| route.0)
                .eq(two.iter().map(|route| route.0));
        check(
            "both clusters have routes to the same pod CIDRs",
            same_prefixes,
            || format!("{one:?} and {two:?}"),
        )?;
        let own_nodes = one
            .iter()
            .all(|route| !two.iter().any(|other| other.1 == route.1));
        check("each cluster has next hops of its own", own_nodes, || {
            format!("{one:?} and {two:?}")
        })?;
        self.done("the same pod CIDRs lead to each cluster's own nodes")
    }

    fn plan_again(&mut self) -> Result<(), Error> {
        self.heading("terraform plan")?;
        self.expect_empty_plan()?;
        self.done("nothing to do: what Azure holds is what was asked for")
    }

    fn change_and_repair(&mut self, change: &Change) -> Result<(), Error> {
        self.heading(&format!("Behind Terraform's back: {}", change.what))?;
        let before = self.scene.snapshot(&self.azure)?;
        (change.act)(&self.scene, &self.azure)?;
        let changed = self.scene.snapshot(&self.azure)?;
        check("the change is there", before != changed, || {
            "nothing changed".to_owned()
        })?;
        match change.seen {
            Seen::NotOurs => {
                self.expect_empty_plan()?;
                self.done("plan: nothing to do, this is not ours")
            }
            Seen::Drift(expected) => {
                let plan = self.terraform.plan(&[])?;
                expect_changes(&plan, expected)?;
                for (address, attributes) in expected {
                    self.done(&format!(
                        "plan: {address} will be updated in place: {}",
                        attributes.join(", ")
                    ))?;
                }
                self.terraform.apply_saved_plan()?;
                let repaired = self.scene.snapshot(&self.azure)?;
                check("Azure is as before", before == repaired, || {
                    difference(&before, &repaired)
                })?;
                self.expect_empty_plan()?;
                self.done("apply: repaired, all else untouched; the next plan is empty")
            }
        }
    }

    fn lose_a_node(&mut self) -> Result<(), Error> {
        let [_, cluster] = self.scene.clusters();
        self.heading(&format!("In Kubernetes: a node leaves {cluster}"))?;
        let node = remove_last_node(&self.lab, &cluster)?;
        let address = format!("ako_pod_routes.this[\"{cluster}\"]");
        let plan = self.terraform.plan(&[])?;
        expect_changes(&plan, &[(&address, &["nodes", "routes"])])?;
        self.done(&format!("plan: the routes to {node} go, and only those"))?;
        self.terraform.apply_saved_plan()?;
        let routes = self.scene.pod_routes(&self.azure)?;
        let left = routes
            .iter()
            .filter(|route| route.cluster == cluster && route.name.contains(&node))
            .count();
        check("no route leads to the node", left == 0, || {
            format!("{left} do")
        })?;
        self.expect_empty_plan()?;
        self.done("apply: done; the routes of the other cluster to the same pod CIDRs stand")
    }

    fn destroy(&mut self) -> Result<(), Error> {
        self.heading("terraform destroy")?;
        self.terraform.destroy(&[])?;
        let left = self.scene.remains(&self.azure)?;
        check("Azure holds nothing of ours", left.is_empty(), || {
            left.join(", ")
        })?;
        self.done("no SE subnet, no route table and no route of ours is left")?;
        self.scene.check_foreign_table(&self.azure)?;
        self.done("what others made stands as they made it")
    }

    fn expect_empty_plan(&self) -> Result<(), Error> {
        let plan = self.terraform.plan(&[])?;
        check("the plan is empty", plan.is_empty(), || summary(&plan))
    }

    fn heading(&mut self, text: &str) -> Result<(), Error> {
        self.say(text)
    }

    fn done(&mut self, text: &str) -> Result<(), Error> {
        self.say(&format!("  ok  {text}"))
    }

    fn say(&mut self, text: &str) -> Result<(), Error> {
        writeln!(self.out, "{text}")?;
        Ok(self.out.flush()?)
    }
}

/// The example with the lab's values, ready to apply.
fn workspace(provider: &Path, lab: &BlockingLab) -> Result<Workspace, Error> {
    let mut workspace = Workspace::new(provider)?;
    workspace.copy_configuration(&example())?;
    workspace.connect(lab.connection());
    for (name, value) in scene::variables(lab.connection()) {
        workspace.set_variable(name, &value);
    }
    Ok(workspace)
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/two-clusters")
}

fn remove_last_node(lab: &BlockingLab, cluster: &str) -> Result<String, Error> {
    const NODES: &str = "/api/v1/nodes";
    let connection = lab.connection();
    let missing = |what: &str| Error::Unexpected {
        expected: format!("{cluster} has {what}"),
        found: "it has not".to_owned(),
    };
    let mut clusters = connection.kubernetes.iter();
    let api = clusters.find(|candidate| candidate.name == cluster);
    let api = SecondClient::of_cluster(connection, api.ok_or_else(|| missing("an API server"))?)?;
    let nodes = api.get(NODES)?.unwrap_or_default();
    let last = nodes["items"].as_array().and_then(|items| items.last());
    let name = last.and_then(|node| node["metadata"]["name"].as_str());
    let name = name.ok_or_else(|| missing("nodes"))?;
    api.delete(&format!("{NODES}/{name}"))?;
    Ok(name.to_owned())
}

fn check(expected: &str, holds: bool, found: impl FnOnce() -> String) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::Unexpected {
        expected: expected.to_owned(),
        found: found(),
    })
}

/// The plan updates exactly these objects, each in exactly these attributes.
fn expect_changes(plan: &Plan, expected: &[(&str, &[&str])]) -> Result<(), Error> {
    let mut planned: Vec<_> = plan.changes().collect();
    planned.sort_by(|a, b| a.address.cmp(&b.address));
    let as_expected = planned.len() == expected.len()
        && planned
            .iter()
            .zip(expected)
            .all(|(change, (address, attributes))| {
                change.address == *address
                    && change.action() == Action::Update
                    && change.changed_attributes() == *attributes
            });
    check(
        &format!("the plan updates {expected:?}"),
        as_expected,
        || summary(plan),
    )
}

fn summary(plan: &Plan) -> String {
    let changes = plan.changes().map(|change| {
        format!(
            "{} {:?} {:?}",
            change.address,
            change.action(),
            change.changed_attributes()
        )
    });
    let changes: Vec<_> = changes.collect();
    format!("the plan holds {changes:?} and outputs {}", plan.outputs)
}

fn difference(before: &Value, after: &Value) -> String {
    format!("before {before:#}\nafter {after:#}")
}
