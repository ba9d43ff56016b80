//! Routes that were there before, of others and of the same cluster.

use ako_lab::terraform::Severity;

use super::*;

/// A route of somebody else's with the prefix of node-1.
const THEIRS: [&str; 3] = ["avi-generated-0", NODE_1[1], "10.0.0.77"];

#[test]
fn a_foreign_route_to_the_same_next_hop_is_renamed_with_a_warning_and_without_a_gap() {
    let scenario = scenario();
    let theirs = [THEIRS[0], NODE_1[1], NODE_1[2]];
    somebody_puts(&scenario, theirs);
    let plan = scenario.plan();
    let renaming = format!("{} becomes {}", theirs[0], NODE_1[0]);
    assert!(plan.run.says(&renaming) && plan.run.says("as things stand now"));
    let run = scenario.apply_saved_plan();
    assert!(run.says(&renaming));
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    assert_never_interrupted(&scenario, &[NODE_1, FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_foreign_route_to_another_next_hop_stops_the_create_before_the_first_write() {
    let scenario = scenario();
    somebody_puts(&scenario, THEIRS);
    let run = scenario.apply_fails();
    let error = run.errors().next().expect("there is an error").text();
    assert!(
        error.contains(THEIRS[0]) && error.contains(NODE_1[0]),
        "{error}"
    );
    assert!(
        error.contains("10.0.0.77") && error.contains("10.0.0.4"),
        "{error}"
    );
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn on_conflict_replace_puts_ours_in_the_place_of_theirs_in_one_write() {
    let scenario = scenario();
    somebody_puts(&scenario, THEIRS);
    scenario.configure(&with("on_conflict = \"replace\""));
    let plan = scenario.plan();
    assert!(plan.run.says("are replaced") && plan.run.says(THEIRS[0]));
    let run = scenario.apply_saved_plan();
    assert!(run.says("are replaced"));
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    scenario.assert_nothing_to_do();
}

#[test]
fn a_foreign_route_in_the_way_of_a_new_node_stops_the_update_and_keeps_the_state() {
    let scenario = applied();
    let theirs = [THEIRS[0], NODE_3[1], "10.0.0.77"];
    somebody_puts(&scenario, theirs);
    scenario.configure(&with_third_node());
    let run = scenario.apply_fails();
    assert!(run.says(THEIRS[0]) && run.says("node-3"));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    let state = scenario.resource(ADDRESS);
    assert_eq!(state["nodes"]["node-3"], Value::Null);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, theirs, FOREIGN]);
}

/// A second resource for the same cluster and table, with nodes of its own.
const SECOND: &str = r#"
resource "ako_pod_routes" "again" {
  cluster_name   = "blue"
  route_table_id = var.route_table_id
  nodes = {
    "node-9" = { internal_ip = "10.0.0.9", pod_cidrs = ["10.244.9.0/24"] }
  }
}
"#;

#[test]
fn a_second_resource_for_the_same_cluster_and_table_ends_with_the_import_command() {
    let scenario = applied();
    scenario.write("second.tf", SECOND);
    let import = format!(
        "terraform import 'ako_pod_routes.NAME' '{},blue'",
        scenario.table(TABLE)
    );
    let plan = scenario.plan();
    let mut warnings = plan.run.warnings();
    assert!(warnings.any(|warning| warning.detail.contains(&import)));
    let run = scenario.apply_fails();
    let error = run.errors().next().expect("there is an error");
    assert_eq!(error.severity, Severity::Error);
    assert_eq!(error.address.as_deref(), Some("ako_pod_routes.again"));
    assert!(error.detail.contains(&import), "{}", error.detail);
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
}

#[test]
fn of_two_new_resources_for_the_same_cluster_and_table_one_ends_with_the_import_command() {
    let scenario = scenario();
    scenario.write("second.tf", SECOND);
    let run = scenario.apply_fails();
    let errors: Vec<_> = run.errors().collect();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0]
            .detail
            .contains("terraform import 'ako_pod_routes.NAME'")
    );
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(scenario.state().addresses().len(), 1);
}

#[test]
fn of_two_new_resources_with_the_same_nodes_one_ends_with_the_import_command_too() {
    let scenario = scenario();
    let twin = CONFIGURATION.replace("variable \"route_table_id\" { type = string }", "");
    scenario.write("second.tf", &twin.replace("\"blue\" {", "\"again\" {"));
    let run = scenario.apply_fails();
    let errors: Vec<_> = run.errors().collect();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0]
            .summary
            .contains("Another ako_pod_routes of this run")
    );
    assert!(
        errors[0]
            .detail
            .contains("terraform import 'ako_pod_routes.NAME'")
    );
    assert_eq!(scenario.calls().writes(), [PUT]);
    assert_eq!(scenario.state().addresses().len(), 1);
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn routes_of_another_cluster_in_the_same_table_are_none_of_ours() {
    let scenario = applied();
    let other = SECOND.replace("\"blue\"", "\"red\"");
    scenario.write("second.tf", &other);
    scenario.apply();
    let red = ["red.node-9_10.244.9.0_24", "10.244.9.0/24", "10.0.0.9"];
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, red, FOREIGN]);
    scenario.assert_nothing_to_do();
    scenario
        .terraform
        .remove("second.tf")
        .expect("the file is there");
    scenario.apply();
    assert_eq!(routes(&scenario), [NODE_1, NODE_2, FOREIGN]);
    assert_never_interrupted(&scenario, &[NODE_1, NODE_2, FOREIGN]);
}

#[test]
fn remnants_are_an_error_with_the_import_command_where_the_provider_says_so() {
    let scenario = applied();
    forget(&scenario);
    scenario.configure_provider("azure = {}\nadopt_remnants = false");
    let run = scenario.apply_fails();
    assert!(run.says("terraform import 'ako_pod_routes.NAME'"));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
}
