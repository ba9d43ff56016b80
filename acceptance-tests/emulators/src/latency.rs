//! How long calls and operations take.

use std::time::Duration;

use serde::Serialize;

/// A latency profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// What every call takes, on top of the work itself.
    pub call: Duration,
    /// The shortest time that an operation (an accepted PUT or DELETE) takes.
    pub operation_from: Duration,
    /// The longest time that an operation takes.
    pub operation_to: Duration,
}

impl Latency {
    /// No delay; an operation still answers "Updating" and is done at the first poll.
    pub const NONE: Latency = Latency::fixed(Duration::ZERO, Duration::ZERO);

    /// What a platform engineer sees from an office: 100 ms a call, operations of 2 to 4 s.
    pub const REALISTIC: Latency = Latency {
        call: Duration::from_millis(100),
        operation_from: Duration::from_secs(2),
        operation_to: Duration::from_secs(4),
    };

    /// The same delay for every call, and the same duration for every operation.
    pub const fn fixed(call: Duration, operation: Duration) -> Latency {
        Latency {
            call,
            operation_from: operation,
            operation_to: operation,
        }
    }

    /// Reads `none`, `realistic` or milliseconds, which then hold for calls and for operations.
    pub fn parse(text: &str) -> Result<Latency, ParseError> {
        match text {
            "none" => Ok(Latency::NONE),
            "realistic" => Ok(Latency::REALISTIC),
            number => {
                let milliseconds = number.parse().map_err(|_| ParseError(text.to_owned()))?;
                let delay = Duration::from_millis(milliseconds);
                Ok(Latency::fixed(delay, delay))
            }
        }
    }

    /// The duration of the nth operation: spread over the range, and the same in every run.
    pub(crate) fn operation(&self, nth: u64) -> Duration {
        let range = self.operation_to.saturating_sub(self.operation_from);
        // Steps of the golden ratio spread evenly without a random number.
        let step = (nth as f64 * 0.618_033_988_749_895).fract();
        self.operation_from + range.mul_f64(step)
    }
}

/// A latency that is none of `none`, `realistic` or a number of milliseconds.
#[derive(Debug, thiserror::Error)]
#[error("latency {0:?} is neither \"none\" nor \"realistic\" nor a number of milliseconds")]
pub struct ParseError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_of_the_realistic_profile_take_two_to_four_seconds_and_differ() {
        let durations: Vec<_> = (0..20).map(|n| Latency::REALISTIC.operation(n)).collect();
        assert!(
            durations
                .iter()
                .all(|d| (2.0..=4.0).contains(&d.as_secs_f64()))
        );
        assert_ne!(durations[1], durations[2]);
    }

    #[test]
    fn a_number_is_milliseconds_and_anything_else_is_refused() {
        let ten = Duration::from_millis(10);
        assert_eq!(Latency::parse("10").unwrap(), Latency::fixed(ten, ten));
        assert!(Latency::parse("fast").is_err());
    }
}
