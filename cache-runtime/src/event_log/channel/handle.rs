//! Channels: publishing and listening.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::listener::ChannelListener;
use super::stream::ChannelStream;
use super::topics::Topics;
use crate::engine::core::Core;
use crate::event_log::log::publish_failed;
use crate::event_log::names::{EventName, encoded};
use crate::handle::Cache;
use crate::observe::trace;
use crate::rt::park::block_on;
use crate::types::error::Error;

/// A channel: what is published reaches who listens at that moment, at most once, and is stored nowhere.
///
/// For what is worth nothing later, such as prices, cursors and progress. An event that must not be missed belongs into an
/// [`EventLog`](super::super::EventLog). Made by [`Cache::channel`]. A clone is the same channel.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let cache = larder::Cache::builder().build().await?;
/// let prices = cache.channel::<u64>("prices");
/// let mut ticks = prices.listen().await;
/// prices.publish(&100).await?;
/// assert_eq!(ticks.recv().await, Some(100));
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "a channel does nothing until something is published or listened to"]
pub struct Channel<T> {
    core: Arc<Core>,
    name: EventName,
    topics: Arc<Topics>,
    events: PhantomData<fn(&T) -> T>,
}

impl Cache {
    /// Returns the channel of this name, shared by all processes on one Redis.
    ///
    /// Events are JSON, of 64 KiB at most. Names are the application's own: one that a client sends has to be checked against a list.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let prices = cache.channel::<u64>("prices");
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn channel<T>(&self, name: &str) -> Channel<T> {
        let core = Arc::clone(self.core());
        Channel {
            name: EventName::of_channel(&core, self.group_name().as_deref(), name),
            topics: core.companions.get(),
            core,
            events: PhantomData,
        }
    }
}

impl<T> Channel<T> {
    /// Subscribes, without waiting for the server.
    pub(in crate::event_log) fn listener(&self) -> ChannelListener {
        ChannelListener::new(&self.core, self.name.clone(), &self.topics)
    }

    async fn send(&self, json: Vec<u8>) -> Result<u64, Error> {
        let core = &self.core;
        core.check_open()?;
        #[cfg(feature = "test-util")]
        core.store.inject("channel").await?;
        #[cfg(feature = "redis")]
        if let Some(redis) = core.store.as_redis() {
            return redis.send_message(&self.name.key, &json).await;
        }
        if !self.topics.is_told.swap(true, Relaxed) {
            trace::warn(
                "channels on `memory://` reach listeners of this process alone; with several processes use Redis",
            );
        }
        Ok(u64::from(self.topics.deliver(&self.name.key, json.into())))
    }
}

impl<T: Serialize> Channel<T> {
    /// Sends an event to all who listen now, and returns the number of processes that got it; on a cluster, of those that listen on the node
    /// that was asked.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// assert_eq!(cache.channel::<u64>("prices").publish(&100).await?, 0);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Encode`] and [`Error::TooLarge`] for an event that is not JSON of 64 KiB at most, and the errors of Redis.
    pub async fn publish(&self, event: &T) -> Result<u64, Error> {
        let sent = self.send(encoded(event)?).await;
        sent.inspect_err(|error| publish_failed(&self.core, &self.name.row, error))
    }

    /// Sends an event as [`Channel::publish`] does, for synchronous code.
    ///
    /// # Errors
    /// As [`Channel::publish`].
    pub fn publish_blocking(&self, event: &T) -> Result<u64, Error> {
        block_on(self.publish(event))
    }
}

impl<T: DeserializeOwned> Channel<T> {
    /// Returns a stream of the events from now on. A listener that is 256 events behind misses the oldest, and all miss what is published while
    /// Redis cannot be reached. Events that are not JSON of this type are skipped, and counted as `unusable`.
    ///
    /// This waits until Redis has subscribed this process, at most for [`Builder::redis_timeout`](crate::Builder::redis_timeout), and never fails: the stream
    /// waits until Redis is back.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let prices = cache.channel::<u64>("prices");
    /// let mut ticks = prices.listen().await;
    /// prices.publish(&100).await?;
    /// assert_eq!(ticks.recv().await, Some(100));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn listen(&self) -> ChannelStream<T> {
        let mut listener = self.listener();
        listener.join().await;
        ChannelStream::new(listener)
    }
}

impl<T> Clone for Channel<T> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            name: self.name.clone(),
            topics: Arc::clone(&self.topics),
            events: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("channel", &self.name.key).finish_non_exhaustive()
    }
}
