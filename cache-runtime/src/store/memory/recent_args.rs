//! The part of the argument index that threads do not share.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use super::call_key::CallKey;
use super::entry::MemoryEntry;
use super::index_slot::IndexSlot;
use crate::rt::stripe::Striped;
use crate::site::typed_source::{HeldValue, TakeValue};
use crate::types::clock::Clock;

/// The entries of recent calls, with a table for each stripe of threads. Each pair of slots holds the last entries that
/// were inserted there, so that the tables are bounded, and a hit writes to nothing that another thread's hit reads.
pub(super) struct RecentArgs {
    tables: Striped<SlotTable>,
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
        Self { tables, evictions: AtomicUsize::new(0) }
    }

    /// Passes the value for these arguments to `take`, and returns the answer; `None` if there is none. The slot is locked
    /// meanwhile, which saves a reference count that all threads would write to.
    #[inline(always)]
    pub(super) fn read(
        &self,
        stripe: usize,
        (call_key, hash): (&CallKey<'_>, u64),
        clock: &Clock,
        take: &mut TakeValue<'_>,
    ) -> Option<bool> {
        let table = self.tables.at(stripe);
        let pair = pair(table, hash);
        // Where the tags of both are equal, the second one is not found here.
        let tagged = pair.iter().filter_map(|index| table.get(*index));
        let tagged = tagged.into_iter().find(|tagged| tagged.tag.load(Relaxed) == tag(hash))?;
        let slot = tagged.slot.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slot.as_deref()?;
        if !slot.is_for(call_key) || !slot.is_live(|| clock.coarse()) {
            return None;
        }
        slot.entry.used();
        Some(take(HeldValue::Lent(&slot.value)))
    }

    /// Makes these arguments lead to `entry`, for this stripe of threads, unless the entry was removed or has got another place
    /// than `hash`: both are followed by a search for the slot, and hits trust a slot that is here.
    pub(super) fn insert(&self, (call_key, hash): (&CallKey<'_>, u64), entry: &Arc<MemoryEntry>) {
        let Some(new) = IndexSlot::new(call_key, entry) else { return };
        let table = self.tables.here();
        // A slot that is free or has these arguments already; otherwise the two slots are evicted in turn.
        let is_free = |index: &usize| {
            let slot = table[*index].slot.read().unwrap_or_else(PoisonError::into_inner);
            slot.as_deref().is_none_or(|slot| slot.is_for(call_key) || !slot.entry.is_live())
        };
        let pair = pair(table, hash);
        let evict = || pair[self.evictions.fetch_add(1, Relaxed) & 1];
        let index = pair.into_iter().find(is_free).unwrap_or_else(evict);
        let mut slot = table[index].slot.write().unwrap_or_else(PoisonError::into_inner);
        let old = if entry.is_at(hash) {
            table[index].tag.store(tag(hash), Relaxed);
            slot.replace(Box::new(new))
        } else {
            Some(Box::new(new))
        };
        drop(slot);
        // Dropped outside the lock, because dropping a value runs the user's code.
        drop(old);
    }

    /// Frees the slots of an entry, in all tables.
    pub(super) fn remove(&self, hash: u64, entry: &MemoryEntry) {
        for table in self.tables.all() {
            for index in pair(table, hash) {
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
}

/// Returns the two slots for arguments with this hash. With a single one, two calls with the same hash would evict each other
/// each time.
#[inline]
fn pair(table: &SlotTable, hash: u64) -> [usize; 2] {
    // The length is a power of two, so that the mask is in range.
    let index = hash as usize & table.len().wrapping_sub(1);
    [index, index ^ 1]
}

#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}
