//! The memory of bodies that are being collected.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The largest number of bytes of all bodies that are being collected.
const LIMIT: usize = 64 << 20;

/// The bytes of all bodies that are being collected, 64 MiB at most. A body beyond that is passed on as it comes.
#[derive(Debug, Default)]
pub(crate) struct BodyBudget(AtomicUsize);

impl BodyBudget {
    /// Starts the reservation of one body.
    pub(super) fn reserve(&self) -> Reservation<'_> {
        Reservation { budget: self, bytes: 0 }
    }

    /// A budget of which this many bytes are left.
    #[cfg(test)]
    pub(super) fn with_left(bytes: usize) -> Self {
        Self(AtomicUsize::new(LIMIT - bytes))
    }

    /// The bytes that are left.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        LIMIT - self.0.load(Relaxed)
    }
}

/// The part of a [`BodyBudget`] that one body takes, given back on drop.
pub(super) struct Reservation<'b> {
    budget: &'b BodyBudget,
    bytes: usize,
}

impl Reservation<'_> {
    /// Takes more, and returns whether that is within the budget. Two calls at once may both fail where one would fit.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let is_within = self.budget.0.fetch_add(bytes, Relaxed).saturating_add(bytes) <= LIMIT;
        self.bytes += bytes;
        is_within
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Relaxed);
    }
}
