//! Outage: while Redis is away, results are kept in this process for a moment, if the builder says so.
//!
//! It is a memory tier of its own, and is used by the same steps: a lease before the computation, a fill after it that an
//! invalidation in between voids. Once Redis answers again it is emptied: what other processes invalidated meanwhile was
//! not told here.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;

use crate::engine::entry_op::EntryOp;
use crate::store::memory::MemoryStore;
use crate::store::{Claim, Cursor, LeaseMode, Leased, Store, Token};
use crate::types::clock::Clock;
use crate::types::error::Error;
use crate::types::key::{Key, Label};
use crate::types::stamp::Stamps;

use super::decide::{Verdict, verdict};
use super::lookup::{Hit, Snapshot, times};
use crate::codec::Decode;
use crate::codec::envelope;
use crate::observe::stats::count;
use crate::types::breaker::Breaker;
use crate::types::windows::StaleWindows;

/// What it takes at most.
const MAX_BYTES: usize = 16 << 20;

/// What is kept, if anything is to be.
pub(crate) struct Outage(Option<Box<Spare>>);

struct Spare {
    life: Duration,
    memory: MemoryStore,
    /// Whether there may be anything in it.
    is_filled: AtomicBool,
}

impl Outage {
    /// Results are kept for this long, or not at all.
    ///
    /// # Errors
    /// The size limits cannot be used.
    pub(crate) fn new(life: Option<Duration>, max_value: usize, clock: &Clock) -> Result<Self, Error> {
        let Some(life) = life else { return Ok(Self(None)) };
        let memory = MemoryStore::new(MAX_BYTES, max_value.min(MAX_BYTES / 8), clock.clone())?;
        Ok(Self(Some(Box::new(Spare { life, memory, is_filled: AtomicBool::new(false) }))))
    }

    /// Whether anything is to be kept.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Redis answered.
    #[inline]
    pub(crate) fn answered(&self) {
        if let Some(fallback) = &self.0
            && fallback.is_filled.load(SeqCst)
            && fallback.is_filled.swap(false, SeqCst)
        {
            fallback.memory.clear();
        }
    }

    /// What is kept of an entry.
    pub(crate) async fn read(&self, op: &EntryOp<'_>) -> Option<Bytes> {
        let fallback = self.0.as_ref()?;
        fallback.memory.read(&op.key, op.labels()).await.ok()?.bytes
    }

    /// The right to keep what is about to be computed.
    pub(crate) async fn lease(&self, op: &EntryOp<'_>, token: &Token) -> Option<Stamps> {
        let fallback = self.0.as_ref()?;
        match fallback.memory.lease(&op.key, op.labels(), token, LeaseMode::Force, &[]).await {
            Ok(Leased::Granted(stamps)) => Some(stamps),
            Ok(_) | Err(_) => None,
        }
    }

    /// Gives that right back.
    pub(crate) fn let_go(&self, key: &Key, token: &Token) {
        self.0.as_ref().inspect(|fallback| fallback.memory.release_lease(key, token));
    }

    /// Keeps what was computed, unless it was invalidated in between.
    pub(crate) async fn fill(
        &self,
        op: &EntryOp<'_>,
        bytes: Bytes,
        life: Option<Duration>,
        claim: Claim<'_>,
    ) {
        let Some(fallback) = &self.0 else { return };
        let life = life.map_or(fallback.life, |life| life.min(fallback.life));
        fallback.is_filled.store(true, SeqCst);
        // One that is too large is not kept.
        drop(fallback.memory.fill(&op.key, op.labels(), bytes, Some(life), claim).await);
    }

    /// An entry was invalidated.
    pub(crate) fn forget(&self, key: &Key) {
        if let Some(fallback) = &self.0 {
            fallback.memory.remove(key.as_str());
        }
    }

    /// Labels were.
    pub(crate) async fn forget_labels(&self, labels: &[Label]) {
        if let Some(fallback) = &self.0 {
            drop(fallback.memory.restamp(labels).await);
        }
    }

    /// All keys were that match a pattern.
    pub(crate) async fn forget_all(&self, pattern: &str) {
        let Some(fallback) = &self.0 else { return };
        if let Ok(page) = fallback.memory.scan(pattern, Cursor::START).await {
            for key in &page.keys {
                fallback.memory.remove(key);
            }
        }
    }
}

impl EntryOp<'_> {
    /// Whether results are kept in this process now: not when the store answers and has only an invalidation to catch up
    /// with.
    pub(crate) fn is_out(&self, snapshot: &Snapshot) -> bool {
        self.core.outage.is_on() && (snapshot.is_blind || self.core.store.breaker() != Breaker::Closed)
    }

    /// What was kept in this process since the store went away.
    pub(crate) async fn fallback<V: Decode>(&self) -> Option<Hit<V>> {
        let bytes = self.core.outage.read(self).await?;
        let opened = envelope::open(&self.key, &bytes, V::limit(self.core.max_value))?;
        if !matches!(
            verdict(times(&opened), self.core.clock.now_ms(), StaleWindows::default(), &self.policy),
            Verdict::Fresh | Verdict::Early
        ) {
            return None;
        }
        let value = if opened.meta.none && opened.is::<V>() { None } else { Some(opened.decode(&bytes)?) };
        count(&self.counters.local_hits);
        Some(Hit { value, snapshot: Snapshot { bytes, ..Snapshot::default() } })
    }
}
