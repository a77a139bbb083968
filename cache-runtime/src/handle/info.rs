//! What can be known of an entry without its value, and of the store.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::types::breaker::Breaker;

use crate::codec::envelope;
use crate::engine::lookup::pending;
use crate::handle::cache::Cache;
use crate::store::{Store, Ttl};
use crate::types::error::Error;
use crate::types::expire::Expire;

/// What is known of an entry without looking at its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EntryInfo {
    /// The whole key, as in Redis.
    pub key: String,
    /// The codec of the value.
    pub codec: &'static str,
    /// The compression of the value.
    pub compress: &'static str,
    /// Whether it stands for a `None`.
    pub is_none: bool,
    /// The tags that it carries.
    pub tags: Vec<String>,
    /// When it was stored, by the clock of the process that did.
    pub created: SystemTime,
    /// How long it has to live; `None` is for ever.
    pub ttl: Option<Duration>,
    /// What it takes in the store, in bytes.
    pub size: usize,
}

/// How the store is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// Whether the store answers.
    pub connected: bool,
    /// Whether calls go to the store.
    pub breaker: Breaker,
    /// How long it took to answer.
    pub latency: Option<Duration>,
    /// What went wrong last.
    pub error: Option<String>,
    /// Whether changes in Redis are told to the copies in this process; `None` where there are none. While it is `false`
    /// no copy is served.
    pub push: Option<bool>,
    /// How many refreshes and other pieces of work run in the background.
    pub background: usize,
    /// How many keys are being computed now.
    pub computing: usize,
    /// How many invalidations the store has still to carry out; they are retried until it does.
    pub pending_invalidations: usize,
}

impl Cache {
    /// What is known of an entry, without its value. `None` when nothing is stored under `key`, or nothing of ours.
    ///
    /// # Errors
    /// The store did not answer, or has still to invalidate the entry.
    pub async fn inspect(&self, key: &str) -> Result<Option<EntryInfo>, Error> {
        self.open()?;
        let op = self.op(key, Expire::Never)?;
        if op.core.pending.holds(&op.key, op.labels()) {
            return Err(pending());
        }
        let found = op.core.store.read(&op.key, op.labels()).await?;
        let opened = found.bytes.as_ref().and_then(|bytes| Some((bytes, envelope::parse(bytes)?)));
        let Some((bytes, opened)) = opened else { return Ok(None) };
        if !op.is_current(&opened, &found.marks).await? {
            return Ok(None);
        }
        let (key, header) = (&op.key, opened.header);
        let ttl = op.core.store.life(key).await?.0;
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
            created: UNIX_EPOCH + Duration::from_millis(header.created_ms),
            ttl,
            size: bytes.len(),
        }))
    }

    /// Asks the store for a sign of life.
    pub async fn health(&self) -> Health {
        let core = self.core();
        let (connected, latency, error) = match core.store.ping().await {
            Ok(latency) => (true, Some(latency), None),
            Err(error) => (false, None, Some(error.to_string())),
        };
        Health {
            connected,
            breaker: core.store.breaker(),
            latency,
            error,
            push: core.near.is_healthy(),
            background: core.background.len(),
            computing: core.flights.len(),
            pending_invalidations: core.pending.len(),
        }
    }
}
