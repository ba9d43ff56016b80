//! Deletes: refused, forbidden, waited for; and SE groups that others delete.

use ako_lab::avi::{Access, DeleteRefusal, Denial};
use ako_lab::faults::Fault;
use ako_lab::terraform::Action;

use super::*;
use crate::harness::assert_changes;

#[test]
fn one_that_somebody_has_deleted_is_planned_anew_and_its_delete_is_done() {
    let scenario = applied();
    scenario.avi("DELETE", &path(&group(&scenario)), Value::Null);
    assert_changes(&scenario.plan(), &[(ADDRESS, Action::Create, &[])]);
    scenario.apply();
    let lost = path(&group(&scenario));
    let delete = ako_lab::faults::Action::Write {
        method: "DELETE".into(),
        path: lost.clone(),
        body: Value::Null,
    };
    scenario
        .lab
        .add_fault(Fault::on("DELETE", &format!("*{lost}"), delete));
    scenario.destroy();
    assert!(scenario.state().addresses().is_empty());
}

#[test]
fn a_refused_delete_names_the_referrers_and_keeps_the_state() {
    let scenario = applied();
    for status in [400, 403] {
        scenario.lab.avi().refuse_deletes(DeleteRefusal {
            object: "serviceenginegroup".into(),
            name: Some("seg-blue".into()),
            status,
            referrers: vec!["VirtualService shop".into()],
        });
        let run = scenario.destroy_fails();
        assert!(run.says("VirtualService shop"), "{}", run.transcript());
        assert_eq!(scenario.state().addresses(), [ADDRESS]);
        scenario.lab.avi().allow_all();
    }
    scenario.lab.avi().deny(Denial {
        object: "serviceenginegroup".into(),
        access: Access::Write,
        user: None,
    });
    let run = scenario.destroy_fails();
    assert!(run.says("403"), "{}", run.transcript());
    assert_eq!(scenario.state().addresses(), [ADDRESS]);
    scenario.lab.avi().allow_all();
    scenario.destroy();
    assert_eq!(group(&scenario), Value::Null);
}

#[test]
fn a_delete_waits_for_service_engines_and_names_those_that_never_leave() {
    let scenario = applied_with(&with("timeouts {\n    delete = \"3s\"\n  }"));
    let uuid = group(&scenario)["uuid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let avi = scenario.lab.avi();
    let engine = avi.place_service_engine(&uuid, "blue-se-1", Value::Null);
    let engine = engine.expect("it is placed");
    let run = scenario.destroy_fails();
    for says in ["blue-se-1", "was not deleted"] {
        assert!(run.says(says), "{says}: {}", run.transcript());
    }
    assert_eq!(scenario.state().addresses(), [ADDRESS]);

    // It leaves while the delete waits.
    let leave = ako_lab::faults::Action::Write {
        method: "DELETE".into(),
        path: format!("/api/serviceengine/{engine}"),
        body: Value::Null,
    };
    scenario
        .lab
        .add_fault(Fault::on("DELETE", "*/serviceenginegroup/*", leave).nth(2));
    scenario.destroy();
    assert_eq!(group(&scenario), Value::Null);
}
