//! What an answer of the controller means: its last word, or a request to come back; its own, or somebody else's.

use super::super::http::{Answer, Verdict};
use crate::wording::first_words;
use serde_json::Value;

/// Whether the controller's answer is its last word.
pub(super) fn judge(answer: &Answer) -> Verdict {
    let status = answer.status.as_u16();
    let told = || {
        let said = said(answer).unwrap_or_else(|| match answer.body.is_empty() {
            true => "no reason given".to_owned(),
            false => not_avis(answer),
        });
        format!("{said} (status {status})")
    };
    match status {
        // No source shows the controller doing so; what stands before it may.
        429 => Verdict::Busy(answer.retry_after(), told()),
        // 503 is a controller that starts or is updated.
        408 | 500 | 502 | 503 | 504 => Verdict::Broken(answer.retry_after(), told()),
        _ => Verdict::Final,
    }
}

/// What the controller says went wrong: `{"error": "…"}`, or `{"detail": "…"}` where the method is not allowed.
pub(super) fn said(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let said = body.get("error").or_else(|| body.get("detail"))?;
    match said {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// Whether an answer that says success can be the controller's: it sends an object or nothing at all.
pub(super) fn is_avis(answer: &Answer) -> bool {
    answer.body.is_empty()
        || serde_json::from_slice(&answer.body).is_ok_and(|body: Value| body.is_object())
}

/// What came in place of an answer of the controller: never the whole page of a proxy.
pub(super) fn not_avis(answer: &Answer) -> String {
    let kind = answer.header("content-type").unwrap_or("no content type");
    let size = answer.body.len();
    let words = match first_words(&answer.body) {
        Some(words) => format!(", beginning with {words:?}"),
        None => String::new(),
    };
    format!("the answer is not an Avi controller's: {kind}, {size} bytes{words}")
}
