//! One scenario's world: a lab of its own, a Terraform workspace of its own, and the provider just built.

mod calls;
mod expect;

use std::path::Path;

use ako_lab::terraform::{Error, Plan, Run, Running, State, Workspace};
use ako_lab::{BlockingLab, Lab, Options};
use serde_json::{Value, json};

pub(crate) use calls::Calls;
pub(crate) use expect::{assert_changes, assert_no_changes, attribute};

/// The built provider.
pub(crate) const PROVIDER: &str = env!("CARGO_BIN_EXE_terraform-provider-ako");

/// What every configuration begins with: the provider, and what the lab tells about itself.
const PREAMBLE: &str = r#"
terraform {
  required_providers {
    ako = {
      source = "ako-azure/ako"
    }
  }
}

provider "ako" {
  azure = {}
  avi   = {}
}

variable "resource_group_id" { type = string }
variable "virtual_network_id" { type = string }
variable "kubeconfigs" { type = map(string) }
variable "avi_principal" { type = map(string) }
"#;

/// A lab and a workspace. Each step prints what Terraform said; `cargo test` shows it when the scenario fails.
pub(crate) struct Scenario {
    pub(crate) lab: BlockingLab,
    pub(crate) terraform: Workspace,
}

impl Scenario {
    /// A lab with two clusters, and a configuration below the preamble.
    pub(crate) fn new(configuration: &str) -> Scenario {
        Scenario::with(Options::default(), configuration)
    }

    /// The same on a lab with options of its own.
    pub(crate) fn with(options: Options, configuration: &str) -> Scenario {
        let lab = Lab::start_blocking(options).expect("the lab starts");
        let mut terraform = done(Workspace::new(Path::new(PROVIDER)));
        terraform.connect(lab.connection());
        let mut scenario = Scenario { lab, terraform };
        scenario.set_variable("resource_group_id", &scenario.group().into());
        scenario.set_variable("virtual_network_id", &scenario.network().into());
        scenario.set_variable("kubeconfigs", &scenario.kubeconfigs());
        scenario.set_variable("avi_principal", &scenario.avi_principal());
        scenario.write("preamble.tf", PREAMBLE);
        scenario.configure(configuration);
        scenario
    }

    /// Replaces the configuration.
    #[track_caller]
    pub(crate) fn configure(&self, configuration: &str) {
        self.write("main.tf", configuration);
    }

    /// Replaces the arguments of the provider block.
    #[track_caller]
    pub(crate) fn configure_provider(&self, arguments: &str) {
        self.write(
            "preamble.tf",
            &PREAMBLE.replace("azure = {}\n  avi   = {}", arguments),
        );
    }

    /// Writes another file of the configuration.
    #[track_caller]
    pub(crate) fn write(&self, file: &str, text: &str) {
        self.terraform
            .write(file, text)
            .expect("the workspace can be written");
    }

    /// Gives a variable its value.
    #[track_caller]
    pub(crate) fn set_variable(&mut self, name: &str, value: &Value) {
        self.terraform.set_variable(name, value);
    }

    /// Plans, which must succeed.
    #[track_caller]
    pub(crate) fn plan(&self) -> Plan {
        self.plan_with(&[])
    }

    /// Plans with more arguments, which must succeed.
    #[track_caller]
    pub(crate) fn plan_with(&self, arguments: &[&str]) -> Plan {
        let plan = done(self.terraform.plan(arguments));
        println!("{}", plan.run.transcript());
        plan
    }

    /// Plans, which must fail.
    #[track_caller]
    pub(crate) fn plan_fails(&self) -> Run {
        failed(self.terraform.plan(&[]).map(|plan| plan.run))
    }

    /// Plans again and finds nothing to do.
    #[track_caller]
    pub(crate) fn assert_nothing_to_do(&self) {
        assert_no_changes(&self.plan());
    }

    /// Plans and applies, which must succeed.
    #[track_caller]
    pub(crate) fn apply(&self) -> Run {
        succeeded(self.terraform.apply(&[]))
    }

    /// Plans and applies with more arguments, which must succeed.
    #[track_caller]
    pub(crate) fn apply_with(&self, arguments: &[&str]) -> Run {
        succeeded(self.terraform.apply(arguments))
    }

    /// Plans and applies, which must fail.
    #[track_caller]
    pub(crate) fn apply_fails(&self) -> Run {
        failed(self.terraform.apply(&[]))
    }

    /// Applies the last plan, which must succeed.
    #[track_caller]
    pub(crate) fn apply_saved_plan(&self) -> Run {
        succeeded(self.terraform.apply_saved_plan())
    }

    /// Starts an apply, to interrupt it.
    #[track_caller]
    pub(crate) fn start_apply(&self) -> Running {
        done(self.terraform.start_apply(&[]))
    }

    /// Waits for a started command and shows what it said.
    #[track_caller]
    pub(crate) fn wait(&self, running: Running) -> Run {
        let run = done(running.wait());
        println!("{}", run.transcript());
        run
    }

    /// Destroys everything, which must succeed.
    #[track_caller]
    pub(crate) fn destroy(&self) -> Run {
        succeeded(self.terraform.destroy(&[]))
    }

    /// Destroys everything, which must fail.
    #[track_caller]
    pub(crate) fn destroy_fails(&self) -> Run {
        failed(self.terraform.destroy(&[]))
    }

    /// Imports by command, which must succeed.
    #[track_caller]
    pub(crate) fn import(&self, address: &str, id: &str) -> Run {
        succeeded(self.terraform.import(address, id))
    }

    /// Imports by command, which must fail.
    #[track_caller]
    pub(crate) fn import_fails(&self, address: &str, id: &str) -> Run {
        failed(self.terraform.import(address, id))
    }

    /// What Terraform remembers.
    #[track_caller]
    pub(crate) fn state(&self) -> State {
        done(self.terraform.state())
    }

    /// The attributes of a resource in the state; it must be there.
    #[track_caller]
    pub(crate) fn resource(&self, address: &str) -> Value {
        let state = self.state();
        let found = state.resource(address).cloned();
        found.unwrap_or_else(|| panic!("no {address} among {:?}", state.addresses()))
    }

    /// The ARM id of the lab's resource group.
    pub(crate) fn group(&self) -> String {
        let azure = &self.lab.connection().azure;
        format!(
            "/subscriptions/{}/resourceGroups/{}",
            azure.subscription_id, azure.resource_group
        )
    }

    /// The ARM id of the lab's VNet.
    pub(crate) fn network(&self) -> String {
        self.lab.connection().azure.virtual_network_id.clone()
    }

    /// The ARM id of a subnet of the lab's VNet.
    pub(crate) fn subnet(&self, name: &str) -> String {
        format!("{}/subnets/{name}", self.network())
    }

    /// The ARM id of a route table in the lab's resource group.
    pub(crate) fn table(&self, name: &str) -> String {
        format!(
            "{}/providers/Microsoft.Network/routeTables/{name}",
            self.group()
        )
    }

    /// What Azure holds under an id; null where it holds nothing. Not in the journal.
    #[track_caller]
    pub(crate) fn azure(&self, id: &str) -> Value {
        match self.lab.azure().request("GET", id, Value::Null) {
            (200, body) => body,
            (404, _) => Value::Null,
            (status, body) => panic!("GET {id}: {status} {body}"),
        }
    }

    /// Writes as somebody else, at once. Not in the journal.
    #[track_caller]
    pub(crate) fn somebody(&self, method: &str, id: &str, body: &Value) {
        let (status, answer) = self.lab.azure().request(method, id, body.clone());
        assert!(
            (200..300).contains(&status),
            "{method} {id}: {status} {answer}"
        );
    }

    /// Reads, edits and writes back an object's `properties`, as somebody else.
    #[track_caller]
    pub(crate) fn somebody_edits(&self, id: &str, edit: impl FnOnce(&mut Value)) {
        let mut object = self.azure(id);
        edit(&mut object["properties"]);
        self.somebody("PUT", id, &object);
    }

    /// What a cloud credential is made of: the service principal that the lab keeps for it.
    fn avi_principal(&self) -> Value {
        let lab = self.lab.connection();
        let principal = &lab.avi.principal;
        json!({
            "client_id": principal.client_id,
            "client_secret": principal.client_secret,
            "object_id": principal.object_id,
            "tenant_id": lab.azure.tenant_id,
            "subscription_id": lab.azure.subscription_id,
        })
    }

    /// The kubeconfig file of each cluster of the lab, by name.
    fn kubeconfigs(&self) -> Value {
        let clusters = self.lab.connection().kubernetes.iter();
        clusters
            .map(|cluster| (cluster.name.clone(), json!(cluster.kubeconfig)))
            .collect()
    }

    /// What was asked of Azure since the start or the last [`forget_calls`](Self::forget_calls).
    pub(crate) fn calls(&self) -> Calls {
        Calls::new(&self.lab.journal())
    }

    /// What was asked of the Avi controller, logins too, since the start or the last
    /// [`forget_calls`](Self::forget_calls).
    pub(crate) fn avi_calls(&self) -> Calls {
        Calls::of_avi(&self.lab.journal())
    }

    /// Asks the Avi controller as somebody else, in all tenants; the answer must be 2xx, but 404 gives null.
    /// Not in the journal.
    #[track_caller]
    pub(crate) fn avi(&self, method: &str, path: &str, body: Value) -> Value {
        match self.lab.avi().request(method, path, body) {
            (200..300, body) => body,
            (404, _) => Value::Null,
            (status, body) => panic!("{method} {path}: {status} {body}"),
        }
    }

    /// The object of that type and name; null where there is none. Not in the journal.
    #[track_caller]
    pub(crate) fn avi_object(&self, kind: &str, name: &str) -> Value {
        let found = self.avi("GET", &format!("/api/{kind}?name={name}"), Value::Null);
        found["results"][0].clone()
    }

    /// Begins to count calls anew.
    pub(crate) fn forget_calls(&self) {
        self.lab.clear_journal();
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What else was held up must not hold up the end of the scenario.
            self.lab.clear_faults();
            println!("\nThe journal:\n{}", Calls::with_polls(&self.lab.journal()));
            println!(
                "The workspace is kept in {}",
                self.terraform.keep().display()
            );
        }
    }
}

#[track_caller]
fn succeeded(outcome: Result<Run, Error>) -> Run {
    let run = done(outcome);
    println!("{}", run.transcript());
    run
}

#[track_caller]
fn failed(outcome: Result<Run, Error>) -> Run {
    let run = match outcome {
        Ok(run) => panic!("this should have failed:\n{}", run.transcript()),
        Err(Error::Failed(run)) => *run,
        Err(error) => panic!("{error}"),
    };
    println!("{}", run.transcript());
    run
}

/// A panic at the scenario's own line, with what Terraform said.
#[track_caller]
fn done<T>(outcome: Result<T, Error>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
