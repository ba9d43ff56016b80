//! The journal in short: which calls of Azure Resource Manager or of the Avi controller a step took.

use std::fmt;

use ako_lab::journal::Entry;

/// Calls of one API, in order, each as `PUT routeTables/rt-1` or `GET cloud?name=azure`.
#[derive(Debug)]
pub(crate) struct Calls(Vec<String>);

impl Calls {
    /// Without the polls of operations, which figures leave out.
    pub(super) fn new(journal: &[Entry]) -> Calls {
        let calls = journal
            .iter()
            .filter(|entry| entry.service == "arm" && !entry.poll);
        Calls(calls.map(short).collect())
    }

    /// The calls of the Avi controller, logins too, without those of AKO and other actors.
    pub(super) fn of_avi(journal: &[Entry]) -> Calls {
        let calls = journal.iter().filter(|entry| entry.service == "avi");
        Calls(calls.map(short_of_avi).collect())
    }

    /// Every request to every service, with the answer's status.
    pub(super) fn with_polls(journal: &[Entry]) -> Calls {
        let line = |entry: &Entry| {
            let status = entry
                .status
                .map_or("no answer".to_owned(), |status| status.to_string());
            format!(
                "{:>6} ms  {:<20} {} -> {status}",
                entry.at_milliseconds,
                entry.service,
                if entry.service == "avi" || entry.service == "ako" {
                    short_of_avi(entry)
                } else {
                    short(entry)
                }
            )
        };
        Calls(journal.iter().map(line).collect())
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[String] {
        &self.0
    }

    /// Those that write.
    pub(crate) fn writes(&self) -> Vec<&str> {
        let writes = self.0.iter().filter(|call| !call.starts_with("GET "));
        writes.map(String::as_str).collect()
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|call| writeln!(f, "  {call}"))
    }
}

fn short(entry: &Entry) -> String {
    let path = entry
        .path
        .rsplit_once("/Microsoft.Network/")
        .map_or(entry.path.as_str(), |(_, name)| name);
    format!("{} {path}", entry.method)
}

/// `/api/` is left out, and so are the uuids behind the types: `PUT serviceenginegroup`, `GET cloud/status`.
fn short_of_avi(entry: &Entry) -> String {
    let steps = entry.path.split('/');
    let steps = steps.filter(|step| !step.is_empty() && *step != "api");
    let steps: Vec<&str> = steps.filter(|step| !is_uuid(step)).collect();
    let query = entry.query.as_ref().map(|query| format!("?{query}"));
    format!(
        "{} {}{}",
        entry.method,
        steps.join("/"),
        query.unwrap_or_default()
    )
}

/// Whether a step of a path ends with the form 8-4-4-4-12.
fn is_uuid(step: &str) -> bool {
    let parts: Vec<usize> = step.rsplit('-').take(5).map(str::len).collect();
    parts == [12, 4, 4, 4, 8]
}
