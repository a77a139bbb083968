//! The hooks of the table of entries: sizes and evictions.

use std::cell::Cell;
use std::sync::Arc;

use quick_cache::{Lifecycle, Weighter};

use super::arg_index::ArgIndex;
use super::entry::MemoryEntry;

/// Weighs entries by the memory that they take.
#[derive(Clone)]
pub(crate) struct EntryWeighter;

impl Weighter<String, Arc<MemoryEntry>> for EntryWeighter {
    fn weight(&self, key: &String, entry: &Arc<MemoryEntry>) -> u64 {
        entry.size(key)
    }
}

/// The number of entries that are passed for their hits before one is evicted.
const PASSES: u32 = 32;

thread_local! {
    /// The number of entries that the insertion of this thread has passed.
    static PASSED: Cell<u32> = const { Cell::new(0) };
}

/// Marks evicted and replaced entries, so that the argument index does not serve them.
#[derive(Clone)]
pub(crate) struct EntryLifecycle {
    pub(crate) arg_index: Arc<ArgIndex>,
    /// The size up to which entries are passed: those that are passed may exceed the limit of the memory.
    small: u64,
}

impl EntryLifecycle {
    /// Returns the hooks for a table whose shards hold so many bytes.
    pub(crate) fn new(arg_index: Arc<ArgIndex>, shard_bytes: usize) -> Self {
        Self { arg_index, small: (shard_bytes / 1024) as u64 }
    }

    /// Begins an insertion, which may evict entries.
    pub(crate) fn begin() {
        PASSED.set(0);
    }
}

impl Lifecycle<String, Arc<MemoryEntry>> for EntryLifecycle {
    type RequestState = ();

    /// Lets an entry pass once for the hits since the last time: the table sees none of those through the argument index.
    fn is_pinned(&self, key: &String, entry: &Arc<MemoryEntry>) -> bool {
        let passed = PASSED.get();
        let is_passed = passed < PASSES && entry.size(key) <= self.small && entry.take_used();
        PASSED.set(passed + u32::from(is_passed));
        is_passed
    }

    fn on_evict(&self, (): &mut (), _: String, entry: Arc<MemoryEntry>) {
        self.arg_index.remove(&entry);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::super::entry::MemoryEntry;
    use super::super::store::MemoryStore;
    use crate::types::clock::Clock;

    #[test]
    fn memory_is_bounded_where_every_entry_is_in_use() {
        let limit = 1 << 20;
        let store = MemoryStore::new(limit, 1 << 16, Clock::default()).expect("a store");
        for n in 0..4_000 {
            let bytes = Bytes::from(vec![0_u8; 100 + n % 100]);
            let entry = MemoryEntry::new(bytes, Some(Duration::from_secs(60)), Box::default(), &store.clock);
            store.insert(format!("key {n}"), entry).expect("it fits");
            store.entries.iter().for_each(|(_, entry)| entry.used());
            let weight = store.entries.weight();
            assert!(weight <= limit as u64 + limit as u64 / 16, "{weight} bytes after {n} entries");
        }
        assert!(store.entries.len() > 100);
    }
}
