//! What the create meets and does not touch.

use super::*;
use crate::harness::assert_no_changes;

#[test]
fn a_subnet_that_exists_is_refused_with_the_command_that_imports_it() {
    let scenario = Scenario::new(CONFIGURATION);
    let theirs = json!({"properties": {"addressPrefix": "10.0.100.0/24"}});
    scenario.somebody("PUT", &scenario.subnet(SUBNET), &theirs);
    let command = format!(
        "terraform import 'ako_cluster_subnet.NAME' '{}'",
        scenario.subnet(SUBNET)
    );
    let plan = scenario.plan();
    let warning = plan.run.warnings().next().expect("a warning at plan");
    assert!(
        warning.text().contains(&command)
            && warning
                .text()
                .ends_with("as things stand now; another change in this plan may settle it."),
        "{}",
        warning.text()
    );
    let run = scenario.apply_fails();
    assert!(run.says(&command));
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert!(scenario.state().addresses().is_empty());

    // The command is right.
    scenario.import(ADDRESS, &scenario.subnet(SUBNET));
    scenario.apply();
    assert_no_changes(&scenario.plan());
}

#[test]
fn what_bears_our_mark_but_is_not_as_planned_is_refused_with_every_difference() {
    let scenario = applied();
    scenario
        .terraform
        .succeed(&["state", "rm", ADDRESS])
        .expect("the state can be changed");
    let other = changed("10.0.100.0/24", "10.0.102.0/24").replace("= \"blue\"", "= \"green\"");
    scenario.configure(&other);
    let run = scenario.apply_fails();
    for difference in [
        "address_prefixes: 10.0.102.0/24 is planned, Azure has 10.0.100.0/24",
        "cluster_name: green is planned, Azure has blue",
        "terraform import 'ako_cluster_subnet.NAME'",
    ] {
        assert!(run.says(difference), "{difference}: {}", run.transcript());
    }
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
}

#[test]
fn a_table_that_bears_the_mark_of_another_subnet_is_refused() {
    let scenario = applied();
    let second = changed("\"se\"", "\"other\"")
        .replace("snet-se-blue", "snet-se-green")
        .replace("10.0.100.0/24", "10.0.102.0/24");
    scenario.configure(&(CONFIGURATION.to_owned() + &second));
    let run = scenario.apply_fails();
    assert!(
        run.says("it bears the mark of another SE subnet, of cluster \"blue\""),
        "{}",
        run.transcript()
    );
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
}

#[test]
fn a_virtual_network_that_is_missing_is_told_at_plan_and_refused_before_the_table_is_made() {
    let scenario = Scenario::new(&changed(
        "var.virtual_network_id",
        "\"${var.virtual_network_id}-2\"",
    ));
    let plan = scenario.plan();
    assert!(
        plan.run
            .says("Virtual network \"vnet-ako-lab-2\" does not exist"),
        "{}",
        plan.run.transcript()
    );
    let run = scenario.apply_fails();
    assert_eq!(run.errors().count(), 1, "{}", run.transcript());
    assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn a_prefix_outside_the_network_or_on_another_subnet_is_told_at_plan() {
    for (prefix, told) in [
        (
            "192.168.7.0/24",
            "192.168.7.0/24 is outside virtual network \"vnet-ako-lab\"",
        ),
        (
            "10.1.8.0/24",
            "10.1.8.0/24 overlaps with subnet \"snet-cluster1-nodes\"",
        ),
    ] {
        let scenario = Scenario::new(&changed("10.0.100.0/24", prefix));
        let plan = scenario.plan();
        assert!(plan.run.says(told), "{}", plan.run.transcript());
        scenario.apply_fails();
        assert!(scenario.calls().writes().is_empty(), "{}", scenario.calls());
        assert!(scenario.state().addresses().is_empty());
    }
}

#[test]
fn what_the_configuration_alone_shows_is_refused_without_asking_azure() {
    for (from, to, told) in [
        (
            "10.0.100.0/24",
            "10.0.100.1/24",
            "the network of 10.0.100.1/24 is 10.0.100.0/24",
        ),
        ("\"10.0.100.0/24\"", "", "at least one address prefix"),
        (
            "\"10.0.100.0/24\"",
            "\"10.0.100.0/24\", \"10.0.100.0/25\"",
            "which is in it",
        ),
        ("\"blue\"", "\"blue green\"", "cluster_name"),
        (
            "var.virtual_network_id",
            "var.resource_group_id",
            "virtual_network_id",
        ),
        ("rt-se-blue", "rt/se", "route_table_name"),
    ] {
        let scenario = Scenario::new(&changed(from, to));
        let run = scenario.plan_fails();
        assert!(run.says(told), "{told}: {}", run.transcript());
        assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
    }
}

#[test]
fn an_existing_table_that_is_missing_is_named_and_leaves_nothing_behind() {
    let scenario = Scenario::new("");
    let missing = scenario.table("rt-missing");
    scenario.configure(&with_existing(&missing));
    let run = scenario.apply_fails();
    assert!(run.says("rt-missing"), "{}", run.transcript());
    assert!(scenario.state().addresses().is_empty());
    assert_eq!(scenario.azure(&scenario.subnet(SUBNET)), Value::Null);
}
