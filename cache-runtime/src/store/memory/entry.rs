//! One entry in memory.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Acquire, Ordering::Release};
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
    typed: OnceLock<Arc<dyn Any + Send + Sync>>,
    /// Set when the entry is removed, replaced or evicted: readers that still hold it must not serve it.
    is_removed: AtomicBool,
    /// The slot of the argument index that leads here, plus one; zero if there is none.
    index_slot: AtomicUsize,
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
        Self {
            bytes,
            raw_len,
            expires_at,
            stamps,
            typed: OnceLock::new(),
            is_removed: AtomicBool::new(false),
            index_slot: AtomicUsize::new(0),
        }
    }

    /// Returns `true` if the entry may be served.
    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        !self.is_removed.load(Acquire)
            && self.expires_at.as_ref().is_none_or(ExpiresAt::is_ahead)
            && self.stamps.iter().all(|stamp| stamp.is_current())
    }

    pub(crate) fn mark_removed(&self) {
        self.is_removed.store(true, Release);
    }

    /// Records the slot of the argument index, so that it is freed with the entry.
    pub(crate) fn indexed_at(&self, index_slot: usize) {
        self.index_slot.store(index_slot + 1, Release);
    }

    /// Returns the slot of the argument index that leads here.
    pub(crate) fn index_slot(&self) -> Option<usize> {
        self.index_slot.load(Acquire).checked_sub(1)
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
