//! An index from the arguments of a call to its entry.

use std::any::Any;
use std::cell::Cell;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use super::arg_table::ArgTable;
use super::call_key::CallKey;
use super::entry::MemoryEntry;
use super::index_slot::IndexSlot;
use super::recent_args::RecentArgs;
use crate::types::clock::Clock;

/// One of so many hits in the shared table goes into the table of its threads: what is hit often is soon there, and what is
/// hit once rarely evicts it.
const PROMOTION: u32 = 64;

/// An index from arguments to entries: a small table for each stripe of threads, and a table of all entries behind them.
pub(crate) struct ArgIndex {
    recent: RecentArgs,
    all: ArgTable,
    clock: Clock,
    hasher: foldhash::fast::RandomState,
}

impl ArgIndex {
    /// Returns an index whose stripes hold about `items` entries each.
    pub(crate) fn new(items: usize, clock: Clock) -> Self {
        Self {
            recent: RecentArgs::new(items),
            all: ArgTable::default(),
            clock,
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// Returns a copy of the value for these arguments.
    #[inline]
    pub(crate) fn copy<V>(
        &self,
        call_key: &CallKey<'_>,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<V> {
        let hashed = (call_key, self.hash(call_key));
        self.recent.copy(hashed, copy).or_else(|| self.copy_shared(hashed, copy))
    }

    /// [`ArgIndex::copy`] from the table of all threads. The value is copied outside its lock.
    #[inline(never)]
    fn copy_shared<V>(
        &self,
        hashed: (&CallKey<'_>, u64),
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<V> {
        let is_promoted = is_promoted();
        let copied = |slot: &IndexSlot| {
            (Arc::clone(&slot.value), if is_promoted { Some(Arc::clone(&slot.entry)) } else { None })
        };
        let (value, entry) = self.all.get(hashed, self.clock.coarse(), copied)?;
        if let Some(entry) = entry {
            entry.used();
            self.recent.insert(hashed, &entry);
            self.check(hashed.1, &entry);
        }
        copy(&*value)
    }

    /// Makes these arguments lead to `entry`.
    pub(crate) fn insert(&self, call_key: &CallKey<'_>, entry: &Arc<MemoryEntry>) {
        let hashed = (call_key, self.hash(call_key));
        // Two functions may share an entry. It has one place, so that all places are freed with the entries. The place is
        // recorded first: an entry that is removed from now on is searched for there.
        if let Some(other) = entry.indexed_at(hashed.1).filter(|other| *other != hashed.1) {
            self.free(other, entry);
        }
        self.all.insert(hashed, entry);
        self.recent.insert(hashed, entry);
        self.check(hashed.1, entry);
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

    /// Frees the slots of an entry that was removed before its place was known.
    fn check(&self, hash: u64, entry: &MemoryEntry) {
        if !entry.is_live() {
            self.free(hash, entry);
        }
    }

    fn free(&self, hash: u64, entry: &MemoryEntry) {
        self.recent.remove(hash, entry);
        self.all.remove(hash, entry);
    }

    /// Returns the hash of a call; never 0.
    #[inline]
    fn hash(&self, call_key: &CallKey<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        call_key.function.site.hash(&mut hasher);
        call_key.function.identity.0.hash(&mut hasher);
        hasher.write(call_key.args);
        hasher.finish().max(1)
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

    const CALL: CallKey<'_> =
        CallKey { function: FunctionInstance { site: 1, identity: (1, 1) }, args: &[1, 2, 3] };

    fn entry(clock: &Clock) -> Arc<MemoryEntry> {
        let ttl = Some(Duration::from_secs(60));
        let entry = Arc::new(MemoryEntry::new(Bytes::from_static(b"b"), ttl, Box::default(), clock));
        entry.insert_typed(|| Arc::new(1_u8));
        entry
    }

    fn copy(value: &(dyn Any + Send + Sync)) -> Option<u8> {
        value.downcast_ref().copied()
    }

    #[test]
    fn the_table_of_all_threads_has_no_slot_for_a_removed_entry() {
        let clock = Clock::default();
        let (index, entry) = (ArgIndex::new(16, clock.clone()), entry(&clock));
        let hash = index.hash(&CALL);
        entry.indexed_at(hash);
        index.all.insert((&CALL, hash), &entry);
        assert_eq!(index.copy(&CALL, copy), Some(1));
        index.remove(&entry);
        assert_eq!(index.copy(&CALL, copy), None);
        // A thread that found the entry before it was removed, and goes on now.
        index.all.insert((&CALL, hash), &entry);
        assert_eq!(index.copy(&CALL, copy), None);
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
                    index.insert(&CALL, &entry);
                });
                start.wait();
                index.remove(&entry);
                // The removal is reported now.
                assert_eq!(index.copy(&CALL, copy), None);
            });
            assert_eq!(index.copy(&CALL, copy), None);
        }
    }
}
