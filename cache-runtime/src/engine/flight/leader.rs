//! The leader: the call that computes a key in this process.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::{Basis, Completion, FUTURE, Flight, Flights, Follower};
use crate::types::stamp::Stamp;

/// The right to compute a key in this process.
pub(crate) struct Leader {
    flights: Arc<Flights>,
    key: Box<str>,
    flight: Arc<Flight>,
    /// The beginning of the computation.
    began: Instant,
}

impl Leader {
    pub(super) fn new(flights: Arc<Flights>, key: Box<str>, flight: Arc<Flight>) -> Self {
        Self { flights, key, flight, began: Instant::now() }
    }

    /// The leader reads the store, and may complete with the value that it finds there.
    pub(crate) fn begins_lookup(&self) {
        self.flight.since.store(self.next_tick(), SeqCst);
    }

    /// The leader found nothing, so the computation of its result has not begun yet.
    pub(crate) fn found_nothing(&self) {
        self.flight.since.store(FUTURE, SeqCst);
    }

    /// The computation begins.
    pub(crate) fn begins(&mut self, basis: Basis) {
        self.began = Instant::now();
        // Set once: a leader computes once.
        let _ = self.flight.basis.set(basis);
        self.flight.since.store(self.next_tick(), SeqCst);
        if self.flight.lane != 0 {
            // Wakes the neighbors.
            self.flight.sender.send_modify(|_| {});
        }
    }

    fn next_tick(&self) -> u64 {
        self.flights.shard(self.base()).clock.fetch_add(1, SeqCst) + 1
    }

    /// The key of the entry.
    fn base(&self) -> &str {
        &self.key[..self.flight.base]
    }

    /// Names what is stored beside the result, where the flight has a lane.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        (self.flight.lane != 0).then_some(self.flight.stamp)
    }

    /// Returns whether the key was invalidated since the lead was taken.
    pub(crate) fn is_void(&self) -> bool {
        self.flight.void.load(SeqCst)
    }

    /// Returns whether any call waits.
    pub(crate) fn is_awaited(&self) -> bool {
        self.flight.sender.receiver_count() > 0
    }

    /// A place behind this computation.
    pub(crate) fn follow(&self) -> Follower {
        Follower(self.flight.sender.subscribe())
    }

    /// Hands the result to every waiting call and to every call that joins until the guard is dropped. The guard is dropped
    /// when the result is in the store, so there is no gap between the two.
    pub(crate) fn complete(&mut self, completion: Completion) {
        self.flight.sender.send_replace(Some(completion));
    }

    /// Marks the key: the result, which took this long to compute, is not cached.
    pub(crate) fn mark(&self, took: Duration) {
        // After an invalidation the mark would be for calls whose results may be cached.
        if !self.is_void() {
            self.flights.mark(self.base(), took);
        }
    }

    /// Lets every waiting call compute for itself, and calls of the next moments as well: a result of another process was
    /// not cached.
    pub(crate) fn let_go(&self, time: Duration) {
        self.mark(time);
        self.flight.sender.send_if_modified(|completion| completion.replace(Completion::Unshared).is_none());
    }

    /// Ends the flight without a result for others, after a computation that took this long: every waiting call goes on at
    /// once, and one of them takes the lead.
    pub(crate) fn release(mut self, took: Duration) {
        self.mark(took);
        if self.is_void() {
            // Those who wait would wait for the next leader.
            self.complete(Completion::Unshared);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        // A panic of the computation, or of what judges or encodes its result, ends it like a failure.
        if std::thread::panicking() {
            self.mark(self.began.elapsed());
        }
        let mut flights = self.flights.shard(self.base()).lock();
        if flights.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            flights.remove(&self.key);
        }
        // The last sender goes with this guard, after the key is free: waiters that wake to a closed channel find a
        // free key.
    }
}
