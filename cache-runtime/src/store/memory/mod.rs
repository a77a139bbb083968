//! The memory tier: entries inside this process, bounded in bytes, each with its own expiry.
//!
//! Entries are the same envelopes as in Redis, so that both behave alike. Two things make a hit cheap: a value that is
//! `Clone` keeps a decoded copy beside its bytes, and calls whose key is a hash of arguments find their entry by the
//! arguments themselves, before any key text is built ([`CallKey`]).

mod arg_index;
mod entry;
mod labels;
mod leases;

use std::time::Duration;

use bytes::Bytes;
use quick_cache::{OptionsBuilder, Weighter, sync::Cache as Table};

pub(crate) use self::arg_index::CallKey;
use self::{
    arg_index::ArgIndex,
    entry::{EntryLifecycle, MemoryEntry, Weigh},
    labels::Cells,
    leases::Leases,
};
use super::{Claim, LeaseMode, Leased, Page, Store, StoreRead, Token, Ttl};
use crate::codec::envelope;
use crate::types::clock::Clock;
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels, glob_match};
use crate::types::stamp::CurrentStamps;

use std::any::Any;
use std::sync::Arc;

type Hasher = foldhash::fast::RandomState;

/// Entries inside this process.
pub(crate) struct Memory {
    clock: Clock,
    entries: Table<String, Arc<MemoryEntry>, Weigh, Hasher, EntryLifecycle>,
    cells: Cells,
    leases: Leases,
    /// A label that all copies share.
    all: std::sync::RwLock<Arc<labels::Cell>>,
    fronts: Arc<ArgIndex>,
}

impl Memory {
    /// At most `max_bytes`, bookkeeping included.
    ///
    /// # Errors
    /// The bound is too small for the store to be laid out.
    pub(crate) fn new(max_bytes: usize, max_value: usize, clock: Clock) -> Result<Self, Error> {
        let fronts = Arc::new(ArgIndex::new((max_bytes / (1 << 15)).clamp(64, 1 << 13)));
        // The store divides its room among shards, and an entry must fit into one of them.
        let shards = (max_bytes / max_value.saturating_mul(4).max(1)).clamp(1, 64);
        let options = OptionsBuilder::new()
            .estimated_items_capacity((max_bytes / 1024).clamp(16, 1 << 20))
            .weight_capacity(max_bytes as u64)
            .shards(shards)
            .build()
            .map_err(|error| Error::config("max_memory", max_bytes.to_string(), error.to_string()))?;
        let entries =
            Table::with_options(options, Weigh, Hasher::default(), EntryLifecycle(Arc::clone(&fronts)));
        Ok(Self {
            clock,
            entries,
            cells: Cells::new(),
            leases: Leases::new(),
            all: std::sync::RwLock::new(Arc::new(labels::Cell::new())),
            fronts,
        })
    }

    /// The value that these arguments led to before, if it is still there: no key text, no decoding.
    pub(crate) fn typed<V>(
        &self,
        call_key: &CallKey<'_>,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<V> {
        self.fronts.copy(call_key, copy)
    }

    /// Remembers the value decoded from `bytes`, so that [`Memory::typed`] finds it.
    pub(crate) fn insert_typed(
        &self,
        call_key: &CallKey<'_>,
        key: &Key,
        bytes: &Bytes,
        value: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
    ) {
        let Some(entry) = self.entries.peek(key.as_str()) else { return };
        // The entry may have been replaced since it was read: only the very same bytes decode to this value.
        if entry.holds(bytes) {
            entry.insert(value);
            self.fronts.insert(call_key, &entry);
        }
    }

    /// Gives a lease back.
    pub(crate) fn let_go(&self, key: &Key, token: &Token) {
        let mut leases = self.leases.lock(key.as_str());
        if leases.get(key.as_str()) == Some(token) {
            leases.remove(key.as_str());
        }
    }

    /// The envelope under `key`.
    #[cfg(feature = "redis")]
    pub(crate) fn bytes(&self, key: &Key) -> Option<Bytes> {
        self.live(key.as_str()).map(|entry| entry.bytes())
    }

    /// What a copy under these labels lives with.
    #[cfg(feature = "redis")]
    pub(crate) fn cells(&self, labels: Labels<'_>) -> Box<[Arc<labels::Cell>]> {
        let all = Arc::clone(&self.all.read().unwrap_or_else(std::sync::PoisonError::into_inner));
        std::iter::once(all).chain(self.cells.cells(labels)).collect()
    }

    /// Keeps a copy of what is in another tier.
    #[cfg(feature = "redis")]
    pub(crate) fn keep(&self, key: &Key, bytes: Bytes, life: Duration, cells: Box<[Arc<labels::Cell>]>) {
        // One that is too large is not kept; it is in the other tier.
        let _ = self.insert(key.as_str().to_owned(), MemoryEntry::new(bytes, Some(life), cells, &self.clock));
    }

    /// Drops the copy of `key`, and all copies under it if it is a label.
    #[cfg(feature = "redis")]
    pub(crate) fn drop_copy(&self, key: &str) {
        self.cells.kill(key);
        self.discard(key);
    }

    /// Drops every copy: none of them is served from here on, and their memory is free after that.
    pub(crate) fn drop_all(&self) {
        let old = {
            let mut all = self.all.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::replace(&mut *all, Arc::new(labels::Cell::new()))
        };
        old.kill();
        self.entries.clear();
        self.fronts.clear();
    }

    fn live(&self, key: &str) -> Option<Arc<MemoryEntry>> {
        let entry = self.entries.get(key)?;
        if entry.is_live() {
            return Some(entry);
        }
        // Another call may have stored a new one in the meantime; that one stays.
        self.entries.remove_if(key, |found| Arc::ptr_eq(found, &entry));
        self.fronts.kill(&entry);
        None
    }

    fn insert(&self, text: String, entry: MemoryEntry) -> Result<(), Error> {
        let entry = Arc::new(entry);
        let (size, limit) = (Weigh.weight(&text, &entry), self.entries.shard_capacity());
        if size > limit {
            // The store would drop it without a word. What was there before is older, and must not stay.
            self.discard(&text);
            return Err(Error::TooLarge { size: size as usize, limit: limit as usize });
        }
        self.entries.insert(text, entry);
        Ok(())
    }

    /// Removes an entry and whatever lease there is on it.
    pub(crate) fn remove(&self, key: &str) -> bool {
        let mut leases = self.leases.lock(key);
        leases.remove(key);
        self.discard(key)
    }

    fn discard(&self, key: &str) -> bool {
        self.entries.remove(key).is_some_and(|(_, entry)| {
            let live = entry.is_live();
            self.fronts.kill(&entry);
            live
        })
    }
}

impl Store for Memory {
    async fn read(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        let marks = self.cells.marks(labels);
        Ok(StoreRead { bytes: self.live(key.as_str()).map(|entry| entry.bytes()), marks })
    }

    async fn marks(&self, labels: Labels<'_>) -> Result<CurrentStamps, Error> {
        Ok(self.cells.marks(labels))
    }

    async fn lease(
        &self,
        key: &Key,
        labels: Labels<'_>,
        token: &Token,
        mode: LeaseMode,
        seen: &[u8],
    ) -> Result<Leased, Error> {
        let mut leases = self.leases.lock(key.as_str());
        let stored = self.live(key.as_str()).map(|entry| entry.bytes());
        let changed = match &stored {
            Some(bytes) => envelope::head(bytes) != seen,
            None => mode == LeaseMode::Refresh,
        };
        match mode {
            LeaseMode::Miss | LeaseMode::Refresh if changed => return Ok(Leased::Changed),
            LeaseMode::Put => drop(self.discard(key.as_str())),
            LeaseMode::Miss | LeaseMode::Refresh | LeaseMode::Force => {}
        }
        // Flights see to it that one call at a time asks; who asks again has given up what it asked for before.
        leases.insert(key.as_str().into(), *token);
        Ok(Leased::Granted(self.cells.stamps(labels)))
    }

    async fn renew(&self, key: &Key, token: &Token) -> Result<bool, Error> {
        Ok(self.leases.lock(key.as_str()).get(key.as_str()) == Some(token))
    }

    async fn release(&self, key: &Key, token: &Token, _: Duration) -> Result<(), Error> {
        self.let_go(key, token);
        Ok(())
    }

    async fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        life: Option<Duration>,
        claim: Claim<'_>,
    ) -> Result<bool, Error> {
        let text = key.as_str();
        let mut leases = self.leases.lock(text);
        if claim.token.is_some() && leases.get(text) != claim.token {
            return Ok(false);
        }
        leases.remove(text);
        let Some(cells) = self.cells.under(labels, claim.stamps) else { return Ok(false) };
        self.insert(text.to_owned(), MemoryEntry::new(envelope, life, cells, &self.clock)).map(|()| true)
    }

    async fn replace(&self, key: &Key, seen: &[u8], envelope: Bytes) -> Result<bool, Error> {
        let mut leases = self.leases.lock(key.as_str());
        let Some(old) = self.live(key.as_str()).filter(|old| envelope::head(&old.bytes()) == seen) else {
            return Ok(false);
        };
        leases.remove(key.as_str());
        self.insert(key.as_str().to_owned(), old.renewed(envelope)).map(|()| true)
    }

    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        Ok(self.remove(key.as_str()))
    }

    async fn life(&self, key: &Key) -> Result<(Ttl, bool), Error> {
        // An entry whose labels were dropped is dead, so nobody has to ask further.
        Ok((self.live(key.as_str()).map_or(Ttl::Absent, |entry| entry.life()), false))
    }

    async fn restamp(&self, labels: &[Label]) -> Result<(), Error> {
        labels.iter().for_each(|label| self.cells.restamp(label));
        Ok(())
    }

    async fn reclaim(&self, group: &Label) -> Result<u64, Error> {
        let base = [group.as_str(), ":"].concat();
        // While this walks, the group may be dropped again and its keys be filled again: what counts is how things are
        // at the moment of removal.
        let is_stale = |entry: &Arc<MemoryEntry>| !entry.is_live();
        let stale = |(key, entry): &(String, Arc<MemoryEntry>)| key.starts_with(&base) && is_stale(entry);
        let keys: Vec<String> = self.entries.iter().filter(stale).map(|(key, _)| key).collect();
        let removed = keys.iter().filter_map(|key| self.entries.remove_if(key.as_str(), is_stale));
        Ok(removed.inspect(|(_, entry)| self.fronts.kill(entry)).count() as u64)
    }

    async fn scan(&self, pattern: &str, _: u64) -> Result<Page, Error> {
        let matches = |(key, entry): &(String, Arc<MemoryEntry>)| entry.is_live() && glob_match(pattern, key);
        let mut keys: Vec<String> = self.entries.iter().filter(matches).map(|(key, _)| key).collect();
        // As in Redis, a key that is being computed is there.
        let leased = self.leases.keys().into_iter().filter(|key| glob_match(pattern, key));
        keys.extend(leased.map(String::from).filter(|key| self.entries.peek(key.as_str()).is_none()));
        Ok(Page { keys, next: None })
    }

    async fn ping(&self) -> Result<Duration, Error> {
        Ok(Duration::ZERO)
    }

    async fn delete_page(&self, keys: &[String], _: bool) -> Result<u64, Error> {
        // Nobody but larder can store here.
        Ok(keys.iter().filter(|key| self.remove(key)).count() as u64)
    }
}
