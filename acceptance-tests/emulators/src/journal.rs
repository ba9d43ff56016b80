//! The journal: every request that reached the lab, in the order in which they arrived.

use std::sync::Mutex;
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::avi;
use crate::http::Request;
use crate::sync::lock;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its place, from 1, since the lab started; clearing the journal does not start again.
    pub n: u64,
    /// Who served it: `login`, `pipelines`, `identity`, `metadata`, `arm`, `avi`,
    /// `ako` (what AKO asks of the controller), `connector` (what the cloud connector asks of Azure) or `kubernetes/<name>`.
    pub service: String,
    /// The method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query, as sent, without the question mark; none where there is none.
    pub query: Option<String>,
    /// The api-version parameter.
    pub api_version: Option<String>,
    /// The status of the answer; none while there is no answer, and where none was given.
    pub status: Option<u16>,
    /// When it arrived (RFC 3339).
    pub started: String,
    /// Milliseconds from the lab's start to its arrival.
    pub at_milliseconds: u64,
    /// Milliseconds from its arrival to its answer.
    pub milliseconds: Option<u64>,
    /// The client's User-Agent.
    pub client: Option<String>,
    /// `x-ms-correlation-request-id`, as sent.
    pub correlation_id: Option<String>,
    /// `If-Match`, as sent.
    pub if_match: Option<String>,
    /// A poll of an operation's state, which figures of ARM calls leave out.
    pub poll: bool,
    /// The fault that met it, if one did.
    pub fault: Option<u64>,
    /// The JSON that a write to ARM or the controller carried; of the controller's secrets only that they were there.
    /// Login bodies hold secrets and are never kept.
    pub body: Option<Value>,
}

/// All requests so far.
#[derive(Debug)]
pub(crate) struct Journal {
    begun: Instant,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    kept: Vec<Entry>,
}

impl Journal {
    pub(crate) fn new() -> Journal {
        Journal {
            begun: Instant::now(),
            entries: Mutex::default(),
        }
    }

    /// Notes an arrival and returns its number.
    pub(crate) fn begin(&self, service: &str, request: &Request) -> u64 {
        let header = |name: &str| {
            let value = request.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let body = kept_body(service, request);
        let mut entries = lock(&self.entries);
        entries.last += 1;
        let n = entries.last;
        entries.kept.push(Entry {
            n,
            service: service.to_owned(),
            method: request.method.to_string(),
            path: request.path.clone(),
            query: Some(request.query.clone()).filter(|query| !query.is_empty()),
            api_version: request.parameter("api-version"),
            status: None,
            started: Timestamp::now().to_string(),
            at_milliseconds: milliseconds(self.begun),
            milliseconds: None,
            client: header("user-agent"),
            correlation_id: header("x-ms-correlation-request-id"),
            if_match: header("if-match"),
            poll: service == "arm" && is_poll(&request.path),
            fault: None,
            body,
        });
        n
    }

    /// Notes that a fault met the request.
    pub(crate) fn met(&self, n: u64, fault: u64) {
        self.change(n, |entry| entry.fault = Some(fault));
    }

    /// Notes the answer.
    pub(crate) fn end(&self, n: u64, status: Option<u16>) {
        let now = milliseconds(self.begun);
        self.change(n, |entry| {
            entry.status = status;
            entry.milliseconds = Some(now.saturating_sub(entry.at_milliseconds));
        });
    }

    /// Everything noted since the start or the last [`Journal::clear`].
    pub(crate) fn entries(&self) -> Vec<Entry> {
        lock(&self.entries).kept.clone()
    }

    /// Forgets everything noted so far.
    pub(crate) fn clear(&self) {
        lock(&self.entries).kept.clear();
    }

    fn change(&self, n: u64, change: impl FnOnce(&mut Entry)) {
        let mut entries = lock(&self.entries);
        // Cleared in between: nothing to complete.
        if let Ok(place) = entries.kept.binary_search_by_key(&n, |entry| entry.n) {
            change(&mut entries.kept[place]);
        }
    }
}

fn kept_body(service: &str, request: &Request) -> Option<Value> {
    let is_kept = match service {
        "arm" => true,
        "avi" | "ako" => request.path.contains("/api/"),
        _ => false,
    };
    if !is_kept || request.body.is_empty() {
        return None;
    }
    let mut body = serde_json::from_slice(&request.body).ok()?;
    if service != "arm" {
        avi::mask_secrets(&mut body);
    }
    Some(body)
}

fn is_poll(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.contains("/operations/") || path.contains("/operationresults/")
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
