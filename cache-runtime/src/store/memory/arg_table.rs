//! The part of the argument index that all threads share.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, PoisonError, RwLock};

use super::call_key::CallKey;
use super::entry::MemoryEntry;
use super::index_slot::IndexSlot;

/// The number of locks; enough that threads rarely meet.
const SHARDS: usize = 64;

/// All entries with a decoded value, by the hash of their arguments. The table grows with the entries, and an entry leaves
/// when its store drops it.
pub(super) struct ArgTable(Box<[ArgShard]>);

/// On cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct ArgShard(RwLock<SlotMap>);

/// Arguments with one hash of 64 bits evict each other, which costs the second insert.
type SlotMap = HashMap<u64, IndexSlot, BuildHasherDefault<IsHash>>;

impl Default for ArgTable {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| ArgShard::default()).collect())
    }
}

impl ArgTable {
    /// Calls `read` with the slot of these arguments, if its entry may be served.
    #[inline]
    pub(super) fn get<T>(
        &self,
        (call_key, hash): (&CallKey<'_>, u64),
        now: impl FnOnce() -> coarsetime::Instant,
        read: impl FnOnce(&IndexSlot) -> T,
    ) -> Option<T> {
        let shard = self.shard(hash).read().unwrap_or_else(PoisonError::into_inner);
        shard.get(&hash).filter(|slot| slot.is_for(call_key) && slot.is_live(now)).map(read)
    }

    /// Makes these arguments lead to `entry`, which must have this hash as its place already, unless the entry was removed or
    /// has got another place since: both are followed by a search for the slot, and hits trust a slot that is here.
    pub(super) fn insert(&self, (call_key, hash): (&CallKey<'_>, u64), entry: &Arc<MemoryEntry>) {
        let Some(new) = IndexSlot::new(call_key, entry) else { return };
        let mut shard = self.shard(hash).write().unwrap_or_else(PoisonError::into_inner);
        let old = if entry.is_at(hash) { shard.insert(hash, new) } else { Some(new) };
        drop(shard);
        // Dropped outside the lock, because dropping a value runs the user's code.
        drop(old);
    }

    /// Frees the slot of an entry.
    pub(super) fn remove(&self, hash: u64, entry: &MemoryEntry) {
        let mut shard = self.shard(hash).write().unwrap_or_else(PoisonError::into_inner);
        let is_entry = shard.get(&hash).is_some_and(|slot| slot.leads_to(entry));
        let old = if is_entry { shard.remove(&hash) } else { None };
        drop(shard);
        drop(old);
    }

    /// Frees all slots.
    pub(super) fn clear(&self) {
        for shard in &self.0 {
            let old = std::mem::take(&mut *shard.0.write().unwrap_or_else(PoisonError::into_inner));
            drop(old);
        }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &RwLock<SlotMap> {
        // Other bits than the map takes: it goes by the lowest ones and the highest seven.
        &self.0[(hash >> 48) as usize & (SHARDS - 1)].0
    }
}

/// Returns a number that is a hash already.
#[derive(Default)]
struct IsHash(u64);

impl Hasher for IsHash {
    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys of the map are numbers");
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}
