//! Faults on purpose: which request they meet, when, and what happens to it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::http::Request;
use crate::sync::lock;

/// One fault: the requests it meets and what it does to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The requests it meets.
    #[serde(default, rename = "match")]
    pub pattern: Pattern,
    /// Whether the server has acted by then.
    #[serde(default)]
    pub when: When,
    /// What happens.
    #[serde(rename = "do")]
    pub action: Action,
}

/// Which requests a fault meets; an empty pattern counts every request of the lab.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pattern {
    /// The journal's name of the service; `*` stands for any text.
    pub service: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The path without its query, compared without case; `*` stands for any text.
    pub path: Option<String>,
    /// The first of the matching requests that it meets, counted from 1 when the fault is added.
    pub nth: u64,
    /// How many it meets from there; none means every one.
    pub count: Option<u64>,
}

/// The moment of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The server has not acted; unless the action lets the request go on, it never will.
    #[default]
    Before,
    /// The server has acted; only its answer is lost or altered.
    After,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Answers in the server's place.
    Respond {
        /// The status.
        status: u16,
        /// Headers to add.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The JSON body; none where null, and a text as it is where the headers name another type than JSON.
        #[serde(default)]
        body: Value,
    },
    /// Resets the connection (RST).
    Reset,
    /// Never answers.
    Stall,
    /// Announces the whole body, sends this many bytes of it and ends the connection.
    Truncate {
        /// The bytes that are still sent.
        bytes: usize,
    },
    /// Waits until it is released; then the request goes on as if nothing had been.
    Hold,
    /// Performs another request inside the lab, as another writer, to ARM or where the path begins with `/api/` to the
    /// controller; then the request goes on.
    Write {
        /// The method.
        method: String,
        /// The path; its api-version may be left out.
        path: String,
        /// The body.
        #[serde(default)]
        body: Value,
    },
    /// Accepts the write as usual but lets its operation end as Failed with this error.
    FailOperation {
        /// The error's code.
        code: String,
        /// The error's message.
        message: String,
    },
}

impl Fault {
    /// A fault that meets the first request with this method and path, before the server acts.
    pub fn on(method: &str, path: &str, action: Action) -> Fault {
        let pattern = Pattern {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            ..Pattern::default()
        };
        Fault {
            pattern,
            when: When::Before,
            action,
        }
    }

    /// Meets the nth matching request (from 1) instead of the first.
    pub fn nth(mut self, nth: u64) -> Fault {
        self.pattern.nth = nth;
        self
    }

    /// Meets this many matching requests in a row instead of one.
    pub fn times(mut self, count: u64) -> Fault {
        self.pattern.count = Some(count);
        self
    }

    /// Meets every matching request from the first or the nth on.
    pub fn always(mut self) -> Fault {
        self.pattern.count = None;
        self
    }

    /// Lets the server act first.
    pub fn after(mut self) -> Fault {
        self.when = When::After;
        self
    }

    /// Whether it happens before the server acts. Some actions leave no choice: there must be an answer to cut,
    /// and an operation that fails must not have begun.
    pub(crate) fn is_early(&self) -> bool {
        match self.action {
            Action::Truncate { .. } => false,
            Action::FailOperation { .. } => true,
            _ => self.when == When::Before,
        }
    }
}

impl Action {
    /// An answer with a status and a JSON body.
    pub fn respond(status: u16, body: Value) -> Action {
        let headers = BTreeMap::new();
        Action::Respond {
            status,
            headers,
            body,
        }
    }

    /// A page of somebody who stands between a client and the service, such as a proxy.
    pub fn page(status: u16, html: &str) -> Action {
        Action::Respond {
            status,
            headers: BTreeMap::from([("content-type".to_owned(), "text/html".to_owned())]),
            body: Value::from(html),
        }
    }
}

impl Default for Pattern {
    fn default() -> Pattern {
        Pattern {
            service: None,
            method: None,
            path: None,
            nth: 1,
            count: Some(1),
        }
    }
}

impl Pattern {
    fn matches(&self, service: &str, request: &Request) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|p| glob_matches(p, text))
        };
        fits(&self.service, service)
            && fits(&self.method, request.method.as_str())
            && fits(&self.path, &request.path)
    }

    /// Whether the nth matching request (from 1) is among those that are met.
    fn meets(&self, nth: u64) -> bool {
        nth >= self.nth && self.count.is_none_or(|count| nth - self.nth < count)
    }
}

/// Whether the text fits a pattern in which `*` stands for any text, both without regard to case.
pub(crate) fn glob_matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut open = false;
    let mut last = "";
    for part in parts {
        open = true;
        last = part;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    // The last part must end the text; `rest` may have stopped at an earlier occurrence of it.
    if open {
        rest.is_empty() || last.is_empty() || rest.ends_with(last)
    } else {
        rest.is_empty()
    }
}

/// The faults of one lab.
#[derive(Debug)]
pub(crate) struct Faults {
    armed: Mutex<Armed>,
    /// How many requests each hold is holding, and the release of those that were let go.
    holds: watch::Sender<BTreeMap<u64, Hold>>,
}

#[derive(Debug, Default)]
struct Armed {
    last: u64,
    faults: BTreeMap<u64, Counted>,
}

#[derive(Clone, Debug)]
struct Counted {
    fault: Fault,
    seen: u64,
}

#[derive(Clone, Debug, Default)]
struct Hold {
    held: u64,
    released: u64,
}

/// A fault as the control API lists it.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Its number.
    pub id: u64,
    /// How many requests fitted its pattern so far.
    pub seen: u64,
    /// How many requests it is holding right now.
    pub held: u64,
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
}

impl Faults {
    pub(crate) fn new() -> Faults {
        Faults {
            armed: Mutex::default(),
            holds: watch::Sender::new(BTreeMap::new()),
        }
    }

    /// Arms a fault and returns its number.
    pub(crate) fn add(&self, fault: Fault) -> u64 {
        let mut armed = lock(&self.armed);
        armed.last += 1;
        let id = armed.last;
        armed.faults.insert(id, Counted { fault, seen: 0 });
        id
    }

    /// Disarms every fault and lets go of what they hold.
    pub(crate) fn clear(&self) {
        lock(&self.armed).faults.clear();
        self.release(None);
    }

    /// The armed faults.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let holds = self.holds.borrow();
        let armed = lock(&self.armed);
        let listed = armed.faults.iter().map(|(&id, counted)| Listed {
            id,
            seen: counted.seen,
            held: holds.get(&id).map_or(0, Hold::held),
            fault: counted.fault.clone(),
        });
        listed.collect()
    }

    /// Counts the request for every fault and returns those that meet it, in the order of their arming.
    pub(crate) fn meeting(&self, service: &str, request: &Request) -> Vec<(u64, Fault)> {
        let mut meeting = Vec::new();
        for (&id, counted) in &mut lock(&self.armed).faults {
            if !counted.fault.pattern.matches(service, request) {
                continue;
            }
            counted.seen += 1;
            if counted.fault.pattern.meets(counted.seen) {
                meeting.push((id, counted.fault.clone()));
            }
        }
        meeting
    }

    /// Waits, as the held request, until the fault lets go of it.
    pub(crate) async fn hold(&self, id: u64) {
        let mut mine = 0;
        self.holds.send_modify(|holds| {
            let hold = holds.entry(id).or_default();
            hold.held += 1;
            mine = hold.held;
        });
        // Disarmed since it met the request, when nobody knew yet whom to let go.
        if !lock(&self.armed).faults.contains_key(&id) {
            self.release(Some(id));
        }
        let mut watch = self.holds.subscribe();
        let free = |holds: &BTreeMap<u64, Hold>| {
            let released = holds.get(&id).map(|hold| hold.released);
            released.is_none_or(|released| released >= mine)
        };
        // The sender lives as long as the lab: an error means that the lab is gone, and we with it.
        let _ = watch.wait_for(free).await;
    }

    /// Waits until the fault holds a request.
    pub(crate) async fn held(&self, id: u64) {
        let mut watch = self.holds.subscribe();
        let holding = |holds: &BTreeMap<u64, Hold>| holds.get(&id).map_or(0, Hold::held) > 0;
        let _ = watch.wait_for(holding).await;
    }

    /// Lets go of what one fault holds, or every fault.
    pub(crate) fn release(&self, id: Option<u64>) {
        self.holds.send_modify(|holds| {
            for (held_by, hold) in holds {
                if id.is_none_or(|id| id == *held_by) {
                    hold.released = hold.held;
                }
            }
        });
    }
}

impl Hold {
    fn held(&self) -> u64 {
        self.held - self.released
    }
}

/// How long a stalled request waits: longer than any client, shorter than for ever.
pub(crate) const STALL: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    use super::*;

    fn put(path: &str) -> Request {
        Request {
            method: Method::PUT,
            path: path.to_owned(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            client_certificate: None,
        }
    }

    #[test]
    fn a_star_stands_for_any_text_and_case_does_not_matter() {
        assert!(glob_matches(
            "*/routetables/*",
            "/rg/routeTables/t/routes/r"
        ));
        assert!(glob_matches("*/subnets/se", "/subnets/se/subnets/se"));
        assert!(glob_matches("PUT", "put"));
        assert!(glob_matches("*", ""));
        assert!(!glob_matches("*/subnets/se", "/subnets/se2"));
        assert!(!glob_matches("/a", "/a/b"));
    }

    #[test]
    fn a_fault_meets_its_nth_request_and_as_many_more_as_it_was_told() {
        let faults = Faults::new();
        faults.add(Fault::on("PUT", "*/t", Action::Reset).nth(2).times(2));
        let met = |path| !faults.meeting("arm", &put(path)).is_empty();
        assert_eq!(
            [met("/t"), met("/other"), met("/t"), met("/t"), met("/t")],
            [false, false, true, true, false]
        );
    }

    #[tokio::test]
    async fn a_fault_that_is_disarmed_before_it_holds_a_request_lets_it_go() {
        let faults = Faults::new();
        let id = faults.add(Fault::on("PUT", "*", Action::Hold));
        assert_eq!(faults.meeting("arm", &put("/t")).len(), 1);
        faults.clear();
        let held = tokio::time::timeout(Duration::from_secs(1), faults.hold(id));
        assert!(held.await.is_ok());
    }

    #[test]
    fn a_fault_without_a_pattern_counts_every_request() {
        let faults = Faults::new();
        let text = r#"{"match": {"nth": 3}, "do": "reset"}"#;
        faults.add(serde_json::from_str(text).unwrap());
        let met = |path| !faults.meeting("login", &put(path)).is_empty();
        assert_eq!([met("/a"), met("/b"), met("/c")], [false, false, true]);
    }
}
