//! How long an operation may take: the `timeouts` block and the durations in it.

use super::plan::Config;
use super::schema::{Attribute, Check, TIMEOUTS, Type};
use super::value::Value;
use std::time::Duration;

/// How long each operation may take where the user's `timeouts` block says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Limit of a create.
    pub create: Duration,
    /// Limit of a read.
    pub read: Duration,
    /// Limit of an update.
    pub update: Duration,
    /// Limit of a delete.
    pub delete: Duration,
}

/// What the limits are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Making an object.
    Create,
    /// Reading it; planning and importing count as this.
    Read,
    /// Changing it.
    Update,
    /// Removing it.
    Delete,
}

impl Default for Timeouts {
    /// The limits of azurerm's network resources: 30, 5, 30 and 30 minutes.
    fn default() -> Timeouts {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Timeouts {
            create: minutes(30),
            read: minutes(5),
            update: minutes(30),
            delete: minutes(30),
        }
    }
}

impl Timeouts {
    /// The attributes of the block, with these limits as the defaults in their descriptions.
    pub fn attributes(&self) -> Vec<Attribute> {
        Operation::ALL
            .iter()
            .map(|&operation| self.attribute(operation))
            .collect()
    }

    /// The limit of an operation on `object`, whose `timeouts` block comes first.
    pub fn limit(&self, operation: Operation, object: &Value) -> Duration {
        let block = Config::new(object).get(TIMEOUTS);
        match Config::new(block).get(operation.name()) {
            // Malformed text was refused while validating; older state may still hold some.
            Value::String(text) => {
                parse_duration(text).unwrap_or_else(|_| self.default_limit(operation))
            }
            _ => self.default_limit(operation),
        }
    }

    /// The type of the block.
    pub fn object_type() -> Type {
        Type::Object(
            Operation::ALL
                .iter()
                .map(|operation| (operation.name().to_owned(), Type::String))
                .collect(),
        )
    }

    fn attribute(&self, operation: Operation) -> Attribute {
        let default = format_duration(self.default_limit(operation));
        Attribute::optional(
            operation.name(),
            Type::String,
            format!(
                "How long {} may take, as a duration such as `90s`, `30m` or `1h30m`. Default: `{default}`.",
                operation.gerund()
            ),
        )
        .check(Check::Text(|text| parse_duration(text).map(drop)))
    }

    fn default_limit(&self, operation: Operation) -> Duration {
        match operation {
            Operation::Create => self.create,
            Operation::Read => self.read,
            Operation::Update => self.update,
            Operation::Delete => self.delete,
        }
    }
}

impl Operation {
    /// All of them in the order of an object's life.
    pub const ALL: [Operation; 4] = [
        Operation::Create,
        Operation::Read,
        Operation::Update,
        Operation::Delete,
    ];

    /// Its name in the `timeouts` block.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Create => "create",
            Operation::Read => "read",
            Operation::Update => "update",
            Operation::Delete => "delete",
        }
    }

    fn gerund(self) -> &'static str {
        match self {
            Operation::Create => "creating",
            Operation::Read => "reading",
            Operation::Update => "updating",
            Operation::Delete => "deleting",
        }
    }
}

/// Reads a duration as Go writes it (`1h30m`, `90s`, `1.5h`); it must be longer than nothing.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let malformed =
        || format!("must be a duration such as \"90s\", \"30m\" or \"1h30m\", but is {text:?}");
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let unit_at = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(malformed)?;
        let (digits, after) = rest.split_at(unit_at);
        let unit_ends = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_ends);
        let count: f64 = digits.parse().map_err(|_| malformed())?;
        seconds += count * seconds_in(unit).ok_or_else(malformed)?;
        rest = next;
    }
    match Duration::try_from_secs_f64(seconds) {
        // Go's durations end at 292 years. A day is more than any operation needs, and deadlines stay computable.
        Ok(duration) if seconds > 0.0 && duration <= LONGEST => Ok(duration),
        Ok(_) if seconds > 0.0 => Err(format!("must be 1000h at most, but is {text:?}")),
        _ => Err(malformed()),
    }
}

const LONGEST: Duration = Duration::from_secs(1000 * 3600);

fn seconds_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Operation, Timeouts, format_duration, parse_duration};
    use crate::framework::value::Value;
    use std::time::Duration;

    #[test]
    fn durations_read_as_go_writes_them() {
        for (text, seconds) in [
            ("30m", 1800.0),
            ("1h30m", 5400.0),
            ("90s", 90.0),
            ("1.5h", 5400.0),
            ("1m0.5s", 60.5),
            ("1500ms", 1.5),
        ] {
            let expected = Duration::from_secs_f64(seconds);
            assert_eq!(parse_duration(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_positive_duration_is_refused() {
        for text in [
            "", "0s", "-5m", "5", "m", "5 m", "1d", "1h 5m", "1..5h", "1001h", "5minutes", "1e3s",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn default_limits_read_as_the_user_would_write_them() {
        assert_eq!(format_duration(Duration::from_secs(1800)), "30m");
        assert_eq!(format_duration(Duration::from_secs(9000)), "2h30m");
        let attributes = Timeouts::default().attributes();
        assert!(attributes[1].description.ends_with("Default: `5m`."));
    }

    #[test]
    fn the_block_comes_before_the_default() {
        let object = Value::object([(
            "timeouts",
            Value::object([("create", Value::from("90s")), ("read", Value::Null)]),
        )]);
        let limit = |operation| Timeouts::default().limit(operation, &object);
        assert_eq!(limit(Operation::Create), Duration::from_secs(90));
        assert_eq!(limit(Operation::Read), Duration::from_secs(300));
        assert_eq!(limit(Operation::Delete), Duration::from_secs(1800));
    }
}
