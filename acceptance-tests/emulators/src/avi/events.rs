//! The controller's events, as far as somebody asks for them: `/api/analytics/logs?type=2`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::Core;
use super::call::Call;
use super::errors::Refusal;

impl Core {
    /// Notes an event.
    pub(super) fn add_event(&mut self, mut event: Value) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
        event["report_timestamp"] = json!(now);
        if event["module"].is_null() {
            event["module"] = "CLOUD_CONNECTOR".into();
        }
        self.events.push(event);
    }

    /// The events that a filter lets through, the newest first (assumed).
    pub(super) fn list_events(&self, call: &Call) -> Result<Value, Refusal> {
        let filter = call.query.get("filter").unwrap_or_default();
        let conditions = conditions(filter)?;
        let found: Vec<&Value> = self
            .events
            .iter()
            .rev()
            .filter(|event| conditions.iter().all(|condition| condition.holds(event)))
            .collect();
        self.paged(call, found.into_iter().cloned())
    }
}

/// `eq(member,value)` or `eq(member,[value,value])`.
struct Condition {
    member: String,
    values: Vec<String>,
}

impl Condition {
    fn holds(&self, event: &Value) -> bool {
        let value = event[self.member.as_str()].as_str().unwrap_or_default();
        self.values.iter().any(|wanted| wanted == value)
    }
}

fn conditions(filter: &str) -> Result<Vec<Condition>, Refusal> {
    let mut rest = filter.trim();
    let mut conditions = Vec::new();
    while !rest.is_empty() {
        let refuse = || Refusal::bad(format!("Invalid filter: {filter}"));
        let inner = rest.strip_prefix("eq(").ok_or_else(refuse)?;
        let (inner, after) = inner.split_once(')').ok_or_else(refuse)?;
        let (member, values) = inner.split_once(',').ok_or_else(refuse)?;
        let values = values.trim().trim_start_matches('[').trim_end_matches(']');
        conditions.push(Condition {
            member: member.trim().to_owned(),
            values: values.split(',').map(|it| it.trim().to_owned()).collect(),
        });
        rest = after.trim_start_matches([',', '&', ' ']);
    }
    Ok(conditions)
}
