//! The journal in short: which calls of Azure Resource Manager a step took.

use std::fmt;

use ako_lab::journal::Entry;

/// Calls of Azure Resource Manager, in order, each as `PUT routeTables/rt-1`.
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
                short(entry)
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
