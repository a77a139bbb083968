//! One entry in memory.

use std::any::Any;
use std::sync::atomic::{
    AtomicBool, AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
    Ordering::SeqCst, fence,
};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use super::expires_at::ExpiresAt;
use super::label_stamps::SharedStamps;
use crate::codec::envelope;
use crate::store::contract::Ttl;
use crate::types::clock::Clock;

/// The memory that an entry takes in addition to its key and its bytes.
const OVERHEAD: usize = 256;

/// One entry: its envelope, its expiry, and the decoded value once a call has decoded it.
pub(crate) struct MemoryEntry {
    bytes: Bytes,
    raw_len: usize,
    expires_at: Option<ExpiresAt>,
    stamps: SharedStamps,
    /// True if only its expiry and its removal end the entry.
    is_plain: bool,
    typed: OnceLock<Arc<dyn Any + Send + Sync>>,
    /// Set when the entry is removed, replaced or evicted: readers that still hold it must not serve it.
    is_removed: AtomicBool,
    /// Set by hits that the table of entries does not see, so that it does not evict what is in use.
    is_used: AtomicBool,
    /// The hash of the arguments under which the argument index has this entry; 0 if there are none.
    index_hash: AtomicU64,
}

impl MemoryEntry {
    /// Returns an entry that ends with its TTL or with the first of its stamps.
    pub(crate) fn new(bytes: Bytes, ttl: Option<Duration>, stamps: SharedStamps, clock: &Clock) -> Self {
        Self::with_expiry(bytes, ttl.and_then(|ttl| ExpiresAt::after(ttl, clock)), stamps)
    }

    /// Returns an entry for another envelope with the expiry and the stamps of this one.
    pub(crate) fn replaced_by(&self, bytes: Bytes) -> Self {
        Self::with_expiry(bytes, self.expires_at.clone(), self.stamps.clone())
    }

    fn with_expiry(bytes: Bytes, expires_at: Option<ExpiresAt>, stamps: SharedStamps) -> Self {
        let raw_len = envelope::raw_len(&bytes).max(bytes.len());
        let is_plain = stamps.is_empty();
        Self {
            is_plain,
            bytes,
            raw_len,
            expires_at,
            stamps,
            typed: OnceLock::new(),
            is_removed: AtomicBool::new(false),
            is_used: AtomicBool::new(false),
            index_hash: AtomicU64::new(0),
        }
    }

    /// The same for a copy, whose first stamp is the one that all copies share. Revoking that one empties the argument index.
    pub(crate) fn copy(bytes: Bytes, ttl: Duration, stamps: SharedStamps, clock: &Clock) -> Self {
        let is_plain = stamps.len() == 1;
        Self { is_plain, ..Self::new(bytes, Some(ttl), stamps, clock) }
    }

    /// Returns a moment of the coarse clock until which the entry can be served unless it is removed; `None` if that
    /// depends on more.
    pub(crate) fn plain_until(&self) -> Option<coarsetime::Instant> {
        self.expires_at.as_ref().map(ExpiresAt::coarse).filter(|_| self.is_plain)
    }

    /// Returns `true` if the entry may be served.
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        !self.is_removed.load(Acquire)
            && self.expires_at.as_ref().is_none_or(ExpiresAt::is_ahead)
            && self.stamps.iter().all(|stamp| stamp.is_current())
    }

    /// Marks the entry as removed. The place in the argument index that is read after this is one of a slot that was inserted
    /// before, or the insertion sees the mark.
    pub(crate) fn mark_removed(&self) {
        self.is_removed.store(true, Release);
        fence(SeqCst);
    }

    /// Notes a hit.
    #[inline]
    pub(crate) fn used(&self) {
        // Most hits find the note, and write nothing that other threads read.
        if !self.is_used.load(Relaxed) {
            self.is_used.store(true, Relaxed);
        }
    }

    /// Returns whether there was a hit since the last call.
    pub(crate) fn take_used(&self) -> bool {
        self.is_used.swap(false, Relaxed)
    }

    /// Records the place in the argument index, so that it is freed with the entry. Returns the place before.
    pub(crate) fn indexed_at(&self, hash: u64) -> Option<u64> {
        let before = self.index_hash.swap(hash, AcqRel);
        // With that of `mark_removed`: one of the two threads sees what the other has stored.
        fence(SeqCst);
        Some(before).filter(|hash| *hash != 0)
    }

    /// Returns whether the entry may be served, and `hash` is its place in the argument index.
    pub(crate) fn is_at(&self, hash: u64) -> bool {
        self.is_live() && self.index_hash() == Some(hash)
    }

    /// Returns the place in the argument index.
    pub(crate) fn index_hash(&self) -> Option<u64> {
        Some(self.index_hash.load(Acquire)).filter(|hash| *hash != 0)
    }

    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Returns `true` if `bytes` are those of this entry, and not merely equal ones.
    pub(crate) fn holds(&self, bytes: &Bytes) -> bool {
        self.bytes.as_ptr() == bytes.as_ptr()
    }

    /// Returns the decoded value, if there is one yet.
    pub(crate) fn typed(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.typed.get()
    }

    /// Stores the decoded value, if there is none yet.
    pub(crate) fn insert_typed(&self, value: impl FnOnce() -> Arc<dyn Any + Send + Sync>) {
        self.typed.get_or_init(value);
    }

    pub(crate) fn ttl(&self) -> Ttl {
        self.expires_at.as_ref().map_or(Ttl::Forever, |expires_at| Ttl::For(expires_at.left()))
    }

    /// Returns the memory that the entry takes with its key. The decoded value is assumed to be as large as the value was
    /// before compression.
    pub(crate) fn size(&self, key: &str) -> u64 {
        (key.len() + self.bytes.len() + self.raw_len + OVERHEAD) as u64
    }
}
