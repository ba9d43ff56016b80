//! One request and its repetition.

use std::time::Duration;

/// How long to wait before the `attempt`th repetition, from 1: about 0.5 s at first, doubled each time, at most 30 s.
pub(super) fn back_off(attempt: u32) -> Duration {
    let exponent = attempt.saturating_sub(1).min(6);
    Duration::from_millis(500 << exponent).min(Duration::from_secs(30))
}
