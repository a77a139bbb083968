//! One event.

use std::time::SystemTime;

use serde::Serialize;

use crate::observe::event_kind::EventKind;
use crate::types::milliseconds;

/// Something that a cache of this process did.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let cache = larder::Cache::builder().build().await?;
/// let mut events = cache.events();
/// cache.set("answer", &42, "1h").await?;
///
/// let event = events.recv().await.unwrap();
/// assert_eq!(event.function.as_deref(), Some("handle"));
/// assert!(matches!(event.kind, larder::EventKind::Stored { .. }));
/// assert_eq!(event.key, None); // see `Builder::events_with_keys`
/// # Ok::<(), larder::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// The time. In JSON `at_ms`, in milliseconds since 1970.
    #[serde(rename = "at_ms", serialize_with = "milliseconds::since_epoch")]
    pub at: SystemTime,
    /// The name of the function, as in [`Stats`](crate::Stats); `None` for what happened to a connection.
    pub function: Option<String>,
    /// The whole key of the entry, or for an invalidation what it named: a key, the key of a group's or tag's stamp, a glob.
    /// `None` without [`Builder::events_with_keys`](crate::Builder::events_with_keys).
    pub key: Option<String>,
    /// The kind, with its details.
    #[serde(flatten)]
    pub kind: EventKind,
}
