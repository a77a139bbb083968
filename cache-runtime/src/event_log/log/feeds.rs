//! The logs that this process listens to: each has one feed, however many listeners there are.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::broadcast;

use super::event::LogEntry;
use super::memory_log::MemoryLogs;
use super::settings::Retention;
use crate::event_log::event_id::EventId;
use crate::event_log::in_use::{InUse, Listened};

/// The number of entries that wait for the slowest listener of a log. One that is slower reads what it missed from the log.
const CAPACITY: usize = 256;

/// The feeds of one cache.
#[derive(Debug, Default)]
pub(super) struct LogFeeds {
    table: Mutex<FeedTable>,
    pub(super) memory: MemoryLogs,
    /// Held while an entry in memory is added and delivered, so that entries are delivered in their order.
    order: Mutex<()>,
    /// It was said that logs are those of this process alone.
    pub(super) is_told: AtomicBool,
}

#[derive(Debug, Default)]
struct FeedTable {
    feeds: HashMap<String, Feed>,
    /// The readers that run, by the slots that they follow.
    #[cfg(feature = "redis")]
    readers: HashMap<u16, Arc<tokio::sync::Notify>>,
}

#[derive(Debug)]
struct Feed {
    sender: broadcast::Sender<Delivery>,
    listeners: usize,
    #[cfg(feature = "redis")]
    slot: u16,
    /// The id of the last entry that was delivered; `None` until a listener knows the end of the log.
    #[cfg(feature = "redis")]
    position: Option<EventId>,
}

/// An item for all listeners of a log.
#[derive(Debug, Clone)]
pub(super) enum Delivery {
    /// An entry.
    Entry(LogEntry),
    /// Entries may have been missed: each listener has to look.
    #[cfg(feature = "redis")]
    Check,
}

/// The listener's end of a feed.
pub(super) struct Subscription {
    pub(super) receiver: broadcast::Receiver<Delivery>,
    _in_use: InUse,
}

impl LogFeeds {
    /// Adds a listener of the log `key` in `slot`.
    #[cfg_attr(not(feature = "redis"), expect(unused_variables, reason = "memory has no slots"))]
    pub(super) fn join(self: &Arc<Self>, key: &str, slot: u16) -> Subscription {
        let mut table = self.lock();
        let feed = table.feeds.entry(key.to_owned()).or_insert_with(|| Feed {
            sender: broadcast::channel(CAPACITY).0,
            listeners: 0,
            #[cfg(feature = "redis")]
            slot,
            #[cfg(feature = "redis")]
            position: None,
        });
        feed.listeners += 1;
        let receiver = feed.sender.subscribe();
        Subscription { receiver, _in_use: InUse::new(Arc::clone(self) as Arc<dyn Listened>, key) }
    }

    /// Adds an event to a log in memory, and delivers the entry.
    pub(super) fn append_in_memory(
        &self,
        key: &str,
        json: Bytes,
        retention: Retention,
        now_ms: u64,
    ) -> EventId {
        let _order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = self.memory.append(key, json, retention, now_ms);
        let id = entry.id;
        let sender = self.lock().feeds.get(key).map(|feed| feed.sender.clone());
        if let Some(sender) = sender {
            // Fails if the last listener has just gone. Not under the lock of the table: a waker runs foreign code.
            drop(sender.send(Delivery::Entry(entry)));
        }
        id
    }

    fn lock(&self) -> MutexGuard<'_, FeedTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listened for LogFeeds {
    fn leave(&self, key: &str) {
        let mut table = self.lock();
        if let Some(feed) = table.feeds.get_mut(key) {
            feed.listeners -= 1;
            if feed.listeners == 0 {
                table.feeds.remove(key);
            }
        }
    }
}

#[cfg(feature = "redis")]
mod followed {
    use tokio::sync::Notify;

    use super::*;

    /// The logs of one reader, with the ids of the last entries that were delivered.
    pub(in crate::event_log::log) type Positions = Vec<(String, EventId)>;

    impl LogFeeds {
        /// Has the log read from `end` on, unless it is read already. Returns `true` if the listener has news for the reader.
        pub(in crate::event_log::log) fn read_from(&self, key: &str, end: EventId) -> bool {
            let mut table = self.lock();
            let feed = table.feeds.get_mut(key).filter(|feed| feed.position.is_none());
            feed.map(|feed| feed.position = Some(end)).is_some()
        }

        /// Returns the wake-up call of the reader of a slot, and `true` if the caller has to start the reader.
        pub(in crate::event_log::log) fn reader(&self, slot: u16) -> (Arc<Notify>, bool) {
            let mut table = self.lock();
            let is_new = !table.readers.contains_key(&slot);
            (Arc::clone(table.readers.entry(slot).or_default()), is_new)
        }

        /// Ends the reader of a slot, if nobody listens. Returns `false` if somebody does.
        pub(in crate::event_log::log) fn end_reader(&self, slot: u16) -> bool {
            let mut table = self.lock();
            let is_over = table.feeds.values().all(|feed| feed.slot != slot);
            if is_over {
                table.readers.remove(&slot);
            }
            is_over
        }

        /// Returns the logs of a slot that are read.
        pub(in crate::event_log::log) fn positions(&self, slot: u16) -> Positions {
            let table = self.lock();
            let feeds = table.feeds.iter().filter(|(_, feed)| feed.slot == slot);
            feeds.filter_map(|(key, feed)| Some((key.clone(), feed.position?))).collect()
        }

        /// Delivers the entries of a log.
        pub(in crate::event_log::log) fn deliver(&self, key: &str, entries: Vec<LogEntry>) {
            let Some(last) = entries.last() else { return };
            let Some(sender) = self.moved(key, last.id) else { return };
            for entry in entries {
                drop(sender.send(Delivery::Entry(entry)));
            }
        }

        /// Goes on reading a log from `end`, and has its listeners look for what they missed.
        pub(in crate::event_log::log) fn restart(&self, key: &str, end: EventId) {
            if let Some(sender) = self.moved(key, end) {
                drop(sender.send(Delivery::Check));
            }
        }

        /// Records a position, and returns the sender of the log, to be used without the lock: a waker runs foreign code.
        fn moved(&self, key: &str, position: EventId) -> Option<broadcast::Sender<Delivery>> {
            let mut table = self.lock();
            let feed = table.feeds.get_mut(key)?;
            feed.position = Some(position);
            Some(feed.sender.clone())
        }
    }
}

#[cfg(feature = "redis")]
pub(super) use self::followed::Positions;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_ends_with_its_last_listener() {
        let feeds = Arc::new(LogFeeds::default());
        let (one, two) = (feeds.join("a", 0), feeds.join("a", 0));
        feeds.append_in_memory("a", Bytes::from_static(b"1"), Retention::default(), 1);
        assert_eq!((one.receiver.len(), two.receiver.len()), (1, 1));
        drop(one);
        assert_eq!(feeds.lock().feeds.len(), 1);
        drop(two);
        assert!(feeds.lock().feeds.is_empty());
    }

    #[test]
    fn the_memory_of_a_listener_that_reads_nothing_is_bounded() {
        let feeds = Arc::new(LogFeeds::default());
        let listener = feeds.join("a", 0);
        for number in 0..10_000 {
            feeds.append_in_memory("a", Bytes::from_static(b"1"), Retention::default(), number);
        }
        assert!(listener.receiver.len() <= 10_000);
        let mut receiver = listener.receiver;
        assert!(matches!(receiver.try_recv(), Err(broadcast::error::TryRecvError::Lagged(_))));
        assert_eq!(std::iter::from_fn(|| receiver.try_recv().ok()).count(), CAPACITY);
    }
}
