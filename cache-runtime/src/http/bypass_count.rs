//! The count of bypasses without a hit.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The number of bypasses without a hit after which a handler or a layer is reported.
pub(super) const MANY: u32 = 100;

/// The requests of a handler or a layer that bypassed it because of their credentials since its last hit.
#[derive(Debug, Default)]
pub(crate) struct BypassCount(AtomicU32);

impl BypassCount {
    /// A hit: counting starts again. Usually one load, of a value that does not change.
    pub(super) fn reset(&self) {
        if (1..MANY).contains(&self.0.load(Relaxed)) {
            // Once the warning was given, the count stays.
            let _ = self.0.fetch_update(Relaxed, Relaxed, |count| (count < MANY).then_some(0));
        }
    }

    /// A bypass. Returns whether it is the one to report, which happens once.
    pub(super) fn add(&self) -> bool {
        self.0.load(Relaxed) < MANY
            && self.0.fetch_update(Relaxed, Relaxed, |count| (count < MANY).then_some(count + 1))
                == Ok(MANY - 1)
    }
}

/// Another handler or layer counts for itself.
impl Clone for BypassCount {
    fn clone(&self) -> Self {
        Self::default()
    }
}
