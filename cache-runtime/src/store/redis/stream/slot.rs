//! Slot: one key that somebody waits for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The changes of one key, counted.
pub(super) struct Slot(watch::Sender<u64>);

/// The keys that are waited for; each leaves with the last who waits for it.
#[derive(Default)]
pub(super) struct Slots(Mutex<HashMap<Box<[u8]>, Place>>);

struct Place {
    slot: Arc<Slot>,
    waiters: usize,
}

impl Slot {
    /// How often the key changed.
    pub(super) fn count(&self) -> u64 {
        *self.0.borrow()
    }

    /// One more change: wakes who waits.
    pub(super) fn bump(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    /// Waits until the key changed more often than `seen`, and answers how often.
    pub(super) async fn beyond(&self, seen: u64) -> u64 {
        let mut counts = self.0.subscribe();
        // The sender is in `self`, so the channel cannot be closed.
        counts.wait_for(|count| *count > seen).await.map_or(seen, |count| *count)
    }
}

impl Slots {
    /// The slot of a key, made at the first wait.
    pub(super) fn join(&self, key: &[u8]) -> Arc<Slot> {
        let mut slots = self.lock();
        let new = || Place { slot: Arc::new(Slot(watch::Sender::new(0))), waiters: 0 };
        let place = slots.entry(key.into()).or_insert_with(new);
        place.waiters += 1;
        Arc::clone(&place.slot)
    }

    /// One who waited for a key goes.
    pub(super) fn leave(&self, key: &[u8]) {
        let mut slots = self.lock();
        if let Some(place) = slots.get_mut(key) {
            place.waiters -= 1;
            if place.waiters == 0 {
                slots.remove(key);
            }
        }
    }

    /// The slot of a key that is waited for.
    pub(super) fn get(&self, key: &[u8]) -> Option<Arc<Slot>> {
        self.lock().get(key).map(|place| Arc::clone(&place.slot))
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<(Box<[u8]>, Arc<Slot>)> {
        self.lock().iter().map(|(key, place)| (key.clone(), Arc::clone(&place.slot))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
