//! Whose route table it is: owned, somebody else's, and from one to the other.

use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

#[test]
fn somebody_elses_table_is_associated_and_never_written() {
    let scenario = Scenario::new("");
    let table = their_table(&scenario, "rt-theirs");
    let before = scenario.azure(&table);
    scenario.configure(&with_existing(&table));
    scenario.apply();
    assert_eq!(scenario.calls().writes(), [PUT_SUBNET]);
    let state = scenario.resource(ADDRESS);
    assert_eq!(state["route_table_id"], table);
    assert_eq!(state["route_table_name"], Value::Null);
    scenario.forget_calls();
    scenario.assert_nothing_to_do();
    assert_eq!(scenario.calls().all().len(), 1, "{}", scenario.calls());
    scenario.destroy();
    assert_eq!(scenario.calls().writes(), [DELETE_SUBNET]);
    let after = scenario.azure(&table);
    assert_eq!(
        (&after["tags"], &after["properties"]["routes"][0]["name"]),
        (&before["tags"], &json!("to-on-premises"))
    );
}

#[test]
fn a_table_becomes_owned_and_is_given_up_again_by_its_mark_alone() {
    let scenario = Scenario::new("");
    let table = their_table(&scenario, TABLE);
    scenario.configure(&with_existing(&table));
    scenario.apply();
    let tags_before = scenario.azure(&table)["tags"].clone();
    scenario.forget_calls();

    scenario.configure(CONFIGURATION);
    let plan = scenario.plan();
    let arguments = [
        "bgp_route_propagation_enabled",
        "existing_route_table_id",
        "route_table_name",
        "route_table_resource_group_name",
    ];
    assert_changes(&plan, &[(ADDRESS, Action::Update, &arguments)]);
    let warning = plan.run.warnings().next().expect("a warning");
    assert!(
        warning.text().contains("destroy will delete it"),
        "{}",
        warning.text()
    );
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PATCH_TABLE]);
    assert!(mark(&scenario, TABLE).is_string());
    scenario.assert_nothing_to_do();
    scenario.forget_calls();

    scenario.configure(&with_existing(&table));
    let plan = scenario.plan();
    assert_changes(&plan, &[(ADDRESS, Action::Update, &arguments)]);
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PATCH_TABLE]);
    assert_eq!(scenario.azure(&table)["tags"], tags_before);
    scenario.assert_nothing_to_do();
    scenario.destroy();
    let after = scenario.azure(&table);
    assert_eq!(after["properties"]["routes"][0]["name"], "to-on-premises");
}

#[test]
fn from_the_owned_table_to_another_one_the_owned_one_goes_last_and_the_way_back_leaves_the_other() {
    let scenario = applied();
    let theirs = their_table(&scenario, "rt-theirs");
    scenario.configure(&with_existing(&theirs));
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert_eq!(change.action(), Action::Update);
    assert_eq!(change.after()["route_table_id"], theirs, "known at plan");
    assert!(plan.run.says("the routes do not move with it"));
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT_SUBNET, DELETE_TABLE]);
    scenario.assert_nothing_to_do();
    scenario.forget_calls();

    scenario.configure(CONFIGURATION);
    let plan = scenario.plan();
    let change = plan.resource(ADDRESS).expect("the plan holds the subnet");
    assert_eq!(change.action(), Action::Update);
    assert_eq!(
        change.after()["route_table_id"],
        scenario.table(TABLE),
        "known at plan"
    );
    assert!(plan.run.says("The old table stays as it is"));
    scenario.apply_saved_plan();
    assert_eq!(scenario.calls().writes(), [PUT_TABLE, PUT_SUBNET]);
    scenario.assert_nothing_to_do();
    assert_eq!(
        scenario.azure(&theirs)["tags"],
        json!({"owner": "network team"})
    );
}

#[test]
fn an_owned_table_that_serves_another_subnet_by_now_stays_when_the_se_subnet_moves_on() {
    let scenario = applied();
    let other = json!({"properties": {
        "addressPrefix": "10.0.110.0/24",
        "routeTable": {"id": scenario.table(TABLE)},
    }});
    scenario.somebody("PUT", &scenario.subnet("snet-other"), &other);
    scenario.configure(&changed("rt-se-blue", "rt-se-new"));
    let run = scenario.apply();
    assert!(run.says("snet-other"), "{}", run.transcript());
    assert_ne!(scenario.azure(&scenario.table(TABLE)), Value::Null);
    assert_eq!(mark(&scenario, TABLE), Value::Null, "it is nobody's now");
    assert!(mark(&scenario, "rt-se-new").is_string());
    scenario.assert_nothing_to_do();
}

#[test]
fn a_table_of_somebody_elses_is_not_taken_over_by_its_name() {
    let scenario = Scenario::new(CONFIGURATION);
    let table = their_table(&scenario, TABLE);
    let run = scenario.apply_fails();
    let advice = format!("existing_route_table_id = \"{table}\"");
    assert!(run.says(&advice), "{}", run.transcript());
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
}

#[test]
fn an_existing_table_excludes_the_arguments_of_an_owned_one() {
    let scenario = Scenario::new(CONFIGURATION);
    let table = scenario.table("rt-theirs");
    scenario.configure(&with(&format!(
        "existing_route_table_id = \"{table}\"\n  tags = {{ a = \"b\" }}"
    )));
    let run = scenario.plan_fails();
    assert!(run.says("route_table_name, tags"), "{}", run.transcript());
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
}

#[test]
fn the_table_can_be_in_another_resource_group_and_is_named_after_the_subnet_by_default() {
    let scenario = Scenario::new("");
    let group = format!("{}-tables", scenario.group());
    scenario.somebody("PUT", &group, &json!({"location": "westeurope"}));
    let name = group.rsplit('/').next().expect("an id has a name");
    let argument = format!("route_table_resource_group_name = \"{name}\"");
    scenario.configure(&changed("route_table_name   = \"rt-se-blue\"", &argument));
    scenario.apply();
    let table = format!("{group}/providers/Microsoft.Network/routeTables/snet-se-blue-routes");
    assert_ne!(scenario.azure(&table), Value::Null);
    assert_eq!(scenario.resource(ADDRESS)["route_table_id"], table);
    scenario.assert_nothing_to_do();
    scenario.destroy();
    assert_eq!(scenario.azure(&table), Value::Null);
}
