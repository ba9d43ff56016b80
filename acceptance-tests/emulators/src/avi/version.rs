//! Versions of the API, which clients ask for by `X-Avi-Version`.

use std::fmt;

/// A version such as 20.1.1; letters and patch numbers after the third part do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version([u32; 3]);

/// What a request without the header speaks (recorded: the header of every answer to one says so).
pub(super) const UNSAID: Version = Version([16, 4, 2]);

impl Version {
    /// Reads `20.1.1`, with or without more parts.
    pub(super) fn parse(text: &str) -> Option<Version> {
        let mut parts = text.split(['.', '-']).map(|part| part.parse().ok());
        Some(Version([parts.next()??, parts.next()??, parts.next()??]))
    }
}

impl fmt::Display for Version {
    /// As the controller writes it in refusals: `20_1_1`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(formatter, "{major}_{minor}_{patch}")
    }
}
