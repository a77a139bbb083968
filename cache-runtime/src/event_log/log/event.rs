//! Events, as they are stored and as listeners get them.

use bytes::Bytes;

use crate::event_log::event_id::EventId;

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::event_log) struct LogEntry {
    pub(in crate::event_log) id: EventId,
    /// The event as JSON; `None` for an entry that another program wrote.
    pub(in crate::event_log) json: Option<Bytes>,
}

/// An item of the way of one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::event_log) enum LogStep {
    /// The listener gets what is published after this id.
    Started(EventId),
    /// An entry.
    Entry(LogEntry),
    /// Entries up to this id may have been missed.
    Reset(EventId),
}

/// An item of a [`LogStream`](super::LogStream).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEvent<T> {
    /// An event.
    #[non_exhaustive]
    Event {
        /// The id, with which a listener resumes.
        id: EventId,
        /// The event.
        data: T,
    },
    /// Events may have been missed: the log holds no more of what the listener asked for. Load the state anew. The stream goes on
    /// with what is published after this id.
    #[non_exhaustive]
    Reset {
        /// The id from which the stream goes on.
        id: EventId,
    },
}

impl<T> LogEvent<T> {
    /// Returns the id, with which a listener resumes.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// let orders = cache.event_log::<String>("orders");
    /// let mut events = orders.listen(None).await;
    /// let id = orders.publish(&"shipped".to_owned()).await?;
    /// assert_eq!(events.recv().await.map(|event| event.id()), Some(id));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn id(&self) -> EventId {
        match self {
            Self::Event { id, .. } | Self::Reset { id } => *id,
        }
    }

    /// Returns the event; `None` for a reset.
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
    pub fn data(self) -> Option<T> {
        match self {
            Self::Event { data, .. } => Some(data),
            Self::Reset { .. } => None,
        }
    }
}
