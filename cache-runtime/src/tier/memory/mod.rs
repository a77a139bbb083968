//! The memory tier: entries inside this process, bounded in bytes, each with its own expiry.
//!
//! Entries are the same envelopes as in Redis, so that both behave alike. Two things make a hit cheap: a value that is
//! `Clone` keeps a decoded copy beside its bytes, and calls whose key is a hash of arguments find their entry by the
//! arguments themselves, before any key text is built ([`Front`]).

mod front;
mod resident;

use std::time::Duration;

use bytes::Bytes;
use quick_cache::{OptionsBuilder, Weighter, sync::Cache as Store};

pub(crate) use self::front::Front;
use self::{
    front::Fronts,
    resident::{Kill, Resident, Weigh},
};
use super::{Found, Life, Page, Stamp, Tier};
use crate::{
    error::Error,
    key::{GroupKey, Key, glob_match},
    random::random_stamp,
};

use std::any::Any;
use std::sync::Arc;

/// How many groups can be told apart at once; forgetting one only drops its entries.
const GROUPS: usize = 100_000;

type Hasher = foldhash::fast::RandomState;

/// Entries inside this process.
pub(crate) struct Memory {
    entries: Store<String, Arc<Resident>, Weigh, Hasher, Kill>,
    stamps: Store<String, Stamp>,
    fronts: Arc<Fronts>,
}

impl Memory {
    /// At most `max_bytes`, bookkeeping included.
    ///
    /// # Errors
    /// The bound is too small for the store to be laid out.
    pub(crate) fn new(max_bytes: usize, max_value: usize) -> Result<Self, Error> {
        let fronts = Arc::new(Fronts::new((max_bytes / (1 << 15)).clamp(64, 1 << 13)));
        // The store divides its room among shards, and an entry must fit into one of them.
        let shards = (max_bytes / max_value.saturating_mul(4).max(1)).clamp(1, 64);
        let options = OptionsBuilder::new()
            .estimated_items_capacity((max_bytes / 1024).clamp(16, 1 << 20))
            .weight_capacity(max_bytes as u64)
            .shards(shards)
            .build()
            .map_err(|error| Error::config("max_memory", max_bytes.to_string(), error.to_string()))?;
        let entries = Store::with_options(options, Weigh, Hasher::default(), Kill(Arc::clone(&fronts)));
        Ok(Self { entries, stamps: Store::new(GROUPS), fronts })
    }

    /// The value that these arguments led to before, if it is still there: no key text, no decoding.
    pub(crate) fn typed<V>(
        &self,
        front: &Front<'_>,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<V> {
        self.fronts.copy(front, copy)
    }

    /// Remembers the value decoded from `bytes`, so that [`Memory::typed`] finds it.
    pub(crate) fn seat(
        &self,
        front: &Front<'_>,
        key: &Key,
        bytes: &Bytes,
        value: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
    ) {
        let Some(resident) = self.entries.peek(key.as_str()) else { return };
        // The entry may have been replaced since it was read: only the very same bytes decode to this value.
        if resident.holds(bytes) {
            resident.seat(value);
            self.fronts.seat(front, &resident);
        }
    }

    fn live(&self, key: &str) -> Option<Arc<Resident>> {
        let resident = self.entries.get(key)?;
        if resident.is_live() {
            return Some(resident);
        }
        // Another call may have stored a new one in the meantime; that one stays.
        self.entries.remove_if(key, |found| Arc::ptr_eq(found, &resident));
        self.fronts.kill(&resident);
        None
    }

    fn remove(&self, key: &str) -> bool {
        self.entries.remove(key).is_some_and(|(_, resident)| {
            let live = resident.is_live();
            self.fronts.kill(&resident);
            live
        })
    }
}

impl Tier for Memory {
    async fn read(&self, key: &Key) -> Result<Found, Error> {
        let bytes = self.live(key.as_str()).map(|resident| resident.bytes());
        let stamp = key.group().and_then(|group| self.stamps.get(group));
        Ok(Found { bytes, stamp })
    }

    async fn stamp(&self, group: &GroupKey) -> Result<Stamp, Error> {
        self.stamps.get_or_insert_with(group.as_str(), || Ok(random_stamp()))
    }

    async fn fill(
        &self,
        key: &Key,
        envelope: Bytes,
        life: Option<Duration>,
        stamp: Option<Stamp>,
    ) -> Result<bool, Error> {
        if stamp.is_some() && stamp != key.group().and_then(|group| self.stamps.peek(group)) {
            return Ok(false);
        }
        let (text, resident) = (key.as_str().to_owned(), Arc::new(Resident::new(envelope, life)));
        let (size, limit) = (Weigh.weight(&text, &resident), self.entries.shard_capacity());
        if size > limit {
            // The store would drop it without a word. What was there before is older, and must not stay.
            self.remove(&text);
            return Err(Error::TooLarge { size: size as usize, limit: limit as usize });
        }
        self.entries.insert(text, resident);
        Ok(true)
    }

    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        Ok(self.remove(key.as_str()))
    }

    async fn life(&self, key: &Key) -> Result<Life, Error> {
        Ok(self.live(key.as_str()).map_or(Life::Absent, |resident| resident.life()))
    }

    async fn restamp(&self, group: &GroupKey) -> Result<(), Error> {
        self.stamps.insert(group.as_str().to_owned(), random_stamp());
        Ok(())
    }

    async fn reclaim(&self, group: &GroupKey) -> Result<u64, Error> {
        let base = [group.as_str(), ":"].concat();
        // While this walks, the group may be dropped again and its keys be filled again: what counts is how things are
        // at the moment of removal.
        let is_stale = |resident: &Arc<Resident>| resident.stamp() != self.stamps.peek(group.as_str());
        let stale = |(key, resident): &(String, Arc<Resident>)| key.starts_with(&base) && is_stale(resident);
        let keys: Vec<String> = self.entries.iter().filter(stale).map(|(key, _)| key).collect();
        let removed = keys.iter().filter_map(|key| self.entries.remove_if(key.as_str(), is_stale));
        Ok(removed.inspect(|(_, resident)| self.fronts.kill(resident)).count() as u64)
    }

    async fn scan(&self, pattern: &str, _: u64) -> Result<Page, Error> {
        let matches =
            |(key, resident): &(String, Arc<Resident>)| resident.is_live() && glob_match(pattern, key);
        Ok(Page { keys: self.entries.iter().filter(matches).map(|(key, _)| key).collect(), next: None })
    }

    async fn ping(&self) -> Result<Duration, Error> {
        Ok(Duration::ZERO)
    }

    async fn delete_page(&self, keys: &[String], _: bool) -> Result<u64, Error> {
        // Nobody but larder can store here.
        Ok(keys.iter().filter(|key| self.remove(key)).count() as u64)
    }
}
