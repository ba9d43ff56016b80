//! Operations that outlast their request: accepted with 201 or 202, then polled.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

/// What an operation will have done when it is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// A resource or a child (by name) was written.
    Put { id: String, child: Option<String> },
    /// A resource or a child (by name) goes.
    Delete { id: String, child: Option<String> },
    /// A resource group goes with all it holds.
    DeleteGroup { key: String },
}

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) work: Work,
    pub(super) due: Instant,
    pub(super) done: bool,
    /// The error with which it ends, or ended.
    pub(super) failure: Option<Value>,
    /// The parameters of its polling URL; a poll must repeat them.
    pub(super) query: String,
    pub(super) region: String,
}

#[derive(Debug)]
pub(super) struct Operations {
    list: Vec<Operation>,
    /// A certificate that the polling URLs carry: half of their 4 kB since 2024 (recorded: azure-cli).
    certificate: String,
}

impl Work {
    /// The top-level resource that it keeps busy.
    pub(super) fn resource(&self) -> Option<&str> {
        match self {
            Work::Put { id, .. } | Work::Delete { id, .. } => Some(id),
            Work::DeleteGroup { .. } => None,
        }
    }
}

impl Operation {
    /// The path and query under which its state is asked for, below `…/locations/<region>/`.
    pub(super) fn poll_path(&self, subscription: &str, what: &str) -> String {
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{}/{what}/{}?{}",
            self.region, self.id, self.query
        )
    }

    /// The body of a poll.
    pub(super) fn status(&self) -> Value {
        match (&self.failure, self.done) {
            (_, false) => json!({"status": "InProgress"}),
            (None, true) => json!({"status": "Succeeded"}),
            (Some(error), true) => json!({"status": "Failed", "error": error}),
        }
    }
}

impl Operations {
    pub(super) fn new() -> Operations {
        let noise = |bytes: usize| {
            let words = (0..bytes / 16).flat_map(|_| *Uuid::new_v4().as_bytes());
            BASE64_URL_SAFE_NO_PAD.encode(words.collect::<Vec<u8>>())
        };
        Operations {
            list: Vec::new(),
            certificate: noise(2_400),
        }
    }

    /// Begins an operation that ends `duration` after those that keep its resource busy already: writes of one
    /// route table are accepted at once and carried out one after another (recorded: two route PUTs, the
    /// second sent before the first had been polled).
    pub(super) fn begin(
        &mut self,
        work: Work,
        duration: Duration,
        region: &str,
        api_version: &str,
        failure: Option<Value>,
    ) -> Operation {
        let now = Instant::now();
        let busy_until = self
            .pending()
            .filter(|other| work.resource().is_some() && other.work.resource() == work.resource());
        let start = busy_until.map(|other| other.due).fold(now, Instant::max);
        let operation = Operation {
            id: Uuid::new_v4().to_string(),
            due: start + duration,
            work,
            done: false,
            failure,
            query: self.signed(api_version),
            region: region.to_owned(),
        };
        self.list.push(operation.clone());
        operation
    }

    /// An operation that is over as soon as it begins: a PUT that changes nothing.
    pub(super) fn finished(&mut self, work: Work, region: &str, api_version: &str) -> Operation {
        let mut operation = self.begin(work, Duration::ZERO, region, api_version, None);
        operation.done = true;
        if let Some(last) = self.list.last_mut() {
            last.done = true;
        }
        operation
    }

    /// Gives an operation the id under which a resource group's deletion is asked for.
    pub(super) fn rename(&mut self, operation: &mut Operation, id: String) {
        if let Some(known) = self.list.iter_mut().find(|o| o.id == operation.id) {
            known.id.clone_from(&id);
        }
        operation.id = id;
    }

    pub(super) fn find(&self, id: &str) -> Option<&Operation> {
        self.list.iter().find(|operation| operation.id == id)
    }

    /// The one that began last.
    pub(super) fn last(&self) -> Option<&Operation> {
        self.list.last()
    }

    /// Those that are not finished.
    pub(super) fn pending(&self) -> impl Iterator<Item = &Operation> {
        self.list.iter().filter(|operation| !operation.done)
    }

    /// Finishes and returns the operation that is due first, if one is.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<Operation> {
        let due = self.list.iter_mut().filter(|o| !o.done && o.due <= now);
        let next = due.min_by_key(|operation| operation.due)?;
        next.done = true;
        Some(next.clone())
    }

    /// Makes every unfinished operation, or one, due now.
    pub(super) fn hurry(&mut self, id: Option<&str>) {
        let now = Instant::now();
        for operation in &mut self.list {
            if !operation.done && id.is_none_or(|id| id == operation.id) {
                operation.due = now;
            }
        }
    }

    /// Notes why a finished operation failed after all.
    pub(super) fn fail(&mut self, id: &str, error: Value) {
        if let Some(operation) = self.list.iter_mut().find(|o| o.id == id) {
            operation.failure = Some(error);
        }
    }

    /// How many there were, which numbers them.
    pub(super) fn count(&self) -> u64 {
        self.list.len() as u64
    }

    fn signed(&self, api_version: &str) -> String {
        let signature = BASE64_URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes().repeat(16));
        let hash = BASE64_URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes());
        format!(
            "api-version={api_version}&t=639000000000000000&c={}&s={signature}&h={hash}",
            self.certificate
        )
    }
}
