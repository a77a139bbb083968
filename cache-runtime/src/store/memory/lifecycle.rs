//! The hooks of the table of entries: sizes and evictions.

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

/// Marks evicted and replaced entries, so that the argument index does not serve them.
#[derive(Clone)]
pub(crate) struct EntryLifecycle(pub(crate) Arc<ArgIndex>);

impl Lifecycle<String, Arc<MemoryEntry>> for EntryLifecycle {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: String, entry: Arc<MemoryEntry>) {
        self.0.remove(&entry);
    }
}
