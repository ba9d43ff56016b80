//! Routes that AKO wrote, a VRF that is not there, writers who come first, interrupted and killed runs.

use ako_lab::{Fault, faults};

use super::*;

#[test]
fn routes_of_ako_are_taken_over_whole_with_a_warning() {
    let scenario = scenario();
    somebody_edits(&scenario, |routes| {
        routes.push(route_of_blue("blue-u-0", NODE_1));
    });
    let plan = scenario.plan();
    assert!(plan.run.says("are adopted") && plan.run.says("disableStaticRouteSync"));
    scenario.apply_saved_plan();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
    assert_eq!(all_routes(&scenario)[3]["route_id"], "blue-u-0");
}

#[test]
fn routes_of_ako_that_are_not_planned_stop_the_create_with_the_import_command() {
    let scenario = scenario();
    somebody_edits(&scenario, |routes| {
        routes.push(route_of_blue("blue-u-0", NODE_3));
    });
    let run = scenario.apply_fails();
    assert!(run.says("terraform import 'ako_vrf_pod_routes.NAME' 'azure/global,blue'"));
    assert!(run.says("disableStaticRouteSync"));
    assert_eq!(routes(&scenario), [NODE_3]);
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn a_vrf_that_does_not_exist_is_told_with_those_that_do() {
    let scenario = with_configuration(&with("vrf_name = \"globe\""));
    let run = scenario.apply_fails();
    assert!(run.says("There is no VRF context \"globe\" in cloud \"azure\""));
    assert!(run.says("management"));
}

#[test]
fn an_interrupt_while_the_write_is_under_way_leaves_no_state_and_the_next_run_adopts() {
    let scenario = scenario();
    let put = Fault::on("PUT", ANY_VRF, faults::Action::Hold).after();
    let put = scenario.lab.add_fault(put);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(put, PATIENCE), "the PUT comes");
    apply.interrupt().expect("terraform can be interrupted");
    scenario.lab.release(put);
    let run = scenario.wait(apply);
    // The write that was under way may have ended in time; then its object is in the state.
    assert!(run.succeeded() || !scenario.state().is_tainted(ADDRESS));
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
    scenario.forget_calls();
    scenario.apply();
    let calls = scenario.avi_calls();
    assert!(!calls.writes().contains(&PUT), "{calls}");
    scenario.assert_nothing_to_do();
}

#[test]
fn writers_who_come_first_twenty_times_are_outwaited() {
    let scenario = scenario();
    let answer = json!({"error": "Need to reload object data VrfContext"});
    let refused = faults::Action::respond(412, answer);
    let fault = Fault::on("PUT", ANY_VRF, refused).times(20);
    scenario.lab.add_fault(fault);
    scenario.apply();
    let calls = scenario.avi_calls();
    let puts = calls.writes().into_iter().filter(|call| *call == PUT);
    assert_eq!(puts.count(), 21, "{calls}");
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
    assert_others_untouched(&scenario);
    scenario.assert_nothing_to_do();
}

#[test]
fn routes_of_a_killed_run_are_adopted_unless_that_is_forbidden() {
    let scenario = scenario();
    let put = Fault::on("PUT", ANY_VRF, faults::Action::Hold).after();
    let put = scenario.lab.add_fault(put);
    let apply = scenario.start_apply();
    assert!(scenario.lab.wait_until_held(put, PATIENCE), "the PUT comes");
    apply.kill_everything().expect("terraform can be killed");
    scenario.wait(apply);
    scenario.lab.clear_faults();
    assert!(scenario.state().addresses().is_empty());
    assert_eq!(routes(&scenario), [NODE_1, NODE_2]);
    scenario.forget_calls();

    scenario.configure_provider("azure = {}\n  adopt_remnants = false");
    let run = scenario.apply_fails();
    assert!(run.says("`adopt_remnants` is false"));
    assert!(run.says("terraform import 'ako_vrf_pod_routes.NAME' 'azure/global,blue'"));
    scenario.configure_provider("azure = {}");
    scenario.apply_with(&["-lock=false"]);
    let calls = scenario.avi_calls();
    assert!(!calls.writes().contains(&PUT), "{calls}");
    assert_others_untouched(&scenario);
    scenario.assert_nothing_to_do();
}
