//! Many SE subnets in one virtual network: Azure takes one write there at a time.

use std::thread;
use std::time::Duration;

use ako_lab::azure::Busy;
use ako_lab::faults::{Action, Fault};
use ako_lab::second_client::SecondClient;
use ako_lab::{Latency, Options};

use super::*;

/// Longer than any step takes, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// The routes of each cluster in the table of its SE subnet.
const ROUTES_OF_TEN: &str = r#"
resource "ako_pod_routes" "of" {
  count          = 10
  cluster_name   = "cluster-${count.index}"
  route_table_id = ako_cluster_subnet.se[count.index].route_table_id
  nodes = {
    "node-1" = { internal_ip = "10.1.0.4", pod_cidrs = ["10.244.0.0/24"] }
    "node-2" = { internal_ip = "10.1.0.5", pod_cidrs = ["10.244.1.0/24"] }
  }
}
"#;

#[test]
fn ten_subnets_with_their_routes_are_made_and_removed_fifty_at_a_time() {
    let scenario = Scenario::with(slow(), &(TEN.to_owned() + ROUTES_OF_TEN));
    scenario
        .lab
        .azure()
        .change_settings(|settings| settings.busy = Busy::Conflict);
    scenario.apply_with(&["-parallelism=50"]);
    assert_eq!(scenario.calls().writes().len(), 30, "{}", scenario.calls());
    assert_eq!(answers_with(&scenario, 409), 0, "{}", scenario.calls());
    for index in 0..10 {
        let routes = scenario.resource(&format!("ako_pod_routes.of[{index}]"));
        let table = routes["route_table_id"].as_str().expect("it has a table");
        let table = scenario.azure(table);
        let held = table["properties"]["routes"].as_array().map(Vec::len);
        assert_eq!(held, Some(2), "{table}");
        assert_eq!(
            table["properties"]["subnets"].as_array().map(Vec::len),
            Some(1)
        );
    }
    scenario.assert_nothing_to_do();

    scenario.forget_calls();
    scenario
        .terraform
        .destroy(&["-parallelism=50"])
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.calls().writes().len(), 30, "{}", scenario.calls());
    assert_eq!(answers_with(&scenario, 409), 0, "{}", scenario.calls());
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn ten_subnets_at_once_wait_for_somebody_else_who_is_at_work_in_the_network() {
    let scenario = Scenario::new(TEN);
    let azure = scenario.lab.azure();
    azure.change_settings(|settings| settings.busy = Busy::Conflict);
    let hour = Latency::fixed(Duration::ZERO, Duration::from_secs(3600));
    scenario.lab.set_latency(hour);

    let id = scenario.subnet("snet-theirs");
    let accepted = Fault::on("PUT", &id, Action::Hold).after();
    let accepted = scenario.lab.add_fault(accepted);
    let somebody = SecondClient::log_in(scenario.lab.connection()).expect("they may log in");
    let theirs = thread::spawn(move || {
        let body = json!({"properties": {"addressPrefix": "10.0.90.0/24"}});
        somebody.put(&id, &body)
    });
    assert!(scenario.lab.wait_until_held(accepted, PATIENCE));
    scenario.lab.release(accepted);
    scenario.lab.set_latency(Latency::NONE);

    // The second PUT of an SE subnet is the first one again: the others wait for the lock.
    let again = Fault::on("PUT", "*/subnets/snet-se-*", Action::Hold).nth(2);
    let again = scenario.lab.add_fault(again);
    let apply = scenario.terraform.start_apply(&["-parallelism=10"]);
    let apply = apply.unwrap_or_else(|error| panic!("{error}"));
    assert!(scenario.lab.wait_until_held(again, PATIENCE));
    azure.finish_operations();
    scenario.lab.release(again);
    let run = scenario.wait(apply);
    assert!(run.succeeded());
    let theirs = theirs.join().expect("they do not panic");
    theirs.expect("their write is carried out");
    assert_eq!(answers_with(&scenario, 409), 1, "{}", scenario.calls());
    assert_eq!(scenario.state().addresses().len(), 10);
    scenario.assert_nothing_to_do();
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
        let answer = Action::respond(
            status,
            json!({"error": {"code": code, "message": "Another operation is in progress."}}),
        );
        let fault = Fault::on("PUT", &scenario.subnet(SUBNET), answer);
        scenario.lab.add_fault(fault);
        scenario.apply();
        assert_eq!(
            scenario.calls().writes(),
            [PUT_TABLE, PUT_SUBNET, PUT_SUBNET]
        );
        scenario.assert_nothing_to_do();
    }
}
