//! The channel from a cache to its subscribers.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::broadcast;

use super::event::Event;
use crate::observe::event_kind::EventKind;

/// The number of events that wait for the slowest subscriber.
const CAPACITY: usize = 1_024;

/// A ring of the last events. It is allocated for the first subscriber.
#[derive(Debug, Default)]
pub(crate) struct EventChannel {
    /// The number of subscribers: nothing else is read while there are none.
    subscribers: AtomicUsize,
    with_keys: bool,
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    sender: Option<broadcast::Sender<Event>>,
    is_closed: bool,
}

impl EventChannel {
    pub(crate) fn new(with_keys: bool) -> Self {
        Self { with_keys, ..Self::default() }
    }

    #[inline]
    pub(crate) fn has_subscribers(&self) -> bool {
        self.subscribers.load(Relaxed) > 0
    }

    /// Sends an event about a function.
    #[cold]
    pub(crate) fn send(&self, function: &str, key: impl FnOnce() -> Option<String>, kind: EventKind) {
        let key = if self.with_keys { key() } else { None };
        self.send_event(Some(function.to_owned()), key, kind);
    }

    /// Sends an event about a connection.
    #[cfg(feature = "redis")]
    pub(crate) fn send_unnamed(&self, kind: EventKind) {
        self.send_event(None, None, kind);
    }

    fn send_event(&self, function: Option<String>, key: Option<String>, kind: EventKind) {
        let sender = self.lock().sender.clone();
        if let Some(sender) = sender {
            // Fails if the last subscriber has just gone.
            drop(sender.send(Event { at: SystemTime::now(), function, key, kind }));
        }
    }

    /// Adds a subscriber, which [`EventChannel::unsubscribe`] removes.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Event> {
        let mut ring = self.lock();
        self.subscribers.fetch_add(1, Relaxed);
        if ring.is_closed {
            // The sender is dropped, so that the stream ends at once.
            return broadcast::channel(1).1;
        }
        match &ring.sender {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = broadcast::channel(CAPACITY);
                ring.sender = Some(sender);
                receiver
            }
        }
    }

    pub(super) fn unsubscribe(&self) {
        let mut ring = self.lock();
        if self.subscribers.fetch_sub(1, Relaxed) == 1 {
            ring.sender = None;
        }
    }

    /// Ends the streams of all subscribers.
    pub(crate) fn close(&self) {
        let mut ring = self.lock();
        (ring.sender, ring.is_closed) = (None, true);
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
