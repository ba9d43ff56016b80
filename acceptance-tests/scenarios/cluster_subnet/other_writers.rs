//! Another writer between our read and our write: Azure answers 412, we read again and merge.

use ako_lab::faults::{Action, Fault};
use serde_json::json;

use super::*;

/// Lets somebody write the object just before our own write of it arrives.
fn somebody_comes_first(
    scenario: &Scenario,
    method: &str,
    id: &str,
    edit: impl FnOnce(&mut Value),
) {
    let mut body = scenario.azure(id);
    edit(&mut body);
    let write = Action::Write {
        method: "PUT".to_owned(),
        path: id.to_owned(),
        body,
    };
    scenario.lab.add_fault(Fault::on(method, id, write));
}

/// The statuses of the answers to our writes, with whether each was guarded by an etag.
fn answers(scenario: &Scenario) -> Vec<(u16, bool)> {
    let journal = scenario.lab.journal();
    let writes = journal
        .iter()
        .filter(|entry| entry.service == "arm" && entry.method != "GET");
    writes
        .map(|entry| (entry.status.unwrap_or_default(), entry.if_match.is_some()))
        .collect()
}

#[test]
fn a_write_that_comes_before_ours_on_the_subnet_is_kept() {
    let scenario = applied();
    somebody_comes_first(&scenario, "PUT", &scenario.subnet(SUBNET), |subnet| {
        subnet["properties"]["serviceEndpoints"] = json!([{"service": "Microsoft.Storage"}]);
    });
    scenario.configure(&changed("10.0.100.0/24", "10.0.102.0/24"));
    scenario.apply();
    assert_eq!(scenario.calls().writes(), [PUT_SUBNET, PUT_SUBNET]);
    assert!(
        matches!(answers(&scenario)[..], [(412, true), (200 | 201, true)]),
        "{:?}",
        answers(&scenario)
    );
    let subnet = scenario.azure(&scenario.subnet(SUBNET));
    assert_eq!(
        attribute(&subnet, "properties.serviceEndpoints.0.service"),
        "Microsoft.Storage"
    );
    assert_eq!(subnet["properties"]["addressPrefix"], "10.0.102.0/24");
    scenario.assert_nothing_to_do();
}

#[test]
fn a_route_that_comes_before_our_write_of_the_table_is_kept() {
    let scenario = applied();
    somebody_comes_first(&scenario, "PUT", &scenario.table(TABLE), |table| {
        table["properties"]["routes"] = json!([their_route()]);
    });
    scenario.configure(&with("bgp_route_propagation_enabled = false"));
    scenario.apply();
    assert!(
        matches!(answers(&scenario)[..], [(412, true), (200 | 201, true)]),
        "{:?}",
        answers(&scenario)
    );
    // At no moment was the route missing once it was there.
    let history = scenario.lab.azure().history(Some(&scenario.table(TABLE)));
    let counts: Vec<_> = history
        .iter()
        .map(|change| change.state["routes"].as_array().map_or(0, Vec::len))
        .skip_while(|count| *count == 0)
        .collect();
    assert!(
        !counts.is_empty() && counts.iter().all(|count| *count == 1),
        "{counts:?}"
    );
    scenario.assert_nothing_to_do();
}

#[test]
fn a_tag_that_comes_before_our_write_of_the_mark_is_kept() {
    let scenario = applied();
    somebody_comes_first(&scenario, "PATCH", &scenario.table(TABLE), |table| {
        table["tags"]["cost-center"] = json!("4711");
    });
    scenario.configure(&changed("= \"blue\"", "= \"azure\""));
    scenario.apply();
    assert!(
        matches!(answers(&scenario)[..], [(412, true), (200, true)]),
        "{:?}",
        answers(&scenario)
    );
    let table = scenario.azure(&scenario.table(TABLE));
    assert_eq!(table["tags"]["cost-center"], "4711");
    assert!(
        mark(&scenario, TABLE)
            .as_str()
            .unwrap_or_default()
            .ends_with(":azure")
    );
}
