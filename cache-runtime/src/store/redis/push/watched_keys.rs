//! The keys that calls wait for, with the number of their changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The number of changes of one key.
pub(super) struct ChangeCounter(watch::Sender<u64>);

/// The keys that calls wait for. A key is removed with the last of its waiters.
#[derive(Default)]
pub(super) struct WatchedKeys(Mutex<HashMap<Box<[u8]>, KeyWaiters>>);

struct KeyWaiters {
    counter: Arc<ChangeCounter>,
    count: usize,
}

impl ChangeCounter {
    /// Returns the number of changes.
    pub(super) fn count(&self) -> u64 {
        *self.0.borrow()
    }

    /// Counts a change and wakes the waiters.
    pub(super) fn increment(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Waits until there are more than `seen` changes, and returns their number.
    pub(super) async fn beyond(&self, seen: u64) -> u64 {
        let mut counts = self.0.subscribe();
        // The sender is in `self`, so that the channel cannot be closed.
        counts.wait_for(|count| *count > seen).await.map_or(seen, |count| *count)
    }
}

impl WatchedKeys {
    /// Adds a waiter for a key.
    pub(super) fn join(&self, key: &[u8]) -> Arc<ChangeCounter> {
        let mut keys = self.lock();
        let new = || KeyWaiters { counter: Arc::new(ChangeCounter(watch::Sender::new(0))), count: 0 };
        let waiters = keys.entry(key.into()).or_insert_with(new);
        waiters.count += 1;
        Arc::clone(&waiters.counter)
    }

    /// Removes a waiter for a key.
    pub(super) fn leave(&self, key: &[u8]) {
        let mut keys = self.lock();
        if let Some(waiters) = keys.get_mut(key) {
            waiters.count -= 1;
            if waiters.count == 0 {
                keys.remove(key);
            }
        }
    }

    /// Returns the counter of a key, if there are waiters for it.
    pub(super) fn get(&self, key: &[u8]) -> Option<Arc<ChangeCounter>> {
        self.lock().get(key).map(|waiters| Arc::clone(&waiters.counter))
    }

    /// Returns all keys with their counters.
    pub(super) fn all(&self) -> Vec<(Box<[u8]>, Arc<ChangeCounter>)> {
        self.lock().iter().map(|(key, waiters)| (key.clone(), Arc::clone(&waiters.counter))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, KeyWaiters>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
