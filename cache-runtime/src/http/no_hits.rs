//! The requests since the last hit.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The number of requests without a hit, for one cause, after which a handler or a layer is reported.
pub(super) const MANY: u64 = 100;

/// The bits of one count, which hold [`MANY`].
const BITS: u32 = 7;
const COUNT: u64 = (1 << BITS) - 1;
/// The bit of a handler or a layer that was reported.
const REPORTED: u64 = 1 << 63;

/// The causes for which requests are no hits. Each has a count in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoHitCause {
    /// The credentials of the request, or their absence.
    Credential,
    /// The host of the request.
    Host,
    /// `when` was false.
    When,
    /// The response has `Set-Cookie`.
    SetCookie,
    /// The response has `no-store`, `no-cache` or no time to be fresh for.
    Freshness,
    /// The response is `private`.
    Private,
    /// The status is not one that is cached.
    Status,
    /// The response has `Vary: *`, or is too large.
    Form,
    /// The response was stored: nothing was there before.
    Stored,
}

/// The requests of a handler or a layer since its last hit, by their causes.
#[derive(Debug, Default)]
pub(crate) struct NoHits(AtomicU64);

impl NoHits {
    /// A hit: counting starts again. Usually one load, of a value that does not change.
    pub(super) fn reset(&self) {
        let counts = self.0.load(Relaxed);
        if counts != 0 && counts != REPORTED {
            // Once the warning was given, there are no counts.
            let _ = self.0.fetch_update(Relaxed, Relaxed, |counts| (counts != REPORTED).then_some(0));
        }
    }

    /// A request that was no hit. Returns whether it is the one to report, which happens once.
    pub(super) fn add(&self, cause: NoHitCause) -> bool {
        let shift = cause as u32 * BITS;
        let next = |counts: u64| match (counts >> shift) & COUNT {
            _ if counts == REPORTED => None,
            count if count + 1 >= MANY => Some(REPORTED),
            _ => Some(counts + (1 << shift)),
        };
        let before = self.0.fetch_update(Relaxed, Relaxed, next);
        before.is_ok_and(|before| next(before) == Some(REPORTED))
    }
}

/// Another handler or layer counts for itself.
impl Clone for NoHits {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_counts_for_itself_until_a_hit_or_the_report() {
        let causes = [NoHitCause::Credential, NoHitCause::Status, NoHitCause::Stored];
        for last in causes {
            let counts = NoHits::default();
            for _ in 1..MANY {
                assert!(causes.iter().all(|cause| !counts.add(*cause)));
            }
            counts.reset();
            for _ in 1..MANY {
                assert!(causes.iter().all(|cause| !counts.add(*cause)));
            }
            assert!(counts.add(last), "{last:?}");
            for _ in 0..MANY * 2 {
                counts.reset();
                assert!(causes.iter().all(|cause| !counts.add(*cause)));
            }
            // A copy is another handler's.
            let copy = counts.clone();
            assert_eq!((0..MANY * 2).filter(|_| copy.add(last)).count(), 1, "{last:?}");
        }
    }
}
