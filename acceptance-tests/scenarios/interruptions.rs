//! Ctrl-C, lost answers and killed processes.

use std::time::Duration;

use ako_lab::faults::{Action, Fault};
use serde_json::Value;

use crate::harness::Scenario;

const SUBNET: &str = r#"
resource "ako_cluster_subnet" "se" {
  virtual_network_id = var.virtual_network_id
  name               = "snet-se-blue"
  address_prefixes   = ["10.0.100.0/24"]
  route_table_name   = "rt-se-blue"
}
"#;

/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn an_interrupted_create_keeps_what_it_made_in_the_state_and_the_next_apply_recovers() {
    let scenario = Scenario::new(SUBNET);
    let hold = scenario
        .lab
        .add_fault(Fault::on("PUT", "*/subnets/snet-se-blue", Action::Hold));
    let apply = scenario.start_apply();
    assert!(
        scenario.lab.wait_until_held(hold, PATIENCE),
        "the subnet's PUT arrives"
    );
    apply.interrupt().expect("terraform can be interrupted");
    // The write in flight is awaited for three seconds only; this one is never answered.
    let run = scenario.wait(apply);
    assert!(!run.succeeded(), "an interrupted apply fails");
    assert!(scenario.state().is_tainted("ako_cluster_subnet.se"));
    assert_ne!(scenario.azure(&scenario.table("rt-se-blue")), Value::Null);

    scenario.lab.clear_faults();
    scenario.apply();
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table("rt-se-blue")), Value::Null);
}

#[test]
fn a_killed_create_leaves_a_remnant_that_the_next_apply_adopts() {
    let scenario = Scenario::new(SUBNET);
    let hold = scenario
        .lab
        .add_fault(Fault::on("PUT", "*/subnets/snet-se-blue", Action::Hold).after());
    let apply = scenario.start_apply();
    assert!(
        scenario.lab.wait_until_held(hold, PATIENCE),
        "the subnet's PUT arrives"
    );
    apply.kill_everything().expect("terraform can be killed");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    assert!(
        scenario.state().addresses().is_empty(),
        "terraform had no time to write"
    );

    let run = scenario.apply_with(&["-lock=false"]);
    assert!(
        run.warnings().next().is_some(),
        "the adoption is told: {}",
        run.transcript()
    );
    scenario.assert_nothing_to_do();
}
