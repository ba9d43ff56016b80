//! Mistakes: each is told at the argument to blame, with what is wrong, on which object, and what to do; and nothing
//! is lost by it. The ways to sign in and the clusters of Kubernetes have files of their own.

mod answers;
mod configuration;
mod existing;
mod next_hops;
mod permissions;
mod stored;

use ako_lab::terraform::{Diagnostic, Run, Severity};
use serde_json::json;

use crate::harness::Scenario;

/// A mistake of one resource, and how it is told.
struct Mistake {
    /// The resource's name in the configuration, unique in its table.
    name: &'static str,
    /// The argument in place of the right one, or beside the others.
    argument: &'static str,
    /// How the line of the configuration begins that is blamed.
    line: &'static str,
    /// Parts of what is said.
    said: &'static [&'static str],
}

/// The line that is blamed for a mistake in a node: Terraform finds no line inside an element.
const NODE: &str = "\"node-1\" = {";

const SE_SUBNET: &str = r#"
  virtual_network_id = var.virtual_network_id
  name               = "snet-se-NAME"
  address_prefixes   = ["10.0.100.0/24"]
"#;

const POD_ROUTES: &str = r#"
  cluster_name   = "blue"
  route_table_id = "${var.resource_group_id}/providers/Microsoft.Network/routeTables/rt-1"
  nodes = {
    "node-1" = {
      internal_ip = "10.0.0.4"
      pod_cidrs   = ["10.244.0.0/24"]
    }
  }
"#;

/// The resource with the mistake in it: its argument replaces the one of the same name, wherever that stands.
fn resource(kind: &str, body: &str, mistake: &Mistake) -> String {
    let name = mistake.name;
    let argument_name = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
    let wrong = argument_name(mistake.argument);
    let mut lines: Vec<_> = body
        .trim()
        .lines()
        .map(|line| line.replace("NAME", name))
        .collect();
    match lines.iter_mut().find(|line| argument_name(line) == wrong) {
        Some(line) => *line = mistake.argument.to_owned(),
        None => lines.push(mistake.argument.to_owned()),
    }
    format!(
        "resource \"{kind}\" \"{name}\" {{\n{}\n}}\n",
        lines.join("\n")
    )
}

/// The only diagnostic of the resource tells its mistake at the line to blame.
#[track_caller]
fn assert_told(run: &Run, severity: Severity, kind: &str, mistake: &Mistake) {
    let address = format!("{kind}.{}", mistake.name);
    let of_resource =
        |one: &&Diagnostic| one.address.as_deref() == Some(&address) && one.severity == severity;
    let told: Vec<_> = run.diagnostics.iter().filter(of_resource).collect();
    let [told] = *told else {
        panic!("one message for {address}, not {told:#?}");
    };
    for said in mistake.said {
        assert!(
            told.text().contains(said),
            "{address}: {said:?} is missing in {}",
            told.text()
        );
    }
    assert!(
        told.line().starts_with(mistake.line),
        "{address}: {:?} is blamed in place of {:?}",
        told.line(),
        mistake.line
    );
}

/// A route table of somebody else's in the region of the virtual network, or in another one.
fn table_in(scenario: &Scenario, name: &str, region: &str) -> String {
    let id = scenario.table(name);
    scenario.somebody("PUT", &id, &json!({"location": region, "properties": {}}));
    id
}

/// A subnet of somebody else's that the table serves.
fn served_subnet(scenario: &Scenario, name: &str, prefix: &str, table: &str) {
    let subnet = json!({"properties": {"addressPrefix": prefix, "routeTable": {"id": table}}});
    scenario.somebody("PUT", &scenario.subnet(name), &subnet);
}

/// The state as it is on disk.
fn stored_state(scenario: &Scenario) -> String {
    let state = scenario.terraform.read("terraform.tfstate");
    state.expect("there is a state")
}

/// No request has changed anything.
#[track_caller]
fn assert_no_write(scenario: &Scenario) {
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
}
