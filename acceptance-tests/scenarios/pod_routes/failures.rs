//! Failures after the write has left: nothing is ever taken back, and the next run finds what is in place.

use ako_lab::second_client::SecondClient;
use ako_lab::terraform::{Action as Planned, Run};
use ako_lab::{Action, Fault, Latency};

use super::*;
use crate::harness::assert_changes;

const HOUR: Duration = Duration::from_secs(3600);

/// Operations that end only when the scenario says so.
fn never_ending(scenario: &Scenario) {
    scenario
        .lab
        .set_latency(Latency::fixed(Duration::ZERO, HOUR));
}

/// Operations end at once again, also those that are under way.
fn healed(scenario: &Scenario) {
    scenario.lab.clear_faults();
    scenario.lab.set_latency(Latency::NONE);
    scenario.lab.azure().finish_operations();
}

/// A failed create leaves no state, so that Terraform has nothing to destroy, and its routes in place.
#[track_caller]
fn assert_left_in_place(scenario: &Scenario) {
    assert!(scenario.state().addresses().is_empty());
    assert_eq!(routes(scenario), [NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn a_create_whose_answer_is_lost_is_found_in_place_in_the_same_run() {
    let proxy = json!({"error": {"code": "GatewayTimeout", "message": "No answer."}});
    let losses = [
        (Action::Reset, None),
        (Action::Stall, None),
        (Action::Truncate { bytes: 100 }, Some(200)),
        (Action::respond(504, proxy), Some(504)),
    ];
    for (loss, status) in losses {
        let scenario = scenario();
        scenario.configure_provider("azure = {}\n  request_timeout_in_seconds = 2");
        scenario
            .lab
            .add_fault(Fault::on("PUT", ANY_TABLE, loss).after());
        scenario.apply();
        // The repetition meets the new etag, and the fresh read finds nothing left to write.
        assert_eq!(put_statuses(&scenario), [status, Some(412)]);
        assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
        assert_rerun_writes_nothing(&scenario, &[]);
        assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
    }
}

#[test]
fn a_create_that_never_gets_an_answer_leaves_no_state_and_its_routes() {
    let scenario = on_table_of_others(&with("timeouts { create = \"2s\" }"));
    let lost = Fault::on("PUT", ANY_TABLE, Action::Reset).after().always();
    scenario.lab.add_fault(lost);
    let run = scenario.apply_fails();
    assert!(run.says("The routes are in place"));
    assert_left_in_place(&scenario);
    healed(&scenario);
    let run = scenario.apply();
    assert!(run.says("are adopted"));
    assert_rerun_writes_nothing(&scenario, &[]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn a_create_that_is_out_of_time_while_polling_leaves_no_state_and_its_routes() {
    let scenario = on_table_of_others(&with("timeouts { create = \"1s\" }"));
    never_ending(&scenario);
    let run = scenario.apply_fails();
    assert!(run.says("time is up") && run.says("The routes are in place"));
    assert_left_in_place(&scenario);
    // Before Azure has finished there is nothing to write, and nothing that can be relied on.
    scenario.forget_calls();
    let run = scenario.apply_fails();
    assert!(run.says("the route table is Updating") && run.says("still at work"));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert_left_in_place(&scenario);
    healed(&scenario);
    assert_rerun_writes_nothing(&scenario, &[]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

/// Azure accepts the next write of the table and does not carry it out.
fn failing_operation(scenario: &Scenario, code: &str) {
    failing_operation_on(scenario, ANY_TABLE, code);
}

fn failing_operation_on(scenario: &Scenario, path: &str, code: &str) {
    let failure = Action::FailOperation {
        code: code.to_owned(),
        message: "An unexpected error occurred.".to_owned(),
    };
    let fault = Fault::on("PUT", path, failure);
    scenario.lab.add_fault(fault);
}

const FAILED: &str = "NetworkingInternalOperationError";

#[test]
fn a_create_whose_operation_fails_leaves_no_state_and_is_written_again() {
    let scenario = scenario();
    failing_operation(&scenario, FAILED);
    let run = scenario.apply_fails();
    assert!(run.says(FAILED) && run.says("Azure has marked it as failed"));
    assert_left_in_place(&scenario);
    scenario.forget_calls();
    let run = scenario.apply();
    assert!(run.says("are adopted"));
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_rerun_writes_nothing(&scenario, &[]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn an_update_whose_operation_fails_keeps_the_prior_state_and_is_written_again() {
    let scenario = applied();
    scenario.configure(&with_third_node());
    failing_operation(&scenario, FAILED);
    let run = scenario.apply_fails();
    assert!(run.says(FAILED) && run.says("Azure has marked it as failed"));
    assert!(!scenario.state().is_tainted(ADDRESS));
    assert_eq!(scenario.resource(ADDRESS)["nodes"]["node-3"], Value::Null);
    scenario.forget_calls();
    scenario.apply();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_rerun_writes_nothing(&scenario, &[]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, NODE_3, FOREIGN]);
}

#[test]
fn a_repair_of_drift_whose_operation_fails_is_planned_again_until_it_holds() {
    let scenario = applied();
    somebody_deletes(&scenario, NODE_1[0]);
    failing_operation(&scenario, FAILED);
    let run = scenario.apply_fails();
    assert!(run.says(FAILED) && run.says("Azure has marked it as failed"));
    // The table shows the routes as planned: nothing but their absent next hops tells.
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    let plan = scenario.plan();
    assert!(plan.run.says("may not be in force"));
    assert_changes(&plan, &[(ADDRESS, Planned::Update, &["routes"])]);
    let change = plan.resource(ADDRESS).expect("it is planned");
    let (before, after) = (change.before(), change.after());
    assert_eq!(shown(before, NODE_1)["next_hop_ip_address"], Value::Null);
    assert_eq!(shown(after, NODE_1)["next_hop_ip_address"], NODE_1[2]);
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_rerun_writes_nothing(&scenario, &[]);
}

#[test]
fn a_route_whose_last_write_failed_is_written_again_though_its_table_has_succeeded_since() {
    let scenario = applied();
    let path = route_id(&scenario, NODE_1[0]);
    failing_operation_on(&scenario, &path, FAILED);
    let somebody = SecondClient::log_in(scenario.lab.connection()).expect("they may log in");
    // Another description of the same route, so that there is something to carry out.
    let elsewhere = [NODE_1[0], NODE_1[1], "10.0.0.77"];
    somebody
        .put(&path, &body(elsewhere))
        .expect_err("Azure does not carry it out");
    somebody_puts(&scenario, ["later", "10.253.0.0/24", "10.0.0.9"]);
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("it is planned");
    assert_eq!(
        shown(change.before(), NODE_1)["next_hop_ip_address"],
        Value::Null
    );
    assert_eq!(
        shown(change.before(), NODE_2)["next_hop_ip_address"],
        NODE_2[2]
    );
    scenario.apply_saved_plan();
    assert_eq!(routes(&scenario)[0], NODE_1);
    scenario.assert_nothing_to_do();
}

#[test]
fn an_update_or_a_destroy_that_never_ends_says_what_is_known_and_the_next_run_recovers() {
    let scenario = on_table_of_others(&with(
        "timeouts {\n    update = \"3s\"\n    delete = \"3s\"\n  }",
    ));
    scenario.apply();
    scenario.configure(&with_third_node().replace(
        "  nodes = {",
        "  timeouts {\n    update = \"3s\"\n    delete = \"3s\"\n  }\n  nodes = {",
    ));
    let known = |run: &Run| {
        let parts = [
            "time is up",
            "the operation is InProgress",
            " s after Azure took",
            "the object is Updating",
        ];
        parts.iter().all(|part| run.says(part))
    };
    never_ending(&scenario);
    let run = scenario.apply_fails();
    assert!(
        known(&run) && run.says("The routes are in place"),
        "{}",
        run.transcript()
    );
    assert_eq!(scenario.resource(ADDRESS)["nodes"]["node-3"], Value::Null);
    healed(&scenario);
    assert_rerun_writes_nothing(&scenario, &[]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, NODE_3, FOREIGN]);

    never_ending(&scenario);
    let run = scenario.destroy_fails();
    assert!(known(&run), "{}", run.transcript());
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
    healed(&scenario);
    scenario.forget_calls();
    scenario.destroy();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert_eq!(routes(&scenario), [FOREIGN]);
    assert_never_interrupted(&scenario, &[FOREIGN]);
}

#[test]
fn an_operation_that_another_one_superseded_is_looked_at_again_in_the_same_run() {
    let scenario = scenario();
    failing_operation(&scenario, "CanceledAndSupersededDueToAnotherOperation");
    scenario.apply();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn a_create_interrupted_while_polling_leaves_no_state_and_its_routes() {
    let scenario = scenario();
    never_ending(&scenario);
    let poll = Fault::on("GET", ANY_POLL, Action::Hold);
    let poll = scenario.lab.add_fault(poll);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(poll, PATIENCE), "a poll comes");
    apply.interrupt().expect("terraform can be interrupted");
    let run = scenario.wait(apply);
    assert!(!run.succeeded());
    assert!(run.says("interrupt") && run.says("The routes are in place"));
    assert_left_in_place(&scenario);
    healed(&scenario);
    let run = scenario.apply();
    assert!(run.says("are adopted"));
    assert_rerun_writes_nothing(&scenario, &[]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn an_interrupt_while_the_write_is_under_way_waits_for_its_answer() {
    let scenario = scenario();
    let put = Fault::on("PUT", ANY_TABLE, Action::Hold).after();
    let put = scenario.lab.add_fault(put);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(put, PATIENCE), "the PUT comes");
    apply.interrupt().expect("terraform can be interrupted");
    scenario.lab.release(put);
    let run = scenario.wait(apply);
    assert!(!run.succeeded());
    assert!(run.says("The routes are in place"));
    assert_left_in_place(&scenario);
    assert_rerun_writes_nothing(&scenario, &[]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn an_interrupt_ends_a_wait_that_azure_has_asked_for() {
    let scenario = scenario();
    let put = scenario
        .lab
        .add_fault(Fault::on("PUT", ANY_TABLE, Action::Hold));
    let throttled = Action::Respond {
        status: 429,
        headers: [("Retry-After".to_owned(), "900".to_owned())].into(),
        body: json!({"error": {"code": "TooManyRequests", "message": "Slow down."}}),
    };
    scenario
        .lab
        .add_fault(Fault::on("PUT", ANY_TABLE, throttled));
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(put, PATIENCE), "the PUT comes");
    apply.interrupt().expect("terraform can be interrupted");
    scenario.lab.release(put);
    let run = scenario.wait(apply);
    assert!(!run.succeeded() && run.says("No route was changed"));
    assert!(run.took < Duration::from_secs(300), "it did not wait");
    assert!(scenario.state().addresses().is_empty());
    assert_eq!(routes(&scenario), [FOREIGN]);
}

#[test]
fn a_killed_create_leaves_its_routes_which_the_next_run_adopts() {
    let scenario = scenario();
    let put = Fault::on("PUT", ANY_TABLE, Action::Hold).after();
    let put = scenario.lab.add_fault(put);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(put, PATIENCE), "the PUT comes");
    apply.kill_everything().expect("terraform can be killed");
    scenario.wait(apply);
    healed(&scenario);
    assert_left_in_place(&scenario);
    // Who is killed leaves its lock on the state.
    let run = scenario.apply_with(&["-lock=false"]);
    assert!(run.says("are adopted"));
    assert_rerun_writes_nothing(&scenario, &["-lock=false"]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn a_create_whose_terraform_is_killed_alone_is_adopted_by_the_next_run() {
    let scenario = scenario();
    let put = Fault::on("PUT", ANY_TABLE, Action::Hold).after();
    let put = scenario.lab.add_fault(put);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(put, PATIENCE), "the PUT comes");
    apply.kill_terraform().expect("terraform can be killed");
    scenario.wait(apply);
    // The orphaned provider may finish or not: it cannot tell anybody.
    healed(&scenario);
    assert!(scenario.state().addresses().is_empty());
    let run = scenario.apply_with(&["-lock=false"]);
    assert!(run.says("are adopted"));
    assert_rerun_writes_nothing(&scenario, &["-lock=false"]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn an_update_interrupted_while_polling_keeps_the_prior_state_and_the_next_run_writes_nothing() {
    let scenario = applied();
    never_ending(&scenario);
    scenario.configure(&with_third_node());
    let poll = Fault::on("GET", ANY_POLL, Action::Hold);
    let poll = scenario.lab.add_fault(poll);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(poll, PATIENCE), "a poll comes");
    apply.interrupt().expect("terraform can be interrupted");
    let run = scenario.wait(apply);
    assert!(!run.succeeded() && run.says("The routes are in place"));
    let state = scenario.state();
    assert!(!state.is_tainted(ADDRESS));
    assert_eq!(scenario.resource(ADDRESS)["nodes"]["node-3"], Value::Null);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, NODE_3, FOREIGN]);
    healed(&scenario);
    assert_rerun_writes_nothing(&scenario, &[]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, NODE_3, FOREIGN]);
}

#[test]
fn an_update_killed_before_azure_acts_is_made_by_the_next_run() {
    let scenario = applied();
    scenario.configure(&with_third_node());
    let put = Fault::on("PUT", ANY_TABLE, Action::Hold);
    let put = scenario.lab.add_fault(put);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(put, PATIENCE), "the PUT comes");
    apply.kill_everything().expect("terraform can be killed");
    scenario.wait(apply);
    healed(&scenario);
    scenario.apply_with(&["-lock=false"]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, NODE_3, FOREIGN]);
    assert_rerun_writes_nothing(&scenario, &["-lock=false"]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, NODE_3, FOREIGN]);
}

#[test]
fn a_destroy_that_is_interrupted_or_out_of_time_keeps_the_state_until_the_next_one() {
    let scenario = applied();
    never_ending(&scenario);
    let poll = Fault::on("GET", ANY_POLL, Action::Hold);
    let poll = scenario.lab.add_fault(poll);
    let destroy = scenario.terraform.start_destroy(&[]);
    let destroy = destroy.expect("terraform starts");
    assert!(scenario.lab.wait_until_held(poll, PATIENCE), "a poll comes");
    destroy.interrupt().expect("terraform can be interrupted");
    let run = scenario.wait(destroy);
    assert!(!run.succeeded());
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
    healed(&scenario);
    scenario.forget_calls();
    scenario.destroy();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert_eq!(routes(&scenario), [FOREIGN]);
    assert_never_interrupted(&scenario, &[FOREIGN]);
}

#[test]
fn a_write_that_azure_refuses_changes_nothing_and_says_so_with_code_and_request_id() {
    let scenario = scenario();
    scenario.lab.azure().deny(ako_lab::azure::Denial::of(
        "Microsoft.Network/routeTables/write",
    ));
    let run = scenario.apply_fails();
    assert!(run.says("AuthorizationFailed") && run.says("No route was changed"));
    assert!(run.says("request id"));
    assert_eq!(routes(&scenario), [FOREIGN]);
    scenario.lab.azure().allow_all();
    scenario.apply();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
}
