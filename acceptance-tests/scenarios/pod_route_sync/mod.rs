//! `ako_pod_route_sync`: waiting at apply for what somebody else writes to a route table.

use ako_lab::terraform::Action;
use serde_json::json;

use crate::harness::{Scenario, assert_changes};

const ADDRESS: &str = "ako_pod_route_sync.blue";
const TABLE: &str = "rt-1";

const CONFIGURATION: &str = r#"
variable "route_table_id" { type = string }

resource "ako_pod_route_sync" "blue" {
  route_table_id = var.route_table_id
  triggers       = { version = "1" }
  nodes = {
    "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] }
  }
  timeouts {
    create = "1s"
    update = "1s"
  }
}
"#;

fn scenario() -> Scenario {
    let mut scenario = Scenario::new(CONFIGURATION);
    let location = scenario.azure(&scenario.network())["location"].clone();
    let table = json!({"location": location, "properties": {"routes": []}});
    scenario.somebody("PUT", &scenario.table(TABLE), &table);
    scenario.set_variable("route_table_id", &scenario.table(TABLE).into());
    scenario
}

fn route_comes(scenario: &Scenario) {
    let body = json!({"properties": {"addressPrefix": "10.244.0.0/24",
        "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.4"}});
    let id = format!("{}/routes/by-the-connector", scenario.table(TABLE));
    scenario.somebody("PUT", &id, &body);
}

#[test]
fn a_wait_in_vain_is_no_object_and_the_next_apply_waits_again_and_ends_when_the_routes_are_there() {
    let scenario = scenario();
    let run = scenario.apply_fails();
    assert!(run.says("10.244.0.0/24 to 10.0.0.4 (node \"node-1\"): there is no route"));
    assert!(scenario.state().addresses().is_empty());
    route_comes(&scenario);
    scenario.apply();
    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());

    scenario.configure(&CONFIGURATION.replace("version = \"1\"", "version = \"2\""));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["triggers"])]);
    scenario.apply_saved_plan();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    scenario.destroy();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
}
