//! The entries inside this process.

use std::any::Any;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use quick_cache::{OptionsBuilder, sync::Cache as Table};

use super::arg_index::ArgIndex;
use super::call_key::CallKey;
use super::entry::MemoryEntry;
use super::label_stamps::{LabelStamp, LabelStamps, SharedStamps};
use super::leases::Leases;
use super::lifecycle::{EntryLifecycle, EntryWeighter};
use crate::store::lease::Token;
use crate::types::clock::Clock;
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels, glob_match};

type Hasher = foldhash::fast::RandomState;

/// Entries inside this process.
pub(crate) struct MemoryStore {
    pub(super) clock: Clock,
    pub(super) entries: Table<String, Arc<MemoryEntry>, EntryWeighter, Hasher, EntryLifecycle>,
    pub(super) label_stamps: LabelStamps,
    pub(super) leases: Leases,
    pub(super) arg_index: Arc<ArgIndex>,
    /// A stamp that all copies share.
    copies: RwLock<Arc<LabelStamp>>,
}

impl MemoryStore {
    /// Returns an empty store of at most `max_bytes`, bookkeeping included.
    ///
    /// # Errors
    /// `max_bytes` is too small for the layout of the table.
    pub(crate) fn new(max_bytes: usize, max_value: usize, clock: Clock) -> Result<Self, Error> {
        let arg_index = Arc::new(ArgIndex::new((max_bytes / (1 << 15)).clamp(64, 1 << 13), clock.clone()));
        // The limit is divided among the shards, and an entry must fit into one of them.
        let shards = (max_bytes / max_value.saturating_mul(4).max(1)).clamp(1, 64);
        let options = OptionsBuilder::new()
            .estimated_items_capacity((max_bytes / 1024).clamp(16, 1 << 20))
            .weight_capacity(max_bytes as u64)
            .shards(shards)
            .build()
            .map_err(|error| Error::config("max_memory", max_bytes.to_string(), error.to_string()))?;
        let lifecycle = EntryLifecycle::new(Arc::clone(&arg_index), max_bytes / shards);
        Ok(Self {
            clock,
            entries: Table::with_options(options, EntryWeighter, Hasher::default(), lifecycle),
            label_stamps: LabelStamps::new(),
            leases: Leases::new(),
            arg_index,
            copies: RwLock::new(Arc::new(LabelStamp::new())),
        })
    }

    /// Returns the index of decoded values, which are found without building a key text.
    #[inline]
    pub(crate) fn typed(&self) -> &ArgIndex {
        &self.arg_index
    }

    /// Stores the value decoded from `bytes`, for [`MemoryStore::typed`].
    pub(crate) fn insert_typed(
        &self,
        call_key: &CallKey<'_>,
        key: &Key,
        bytes: &Bytes,
        value: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
    ) {
        let Some(entry) = self.entries.peek(key.as_str()) else { return };
        // The entry may have been replaced since it was read; the value belongs to the bytes that were read.
        if entry.holds(bytes) {
            entry.insert_typed(value);
            self.arg_index.insert(call_key, &entry);
        }
    }

    /// Returns the envelope under `key`, and the decoded value if `copy` can restore it.
    pub(crate) fn copied<V>(
        &self,
        key: &Key,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<(Bytes, Option<V>)> {
        let entry = self.live(key.as_str())?;
        Some((entry.bytes(), entry.typed().and_then(|value| copy(&**value))))
    }

    /// Returns the decoded value of `bytes`, if they are still under `key` and `copy` can restore the value.
    pub(crate) fn typed_of<V>(
        &self,
        key: &Key,
        bytes: &Bytes,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<V> {
        let entry = self.entries.peek(key.as_str()).filter(|entry| entry.holds(bytes))?;
        copy(&**entry.typed()?)
    }

    /// Stores the value decoded from `bytes` beside them.
    pub(crate) fn share(&self, key: &Key, bytes: &Bytes, value: Arc<dyn Any + Send + Sync>) {
        if let Some(entry) = self.entries.peek(key.as_str()).filter(|entry| entry.holds(bytes)) {
            entry.insert_typed(|| value);
        }
    }

    /// Returns the envelope under `key`.
    pub(crate) fn bytes(&self, key: &Key) -> Option<Bytes> {
        self.live(key.as_str()).map(|entry| entry.bytes())
    }

    /// Releases a lease that is still held.
    pub(crate) fn release_lease(&self, key: &Key, token: &Token) {
        let mut leases = self.leases.lock(key.as_str());
        let Some(held) = leases.get_mut(key.as_str()) else { return };
        if held.reader == Some(*token) {
            held.reader = None;
        }
        if held.write == Some(*token) {
            held.write = None;
        }
        if held.reader.is_none() && held.write.is_none() {
            leases.remove(key.as_str());
        }
    }

    /// Removes an entry and any lease on it.
    pub(crate) fn remove(&self, key: &str) -> bool {
        let mut leases = self.leases.lock(key);
        leases.remove(key);
        self.discard(key)
    }

    /// Drops a label; returns whether it was in use.
    pub(crate) fn drop_label(&self, label: &Label) -> bool {
        self.label_stamps.restamp(label)
    }

    /// Returns the keys that match a glob: those of entries that may be served and, as in Redis, those under a lease.
    pub(crate) fn keys_matching(&self, pattern: &str) -> Vec<String> {
        let matches = |(key, entry): &(String, Arc<MemoryEntry>)| entry.is_live() && glob_match(pattern, key);
        let mut keys: Vec<String> = self.entries.iter().filter(matches).map(|(key, _)| key).collect();
        let leased = self.leases.keys().into_iter().filter(|key| glob_match(pattern, key));
        keys.extend(leased.map(String::from).filter(|key| self.entries.peek(key.as_str()).is_none()));
        keys
    }

    /// Returns the stamps for a copy under these labels.
    pub(crate) fn copy_stamps(&self, labels: Labels<'_>) -> SharedStamps {
        let copies = Arc::clone(&self.copies.read().unwrap_or_else(PoisonError::into_inner));
        std::iter::once(copies).chain(self.label_stamps.for_copy(labels)).collect()
    }

    /// Stores a copy of an entry of another store.
    pub(crate) fn insert_copy(&self, key: &Key, bytes: Bytes, ttl: Duration, stamps: SharedStamps) {
        // A copy that is too large is not stored: the entry is in the other store.
        let _ = self.insert(key.as_str().to_owned(), MemoryEntry::copy(bytes, ttl, stamps, &self.clock));
    }

    /// Removes the copy of `key`, and all copies under it if it is a label.
    pub(crate) fn remove_copy(&self, key: &str) {
        self.label_stamps.remove(key);
        self.discard(key);
    }

    /// Removes all entries. Copies are invalid from the first step on, and their memory is freed after that.
    pub(crate) fn clear(&self) {
        let old = {
            let mut copies = self.copies.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *copies, Arc::new(LabelStamp::new()))
        };
        old.revoke();
        self.entries.clear();
        self.arg_index.clear();
    }

    /// Returns the entry under `key`, if it may be served.
    pub(super) fn live(&self, key: &str) -> Option<Arc<MemoryEntry>> {
        let entry = self.entries.get(key)?;
        if entry.is_live() {
            return Some(entry);
        }
        // Another call may have stored a new entry in the meantime; that one stays.
        self.entries.remove_if(key, |found| Arc::ptr_eq(found, &entry));
        self.arg_index.remove(&entry);
        None
    }

    /// Stores an entry.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the entry does not fit into a shard. The older entry is removed all the same.
    pub(super) fn insert(&self, text: String, entry: MemoryEntry) -> Result<(), Error> {
        let (size, limit) = (entry.size(&text), self.entries.shard_capacity());
        if size > limit {
            // The table would drop the entry silently.
            self.discard(&text);
            return Err(Error::TooLarge { size: size as usize, limit: limit as usize });
        }
        EntryLifecycle::begin();
        self.entries.insert(text, Arc::new(entry));
        Ok(())
    }

    /// Removes an entry; returns `true` if it could have been served.
    pub(super) fn discard(&self, key: &str) -> bool {
        self.entries.remove(key).is_some_and(|(_, entry)| {
            let is_live = entry.is_live();
            self.arg_index.remove(&entry);
            is_live
        })
    }
}
