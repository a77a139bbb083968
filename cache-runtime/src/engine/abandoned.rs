//! Writes that were abandoned: their outcome is not known.
//!
//! The change may still be made after its caller has gone, and a call in between may read the state before it. So an
//! abandoned write invalidates twice: at once, and after a while.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pending_invalidation::PendingInvalidation;

/// The second invalidations of abandoned writes, until they are due.
#[derive(Debug)]
pub(crate) struct AbandonedWrites {
    /// The time between the two invalidations.
    delay: Duration,
    max: usize,
    queue: Mutex<AbandonedQueue>,
}

#[derive(Debug, Default)]
struct AbandonedQueue {
    /// In order, because all have the same delay.
    entries: VecDeque<(Instant, PendingInvalidation)>,
    is_running: bool,
}

/// The next step of the task that waits for them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// These are due.
    Invalidate(Vec<PendingInvalidation>),
    /// None is due before this time has passed.
    Wait(Duration),
    /// There are none.
    End,
}

impl AbandonedWrites {
    pub(crate) fn new(delay: Duration, max: usize) -> Self {
        Self { delay, max, queue: Mutex::default() }
    }

    /// The number of invalidations that are not due yet.
    pub(crate) fn len(&self) -> usize {
        self.queue().entries.len()
    }

    /// Adds invalidations. Returns whether there was room, and whether the task is to be started.
    pub(crate) fn add(&self, invalidations: &[PendingInvalidation], now: Instant) -> (bool, bool) {
        let mut queue = self.queue();
        let room = self.max.saturating_sub(queue.entries.len());
        let fitting = invalidations.iter().take(room).cloned();
        queue.entries.extend(fitting.map(|invalidation| (now + self.delay, invalidation)));
        let is_new = !queue.entries.is_empty() && !std::mem::replace(&mut queue.is_running, true);
        (room >= invalidations.len(), is_new)
    }

    /// Takes those that are due.
    pub(crate) fn next(&self, now: Instant) -> NextStep {
        let mut queue = self.queue();
        let due = queue.entries.iter().take_while(|(at, _)| *at <= now).count();
        if due > 0 {
            return NextStep::Invalidate(queue.entries.drain(..due).map(|(_, due)| due).collect());
        }
        match queue.entries.front() {
            Some((at, _)) => NextStep::Wait(at.saturating_duration_since(now)),
            None => {
                queue.is_running = false;
                NextStep::End
            }
        }
    }

    /// Takes all of them.
    pub(crate) fn take(&self) -> Vec<PendingInvalidation> {
        self.queue().entries.drain(..).map(|(_, invalidation)| invalidation).collect()
    }

    fn queue(&self) -> MutexGuard<'_, AbandonedQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn key(text: &str) -> PendingInvalidation {
        PendingInvalidation::Key(text.into())
    }

    #[test]
    fn each_is_due_after_the_delay() {
        let (writes, now) = (AbandonedWrites::new(SECOND, 10), Instant::now());
        assert_eq!(writes.add(&[key("a"), key("b")], now), (true, true));
        assert_eq!(writes.add(&[key("a")], now + SECOND / 2), (true, false));
        assert_eq!(writes.next(now), NextStep::Wait(SECOND));
        assert_eq!(writes.next(now + SECOND), NextStep::Invalidate(vec![key("a"), key("b")]));
        assert_eq!((writes.next(now + SECOND), writes.len()), (NextStep::Wait(SECOND / 2), 1));
        assert_eq!(writes.take(), [key("a")]);
        assert_eq!(writes.next(now), NextStep::End);
        assert_eq!(writes.add(&[key("c")], now), (true, true));
    }

    #[test]
    fn they_are_bounded() {
        let (writes, now) = (AbandonedWrites::new(SECOND, 2), Instant::now());
        assert_eq!(writes.add(&[key("a"), key("b"), key("c")], now), (false, true));
        assert_eq!(writes.len(), 2);
    }
}
