//! What others change or delete behind Terraform's back is seen and repaired, each with one write.

use ako_lab::terraform::Action;

use super::*;
use crate::harness::{assert_changes, assert_no_changes};

/// Every argument that can drift, and the routes of the cluster in the table.
const FULL: &str = r#"
resource "ako_cluster_subnet" "se" {
  cluster_name                  = "blue"
  virtual_network_id            = var.virtual_network_id
  name                          = "snet-se-blue"
  address_prefixes              = ["10.0.100.0/24"]
  network_security_group_id     = "${var.resource_group_id}/providers/Microsoft.Network/networkSecurityGroups/nsg-nodes"
  route_table_name              = "rt-se-blue"
  bgp_route_propagation_enabled = false
  tags                          = { team = "platform" }
}
"#;

const ROUTES: &str = r#"
resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = ako_cluster_subnet.se.route_table_id
  nodes          = { "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] } }
}
"#;

/// After somebody's change the plan holds just these attributes of the SE subnet, and applying makes just this write.
#[track_caller]
fn assert_repaired(scenario: &Scenario, attributes: &[&str], writes: &[&str]) {
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, attributes)]);
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), writes, "{}", scenario.calls());
}

#[test]
fn every_change_of_the_subnet_is_seen_and_changed_back() {
    let scenario = applied_with(&(FULL.to_owned() + ROUTES));
    let subnet = scenario.subnet(SUBNET);
    let theirs = their_table(&scenario, "rt-theirs");
    let other_group = security_group(&scenario, "nsg-other");
    let body = json!({"location": "westeurope", "properties": {}});
    scenario.somebody("PUT", &other_group, &body);
    let before = scenario.azure(&subnet)["properties"].clone();

    scenario.somebody_edits(&subnet, |p| p["addressPrefix"] = json!("10.0.102.0/24"));
    assert_repaired(&scenario, &["address_prefixes"], &[PUT_SUBNET]);
    scenario.somebody_edits(&subnet, |p| p["networkSecurityGroup"] = Value::Null);
    assert_repaired(&scenario, &["network_security_group_id"], &[PUT_SUBNET]);
    scenario.somebody_edits(&subnet, |p| {
        p["networkSecurityGroup"] = json!({"id": other_group})
    });
    assert_repaired(&scenario, &["network_security_group_id"], &[PUT_SUBNET]);
    scenario.somebody_edits(&subnet, |p| p["routeTable"] = Value::Null);
    assert_repaired(&scenario, &["associated_route_table_id"], &[PUT_SUBNET]);
    // The routes stay where they are and are not planned: `route_table_id` is what is meant, not what is.
    scenario.somebody_edits(&subnet, |p| p["routeTable"] = json!({"id": theirs}));
    assert_repaired(&scenario, &["associated_route_table_id"], &[PUT_SUBNET]);

    assert_eq!(scenario.azure(&subnet)["properties"], before);
    assert_no_changes(&scenario.plan());
}

#[test]
fn every_change_of_the_table_is_seen_and_changed_back() {
    let scenario = applied_with(FULL);
    let table = scenario.table(TABLE);
    let marked = mark(&scenario, TABLE);
    let mark = marked.as_str().expect("the table bears a mark").to_owned();
    let tag = |tags: Value| scenario.somebody("PATCH", &table, &json!({"tags": tags}));
    const MARK: &str = "ako-cluster-subnet";

    scenario.somebody_edits(&table, |p| p["disableBgpRoutePropagation"] = json!(false));
    assert_repaired(&scenario, &["bgp_route_propagation_enabled"], &[PUT_TABLE]);
    tag(json!({MARK: mark, "team": "somebody else's"}));
    assert_repaired(&scenario, &["tags"], &[PATCH_TABLE]);
    tag(json!({MARK: mark}));
    assert_repaired(&scenario, &["tags"], &[PATCH_TABLE]);
    let others = mark.replace(":blue", ":green");
    tag(json!({MARK: others, "team": "platform"}));
    assert_repaired(&scenario, &["cluster_name"], &[PATCH_TABLE]);

    let tags = scenario.azure(&table)["tags"].clone();
    assert_eq!(tags, json!({MARK: mark, "team": "platform"}));
    assert_no_changes(&scenario.plan());
}

#[test]
fn a_missing_subnet_is_made_again_in_place_and_its_routes_are_not_touched() {
    let scenario = applied_with(&(FULL.to_owned() + ROUTES));
    let before = scenario.azure(&scenario.subnet(SUBNET))["properties"].clone();
    scenario.somebody("DELETE", &scenario.subnet(SUBNET), &Value::Null);
    let plan = scenario.plan();
    let seen = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert_eq!(
        seen.before()["id"],
        scenario.subnet(SUBNET),
        "it is not gone"
    );
    assert_changes(
        &plan,
        &[(
            ADDRESS,
            Action::Update,
            &["address_prefixes", "associated_route_table_id"],
        )],
    );
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT_SUBNET]);
    assert_eq!(
        scenario.azure(&scenario.subnet(SUBNET))["properties"],
        before
    );
    assert_no_changes(&scenario.plan());
}

#[test]
fn a_missing_table_is_made_again_in_place_with_its_routes() {
    let scenario = applied_with(&(FULL.to_owned() + ROUTES));
    scenario.somebody_edits(&scenario.subnet(SUBNET), |p| p["routeTable"] = Value::Null);
    scenario.somebody("DELETE", &scenario.table(TABLE), &Value::Null);
    let plan = scenario.plan();
    let seen = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert_eq!(seen.action(), Action::Update);
    assert_eq!(seen.before()["route_table_id"], scenario.table(TABLE));
    assert_eq!(seen.before()["associated_route_table_id"], Value::Null);
    scenario.forget_calls();
    scenario.apply_saved_plan();
    assert_eq!(
        scenario.calls().writes(),
        [PUT_TABLE, PUT_SUBNET, PUT_TABLE],
        "the table, the subnet with it, the routes"
    );
    let table = scenario.azure(&scenario.table(TABLE));
    assert_eq!(table["tags"]["team"], "platform");
    assert!(mark(&scenario, TABLE).is_string());
    assert_eq!(
        attribute(&table, "properties.routes.0.properties.addressPrefix"),
        "10.244.0.0/24"
    );
    assert_no_changes(&scenario.plan());
}

#[test]
fn it_is_gone_only_when_both_parts_are_gone_and_is_then_created_again() {
    let scenario = applied();
    scenario.somebody("DELETE", &scenario.subnet(SUBNET), &Value::Null);
    scenario.somebody("DELETE", &scenario.table(TABLE), &Value::Null);
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Create, &[])]);
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT_TABLE, PUT_SUBNET]);
    assert_no_changes(&scenario.plan());
}

#[test]
fn a_subnet_on_an_existing_table_is_gone_when_it_is_gone() {
    let scenario = Scenario::new("");
    let table = their_table(&scenario, "rt-theirs");
    scenario.configure(&with_existing(&table));
    scenario.apply();
    scenario.somebody("DELETE", &scenario.subnet(SUBNET), &Value::Null);
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Create, &[])]);
    scenario.apply_saved_plan();
    assert_no_changes(&scenario.plan());
}

#[test]
fn with_its_resource_group_all_of_it_is_gone() {
    let scenario = applied();
    scenario.somebody("DELETE", &scenario.group(), &Value::Null);
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Create, &[])]);
    assert!(
        plan.run
            .says("Virtual network \"vnet-ako-lab\" does not exist"),
        "{}",
        plan.run.transcript()
    );
    scenario.destroy();
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn an_answer_that_says_nothing_about_the_object_keeps_it_in_the_state() {
    use ako_lab::faults::{Action, Fault};

    let scenario = applied();
    let proxy = Action::respond(404, json!({"message": "no such page"}));
    let hidden = scenario.subnet(SUBNET);
    scenario
        .lab
        .add_fault(Fault::on("GET", &hidden, proxy).always());
    let run = scenario.plan_fails();
    assert!(run.says("Cannot read SE subnet \"snet-se-blue\""));
    scenario.lab.clear_faults();
    assert_no_changes(&scenario.plan());
}
