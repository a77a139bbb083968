//! Logs of events: their settings, publishing and listening.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failures::publish_failed;
use super::feeds::LogFeeds;
use super::history;
use super::listener::LogListener;
use super::settings::Retention;
use super::stream::LogStream;
use crate::engine::core::Core;
use crate::event_log::event_id::EventId;
use crate::event_log::names::{EventName, encoded};
use crate::handle::Cache;
use crate::rt::park::block_on;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// A log of events, which listeners in all processes get once and in order, and resume after a break.
///
/// Made by [`Cache::event_log`]. A clone is the same log.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let cache = larder::Cache::builder().build().await?;
/// let orders = cache.event_log::<String>("orders").keep(1_000).expire("1h");
/// let first = orders.publish(&"packed".to_owned()).await?;
/// orders.publish(&"shipped".to_owned()).await?;
///
/// let mut events = orders.listen(Some(first)).await;
/// assert_eq!(events.recv().await.and_then(|event| event.data()).as_deref(), Some("shipped"));
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "a log does nothing until something is published or listened to"]
pub struct EventLog<T> {
    core: Arc<Core>,
    name: EventName,
    feeds: Arc<LogFeeds>,
    retention: Retention,
    events: PhantomData<fn(&T) -> T>,
}

impl Cache {
    /// Returns the log of events of this name, shared by all processes on one Redis. Nothing is stored until something is published.
    ///
    /// Events are JSON, of 64 KiB at most. Names are the application's own: one that a client sends has to be checked against a list.
    /// On a cluster, the logs of a cache are on one node, and those of each [group](Cache::group) on one of theirs.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let orders = cache.event_log::<String>("orders").keep(1_000).expire("1h");
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn event_log<T>(&self, name: &str) -> EventLog<T> {
        let core = Arc::clone(self.core());
        EventLog {
            name: EventName::of_log(&core, self.group_name().as_deref(), name),
            feeds: core.companions.get(),
            core,
            retention: Retention::default(),
            events: PhantomData,
        }
    }
}

impl<T> EventLog<T> {
    /// Sets the number of the newest events that are kept. Default: 1,000. Redis trims whole blocks of entries, so that it keeps some more.
    ///
    /// Each process that publishes trims by its own setting.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let orders = cache.event_log::<String>("orders").keep(10_000);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// If `events` is zero: use a [channel](Cache::channel).
    #[track_caller]
    pub fn keep(mut self, events: u64) -> Self {
        assert!(events > 0, "keep = 0: a log keeps one event at least; use `Cache::channel` to keep none");
        self.retention.keep = events;
        self
    }

    /// Sets the time after the last event at which the log is removed. Default: one day.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let orders = cache.event_log::<String>("orders").expire("1h");
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Panics
    /// If `expire` is not a time, such as `0` or `"soon"`.
    #[track_caller]
    pub fn expire(mut self, expire: impl IntoExpire) -> Self {
        self.retention.expire = match expire.into_expire() {
            Ok(Expire::After(time)) => Some(time),
            Ok(Expire::Never) => None,
            Err(error) => panic!("{error}"),
        };
        self
    }

    /// Subscribes, without reading the log yet.
    pub(in crate::event_log) fn listener(&self, last: Option<EventId>) -> LogListener {
        let (name, feeds) = (self.name.clone(), Arc::clone(&self.feeds));
        LogListener::new(&self.core, name, feeds, self.retention, last)
    }
}

impl<T: Serialize> EventLog<T> {
    /// Adds an event to the log, and returns its id.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let orders = cache.event_log::<String>("orders");
    /// let first = orders.publish(&"packed".to_owned()).await?;
    /// assert!(orders.publish(&"shipped".to_owned()).await? > first);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Encode`] and [`Error::TooLarge`] for an event that is not JSON of 64 KiB at most, and the errors of Redis. After
    /// [`Error::Timeout`] and [`Error::Unavailable`] the event may have been added: an event that must be added once has an id of its own in it.
    pub async fn publish(&self, event: &T) -> Result<EventId, Error> {
        let json = Bytes::from(encoded(event)?);
        let id = history::append(&self.core, &self.feeds, &self.name.key, json, self.retention).await;
        id.inspect_err(|error| publish_failed(&self.core, &self.name.row, error))
    }

    /// Adds an event as [`EventLog::publish`] does, for synchronous code.
    ///
    /// # Errors
    /// As [`EventLog::publish`].
    pub fn publish_blocking(&self, event: &T) -> Result<EventId, Error> {
        block_on(self.publish(event))
    }
}

impl<T: DeserializeOwned> EventLog<T> {
    /// Returns a stream of the events after `last_id`, or of those that are published from now on.
    ///
    /// The stream begins with [`LogEvent::Reset`](super::LogEvent::Reset) if the log does not hold all events after `last_id`. Entries that are not JSON of
    /// this type are skipped, and counted as `unusable`.
    ///
    /// This waits for Redis at most for [`Builder::redis_timeout`](crate::Builder::redis_timeout), and never fails: the stream waits until Redis is back.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let orders = cache.event_log::<String>("orders");
    /// let mut events = orders.listen(None).await;
    /// orders.publish(&"shipped".to_owned()).await?;
    /// assert_eq!(events.recv().await.and_then(|event| event.data()).as_deref(), Some("shipped"));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn listen(&self, last_id: Option<EventId>) -> LogStream<T> {
        let mut listener = self.listener(last_id);
        listener.join().await;
        LogStream::new(listener)
    }
}

impl<T> Clone for EventLog<T> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            name: self.name.clone(),
            feeds: Arc::clone(&self.feeds),
            events: PhantomData,
            ..*self
        }
    }
}

impl<T> fmt::Debug for EventLog<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLog")
            .field("key", &self.name.key)
            .field("keep", &self.retention.keep)
            .field("expire", &self.retention.expire)
            .finish_non_exhaustive()
    }
}
