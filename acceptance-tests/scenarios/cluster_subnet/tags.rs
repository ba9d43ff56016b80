//! The tags of the owned table: ours, others', and the mark among them.

use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

const MARK: &str = "ako-cluster-subnet";

/// Sets a tag, or takes it off where the value is null, as somebody else.
fn somebody_tags(scenario: &Scenario, name: &str, value: &Value) {
    let table = scenario.table(TABLE);
    let mut tags = scenario.azure(&table)["tags"].clone();
    match value {
        Value::Null => drop(tags.as_object_mut().and_then(|tags| tags.remove(name))),
        value => tags[name] = value.clone(),
    }
    scenario.somebody("PATCH", &table, &json!({"tags": tags}));
}

fn tags(scenario: &Scenario) -> Value {
    scenario.azure(&scenario.table(TABLE))["tags"].clone()
}

#[test]
fn tags_that_are_not_set_leave_those_of_others_alone() {
    let scenario = applied();
    somebody_tags(&scenario, "cost-center", &json!("4711"));
    scenario.assert_nothing_to_do();
    scenario.configure(&with("bgp_route_propagation_enabled = false"));
    scenario.apply();
    assert_eq!(tags(&scenario)["cost-center"], "4711");
    assert!(mark(&scenario, TABLE).is_string());
}

#[test]
fn tags_that_are_set_are_exactly_these_and_the_mark() {
    let scenario = applied_with(&with("tags = { team = \"platform\" }"));
    assert_eq!(
        scenario.resource(ADDRESS)["tags"],
        json!({"team": "platform"})
    );
    somebody_tags(&scenario, "cost-center", &json!("4711"));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &["tags"])]);
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PATCH_TABLE]);
    let now = tags(&scenario);
    assert_eq!(now.as_object().map(serde_json::Map::len), Some(2), "{now}");
    assert_eq!(now["team"], "platform");

    // Not managed any more: they stay as they are, and what others add then stays, too.
    scenario.configure(CONFIGURATION);
    scenario.apply();
    assert_eq!(tags(&scenario), now);
    somebody_tags(&scenario, "cost-center", &json!("4711"));
    scenario.assert_nothing_to_do();

    // No tags is not the same as none of our business.
    scenario.configure(&with("tags = {}"));
    scenario.apply();
    assert_eq!(
        tags(&scenario),
        json!({MARK: mark(&scenario, TABLE)}),
        "nothing but the mark"
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn a_lost_mark_is_no_difference_and_comes_back_with_the_next_write() {
    let scenario = applied();
    let before = mark(&scenario, TABLE);
    somebody_tags(&scenario, MARK, &Value::Null);
    assert_eq!(mark(&scenario, TABLE), Value::Null);
    scenario.assert_nothing_to_do();
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    scenario.configure(&with("bgp_route_propagation_enabled = false"));
    scenario.apply();
    assert_eq!(mark(&scenario, TABLE), before);

    // The state, not the mark, says whose table it is.
    somebody_tags(&scenario, MARK, &Value::Null);
    scenario.destroy();
    assert_eq!(scenario.azure(&scenario.table(TABLE)), Value::Null);
}

#[test]
fn the_key_of_the_mark_is_refused_in_tags_in_any_case() {
    for key in [MARK, "AKO-Cluster-Subnet"] {
        let scenario = Scenario::new(&with(&format!("tags = {{ \"{key}\" = \"mine\" }}")));
        let run = scenario.plan_fails();
        assert!(run.says(MARK), "{}", run.transcript());
        assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
    }
}

#[test]
fn tags_that_are_not_known_yet_are_planned_and_applied() {
    let team = r#"
resource "terraform_data" "team" {
  input = "platform"
}
"#;
    let tagged = with("tags = { team = terraform_data.team.output }");
    let scenario = applied_with(&(tagged + team));
    assert_eq!(tags(&scenario)["team"], "platform");
    scenario.assert_nothing_to_do();
}
