//! Other writers, and many resources at once.

use ako_lab::faults::{Action, Fault};
use serde_json::json;

use crate::harness::{Scenario, attribute};

/// Ten clusters that keep their routes in one table, each with ten nodes of its own.
const TEN_CLUSTERS: &str = r#"
variable "route_table_id" { type = string }

resource "ako_pod_routes" "cluster" {
  count = 10

  cluster_name   = "cluster-${count.index}"
  route_table_id = var.route_table_id
  nodes = {
    for node in range(10) : "node-${node}" => {
      internal_ip = "10.1.${count.index}.${node + 4}"
      pod_cidrs   = ["10.244.${count.index * 10 + node}.0/24"]
    }
  }
}
"#;

fn scenario() -> Scenario {
    let mut scenario = Scenario::new(TEN_CLUSTERS);
    let location = scenario.azure(&scenario.network())["location"].clone();
    let table = json!({"location": location, "properties": {"routes": []}});
    scenario.somebody("PUT", &scenario.table("rt-1"), &table);
    scenario.set_variable("route_table_id", &scenario.table("rt-1").into());
    scenario
}

fn count_routes(scenario: &Scenario) -> usize {
    let table = scenario.azure(&scenario.table("rt-1"));
    attribute(&table, "properties.routes")
        .as_array()
        .map_or(0, Vec::len)
}

#[test]
fn ten_resources_that_write_one_table_at_once_lose_no_route() {
    let scenario = scenario();
    scenario.apply_with(&["-parallelism=10"]);
    assert_eq!(count_routes(&scenario), 100);
    // They wait for each other: without the lock, If-Match alone would save the routes, in more than ten PUTs.
    assert_eq!(scenario.calls().writes().len(), 10, "{}", scenario.calls());
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(count_routes(&scenario), 0);
}

#[test]
fn a_route_written_by_somebody_between_our_get_and_our_put_is_kept() {
    let scenario = scenario();
    let write = Action::Write {
        method: "PUT".to_owned(),
        path: format!("{}/routes/to-on-premises", scenario.table("rt-1")),
        body: json!({"properties": {
            "addressPrefix": "192.168.0.0/16",
            "nextHopType": "VirtualAppliance",
            "nextHopIpAddress": "10.0.0.99",
        }}),
    };
    scenario
        .lab
        .add_fault(Fault::on("PUT", "*/routeTables/rt-1", write));
    scenario.apply_with(&["-target=ako_pod_routes.cluster[0]"]);
    assert_eq!(count_routes(&scenario), 11);
    let refused = scenario
        .lab
        .journal()
        .iter()
        .filter(|entry| entry.status == Some(412))
        .count();
    assert_eq!(refused, 1, "the first PUT met another etag");
}
