//! What Azure asks to wait for: objects that another operation holds, and more requests than it takes.
//!
//! Every call of a life is met once: each of them has to wait and to go on, and none may be sent twice in vain.

use std::collections::BTreeMap;

use ako_lab::faults::{Action, Fault};
use ako_lab::journal::Entry;
use serde_json::{Value, json};

use crate::harness::Scenario;

const SUBNET_AND_ROUTES: &str = r#"
resource "ako_cluster_subnet" "se" {
  virtual_network_id = var.virtual_network_id
  name               = "snet-se-blue"
  address_prefixes   = ["10.0.100.0/24"]
  route_table_name   = "rt-1"
}

resource "ako_pod_routes" "blue" {
  cluster_name   = "blue"
  route_table_id = ako_cluster_subnet.se.route_table_id
  nodes          = { "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] } }
}
"#;

const TABLE: &str = "*/routeTables/rt-1";
const SUBNET: &str = "*/subnets/snet-se-blue";
const POLL: &str = "*/operations/*";

/// The error of a call that another operation keeps from being carried out.
fn held_up(code: &str, detail: Option<&str>) -> Value {
    let details: Vec<Value> = detail
        .into_iter()
        .map(|code| json!({"code": code, "message": "Another operation is in progress."}))
        .collect();
    json!({"error": {"code": code, "message": "A retryable error occurred.", "details": details}})
}

/// The writes of the journal with the status of each answer, polls apart.
fn writes(scenario: &Scenario) -> Vec<(String, u16)> {
    let journal = scenario.lab.journal();
    let writes = journal
        .iter()
        .filter(|entry| entry.service == "arm" && entry.method != "GET");
    let last_part = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    writes
        .map(|entry| {
            let name = format!("{} {}", entry.method, last_part(&entry.path));
            (name, entry.status.unwrap_or_default())
        })
        .collect()
}

/// Each of these writes twice, first with `status`, then with success.
#[track_caller]
fn assert_each_write_is_repeated(scenario: &Scenario, status: u16, expected: [&str; 3]) {
    let writes = writes(scenario);
    let (held_up, done): (Vec<_>, Vec<_>) = writes.chunks(2).map(|two| (&two[0], &two[1])).unzip();
    let names = |writes: &[&(String, u16)]| writes.iter().map(|w| w.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&held_up), expected, "{writes:?}");
    assert_eq!(names(&done), expected, "{writes:?}");
    assert!(held_up.iter().all(|write| write.1 == status), "{writes:?}");
    assert!(
        done.iter().all(|write| (200..300).contains(&write.1)),
        "{writes:?}"
    );
}

#[test]
fn every_write_that_another_operation_holds_up_is_sent_again() {
    let refusals = [
        (409, "AnotherOperationInProgress", None),
        (
            429,
            "RetryableError",
            Some("ReferencedResourceNotProvisioned"),
        ),
        (
            429,
            "RetryableError",
            Some("RetryableErrorDueToAnotherOperation"),
        ),
    ];
    for (status, code, detail) in refusals {
        let scenario = Scenario::new(SUBNET_AND_ROUTES);
        let refused = || Action::respond(status, held_up(code, detail));
        // Of the table the first write is refused, and the one after its repetition: that of the routes.
        let add = |method, path, nth| {
            let fault = Fault::on(method, path, refused()).nth(nth);
            scenario.lab.add_fault(fault);
        };
        add("PUT", TABLE, 1);
        add("PUT", SUBNET, 1);
        add("PUT", TABLE, 3);
        scenario.apply();
        let created = ["PUT rt-1", "PUT snet-se-blue", "PUT rt-1"];
        assert_each_write_is_repeated(&scenario, status, created);

        scenario.forget_calls();
        scenario.lab.clear_faults();
        add("PUT", TABLE, 1);
        add("DELETE", SUBNET, 1);
        add("DELETE", TABLE, 1);
        scenario.destroy();
        let removed = ["PUT rt-1", "DELETE snet-se-blue", "DELETE rt-1"];
        assert_each_write_is_repeated(&scenario, status, removed);
        assert_eq!(scenario.azure(&scenario.table("rt-1")), Value::Null);
    }
}

#[test]
fn every_operation_that_fails_because_of_another_one_is_begun_again() {
    for code in ["AnotherOperationInProgress", "RetryableError"] {
        let scenario = Scenario::new(SUBNET_AND_ROUTES);
        let add = |method, path, nth| {
            let (code, message) = (code.to_owned(), "Another operation came.".to_owned());
            let fault = Fault::on(method, path, Action::FailOperation { code, message });
            scenario.lab.add_fault(fault.nth(nth));
        };
        add("PUT", TABLE, 1);
        add("PUT", SUBNET, 1);
        add("PUT", TABLE, 3);
        scenario.apply();
        let names = |scenario: &Scenario| -> Vec<String> {
            writes(scenario).into_iter().map(|write| write.0).collect()
        };
        let created = ["PUT rt-1", "PUT snet-se-blue", "PUT rt-1"];
        assert_eq!(names(&scenario), created.map(|name| [name; 2]).concat());
        scenario.assert_nothing_to_do();

        scenario.forget_calls();
        scenario.lab.clear_faults();
        add("PUT", TABLE, 1);
        add("DELETE", SUBNET, 1);
        add("DELETE", TABLE, 1);
        scenario.destroy();
        // What was to be removed shows as removed when the operation has failed; it is written again all the same.
        let removed = ["PUT rt-1", "DELETE snet-se-blue", "DELETE rt-1"];
        assert_eq!(names(&scenario), removed.map(|name| [name; 2]).concat());
        assert_eq!(scenario.azure(&scenario.table("rt-1")), Value::Null);
    }
}

/// The milliseconds between each answer 429 and the next request for the same.
fn pauses(scenario: &Scenario) -> Vec<u64> {
    let journal: Vec<Entry> = scenario.lab.journal();
    let throttled = journal
        .iter()
        .enumerate()
        .filter(|(_, e)| e.status == Some(429));
    throttled
        .map(|(place, refused)| {
            let again = journal[place + 1..]
                .iter()
                .find(|entry| (&entry.method, &entry.path) == (&refused.method, &refused.path));
            let again = again.expect("what was throttled is asked again");
            let answered = refused.at_milliseconds + refused.milliseconds.unwrap_or_default();
            again.at_milliseconds - answered
        })
        .collect()
}

#[test]
fn throttled_reads_writes_and_polls_come_again_after_the_wait_that_azure_names_or_one_of_ours() {
    let codes = [
        "TooManyRequests",
        "ResourceRequestsThrottled",
        "SubscriptionRequestsThrottled",
    ];
    for code in codes {
        let scenario = Scenario::new(SUBNET_AND_ROUTES);
        // Azure sends no Retry-After with some of them (azurerm#19146).
        let throttle = |retry_after: Option<&str>, method, path| {
            let header = |seconds: &str| ("Retry-After".to_owned(), seconds.to_owned());
            let throttled = Action::Respond {
                status: 429,
                headers: BTreeMap::from_iter(retry_after.map(header)),
                body: json!({"error": {"code": code, "message": "Too many requests."}}),
            };
            scenario.lab.add_fault(Fault::on(method, path, throttled));
        };
        for path in [TABLE, POLL] {
            throttle(Some("1"), "GET", path);
        }
        throttle(Some("1"), "PUT", SUBNET);
        scenario.apply();
        let named = pauses(&scenario);
        assert_eq!(named.len(), 3, "{}", scenario.calls());
        assert!(named.iter().all(|pause| *pause >= 1_000), "{named:?}");

        scenario.forget_calls();
        scenario.lab.clear_faults();
        for path in [SUBNET, POLL] {
            throttle(None, "GET", path);
        }
        throttle(None, "PUT", TABLE);
        throttle(None, "DELETE", TABLE);
        scenario.destroy();
        let own = pauses(&scenario);
        assert_eq!(own.len(), 4, "{}", scenario.calls());
        // From 250 ms; the journal counts whole milliseconds.
        assert!(own.iter().all(|pause| *pause >= 249), "{own:?}");
        assert_eq!(scenario.azure(&scenario.table("rt-1")), Value::Null);
    }
}
