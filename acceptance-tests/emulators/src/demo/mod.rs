//! `cargo lab demo`: the whole job in front of your eyes, with the real terraform against an embedded Azure and Avi.
//!
//! It applies `examples/two-clusters`, changes things behind Terraform's back over HTTP, shows that `terraform
//! plan` sees each change, repairs it, and destroys everything. Every line it prints as done was checked: on the
//! plan, and on what Azure and the controller then hold.

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
use scene::{Outside, Scene, VIA_AVI, se_group};

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
    let outside = Outside {
        azure: SecondClient::log_in(lab.connection())?,
        avi: SecondClient::of_controller(lab.connection())?,
    };
    let mut demo = Demo {
        scene: Scene::new(lab.connection()),
        terraform: workspace(provider, &lab)?,
        outside,
        lab,
        out,
        begun: Instant::now(),
    };
    demo.set_the_scene()?;
    demo.apply_two_clusters()?;
    demo.look_at_avi()?;
    demo.plan_again()?;
    for change in changes::of_somebody() {
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
    outside: Outside,
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
            "An Azure of our own listens at {endpoint}, with two Kubernetes clusters in one VNet,"
        ))?;
        let controller = self.lab.connection().avi.controller.clone();
        self.say(&format!("and an Avi controller at https://{controller}."))?;
        self.say("Both clusters use the same pod CIDRs. Service Engines are to reach all pods directly.\n")?;
        // What is not Terraform's, and must be there in the end as it is now.
        self.scene.add_foreign_table(&self.outside.azure)?;
        Ok(())
    }

    fn apply_two_clusters(&mut self) -> Result<(), Error> {
        self.heading("terraform apply   (examples/two-clusters)")?;
        self.terraform.apply(&[])?;
        let routes = self.scene.pod_routes(&self.outside.azure)?;
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

    fn look_at_avi(&mut self) -> Result<(), Error> {
        let snapshot = self.snapshot()?;
        for cluster in self.scene.clusters() {
            let group = &snapshot[se_group(&cluster)];
            let subnet = format!("snet-se-{cluster}");
            check(
                "each SE group has the SE subnet of its cluster",
                group["data_network_id"] == subnet.as_str(),
                || group.to_string(),
            )?;
            let writer = match cluster.as_str() {
                VIA_AVI => "the controller wrote the routes above, as told by its VRF",
                _ => "Terraform wrote the routes above",
            };
            self.done(&format!(
                "{cluster}: SE group {} in {subnet}; {writer}",
                se_group(&cluster)
            ))?;
        }
        Ok(())
    }

    /// What Azure and the controller hold once the controller has brought everything to Azure.
    fn snapshot(&self) -> Result<Value, Error> {
        self.lab.wait_for(self.lab.connector().settled());
        self.scene.snapshot(&self.outside)
    }

    fn plan_again(&mut self) -> Result<(), Error> {
        self.heading("terraform plan")?;
        self.expect_empty_plan()?;
        self.done("nothing to do: what Azure holds is what was asked for")
    }

    fn change_and_repair(&mut self, change: &Change) -> Result<(), Error> {
        self.heading(&format!("Behind Terraform's back: {}", change.what))?;
        let before = self.snapshot()?;
        (change.act)(&self.scene, &self.outside)?;
        let changed = self.snapshot()?;
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
                let repaired = self.snapshot()?;
                check("everything is as before", before == repaired, || {
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
        let (node, node_address) = remove_last_node(&self.lab, &cluster)?;
        let address = format!("ako_vrf_pod_routes.this[\"{cluster}\"]");
        let plan = self.terraform.plan(&[])?;
        expect_changes(&plan, &[(&address, &["nodes", "routes"])])?;
        self.done(&format!("plan: the routes to {node} go, and only those"))?;
        self.terraform.apply_saved_plan()?;
        self.lab.wait_for(self.lab.connector().settled());
        let routes = self.scene.pod_routes(&self.outside.azure)?;
        let left = routes
            .iter()
            .filter(|route| route.cluster == cluster && route.next_hop == node_address)
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
        let left = self.scene.remains(&self.outside)?;
        check(
            "Azure and Avi hold nothing of ours",
            left.is_empty(),
            || left.join(", "),
        )?;
        self.done("no subnet, route table, route, SE group, cloud or credential of ours is left")?;
        self.scene.check_foreign_table(&self.outside.azure)?;
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

/// The name and the address of the node that left.
fn remove_last_node(lab: &BlockingLab, cluster: &str) -> Result<(String, String), Error> {
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
    let addresses = last.and_then(|node| node["status"]["addresses"].as_array());
    let mut addresses = addresses.into_iter().flatten();
    let address = addresses.find(|address| address["type"] == "InternalIP");
    let address = address.and_then(|address| address["address"].as_str());
    api.delete(&format!("{NODES}/{name}"))?;
    Ok((
        name.to_owned(),
        address.ok_or_else(|| missing("an address"))?.to_owned(),
    ))
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
