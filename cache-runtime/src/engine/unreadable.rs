//! The functions whose stored values cannot be read.
//!
//! The first value of a function is decoded again before it is stored. If that fails, nothing of the function is stored for a
//! while, and from then on each of its values is decoded before it is stored.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::types::clock::Clock;

/// The pauses after the first failure in a row, and after many.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// A function and the type of its value, as a hash of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StoredType(pub(crate) u64);

/// The values of functions that can or cannot be read, as far as it is known.
#[derive(Debug)]
pub(crate) struct UnreadableValues {
    clock: Clock,
    types: Mutex<HashMap<StoredType, Readability, foldhash::fast::RandomState>>,
}

#[derive(Debug, Default)]
struct Readability {
    /// The next value is stored without a check.
    is_checked: bool,
    /// A value could not be read: every other one is checked.
    is_doubtful: bool,
    /// The failures in a row.
    failures: u32,
    paused_until: Option<Instant>,
}

impl UnreadableValues {
    /// Creates the knowledge of a new cache. `clock` measures the pauses.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, types: Mutex::default() }
    }

    /// Returns whether nothing of this type is stored now.
    pub(crate) fn is_paused(&self, of: StoredType) -> bool {
        self.with(of, |known, now| known.paused_until.is_some_and(|until| now < until))
    }

    /// Returns whether the next value is to be checked.
    pub(crate) fn needs_check(&self, of: StoredType) -> bool {
        self.with(of, |known, _| known.is_doubtful || !known.is_checked)
    }

    /// Notes that a value can be read. Returns whether it is the first one of its type.
    pub(crate) fn passed(&self, of: StoredType) -> bool {
        self.with(of, |known, _| {
            known.failures = 0;
            !std::mem::replace(&mut known.is_checked, true)
        })
    }

    /// Notes that a value cannot be read, and starts a pause.
    pub(crate) fn failed(&self, of: StoredType) {
        self.with(of, |known, now| {
            let pause = PAUSE.0.saturating_mul(1 << known.failures.min(10)).min(PAUSE.1);
            known.is_doubtful = true;
            known.failures += 1;
            known.paused_until = now.checked_add(pause);
        });
    }

    /// Has the next value checked: one that was stored could not be read.
    pub(crate) fn doubt(&self, of: StoredType) {
        self.with(of, |known, _| known.is_checked = false);
    }

    fn with<T>(&self, of: StoredType, use_it: impl FnOnce(&mut Readability, Instant) -> T) -> T {
        let now = self.clock.instant();
        let mut types = self.types.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(types.entry(of).or_default(), now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: StoredType = StoredType(7);

    fn pause(values: &UnreadableValues) -> Duration {
        values.with(OF, |known, now| known.paused_until.expect("a pause").duration_since(now))
    }

    #[test]
    fn pauses_grow_until_a_value_can_be_read() {
        let values = UnreadableValues::new(Clock::default());
        assert!(values.needs_check(OF) && !values.is_paused(OF));
        values.failed(OF);
        assert!(values.is_paused(OF) && pause(&values) <= PAUSE.0);
        values.failed(OF);
        assert!(pause(&values) > PAUSE.0);
        (0..100).for_each(|_| values.failed(OF));
        assert!(pause(&values) > PAUSE.1 / 2);
        values.passed(OF);
        values.failed(OF);
        assert!(pause(&values) <= PAUSE.0);
    }

    #[test]
    fn the_first_value_is_checked_and_after_a_failure_every_one() {
        let values = UnreadableValues::new(Clock::default());
        assert!(values.passed(OF) && !values.needs_check(OF));
        values.doubt(OF);
        assert!(values.needs_check(OF));
        values.failed(OF);
        values.passed(OF);
        assert!(values.needs_check(OF));
    }
}
