//! What an answer of Azure means: its last word, or a request to come back; the object that was wanted, or another.

use super::super::http::{Answer, Verdict};
use super::error::{Refusal, not_arms, parenthesis, request_id};
use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;

/// Whether Azure's answer is its last word.
pub(super) fn judge(answer: &Answer) -> Verdict {
    let refusal = || {
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        Refusal::from_body("", &body)
    };
    let said = |refusal: &Option<Refusal>| {
        let facts = facts(answer, refusal.as_ref());
        match refusal {
            Some(refusal) => format!("{}{facts}", refusal.message),
            None if answer.body.is_empty() => format!("no reason given{facts}"),
            None => format!("{}{facts}", not_arms(answer)),
        }
    };
    match answer.status.as_u16() {
        409 | 429 => {
            let refusal = refusal();
            let busy = refusal.as_ref().is_some_and(Refusal::is_retryable);
            if answer.status == StatusCode::CONFLICT && !busy {
                return Verdict::Final;
            }
            let asked = refusal
                .as_ref()
                .and_then(|refusal| asked_wait(&refusal.message));
            Verdict::Busy(answer.retry_after().or(asked), said(&refusal))
        }
        408 | 500 | 502 | 503 | 504 => Verdict::Broken(answer.retry_after(), said(&refusal())),
        _ => Verdict::Final,
    }
}

fn facts(answer: &Answer, refusal: Option<&Refusal>) -> String {
    let code = refusal.map(|refusal| refusal.code.as_str());
    let request_id = request_id(answer);
    parenthesis(Some(answer.status.as_u16()), code, request_id.as_deref())
}

/// The wait that a message asks for: `… can be retried in 12 seconds` (met by cloud-provider-azure).
fn asked_wait(message: &str) -> Option<Duration> {
    let (_, after) = message.split_once("retried in ")?;
    let (number, unit) = after.split_once(' ')?;
    let seconds = unit.starts_with("second").then(|| number.parse().ok())??;
    (seconds <= 600).then(|| Duration::from_secs(seconds))
}

/// Whether an answer that says success can be Azure Resource Manager's: it sends an object or nothing at all. A proxy
/// that asks to sign in, or a page that says how sorry somebody is, comes as success just as well.
pub(super) fn is_arms(answer: &Answer) -> bool {
    answer.body.is_empty()
        || serde_json::from_slice(&answer.body).is_ok_and(|body: Value| body.is_object())
}

/// Whether `held` has every member of `wanted`, with the same value. Azure adds members of its own, and keeps the
/// case in which names and ids were first written.
pub(super) fn covers(wanted: &Value, held: &Value) -> bool {
    match (wanted, held) {
        (Value::Object(wanted), Value::Object(held)) => wanted
            .iter()
            .all(|(name, wanted)| held.get(name).is_some_and(|held| covers(wanted, held))),
        (Value::Array(wanted), Value::Array(held)) => {
            wanted.len() == held.len()
                && wanted
                    .iter()
                    .zip(held)
                    .all(|(wanted, held)| covers(wanted, held))
        }
        (Value::String(wanted), Value::String(held)) => wanted.eq_ignore_ascii_case(held),
        _ => wanted == held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::header::HeaderMap;
    use serde_json::json;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
            after_lost_answer: false,
        }
    }

    fn error(code: &str, message: &str) -> Value {
        json!({"error": {"code": code, "message": message, "details": []}})
    }

    #[test]
    fn a_conflict_is_waited_out_only_if_another_operation_causes_it() {
        let busy = answer(409, &error("AnotherOperationInProgress", "busy"));
        assert!(matches!(judge(&busy), Verdict::Busy(None, _)));
        let conflict = answer(409, &error("RoleAssignmentExists", "exists"));
        assert_eq!(judge(&conflict), Verdict::Final);
    }

    #[test]
    fn a_wait_named_in_the_message_is_kept() {
        let message = "The request failed due to conflict and can be retried in 12 seconds.";
        let busy = answer(429, &error("RetryableError", message));
        let Verdict::Busy(wait, _) = judge(&busy) else {
            panic!("not busy")
        };
        assert_eq!(wait, Some(Duration::from_secs(12)));
    }

    #[test]
    fn an_object_covers_what_was_wanted_though_azure_added_members() {
        let wanted = json!({"location": "westeurope", "properties": {"routes": []}});
        let mut held = json!({
            "id": "x", "location": "WestEurope",
            "properties": {"routes": [], "provisioningState": "Updating"},
        });
        assert!(covers(&wanted, &held));
        held["properties"]["routes"] = json!([{"name": "foreign"}]);
        assert!(!covers(&wanted, &held));
    }
}
