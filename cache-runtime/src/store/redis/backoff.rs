//! How long to wait between two attempts to connect.

use std::time::Duration;

use crate::rt::random::random_stamp;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// A connection that held for this long is replaced at once; one that broke sooner after a pause, so that a server
/// which accepts and then refuses is not stormed.
const STEADY: Duration = Duration::from_secs(1);

/// Pauses that double from 50 ms to 1 s.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    /// Begins with the shortest pause.
    pub(super) fn new() -> Self {
        Self(SHORTEST)
    }

    /// The pause after a connection that held for so long.
    pub(super) fn after(&mut self, held: Duration) -> Duration {
        if held < STEADY {
            return self.next();
        }
        *self = Self::new();
        Duration::ZERO
    }

    /// The pause before the next attempt: between half of the step and all of it, so that the processes which lost
    /// the same server do not come back to it in step.
    pub(super) fn next(&mut self) -> Duration {
        let step = self.0;
        self.0 = (step * 2).min(LONGEST);
        let half = step / 2;
        half + half.mul_f64(f64::from(random_stamp()[0]) / 256.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_a_second() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..8).map(|_| backoff.next()).collect();
        assert!(pauses[0] >= SHORTEST / 2 && pauses[0] <= SHORTEST, "{pauses:?}");
        assert!(pauses[7] >= LONGEST / 2 && pauses[7] <= LONGEST, "{pauses:?}");
        assert_eq!(backoff.after(STEADY), Duration::ZERO);
        assert!(backoff.after(Duration::ZERO) <= SHORTEST);
    }
}
