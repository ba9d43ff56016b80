//! What scenarios say about plans, with the whole plan in the message when it is not so.

use ako_lab::terraform::{Action, Plan};
use serde_json::Value;

/// The plan would do nothing.
#[track_caller]
pub(crate) fn assert_no_changes(plan: &Plan) {
    assert!(
        plan.is_empty(),
        "the plan should be empty, but it holds:\n{}",
        described(plan)
    );
}

/// The plan does exactly this: for each object its address, the action, and the attributes that change.
#[track_caller]
pub(crate) fn assert_changes(plan: &Plan, expected: &[(&str, Action, &[&str])]) {
    let planned: Vec<_> = plan.changes().collect();
    let as_expected = planned.len() == expected.len()
        && expected.iter().all(|(address, action, attributes)| {
            let planned = planned.iter().find(|change| change.address == *address);
            planned.is_some_and(|change| {
                change.action() == *action
                    && (attributes.is_empty() || change.changed_attributes() == *attributes)
            })
        });
    assert!(
        as_expected,
        "expected {expected:#?}\nbut the plan holds:\n{}",
        described(plan)
    );
}

/// A member deep inside a JSON value, by names and indices separated by dots.
#[track_caller]
pub(crate) fn attribute<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.')
        .fold(value, |value, part| match part.parse::<usize>() {
            Ok(index) if value.is_array() => &value[index],
            _ => &value[part],
        })
}

fn described(plan: &Plan) -> String {
    let changes = plan.changes().map(|change| {
        let attributes = change.changed_attributes().into_iter().map(|name| {
            let unknown = if change.unknown()[name].is_null() {
                ""
            } else {
                " (partly) unknown"
            };
            format!(
                "\n    {name}: {} -> {}{unknown}",
                change.before()[name],
                change.after()[name]
            )
        });
        format!(
            "  {} {:?}{}\n",
            change.address,
            change.action(),
            attributes.collect::<String>()
        )
    });
    changes.collect()
}
