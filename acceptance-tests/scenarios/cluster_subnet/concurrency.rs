//! Many SE subnets in one virtual network: Azure takes one write there at a time.

use std::time::Duration;

use ako_lab::azure::Busy;
use ako_lab::{Latency, Options};

use super::*;

const TEN: &str = r#"
resource "ako_cluster_subnet" "se" {
  count              = 10
  cluster_name       = "cluster-${count.index}"
  virtual_network_id = var.virtual_network_id
  name               = "snet-se-${count.index}"
  address_prefixes   = ["10.0.${100 + count.index}.0/24"]
}
"#;

/// Operations that take a moment, so that writes would meet if nothing kept them apart.
fn slow() -> Options {
    Options {
        latency: Latency::fixed(Duration::ZERO, Duration::from_millis(50)),
        ..Options::default()
    }
}

fn answers_with(scenario: &Scenario, status: u16) -> usize {
    let journal = scenario.lab.journal();
    journal
        .iter()
        .filter(|entry| entry.status == Some(status))
        .count()
}

#[test]
fn ten_subnets_at_once_never_meet_another_operation_of_ours() {
    let scenario = Scenario::with(slow(), TEN);
    scenario
        .lab
        .azure()
        .change_settings(|settings| settings.busy = Busy::Conflict);
    scenario.apply_with(&["-parallelism=10"]);
    assert_eq!(scenario.state().addresses().len(), 10);
    assert_eq!(scenario.calls().writes().len(), 20, "{}", scenario.calls());
    assert_eq!(answers_with(&scenario, 409), 0, "{}", scenario.calls());

    scenario.configure(&TEN.replace(".0/24", ".0/25"));
    scenario.forget_calls();
    scenario.apply_with(&["-parallelism=10"]);
    assert_eq!(scenario.calls().writes().len(), 10, "{}", scenario.calls());
    assert_eq!(answers_with(&scenario, 409), 0, "{}", scenario.calls());

    scenario.forget_calls();
    scenario
        .terraform
        .destroy(&["-parallelism=10"])
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.calls().writes().len(), 20, "{}", scenario.calls());
    assert_eq!(answers_with(&scenario, 409), 0, "{}", scenario.calls());
    let network = scenario.azure(&scenario.network());
    let left = network["properties"]["subnets"].as_array().map(Vec::len);
    assert_eq!(left, Some(2), "those of the nodes");
}

#[test]
fn an_operation_of_somebody_elses_is_waited_for() {
    for busy in [Busy::Conflict, Busy::Retryable] {
        let scenario = Scenario::new(CONFIGURATION);
        scenario
            .lab
            .azure()
            .change_settings(|settings| settings.busy = busy);
        let (status, code) = match busy {
            Busy::Retryable => (429, "RetryableError"),
            _ => (409, "AnotherOperationInProgress"),
        };
        let answer = ako_lab::faults::Action::respond(
            status,
            json!({"error": {"code": code, "message": "Another operation is in progress."}}),
        );
        let fault = ako_lab::faults::Fault::on("PUT", &scenario.subnet(SUBNET), answer);
        scenario.lab.add_fault(fault);
        scenario.apply();
        assert_eq!(
            scenario.calls().writes(),
            [PUT_TABLE, PUT_SUBNET, PUT_SUBNET]
        );
        scenario.assert_nothing_to_do();
    }
}
