//! A fallback for outages: while Redis is unavailable, results are cached in this process for a moment, if the builder
//! says so.
//!
//! The fallback is a memory store of its own with the same steps: a lease before the computation, and a fill after it
//! that an invalidation in between voids. It is emptied once Redis answers again, because this process was not notified
//! of the invalidations that other processes made meanwhile.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;

use crate::store::memory::MemoryStore;
use crate::store::{FillCondition, LeaseMode, Leased, Store, Token};
use crate::types::clock::Clock;
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::Stamps;

/// The largest size of the fallback.
const MAX_BYTES: usize = 16 << 20;

/// The fallback, if the builder asked for one.
pub(crate) struct OutageFallback(Option<Box<Fallback>>);

struct Fallback {
    ttl: Duration,
    memory: MemoryStore,
    /// True if it may hold anything.
    is_filled: AtomicBool,
}

impl OutageFallback {
    /// Caches results for this long, or not at all.
    ///
    /// # Errors
    /// The size limits cannot be used.
    pub(crate) fn new(ttl: Option<Duration>, max_value: usize, clock: &Clock) -> Result<Self, Error> {
        let Some(ttl) = ttl else { return Ok(Self(None)) };
        let memory = MemoryStore::new(MAX_BYTES, max_value.min(MAX_BYTES / 8), clock.clone())?;
        Ok(Self(Some(Box::new(Fallback { ttl, memory, is_filled: AtomicBool::new(false) }))))
    }

    /// Returns whether the builder asked for a fallback.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Empties the fallback: Redis answered.
    #[inline]
    pub(crate) fn store_answered(&self) {
        if let Some(fallback) = &self.0
            && fallback.is_filled.load(SeqCst)
            && fallback.is_filled.swap(false, SeqCst)
        {
            fallback.memory.clear();
        }
    }

    /// The stored bytes of an entry.
    pub(crate) async fn read(&self, key: &Key, labels: Labels<'_>) -> Option<Bytes> {
        let fallback = self.0.as_ref()?;
        fallback.memory.read(key, labels).await.ok()?.bytes
    }

    /// The right to store the result of a computation that is about to begin.
    pub(crate) async fn lease(&self, key: &Key, labels: Labels<'_>, token: &Token) -> Option<Stamps> {
        let fallback = self.0.as_ref()?;
        match fallback.memory.lease(key, labels, token, LeaseMode::Force, &[]).await {
            Ok(Leased::Granted(stamps)) => Some(stamps),
            Ok(_) | Err(_) => None,
        }
    }

    /// Returns that right.
    pub(crate) fn release(&self, key: &Key, token: &Token) {
        self.0.as_ref().inspect(|fallback| fallback.memory.release_lease(key, token));
    }

    /// Stores a result, unless the entry was invalidated since the lease.
    pub(crate) async fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        bytes: Bytes,
        ttl: Option<Duration>,
        condition: FillCondition<'_>,
    ) {
        let Some(fallback) = &self.0 else { return };
        let ttl = ttl.map_or(fallback.ttl, |ttl| ttl.min(fallback.ttl));
        fallback.is_filled.store(true, SeqCst);
        // A value that is too large is not stored.
        drop(fallback.memory.fill(key, labels, bytes, Some(ttl), condition).await);
    }

    /// Removes an entry.
    pub(crate) fn forget(&self, key: &str) {
        if let Some(fallback) = &self.0 {
            fallback.memory.remove(key);
        }
    }

    /// Drops labels.
    pub(crate) fn forget_labels(&self, labels: &[Label]) {
        if let Some(fallback) = &self.0 {
            labels.iter().for_each(|label| _ = fallback.memory.drop_label(label));
        }
    }

    /// Removes all keys that match a pattern.
    pub(crate) fn forget_all(&self, pattern: &str) {
        if let Some(fallback) = &self.0 {
            fallback.memory.keys_matching(pattern).iter().for_each(|key| _ = fallback.memory.remove(key));
        }
    }
}
