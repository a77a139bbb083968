//! Invalidations of the last moments, which a switch to another server may have lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The time before its last acknowledgement from which on the changes of a server may be lost: a replica gets them late, and
/// none once it has been promoted.
const WINDOW: Duration = Duration::from_secs(10);
/// The time between that acknowledgement and a switch: sentinels wait before they take a server for dead.
const OUTAGE: Duration = Duration::from_secs(60);

/// The invalidations of the last moments. When there are too many, the oldest are forgotten.
#[derive(Debug)]
pub(super) struct RecentInvalidations<I> {
    log: Mutex<VecDeque<Recent<I>>>,
    max: usize,
    /// The moment of the last switch, as pending invalidations count.
    switched: AtomicU64,
    /// Wakes the task that makes them again: one that began before the switch was acknowledged after.
    straggler: Notify,
}

#[derive(Debug)]
struct Recent<I> {
    /// The moment at which the store acknowledged the invalidation.
    at: Instant,
    /// The moment at which the invalidation began, as pending ones count.
    began: u64,
    invalidation: I,
}

impl<I: Clone> RecentInvalidations<I> {
    /// Returns an empty log for this many invalidations.
    pub(super) fn new(max: usize) -> Self {
        Self { log: Mutex::default(), max, switched: AtomicU64::new(0), straggler: Notify::new() }
    }

    /// Records that the store acknowledged an invalidation.
    pub(super) fn add(&self, invalidation: &I, began: u64, now: Instant) {
        let mut log = self.log();
        let is_old = |recent: &Recent<I>| now.duration_since(recent.at) > WINDOW;
        while log.len() >= self.max || log.front().is_some_and(is_old) {
            log.pop_front();
        }
        log.push_back(Recent { at: now, began, invalidation: invalidation.clone() });
        drop(log);
        if began < self.switched.load(SeqCst) {
            self.straggler.notify_one();
        }
    }

    /// Records a switch at this moment.
    pub(super) fn switch(&self, moment: u64) {
        self.switched.store(moment, SeqCst);
    }

    /// Waits until an invalidation that began before the last switch is acknowledged.
    pub(super) async fn straggler(&self) {
        self.straggler.notified().await;
    }

    /// Takes those that are not too old, and began before the last switch.
    pub(super) fn take(&self, now: Instant) -> Vec<I> {
        let (mut lost, switched) = (Vec::new(), self.switched.load(SeqCst));
        self.log().retain(|recent| {
            let is_lost = recent.began < switched;
            if is_lost && now.duration_since(recent.at) <= OUTAGE {
                lost.push(recent.invalidation.clone());
            }
            !is_lost
        });
        lost
    }

    fn log(&self) -> MutexGuard<'_, VecDeque<Recent<I>>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_before_a_switch_are_taken_once() {
        let (recent, now) = (RecentInvalidations::new(10), Instant::now());
        let later = now + WINDOW + Duration::from_millis(1);
        recent.add(&"old", 1, now);
        recent.add(&"a", 2, later);
        recent.switch(7);
        recent.add(&"later", 7, later);
        assert_eq!(recent.take(later + OUTAGE), ["a"]);
        assert!(recent.take(later + OUTAGE).is_empty());
        recent.switch(8);
        assert!(recent.take(later + 2 * OUTAGE).is_empty());
    }

    #[tokio::test]
    async fn one_that_is_acknowledged_after_the_switch_is_reported() {
        let (recent, now) = (RecentInvalidations::new(10), Instant::now());
        recent.switch(7);
        assert!(recent.take(now).is_empty());
        recent.add(&"a", 6, now);
        recent.straggler().await;
        assert_eq!(recent.take(now), ["a"]);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let (recent, now) = (RecentInvalidations::new(2), Instant::now());
        for text in ["a", "b", "c"] {
            recent.add(&text, 0, now);
        }
        recent.switch(1);
        assert_eq!(recent.take(now), ["b", "c"]);
    }
}
