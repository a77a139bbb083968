//! The way of one listener of a channel.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;

use super::topics::{TopicSubscription, Topics};
use crate::engine::core::Core;
use crate::event_log::names::EventName;
use crate::event_log::source_stream::EventSource;
use crate::rt::io;

/// A listener of a channel.
pub(in crate::event_log) struct ChannelListener {
    pub(in crate::event_log) core: Arc<Core>,
    pub(in crate::event_log) name: EventName,
    pub(super) subscription: TopicSubscription,
}

impl ChannelListener {
    /// Subscribes to a channel, without waiting for the server.
    pub(super) fn new(core: &Arc<Core>, name: EventName, topics: &Arc<Topics>) -> Self {
        let subscription = topics.join(&name.key);
        let is_shared = core.store.is_shared();
        if !is_shared {
            topics.set_live(&name.key);
        }
        #[cfg(feature = "redis")]
        if is_shared {
            super::subscriber::follow(core, topics);
        }
        Self { core: Arc::clone(core), name, subscription }
    }

    /// Waits until the messages of the channel arrive, at most for the time limit of Redis.
    pub(in crate::event_log) async fn join(&mut self) {
        if *self.subscription.is_live.borrow() || self.core.check_open().is_err() {
            return;
        }
        let limit = limit(&self.core);
        let is_live = self.subscription.is_live.wait_for(|is_live| *is_live);
        // Whoever waited in vain gets the messages that come later.
        drop(io::timeout(limit, is_live).await);
    }
}

impl EventSource for ChannelListener {
    type Item = Bytes;

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.subscription.receiver.recv().await {
                Ok(message) => return Some(message),
                // At most once: a slow listener goes on with the oldest message that is there.
                Err(RecvError::Lagged(_)) => {}
                // The sender is there for as long as somebody listens.
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// Returns the time limit of Redis. Memory is live at once.
#[cfg_attr(not(feature = "redis"), expect(unused_variables, reason = "memory has no limit"))]
fn limit(core: &Core) -> Duration {
    #[cfg(feature = "redis")]
    if let Some(redis) = core.store.as_redis() {
        return redis.limit();
    }
    Duration::ZERO
}
