//! The query of a request, decoded.

use percent_encoding::percent_decode_str;

/// Parameters in the order sent.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Query {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        Query(decoded.collect())
    }

    /// The first value of a parameter; empty where it is absent, which the API treats alike.
    pub(super) fn get(&self, key: &str) -> &str {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map_or("", |(_, value)| value)
    }

    /// Whether the parameter was sent, with or without a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// Whether a boolean parameter is on; sent without a value it is.
    pub(super) fn is_on(&self, key: &str) -> bool {
        self.has(key) && !matches!(self.get(key), "0" | "false")
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}
