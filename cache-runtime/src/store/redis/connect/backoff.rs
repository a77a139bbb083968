//! The pauses between attempts to connect.

use std::time::Duration;

use crate::rt::random::random_stamp;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// The time after which a connection counts as stable. A stable one is replaced at once, any other after a pause, so that
/// a server that accepts and then refuses is not flooded.
const STABLE: Duration = Duration::from_secs(1);

/// Pauses that double, from 50 ms to 1 s unless other limits are given.
#[derive(Debug)]
pub(crate) struct Backoff {
    step: Duration,
    limits: (Duration, Duration),
}

impl Backoff {
    /// Returns a backoff that begins with the shortest pause.
    pub(crate) fn new() -> Self {
        Self::between(SHORTEST, LONGEST)
    }

    /// Returns a backoff whose pauses double from `shortest` to `longest`.
    pub(crate) fn between(shortest: Duration, longest: Duration) -> Self {
        Self { step: shortest, limits: (shortest, longest) }
    }

    /// Returns the pause after a connection that lasted for `lasted`.
    pub(crate) fn after(&mut self, lasted: Duration) -> Duration {
        if lasted < STABLE {
            return self.next();
        }
        *self = Self::between(self.limits.0, self.limits.1);
        Duration::ZERO
    }

    /// Returns the pause before the next attempt: between half of the step and all of it, so that processes which lost
    /// the same server do not reconnect at the same time.
    pub(crate) fn next(&mut self) -> Duration {
        let step = self.step;
        self.step = (step * 2).min(self.limits.1);
        let half = step / 2;
        half + half.mul_f64(f64::from(random_stamp()[0]) / 256.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..8).map(|_| backoff.next()).collect();
        assert!(pauses[0] >= SHORTEST / 2 && pauses[0] <= SHORTEST, "{pauses:?}");
        assert!(pauses[7] >= LONGEST / 2 && pauses[7] <= LONGEST, "{pauses:?}");
        assert_eq!(backoff.after(STABLE), Duration::ZERO);
        assert!(backoff.after(Duration::ZERO) <= SHORTEST);
    }
}
