//! What can be known of an entry without its value, and of the store.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::cache::Cache;
use crate::engine::overdue;
use crate::envelope;
use crate::error::Error;
use crate::expire::Expire;
use crate::tier::{Life, Tier};

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

/// Whether calls go to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Breaker {
    /// They do.
    Closed,
    /// They do not, because it did not answer; one attempt at a time finds out when it does again.
    Open,
    /// The first attempt to connect is under way: calls wait for it, at most for `redis_timeout`.
    Connecting,
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
    pub stream: Option<bool>,
    /// How many refreshes and other pieces of work run in the background.
    pub background: usize,
    /// How many keys are being computed now.
    pub computing: usize,
    /// How many invalidations the store has still to carry out; they are retried until it does.
    pub overdue: usize,
}

impl Cache {
    /// What is known of an entry, without its value. `None` when nothing is stored under `key`, or nothing of ours.
    ///
    /// # Errors
    /// The store did not answer, or has still to invalidate the entry.
    pub async fn inspect(&self, key: &str) -> Result<Option<EntryInfo>, Error> {
        self.open()?;
        let trip = self.trip(key, Expire::Never)?;
        if trip.inner.overdue.holds(&trip.key, trip.labels()) {
            return Err(overdue());
        }
        let found = trip.inner.tier.read(&trip.key, trip.labels()).await?;
        let opened = found.bytes.as_ref().and_then(|bytes| Some((bytes, envelope::look_into(bytes)?)));
        let Some((bytes, opened)) = opened else { return Ok(None) };
        if !trip.is_current(&opened, &found.marks).await? {
            return Ok(None);
        }
        let (key, meta) = (&trip.key, opened.meta);
        let life = trip.inner.tier.life(key).await?.0;
        let ttl = match trip.left(life, meta.hard_ms) {
            Life::Absent => return Ok(None),
            Life::Forever => None,
            Life::For(life) => Some(life),
        };
        Ok(Some(EntryInfo {
            key: key.as_str().to_owned(),
            codec: meta.codec.name(),
            compress: meta.compress.name(),
            is_none: meta.none,
            tags: opened.tags.names().map(str::to_owned).collect(),
            created: UNIX_EPOCH + Duration::from_millis(meta.created_ms),
            ttl,
            size: bytes.len(),
        }))
    }

    /// Asks the store for a sign of life.
    pub async fn health(&self) -> Health {
        let inner = self.inner();
        let (connected, latency, error) = match inner.tier.ping().await {
            Ok(latency) => (true, Some(latency), None),
            Err(error) => (false, None, Some(error.to_string())),
        };
        Health {
            connected,
            breaker: inner.tier.breaker(),
            latency,
            error,
            stream: inner.near.is_healthy(),
            background: inner.background.len(),
            computing: inner.flights.len(),
            overdue: inner.overdue.len(),
        }
    }
}
