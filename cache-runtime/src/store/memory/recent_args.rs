//! The part of the argument index that threads do not share.

use std::any::Any;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use super::call_key::CallKey;
use super::entry::MemoryEntry;
use super::index_slot::IndexSlot;
use crate::rt::stripe::Striped;

/// The entries of recent calls, with a table for each stripe of threads. Each pair of slots holds the last entries that
/// were inserted there, so that the tables are bounded, and a hit writes to nothing that another thread's hit reads.
pub(super) struct RecentArgs {
    tables: Striped<SlotTable>,
    len: usize,
    evictions: AtomicUsize,
}

type SlotTable = Box<[TaggedSlot]>;

/// A slot, with a part of the hash of its arguments: a slot that is for others is rarely locked.
#[derive(Default)]
struct TaggedSlot {
    tag: AtomicU32,
    slot: RwLock<Option<Box<IndexSlot>>>,
}

impl RecentArgs {
    /// Returns tables of about `items` entries for each stripe.
    pub(super) fn new(items: usize) -> Self {
        let len = items.next_power_of_two();
        let tables = Striped::new(|| (0..len).map(|_| TaggedSlot::default()).collect());
        Self { tables, len, evictions: AtomicUsize::new(0) }
    }

    /// Returns a copy of the value for these arguments. The slot is locked while the value is copied, which saves a
    /// reference count that all threads would write to.
    #[inline]
    pub(super) fn copy<V>(
        &self,
        (call_key, hash): (&CallKey<'_>, u64),
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<V> {
        let table = self.tables.here();
        for index in self.pair(hash) {
            let tagged = &table[index];
            if tagged.tag.load(Relaxed) != tag(hash) {
                continue;
            }
            let slot = tagged.slot.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(slot) = slot.as_deref()
                && slot.is_for(call_key)
                && slot.entry.is_live()
            {
                slot.entry.used();
                return copy(&*slot.value);
            }
        }
        None
    }

    /// Makes these arguments lead to `entry`, for this stripe of threads.
    pub(super) fn insert(&self, (call_key, hash): (&CallKey<'_>, u64), entry: &Arc<MemoryEntry>) {
        let Some(new) = IndexSlot::new(call_key, entry) else { return };
        let table = self.tables.here();
        // A slot that is free or has these arguments already; otherwise the two slots are evicted in turn.
        let is_free = |index: &usize| {
            let slot = table[*index].slot.read().unwrap_or_else(PoisonError::into_inner);
            slot.as_deref().is_none_or(|slot| slot.is_for(call_key) || !slot.entry.is_live())
        };
        let pair = self.pair(hash);
        let evict = || pair[self.evictions.fetch_add(1, Relaxed) & 1];
        let index = pair.into_iter().find(is_free).unwrap_or_else(evict);
        let old = {
            let mut slot = table[index].slot.write().unwrap_or_else(PoisonError::into_inner);
            table[index].tag.store(tag(hash), Relaxed);
            slot.replace(Box::new(new))
        };
        // Dropped outside the lock, because dropping a value runs the user's code.
        drop(old);
    }

    /// Frees the slots of an entry, in all tables.
    pub(super) fn remove(&self, hash: u64, entry: &MemoryEntry) {
        for table in self.tables.all() {
            for index in self.pair(hash) {
                let mut slot = table[index].slot.write().unwrap_or_else(PoisonError::into_inner);
                let old = slot.take_if(|slot| slot.leads_to(entry));
                drop(slot);
                drop(old);
            }
        }
    }

    /// Frees all slots.
    pub(super) fn clear(&self) {
        for tagged in self.tables.all().flatten() {
            let old = tagged.slot.write().unwrap_or_else(PoisonError::into_inner).take();
            drop(old);
        }
    }

    /// Returns the two slots for arguments with this hash. With a single one, two calls with the same hash would evict
    /// each other each time.
    #[inline]
    fn pair(&self, hash: u64) -> [usize; 2] {
        // The length is a power of two, so that the mask is in range.
        let index = hash as usize & (self.len - 1);
        [index, index ^ 1]
    }
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}
