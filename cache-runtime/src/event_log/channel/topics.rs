//! The channels that this process listens to: each is one subscription, however many listeners there are.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, broadcast, watch};

use crate::event_log::in_use::{InUse, Listened};

/// The number of messages that wait for the slowest listener of a channel. One that is slower misses the oldest.
const CAPACITY: usize = 256;

/// The channels of one cache.
#[derive(Debug, Default)]
pub(super) struct Topics {
    table: Mutex<TopicTable>,
    /// Tells the subscriber that the channels are others, or that its connection was lost.
    pub(super) wake: Notify,
    /// It was said that channels are those of this process alone.
    pub(super) is_told: AtomicBool,
}

#[derive(Debug, Default)]
struct TopicTable {
    topics: HashMap<String, Topic>,
    /// The task that subscribes runs.
    #[cfg(feature = "redis")]
    has_subscriber: bool,
}

#[derive(Debug)]
struct Topic {
    sender: broadcast::Sender<Bytes>,
    /// The messages of the channel arrive.
    is_live: watch::Sender<bool>,
    listeners: usize,
}

/// The listener's end of a channel.
pub(super) struct TopicSubscription {
    pub(super) receiver: broadcast::Receiver<Bytes>,
    pub(super) is_live: watch::Receiver<bool>,
    _in_use: InUse,
}

impl Topics {
    /// Adds a listener of a channel.
    pub(super) fn join(self: &Arc<Self>, channel: &str) -> TopicSubscription {
        let mut table = self.lock();
        let topic = table.topics.entry(channel.to_owned()).or_insert_with(|| Topic {
            sender: broadcast::channel(CAPACITY).0,
            is_live: watch::Sender::new(false),
            listeners: 0,
        });
        topic.listeners += 1;
        TopicSubscription {
            receiver: topic.sender.subscribe(),
            is_live: topic.is_live.subscribe(),
            _in_use: InUse::new(Arc::clone(self) as Arc<dyn Listened>, channel),
        }
    }

    /// Delivers a message, and returns `true` if anybody listens.
    pub(super) fn deliver(&self, channel: &str, message: Bytes) -> bool {
        let sender = self.lock().topics.get(channel).map(|topic| topic.sender.clone());
        // Not under the lock: a waker runs foreign code.
        sender.is_some_and(|sender| sender.send(message).is_ok())
    }

    /// Records that the messages of a channel arrive.
    pub(super) fn set_live(&self, channel: &str) {
        let is_live = self.lock().topics.get(channel).map(|topic| topic.is_live.clone());
        if let Some(is_live) = is_live {
            is_live.send_replace(true);
        }
    }

    fn lock(&self) -> MutexGuard<'_, TopicTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listened for Topics {
    fn leave(&self, channel: &str) {
        let mut table = self.lock();
        let Some(topic) = table.topics.get_mut(channel) else { return };
        topic.listeners -= 1;
        if topic.listeners == 0 {
            table.topics.remove(channel);
            self.wake.notify_one();
        }
    }
}

#[cfg(feature = "redis")]
mod subscribed {
    use super::*;

    impl Topics {
        /// Returns `true` if the caller has to start the subscriber; else the subscriber looks at the channels anew.
        pub(in crate::event_log::channel) fn needs_subscriber(&self) -> bool {
            let has_subscriber = std::mem::replace(&mut self.lock().has_subscriber, true);
            if has_subscriber {
                self.wake.notify_one();
            }
            !has_subscriber
        }

        /// Ends the subscriber, if nobody listens. Returns `false` if somebody does.
        pub(in crate::event_log::channel) fn end_subscriber(&self) -> bool {
            let mut table = self.lock();
            let is_over = table.topics.is_empty();
            table.has_subscriber = !is_over;
            is_over
        }

        /// Returns the channels that somebody listens to.
        pub(in crate::event_log::channel) fn wanted(&self) -> Vec<String> {
            self.lock().topics.keys().cloned().collect()
        }

        /// Records that no messages arrive.
        pub(in crate::event_log::channel) fn set_lost(&self) {
            let all: Vec<_> = self.lock().topics.values().map(|topic| topic.is_live.clone()).collect();
            for is_live in all {
                is_live.send_replace(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_ends_with_its_last_listener() {
        let topics = Arc::new(Topics::default());
        assert!(!topics.deliver("a", Bytes::new()));
        let (one, two) = (topics.join("a"), topics.join("a"));
        assert!(topics.deliver("a", Bytes::new()));
        assert_eq!((one.receiver.len(), two.receiver.len()), (1, 1));
        drop((one, two));
        assert!(topics.lock().topics.is_empty());
    }
}
