//! The memory of bodies that are collected, stored and sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The default limit of a budget.
pub(crate) const BODY_MEMORY: usize = 64 << 20;

/// The bytes of a body that are not counted: about as many as a connection buffers. Clients that read slowly take no memory
/// from pages of this size.
pub(super) const UNCOUNTED: usize = 32 << 10;

/// The bytes that a frame is counted beside its data, so that a body of tiny frames is bounded as well.
pub(super) const FRAME: usize = 256;

/// The memory of the bodies of one cache that are longer than [`UNCOUNTED`]. A body that does not fit is not collected, nor
/// sent from the cache: the client reads it from the service.
///
/// Half of it at most is for bodies on their way to clients, so that clients that read slowly leave room for collecting.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    limit: usize,
    used: AtomicUsize,
    sending: AtomicUsize,
}

impl BodyBudget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0), sending: AtomicUsize::new(0) }
    }

    /// Starts the reservation for a body that is collected or stored.
    pub(super) fn collecting(self: &Arc<Self>) -> Reservation {
        self.reservation(false)
    }

    /// Starts the reservation for a body on its way to clients.
    pub(super) fn sending(self: &Arc<Self>) -> Reservation {
        self.reservation(true)
    }

    fn reservation(self: &Arc<Self>, is_sending: bool) -> Reservation {
        Reservation { budget: Arc::clone(self), is_sending, bytes: AtomicUsize::new(0) }
    }

    fn take(&self, bytes: usize, is_sending: bool) -> bool {
        if is_sending && !take(&self.sending, bytes, self.limit / 2) {
            return false;
        }
        let is_within = take(&self.used, bytes, self.limit);
        if is_sending && !is_within {
            self.sending.fetch_sub(bytes, Relaxed);
        }
        is_within
    }

    /// The bytes that are taken.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }
}

fn take(taken: &AtomicUsize, bytes: usize, limit: usize) -> bool {
    let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= limit);
    taken.fetch_update(Relaxed, Relaxed, more).is_ok()
}

/// The part of a [`BodyBudget`] that one body takes, given back on drop.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<BodyBudget>,
    is_sending: bool,
    bytes: AtomicUsize,
}

impl Reservation {
    /// Takes more, and returns whether that is within the budget.
    pub(super) fn grow(&self, bytes: usize) -> bool {
        let is_within = self.budget.take(bytes, self.is_sending);
        if is_within {
            self.bytes.fetch_add(bytes, Relaxed);
        }
        is_within
    }

    /// Takes more, beyond the budget if need be.
    pub(super) fn force(&self, bytes: usize) {
        self.budget.used.fetch_add(bytes, Relaxed);
        if self.is_sending {
            self.budget.sending.fetch_add(bytes, Relaxed);
        }
        self.bytes.fetch_add(bytes, Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        self.budget.used.fetch_sub(bytes, Relaxed);
        if self.is_sending {
            self.budget.sending.fetch_sub(bytes, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sending_takes_half_at_most_and_leaves_the_rest_to_collecting() {
        let budget = Arc::new(BodyBudget::new(100));
        let (sending, collecting) = (budget.sending(), budget.collecting());
        assert!(sending.grow(50) && !sending.grow(1) && !budget.sending().grow(1));
        assert!(collecting.grow(50) && !collecting.grow(1));
        drop(sending);
        assert!(collecting.grow(40) && !budget.sending().grow(11) && budget.sending().grow(10));
        assert_eq!(budget.used(), 90);
        drop(collecting);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_forced_reservation_is_given_back_as_well() {
        let budget = Arc::new(BodyBudget::new(10));
        let sending = budget.sending();
        sending.force(15);
        assert!(!budget.collecting().grow(1));
        drop(sending);
        assert!(budget.collecting().grow(10) && budget.sending().grow(5));
    }
}
