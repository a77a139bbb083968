//! The copies, and their invalidation.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};
use std::time::Duration;

use bytes::Bytes;

#[cfg(feature = "revoke")]
use super::change_counts::ChangeMark;
use super::change_counts::{ChangeCount, ChangeCounts};
use super::held_stamps::{HeldStamps, HeldTags};
use crate::store::listener::ChangeListener;
use crate::store::memory::{ArgIndex, CallKey, MemoryStore};
use crate::types::clock::Clock;
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::Stamp;

/// Copies of entries, served while changes of the entries are notified.
pub(super) struct Copies {
    memory: MemoryStore,
    stamps: HeldStamps,
    counts: ChangeCounts,
    is_healthy: AtomicBool,
}

impl Copies {
    /// Returns no copies, which may take at most `max_bytes`.
    ///
    /// # Errors
    /// The limit is too small.
    pub(super) fn new(max_bytes: usize, max_value: usize, clock: &Clock) -> Result<Self, Error> {
        let memory = MemoryStore::new(max_bytes, max_value.min(max_bytes / 8).max(1), clock.clone())?;
        let stamps = HeldStamps::new(max_bytes / 16, clock);
        Ok(Self { memory, stamps, counts: ChangeCounts::default(), is_healthy: AtomicBool::new(false) })
    }

    /// Returns `true` while changes are notified.
    #[inline]
    pub(super) fn is_healthy(&self) -> bool {
        self.is_healthy.load(Acquire)
    }

    /// Returns the count of changes, to be taken before an entry is read.
    pub(super) fn changes(&self, key: &Key, labels: Labels<'_>) -> ChangeCount {
        self.counts.count(key, labels)
    }

    /// Stores a copy, unless the entry has changed since `changes` was taken.
    pub(super) fn fill(
        &self,
        changes: ChangeCount,
        key: &Key,
        labels: Labels<'_>,
        bytes: &Bytes,
        ttl: Duration,
    ) {
        if !self.is_healthy() {
            return;
        }
        // Taken before the counts are compared: a stamp that is revoked after that invalidates the copy.
        let stamps = self.memory.copy_stamps(labels);
        let store = || self.memory.insert_copy(key, bytes.clone(), ttl, stamps);
        self.counts.unless_changed(changes, key, labels, store, || self.memory.remove_copy(key.as_str()));
    }

    /// Returns the mark of two keys that are no entries, to be made before they are read.
    #[cfg(feature = "revoke")]
    pub(super) fn mark(&self, keys: [&str; 2]) -> ChangeMark {
        self.counts.mark(keys)
    }

    /// Returns `true` while changes are notified, and if there was none since the mark was made.
    #[cfg(feature = "revoke")]
    #[inline]
    pub(super) fn is_current(&self, mark: &ChangeMark) -> bool {
        self.is_healthy() && self.counts.is_current(mark)
    }

    /// Returns the count of changes of each tag, to be taken before their stamps are read.
    pub(super) fn tag_changes(&self, tags: &[Label]) -> Box<[ChangeCount]> {
        tags.iter().map(|tag| self.counts.count_label(tag)).collect()
    }

    /// Holds the stamps of tags that were read after `changes` was taken.
    pub(super) fn hold_stamps(&self, tags: &[Label], stamps: &[Option<Stamp>], changes: &[ChangeCount]) {
        self.stamps.insert(tags, stamps, changes);
    }

    /// Returns the stamps of tags, if all are held and none was read longer ago than `ttl`.
    pub(super) fn held_stamps(&self, tags: &[Label], ttl: Duration) -> Option<HeldTags> {
        if !self.is_healthy() {
            return None;
        }
        self.stamps.get(tags, ttl, &self.counts)
    }

    /// Returns the copy of an entry, and the decoded value if `copy` can restore it.
    pub(super) fn copied<V>(
        &self,
        key: &Key,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<(Bytes, Option<V>)> {
        if !self.is_healthy() {
            return None;
        }
        self.memory.copied(key, copy)
    }

    /// Stores the value decoded from `bytes` beside them.
    pub(super) fn share(&self, key: &Key, bytes: &Bytes, value: Arc<dyn Any + Send + Sync>) {
        self.memory.share(key, bytes, value);
    }

    /// Returns the index of decoded values, which are found without building a key text, while changes are notified.
    #[inline]
    pub(super) fn typed(&self) -> Option<&ArgIndex> {
        self.is_healthy().then(|| self.memory.typed())
    }

    /// Stores the value decoded from `bytes`, for [`Copies::typed`].
    pub(super) fn insert_typed(
        &self,
        call_key: &CallKey<'_>,
        key: &Key,
        bytes: &Bytes,
        value: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
    ) {
        self.memory.insert_typed(call_key, key, bytes, value);
    }

    /// Drops the copy of an entry, and all copies under it if it is a label.
    pub(super) fn forget(&self, key: &str) {
        self.counts.changed(key, || self.memory.remove_copy(key));
    }

    /// Drops all copies.
    pub(super) fn clear(&self) {
        self.counts.all_changed();
        self.memory.clear();
    }
}

impl ChangeListener for Copies {
    fn on_connected(&self) {
        self.clear();
        self.is_healthy.store(true, Release);
    }

    fn on_lost(&self) {
        // Also called for each failed attempt to reconnect, when there is nothing left to drop.
        if self.is_healthy.swap(false, AcqRel) {
            self.clear();
        }
    }

    fn on_change(&self, key: &[u8]) {
        // Keys of larder are UTF-8.
        if let Ok(key) = std::str::from_utf8(key) {
            self.forget(key);
        }
    }

    fn on_flush(&self) {
        self.clear();
    }
}
