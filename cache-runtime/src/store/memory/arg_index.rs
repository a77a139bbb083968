//! An index from the arguments of a call to its entry.

use std::cell::Cell;
use std::sync::Arc;

use super::arg_table::ArgTable;
use super::call_key::{CallKey, HashSeeds};
use super::entry::MemoryEntry;
use super::index_slot::IndexSlot;
use super::recent_args::RecentArgs;
use crate::site::typed_source::{HeldValue, TakeValue};
use crate::types::clock::Clock;

/// One of so many hits in the shared table goes into the table of its threads: what is hit often is soon there, and what is
/// hit once rarely evicts it.
const PROMOTION: u32 = 64;

/// An index from arguments to entries: a small table for each stripe of threads, and a table of all entries behind them.
pub(crate) struct ArgIndex {
    recent: RecentArgs,
    all: ArgTable,
    clock: Clock,
    seeds: HashSeeds,
}

impl ArgIndex {
    /// Returns an index whose stripes hold about `items` entries each.
    pub(crate) fn new(items: usize, clock: Clock) -> Self {
        Self { recent: RecentArgs::new(items), all: ArgTable::default(), clock, seeds: HashSeeds::new() }
    }

    /// Passes the value for these arguments to `take`, on a thread of this stripe. Returns whether there is one and `take` took
    /// it.
    #[inline(always)]
    pub(crate) fn read(&self, stripe: usize, call_key: &CallKey<'_>, take: &mut TakeValue<'_>) -> bool {
        let hashed = (call_key, call_key.hash(&self.seeds));
        match self.recent.read(stripe, hashed, &self.clock, take) {
            Some(is_taken) => is_taken,
            // By value: the key of a hit need not be in memory.
            None => self.read_shared(*call_key, hashed.1, take),
        }
    }

    /// [`ArgIndex::read`] from the table of all threads. The value is copied outside its lock.
    #[inline(never)]
    fn read_shared(&self, call_key: CallKey<'_>, hash: u64, take: &mut TakeValue<'_>) -> bool {
        let hashed = (&call_key, hash);
        let is_promoted = is_promoted();
        let found = |slot: &IndexSlot| {
            (Arc::clone(&slot.value), if is_promoted { Some(Arc::clone(&slot.entry)) } else { None })
        };
        let Some((value, entry)) = self.all.get(hashed, || self.clock.coarse(), found) else { return false };
        if let Some(entry) = entry {
            entry.used();
            self.recent.insert(hashed, &entry);
        }
        take(HeldValue::Own(value))
    }

    /// Makes these arguments lead to `entry`.
    pub(crate) fn insert(&self, call_key: &CallKey<'_>, entry: &Arc<MemoryEntry>) {
        let hashed = (call_key, call_key.hash(&self.seeds));
        // Two functions may share an entry. It has one place, so that all places are freed with the entries. The place is
        // recorded first: an entry that is removed from now on is searched for there.
        if let Some(other) = entry.indexed_at(hashed.1).filter(|other| *other != hashed.1) {
            self.free(other, entry);
        }
        self.all.insert(hashed, entry);
        self.recent.insert(hashed, entry);
    }

    /// Marks an entry as removed and frees its slots. Its memory is freed once the last reader is done.
    pub(crate) fn remove(&self, entry: &MemoryEntry) {
        entry.mark_removed();
        if let Some(hash) = entry.index_hash() {
            self.free(hash, entry);
        }
    }

    /// Frees all slots.
    pub(crate) fn clear(&self) {
        self.recent.clear();
        self.all.clear();
    }

    fn free(&self, hash: u64, entry: &MemoryEntry) {
        self.recent.remove(hash, entry);
        self.all.remove(hash, entry);
    }
}

/// Returns `true` for one of [`PROMOTION`] hits of this thread.
#[inline]
fn is_promoted() -> bool {
    thread_local! {
        static HITS: Cell<u32> = const { Cell::new(0) };
    }
    let hits = HITS.get().wrapping_add(1);
    HITS.set(hits);
    hits.is_multiple_of(PROMOTION)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::time::Duration;

    use bytes::Bytes;

    use super::super::call_key::FunctionInstance;
    use super::*;
    use crate::rt::stripe;
    use crate::types::key::ArgBytes;

    fn call() -> CallKey<'static> {
        CallKey { function: FunctionInstance { site: 1, identity: (1, 1) }, args: ArgBytes::new(&[1, 2, 3]) }
    }

    fn entry(clock: &Clock) -> Arc<MemoryEntry> {
        let ttl = Some(Duration::from_secs(60));
        let entry = Arc::new(MemoryEntry::new(Bytes::from_static(b"b"), ttl, Box::default(), clock));
        entry.insert_typed(|| Arc::new(1_u8));
        entry
    }

    fn copy(index: &ArgIndex) -> Option<u8> {
        let mut copy = None;
        index.read(stripe::index(), &call(), &mut |value| {
            copy = value.get().downcast_ref().copied();
            copy.is_some()
        });
        copy
    }

    #[test]
    fn the_table_of_all_threads_has_no_slot_for_a_removed_entry() {
        let clock = Clock::default();
        let (index, entry) = (ArgIndex::new(16, clock.clone()), entry(&clock));
        let hash = call().hash(&index.seeds);
        entry.indexed_at(hash);
        index.all.insert((&call(), hash), &entry);
        assert_eq!(copy(&index), Some(1));
        index.remove(&entry);
        assert_eq!(copy(&index), None);
        // A thread that found the entry before it was removed, and goes on now.
        index.all.insert((&call(), hash), &entry);
        assert_eq!(copy(&index), None);
    }

    #[test]
    fn a_removal_beside_an_insertion_leaves_no_slot() {
        let clock = Clock::default();
        let index = ArgIndex::new(16, clock.clone());
        for _ in 0..2_000 {
            let (entry, start) = (entry(&clock), Barrier::new(2));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    start.wait();
                    index.insert(&call(), &entry);
                });
                start.wait();
                index.remove(&entry);
                // The removal is reported now.
                assert_eq!(copy(&index), None);
            });
            assert_eq!(copy(&index), None);
        }
    }
}
