//! The waits of computations for one another, by which a cycle is found before it is closed.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The number of a flight, unique in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FlightId(u64);

impl FlightId {
    /// Returns a number that no other flight has.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}

/// The flights that computations of other flights wait for, of all caches.
static WAITS: LazyLock<Mutex<Waits>> = LazyLock::new(Mutex::default);

#[derive(Debug, Default)]
struct Waits(HashMap<FlightId, Vec<FlightId>>);

/// A wait of computations for a flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct FlightWait {
    computations: Vec<FlightId>,
    target: FlightId,
}

impl FlightWait {
    /// Notes that `computations`, each inside the next one, wait for `target`; `None` if `target` waits for one of them, so
    /// that none would ever end.
    pub(crate) fn begin(computations: Vec<FlightId>, target: FlightId) -> Option<Self> {
        // Most calls are not made by a computation.
        if !computations.is_empty() {
            let mut waits = lock();
            if waits.lead_to(target, &computations) {
                return None;
            }
            for computation in &computations {
                waits.0.entry(*computation).or_default().push(target);
            }
        }
        Some(Self { computations, target })
    }
}

impl Drop for FlightWait {
    fn drop(&mut self) {
        if self.computations.is_empty() {
            return;
        }
        let mut waits = lock();
        for computation in &self.computations {
            let Some(targets) = waits.0.get_mut(computation) else { continue };
            if let Some(index) = targets.iter().position(|target| *target == self.target) {
                targets.swap_remove(index);
            }
            if targets.is_empty() {
                waits.0.remove(computation);
            }
        }
    }
}

impl Waits {
    /// Returns whether a flight waits, directly or through others, for one of `computations`.
    fn lead_to(&self, flight: FlightId, computations: &[FlightId]) -> bool {
        let ends: HashSet<FlightId> = computations.iter().copied().collect();
        let (mut seen, mut open) = (HashSet::new(), vec![flight]);
        while let Some(flight) = open.pop() {
            if ends.contains(&flight) {
                return true;
            }
            if seen.insert(flight) {
                open.extend(self.0.get(&flight).into_iter().flatten());
            }
        }
        false
    }
}

fn lock() -> MutexGuard<'static, Waits> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that no other test uses.
    fn id(n: u64) -> FlightId {
        FlightId(u64::MAX - n)
    }

    #[test]
    fn the_last_wait_of_a_cycle_is_refused() {
        let first = FlightWait::begin(vec![id(1)], id(2)).expect("no cycle");
        let second = FlightWait::begin(vec![id(3), id(2)], id(4)).expect("no cycle");
        assert!(FlightWait::begin(vec![id(5), id(4)], id(1)).is_none());
        assert!(FlightWait::begin(vec![id(4)], id(4)).is_none(), "of one");
        let other = FlightWait::begin(vec![id(5)], id(1)).expect("no cycle");
        drop(second);
        drop(FlightWait::begin(vec![id(4)], id(1)).expect("the cycle is open"));
        drop((first, other));
        assert!(lock().0.keys().all(|known| (1..6).all(|n| *known != id(n))));
    }
}
