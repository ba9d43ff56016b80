//! Other writers of the same table: somebody else, and other resources of the same run.

use ako_lab::{Action, Fault, Latency};

use super::*;

/// Somebody's own route, which they add while we are at work.
const THEIRS: [&str; 3] = ["theirs", "10.252.0.0/24", "10.0.0.9"];

/// What somebody does at the moment at which our write arrives.
fn at_our_put(scenario: &Scenario, method: &str, name: &str, body: Value) -> Fault {
    let write = Action::Write {
        method: method.to_owned(),
        path: route_id(scenario, name),
        body,
    };
    Fault::on("PUT", ANY_TABLE, write)
}

#[test]
fn a_route_that_somebody_adds_between_our_read_and_our_write_is_kept() {
    let scenario = scenario();
    let fault = at_our_put(&scenario, "PUT", THEIRS[0], body(THEIRS));
    scenario.lab.add_fault(fault);
    scenario.apply();
    assert_eq!(put_statuses(&scenario), [Some(412), Some(200)]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, THEIRS, FOREIGN]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, THEIRS, FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_route_that_somebody_adds_during_an_update_or_a_destroy_is_kept() {
    let scenario = applied();
    scenario.configure(&with_third_node());
    let fault = at_our_put(&scenario, "PUT", THEIRS[0], body(THEIRS));
    scenario.lab.add_fault(fault);
    scenario.apply();
    assert_eq!(put_statuses(&scenario), [Some(412), Some(200)]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, NODE_3, THEIRS, FOREIGN]);

    scenario.forget_calls();
    let later = ["later", "10.253.0.0/24", "10.0.0.9"];
    let fault = at_our_put(&scenario, "PUT", later[0], body(later));
    scenario.lab.add_fault(fault);
    scenario.destroy();
    assert_eq!(put_statuses(&scenario), [Some(412), Some(200)]);
    assert_eq!(routes(&scenario), [THEIRS, later, FOREIGN]);
    assert_never_interrupted(&scenario, &[THEIRS, later, FOREIGN]);
}

#[test]
fn a_prefix_that_somebody_takes_between_our_read_and_our_write_is_not_overwritten() {
    let scenario = scenario();
    let taken = [THEIRS[0], NODE_1[1], "10.0.0.77"];
    let fault = at_our_put(&scenario, "PUT", taken[0], body(taken));
    scenario.lab.add_fault(fault);
    let run = scenario.apply_fails();
    assert!(run.says(taken[0]) && run.says("node-1"));
    assert!(run.says("No route was changed."), "{}", run.transcript());
    assert_eq!(routes(&scenario), [taken, FOREIGN]);
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn every_write_names_the_state_that_was_read() {
    let scenario = applied();
    scenario.destroy();
    scenario.apply();
    let journal = scenario.lab.journal();
    let puts = journal.iter().filter(|entry| entry.method == "PUT");
    let guards: Vec<_> = puts.map(|entry| entry.if_match.as_deref()).collect();
    assert_eq!(guards.len(), 2, "{}", scenario.calls());
    assert!(
        guards
            .iter()
            .all(|etag| etag.is_some_and(|etag| etag != "*"))
    );
}

#[test]
fn a_route_that_somebody_adds_between_plan_and_apply_is_kept() {
    let scenario = scenario();
    scenario.plan();
    somebody_puts(&scenario, THEIRS);
    scenario.apply_saved_plan();
    assert_eq!(put_statuses(&scenario), [Some(200)]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, THEIRS, FOREIGN]);
}

#[test]
fn a_route_that_somebody_deletes_right_after_our_write_is_written_again() {
    let scenario = scenario();
    let fault = at_our_put(&scenario, "DELETE", NODE_1[0], Value::Null).after();
    scenario.lab.add_fault(fault);
    scenario.apply();
    assert_eq!(put_statuses(&scenario), [Some(200), Some(200)]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn somebody_who_undoes_every_write_is_reported_in_the_end() {
    let scenario = scenario();
    let fault = at_our_put(&scenario, "DELETE", NODE_1[0], Value::Null).after();
    scenario.lab.add_fault(fault.always());
    let run = scenario.apply_fails();
    assert!(run.says("Something else undoes each write"));
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn a_table_on_which_azure_is_busy_is_written_when_it_is_free() {
    let scenario = scenario();
    let error = json!({"error": {"code": "AnotherOperationInProgress", "message": "Busy."}});
    let busy = Action::respond(409, error);
    scenario.lab.add_fault(Fault::on("PUT", ANY_TABLE, busy));
    scenario.apply();
    assert_eq!(put_statuses(&scenario), [Some(409), Some(200)]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
}

/// Ten clusters with pod CIDRs of their own, all in one table.
const TEN_CLUSTERS: &str = r#"
variable "route_table_id" { type = string }
variable "nodes" {
  type    = number
  default = 1
}

resource "ako_pod_routes" "of" {
  count          = 10
  cluster_name   = "cluster-${count.index}"
  route_table_id = var.route_table_id
  nodes = {
    for node in range(var.nodes) : "node-${node}" => {
      internal_ip = "10.0.${count.index}.${node + 4}"
      pod_cidrs   = ["10.${100 + count.index}.${node}.0/24"]
    }
  }
}
"#;

#[test]
fn ten_resources_of_one_table_write_one_after_the_other() {
    let mut scenario = on_table_of_others(TEN_CLUSTERS);
    // Long enough for all to be under way at once.
    let call = Duration::from_millis(20);
    scenario
        .lab
        .set_latency(Latency::fixed(call, Duration::ZERO));
    for nodes in [1, 2] {
        scenario.set_variable("nodes", &nodes.into());
        scenario.forget_calls();
        scenario.apply_with(&["-parallelism=10"]);
        assert_eq!(put_statuses(&scenario), [Some(200); 10], "none is refused");
        assert_eq!(routes(&scenario).len(), 10 * nodes + 1);
        scenario.assert_nothing_to_do();
    }
    scenario.forget_calls();
    scenario
        .terraform
        .destroy(&["-parallelism=10"])
        .expect("destroy succeeds");
    assert_eq!(put_statuses(&scenario), [Some(200); 10], "none is refused");
    assert_eq!(routes(&scenario), [FOREIGN]);
    assert_never_interrupted(&scenario, &[FOREIGN]);
}

#[test]
fn ten_resources_of_one_table_survive_another_writer_among_them() {
    let scenario = on_table_of_others(TEN_CLUSTERS);
    let fault = at_our_put(&scenario, "PUT", THEIRS[0], body(THEIRS));
    scenario.lab.add_fault(fault.nth(5));
    scenario.apply_with(&["-parallelism=10"]);
    assert_eq!(put_statuses(&scenario).len(), 11);
    assert_eq!(routes(&scenario).len(), 12);
    assert_never_interrupted(&scenario, &[THEIRS, FOREIGN]);
}
