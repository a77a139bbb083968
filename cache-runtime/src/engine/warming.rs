//! A call of a warm-up: what it did, and how its entry is to expire.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The state of one call of a warm-up.
#[derive(Debug)]
pub(crate) struct Warming {
    /// The largest share by which the entry expires earlier, in millionths.
    jitter: u32,
    did: AtomicU8,
}

/// The outcome of one call of a warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WarmOutcome {
    /// The value was computed and stored.
    Computed,
    /// The value was there, or another process has computed it meanwhile.
    Already,
    /// The value was computed and not stored, or the call did not go through a cache.
    Failed,
}

/// The entry was looked up.
const LOOKED: u8 = 1;
/// The function ran.
const RAN: u8 = 2;
/// A value was stored.
const STORED: u8 = 4;

impl Warming {
    /// Creates the state of a call that has not begun.
    pub(crate) fn new(jitter: u32) -> Self {
        Self { jitter, did: AtomicU8::new(0) }
    }

    /// Notes that the entry is looked up.
    pub(crate) fn looked(&self) {
        self.did.fetch_or(LOOKED, Relaxed);
    }

    /// Notes that the function runs.
    pub(crate) fn ran(&self) {
        self.did.fetch_or(RAN, Relaxed);
    }

    /// Notes that a value was stored.
    pub(crate) fn stored(&self) {
        self.did.fetch_or(STORED, Relaxed);
    }

    /// Returns the jitter of the entry, whose function has a jitter of its own.
    pub(crate) fn jitter(&self, own: u32) -> u32 {
        self.jitter.max(own)
    }

    /// Returns the outcome of the call, which is over.
    pub(crate) fn outcome(&self) -> WarmOutcome {
        let did = self.did.load(Relaxed);
        match (did & STORED, did & RAN, did & LOOKED) {
            (STORED, ..) => WarmOutcome::Computed,
            (_, 0, LOOKED) => WarmOutcome::Already,
            _ => WarmOutcome::Failed,
        }
    }
}
