//! A shard of the flights, with locks of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::flight_state::Flight;
use super::key_times::KeyTimes;

/// The number of keys of a shard that may back off at once; beyond it, a refresh is tried more often than it should be.
const MAX_BACKOFFS: usize = 4096;
/// The number of keys of a shard that may be marked at once; beyond it, calls wait for results that they do not get.
const MAX_MARKS: usize = 512;

/// The flights of some keys, and what is known about these keys.
pub(super) struct FlightShard {
    flights: Mutex<HashMap<Box<str>, Arc<Flight>>>,
    /// There may be flights of a lane beside others. Changed inside `flights`.
    pub(super) has_lanes: AtomicBool,
    /// Orders the beginnings of calls and computations.
    pub(super) clock: AtomicU64,
    /// Keys that are not to be refreshed for a while.
    backoffs: Mutex<KeyTimes>,
    /// Keys whose last result was not cached. Locked inside `flights`, never around it.
    marks: Mutex<KeyTimes>,
}

impl Default for FlightShard {
    fn default() -> Self {
        Self {
            flights: Mutex::default(),
            has_lanes: AtomicBool::new(false),
            clock: AtomicU64::default(),
            backoffs: Mutex::new(KeyTimes::new(MAX_BACKOFFS)),
            marks: Mutex::new(KeyTimes::new(MAX_MARKS)),
        }
    }
}

impl FlightShard {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Flight>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Invalidates the computations of `key`, in all lanes.
    pub(super) fn void(&self, key: &str) {
        let mut flights = self.lock();
        if let Some(flight) = flights.remove(key) {
            flight.void.store(true, SeqCst);
        }
        if self.has_lanes.load(SeqCst) {
            let is_lane = |other: &str, flight: &Flight| flight.base == key.len() && other.starts_with(key);
            for (_, flight) in flights.extract_if(|other, flight| is_lane(other, flight)) {
                flight.void.store(true, SeqCst);
            }
            let has_lanes = flights.iter().any(|(key, flight)| flight.base < key.len());
            self.has_lanes.store(has_lanes, SeqCst);
        }
    }

    pub(super) fn backoffs(&self) -> MutexGuard<'_, KeyTimes> {
        self.backoffs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn marks(&self) -> MutexGuard<'_, KeyTimes> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
