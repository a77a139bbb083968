//! Information about an entry without its value, and about the state of the store.

use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::types::breaker::Breaker;

use crate::codec::envelope;
use crate::engine::lookup::pending;
use crate::handle::cache::Cache;
use crate::store::{Store, Ttl};
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::milliseconds;
use crate::types::node_health::NodeHealth;

/// Information about an entry, without its value.
///
/// As JSON it is an object with these names, where `created` is `created_ms`, in milliseconds since 1970, and `ttl` is `ttl_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EntryInfo {
    /// The whole key, as in Redis.
    pub key: String,
    /// The codec of the value.
    pub codec: &'static str,
    /// The compression of the value.
    pub compress: &'static str,
    /// True if the entry is a cached `None`.
    pub is_none: bool,
    /// The tags of the entry.
    pub tags: Vec<String>,
    /// The name of the function whose entry it is, as in [`Stats`](crate::Stats); `"handle"` for what [`Cache::set`] stored.
    pub function: String,
    /// The time at which the entry was stored, by the clock of the process that stored it.
    #[serde(rename = "created_ms", serialize_with = "milliseconds::since_epoch")]
    pub created: SystemTime,
    /// The remaining TTL; `None` if the entry never expires.
    #[serde(rename = "ttl_ms", serialize_with = "milliseconds::optional")]
    pub ttl: Option<Duration>,
    /// The size of the entry in the store, in bytes.
    pub size: usize,
}

/// The state of the store and of the work in progress.
///
/// As JSON it is an object with these names, where `latency` is `latency_ms`, a number of milliseconds:
///
/// ```json
/// {"connected":true,"breaker":"closed","latency_ms":0.412,"error":null,
///  "nodes":[{"address":"127.0.0.1:6379","role":"primary","connected":true,"breaker":"closed","latency_ms":0.412,"last_error":null}],
///  "push":true,"background":0,"computing":2,"pending_invalidations":0}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// True if the store answered; of a cluster, every node that serves keys.
    pub connected: bool,
    /// The state of the circuit breaker, which decides whether calls go to the store. On a cluster each node has a breaker of its
    /// own, and this is the worst of the nodes that serve keys: calls for keys of other nodes go to the store.
    pub breaker: Breaker,
    /// The round trip time of the store, if it answered; on a cluster the longest one.
    #[serde(rename = "latency_ms", serialize_with = "milliseconds::optional")]
    pub latency: Option<Duration>,
    /// The error, if the store did not answer.
    pub error: Option<String>,
    /// The servers of Redis: one, or all nodes of a cluster. Empty for `memory://`, and while no node of a cluster has answered.
    pub nodes: Vec<NodeHealth>,
    /// True if Redis notifies this process of changes, as copies in this process require; while `false`, no copy is served. On
    /// a cluster, true if all primaries notify; while `false`, no copy of keys of the others is served. `None` if there are
    /// no copies in this process.
    pub push: Option<bool>,
    /// The number of refreshes and other tasks that run in the background.
    pub background: usize,
    /// The number of keys that are being computed.
    pub computing: usize,
    /// The number of invalidations that the store has not carried out yet; they are retried until it does. Those that follow
    /// an abandoned write count until the second one has been carried out.
    pub pending_invalidations: usize,
}

impl Cache {
    /// Returns information about the entry under `key`, without its value; `None` if there is no entry of larder.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// let info = cache.inspect("answer").await?.unwrap();
    /// assert_eq!(info.codec, "json");
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The store failed, an invalidation of the entry is still pending, or the cache is closed.
    pub async fn inspect(&self, key: &str) -> Result<Option<EntryInfo>, Error> {
        self.open()?;
        let op = self.op(key, Expire::Never)?;
        if op.core.pending.holds(&op.key, op.labels(), None) {
            return Err(pending());
        }
        let found = op.ask(pin!(op.core.store.read(&op.key, op.labels()))).await?;
        let opened =
            found.bytes.as_ref().and_then(|bytes| Some((bytes, envelope::open(&op.key, bytes, usize::MAX)?)));
        let Some((bytes, opened)) = opened else { return Ok(None) };
        if !op.check_labels(&opened, &found.stamps).await? {
            return Ok(None);
        }
        let (key, header) = (&op.key, opened.header);
        let ttl = op.ask(pin!(op.core.store.ttl(key))).await?.0;
        let ttl = match op.remaining(ttl, header.hard_ms) {
            Ttl::Absent => return Ok(None),
            Ttl::Forever => None,
            Ttl::For(ttl) => Some(ttl),
        };
        Ok(Some(EntryInfo {
            key: key.as_str().to_owned(),
            codec: header.form.name(),
            compress: header.compress.name(),
            is_none: header.none,
            tags: opened.tags.names().map(str::to_owned).collect(),
            function: opened.function().to_owned(),
            created: UNIX_EPOCH + Duration::from_millis(header.created_ms),
            ttl,
            size: bytes.len(),
        }))
    }

    /// Returns the state of the store, to which it sends a ping, and of the work in progress.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # let cache = larder::Cache::builder().build().await?;
    /// assert!(cache.health().await.connected);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn health(&self) -> Health {
        self.health_with(self.ping().await)
    }

    /// Sends a ping to the store.
    ///
    /// # Errors
    /// The store did not answer.
    pub(crate) async fn ping(&self) -> Result<Duration, Error> {
        self.core().store.ping().await
    }

    /// Returns the state of the store and of the work in progress, with the answer to a ping.
    pub(crate) fn health_with(&self, ping: Result<Duration, Error>) -> Health {
        let core = self.core();
        Health {
            connected: ping.is_ok(),
            breaker: core.store.breaker(),
            latency: ping.as_ref().ok().copied(),
            error: ping.err().map(|error| error.to_string()),
            nodes: core.store.nodes(),
            push: core.near.is_healthy(),
            background: core.background.len(),
            computing: core.flights.len(),
            pending_invalidations: core.pending.len() + core.abandoned.len(),
        }
    }
}
