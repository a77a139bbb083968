//! The near cache of one cache, opened at its first use.

use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;

use super::change_counts::ChangeCount;
#[cfg(feature = "revoke")]
use super::change_counts::ChangeMark;
use super::copies::Copies;
use super::held_stamps::HeldTags;
use super::local_tier::LocalTier;
use crate::observe::trace;
use crate::store::any::AnyStore;
use crate::store::memory::{ArgIndex, CallKey};
use crate::store::settings::StoreSettings;
use crate::store::watched::Tracking;
use crate::types::clock::Clock;
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::Stamp;

/// Copies of Redis in this process, for the functions that use them.
pub(crate) struct NearCache {
    settings: LocalTier,
    /// The TTL of copies for functions that do not set `local`; `None` if these have none.
    default_ttl: Option<Duration>,
    prefix: String,
    max_value: usize,
    clock: Clock,
    /// Holds `None` if the cache has no shared store, or its copies could not be set up.
    opened: OnceLock<Option<TrackedCopies>>,
}

struct TrackedCopies {
    copies: Arc<Copies>,
    tracking: Tracking,
}

/// The copies as one function uses them.
#[derive(Clone, Copy)]
pub(crate) struct NearAccess<'a> {
    opened: &'a TrackedCopies,
    ttl: Duration,
}

/// The changes of an entry and its labels before a read.
pub(crate) struct NearChanges {
    count: ChangeCount,
    /// The changes of each tag, where tags have slots of their own.
    tags: Box<[ChangeCount]>,
    /// The number of reads that a node of a cluster redirected to another one, which may not notify of changes yet.
    redirects: u64,
}

/// A mark of two keys that are no entries, and of the reads that a node redirected.
#[cfg(feature = "revoke")]
#[derive(Clone, Copy)]
pub(crate) struct KeyMark {
    changes: ChangeMark,
    redirects: u64,
}

impl NearCache {
    /// Returns a near cache that is not open yet.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub(crate) fn new(settings: &StoreSettings, prefix: &str) -> Result<Self, Error> {
        Ok(Self {
            settings: settings.local.clone().unwrap_or_default(),
            default_ttl: settings.local.as_ref().map(LocalTier::check).transpose()?,
            prefix: prefix.to_owned(),
            max_value: settings.max_value,
            clock: settings.clock.clone(),
            opened: OnceLock::new(),
        })
    }

    /// Opens the near cache, if the builder enabled it for all functions.
    pub(crate) fn open(&self, store: &AnyStore) {
        if self.default_ttl.is_some() {
            let _ = self.opened_for(store);
        }
    }

    /// Returns the copies for a function with this `local` option.
    #[inline]
    pub(crate) fn access<'a>(&'a self, store: &AnyStore, local: Option<Duration>) -> Option<NearAccess<'a>> {
        let ttl = local.or(self.default_ttl)?;
        Some(NearAccess { opened: self.opened_for(store)?, ttl })
    }

    /// Drops the copy of an entry that this process has changed.
    pub(crate) fn forget(&self, key: &str) {
        if let Some(copies) = self.copies() {
            copies.forget(key);
        }
    }

    /// Drops all copies under labels that this process has restamped.
    pub(crate) fn forget_labels(&self, labels: &[Label]) {
        if let Some(copies) = self.copies() {
            labels.iter().for_each(|label| copies.forget(label.as_str()));
        }
    }

    /// Drops all copies.
    pub(crate) fn clear(&self) {
        if let Some(copies) = self.copies() {
            copies.clear();
        }
    }

    /// Returns `true` while changes of all entries are notified, `None` if the near cache is not open.
    pub(crate) fn is_healthy(&self) -> Option<bool> {
        let opened = self.opened.get()?.as_ref()?;
        Some(opened.copies.is_healthy() && opened.tracking.is_complete())
    }

    fn copies(&self) -> Option<&Copies> {
        self.opened.get()?.as_ref().map(|opened| &*opened.copies)
    }

    #[inline]
    fn opened_for(&self, store: &AnyStore) -> Option<&TrackedCopies> {
        match self.opened.get() {
            Some(opened) => opened.as_ref(),
            None => self.open_first(store),
        }
    }

    #[cold]
    fn open_first(&self, store: &AnyStore) -> Option<&TrackedCopies> {
        let open = || {
            let opened = self.try_open(store);
            opened.inspect_err(|error| trace::warn(&format!("the local tier is off: {error}"))).ok().flatten()
        };
        self.opened.get_or_init(open).as_ref()
    }

    fn try_open(&self, store: &AnyStore) -> Result<Option<TrackedCopies>, Error> {
        // The values of a memory store are in this process already.
        if !store.is_shared() {
            return Ok(None);
        }
        let copies = Arc::new(Copies::new(self.settings.max_bytes, self.max_value, &self.clock)?);
        let tracking = store.track(&self.prefix, Arc::clone(&copies))?;
        Ok(tracking.map(|tracking| TrackedCopies { copies, tracking }))
    }
}

impl<'a> NearAccess<'a> {
    /// Returns the changes so far, to be taken before an entry is read.
    pub(crate) fn changes(self, key: &Key, labels: Labels<'_>) -> NearChanges {
        let NearAccess { opened: TrackedCopies { copies, tracking }, .. } = self;
        let tags = if tracking.is_sharded() { copies.tag_changes(labels.tags) } else { Box::default() };
        NearChanges { count: copies.changes(key, labels), tags, redirects: tracking.redirects() }
    }

    /// Stores a copy of an entry that was read after `changes` was taken; `left` is the time for which it stays fresh.
    pub(crate) fn fill(
        self,
        changes: &NearChanges,
        key: &Key,
        labels: Labels<'_>,
        bytes: &Bytes,
        left: Option<Duration>,
    ) {
        let ttl = left.map_or(self.ttl, |left| left.min(self.ttl));
        if !ttl.is_zero() && self.covers(changes, key, labels) {
            self.opened.copies.fill(changes.count, key, labels, bytes, ttl);
        }
    }

    /// Holds the stamps of tags in other slots, read after `changes` was taken, for the next reads.
    pub(crate) fn hold_stamps(
        self,
        changes: &NearChanges,
        key: &Key,
        labels: Labels<'_>,
        stamps: &[Option<Stamp>],
    ) {
        if !changes.tags.is_empty() && self.covers(changes, key, labels) {
            let stamps = &stamps[stamps.len().saturating_sub(labels.tags.len())..];
            self.opened.copies.hold_stamps(labels.tags, stamps, &changes.tags);
        }
    }

    /// Returns the stamps of tags in other slots, if all are held.
    pub(crate) fn held_stamps(self, tags: &[Label]) -> Option<HeldTags> {
        if tags.is_empty() || !self.opened.tracking.is_sharded() {
            return None;
        }
        self.opened.copies.held_stamps(tags, self.ttl)
    }

    /// Returns this access for what is read under stamps of this age: a copy does not live longer than the time since.
    pub(crate) fn older(self, age: Duration) -> Self {
        Self { ttl: self.ttl.saturating_sub(age), ..self }
    }

    /// Returns the mark of two keys that are no entries, to be made before they are read.
    #[cfg(feature = "revoke")]
    pub(crate) fn mark(self, keys: [&str; 2]) -> KeyMark {
        let NearAccess { opened: TrackedCopies { copies, tracking }, .. } = self;
        KeyMark { changes: copies.mark(keys), redirects: tracking.redirects() }
    }

    /// Returns `true` if what was read of these keys after the mark was made may be used again: their nodes notify of changes.
    #[cfg(feature = "revoke")]
    pub(crate) fn may_keep(self, mark: &KeyMark, keys: [&str; 2]) -> bool {
        let tracking = &self.opened.tracking;
        self.is_current(mark) && tracking.covers_keys(&keys) && tracking.redirects() == mark.redirects
    }

    /// Returns `true` if what was read after the mark was made is so still.
    #[cfg(feature = "revoke")]
    #[inline]
    pub(crate) fn is_current(self, mark: &KeyMark) -> bool {
        self.opened.copies.is_current(&mark.changes)
    }

    /// Returns the longest time for which what was read is used.
    #[cfg(feature = "revoke")]
    pub(crate) fn ttl(self) -> Duration {
        self.ttl
    }

    /// Returns `true` if the nodes of an entry and its labels notify of changes, and no node redirected a read since.
    fn covers(self, changes: &NearChanges, key: &Key, labels: Labels<'_>) -> bool {
        let tracking = &self.opened.tracking;
        tracking.covers(key, labels) && tracking.redirects() == changes.redirects
    }

    /// Returns the copy of an entry, and the decoded value if `copy` can restore it.
    pub(crate) fn copied<V>(
        self,
        key: &Key,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<(Bytes, Option<V>)> {
        self.opened.copies.copied(key, copy)
    }

    /// Stores the value decoded from `bytes` beside them.
    pub(crate) fn share(self, key: &Key, bytes: &Bytes, value: Arc<dyn Any + Send + Sync>) {
        self.opened.copies.share(key, bytes, value);
    }

    /// Returns the index of decoded values, while changes are notified.
    #[inline]
    pub(crate) fn typed(self) -> Option<&'a ArgIndex> {
        self.opened.copies.typed()
    }

    /// Stores the value decoded from `bytes`, for [`NearAccess::typed`].
    pub(crate) fn insert_typed(
        self,
        call_key: &CallKey<'_>,
        key: &Key,
        bytes: &Bytes,
        value: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
    ) {
        self.opened.copies.insert_typed(call_key, key, bytes, value);
    }
}
