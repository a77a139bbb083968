//! An index from the arguments of a call to its entry.

use std::any::Any;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use super::call_key::{CallKey, FunctionInstance};
use super::entry::MemoryEntry;
use crate::rt::stripe::Striped;

/// An index from arguments to entries, with a table for each stripe of threads. Each pair of slots holds the last entries
/// that were inserted there, so that the tables are bounded, and a hit writes to nothing that another thread's hit reads.
pub(crate) struct ArgIndex {
    tables: Striped<SlotTable>,
    len: usize,
    evictions: AtomicUsize,
    hasher: foldhash::fast::RandomState,
}

type SlotTable = Box<[RwLock<Option<Box<IndexSlot>>>]>;

struct IndexSlot {
    function: FunctionInstance,
    args: Box<[u8]>,
    entry: Arc<MemoryEntry>,
}

impl ArgIndex {
    /// Returns an index of about `items` entries for each stripe.
    pub(crate) fn new(items: usize) -> Self {
        let len = items.next_power_of_two();
        let tables = Striped::new(|| (0..len).map(|_| RwLock::default()).collect());
        Self { tables, len, evictions: AtomicUsize::new(0), hasher: foldhash::fast::RandomState::default() }
    }

    /// Returns a copy of the value for these arguments. The slot is locked while the value is copied, which saves a
    /// reference count that all threads would write to.
    #[inline]
    pub(crate) fn copy<V>(
        &self,
        call_key: &CallKey<'_>,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<V> {
        let (table, hash_slot) = (self.tables.here(), self.slot_of(call_key));
        for index in pair(hash_slot) {
            let slot = table[index].read().unwrap_or_else(PoisonError::into_inner);
            if let Some(slot) = slot.as_deref()
                && slot.is_for(call_key)
                && slot.entry.is_live()
            {
                return copy(&**slot.entry.typed()?);
            }
        }
        None
    }

    /// Makes these arguments lead to `entry`.
    pub(crate) fn insert(&self, call_key: &CallKey<'_>, entry: &Arc<MemoryEntry>) {
        let (table, hash_slot) = (self.tables.here(), self.slot_of(call_key));
        let new =
            IndexSlot { function: call_key.function, args: call_key.args.into(), entry: Arc::clone(entry) };
        // A slot that is free or has these arguments already; otherwise the two slots are evicted in turn.
        let is_free = |index: &usize| {
            let slot = table[*index].read().unwrap_or_else(PoisonError::into_inner);
            slot.as_deref().is_none_or(|slot| slot.is_for(call_key) || !slot.entry.is_live())
        };
        let evict = || hash_slot ^ (self.evictions.fetch_add(1, Relaxed) & 1);
        let index = pair(hash_slot).into_iter().find(is_free).unwrap_or_else(evict);
        let old = {
            let mut slot = table[index].write().unwrap_or_else(PoisonError::into_inner);
            entry.indexed_at(hash_slot);
            slot.replace(Box::new(new))
        };
        // Dropped outside the lock, because dropping a value runs the user's code.
        drop(old);
        // The entry may have been removed in between, when its slot was not known yet.
        if !entry.is_live() {
            self.clear_slots(entry);
        }
    }

    /// Marks an entry as removed and frees its slots. Its memory is freed once the last reader is done.
    pub(crate) fn remove(&self, entry: &MemoryEntry) {
        entry.mark_removed();
        self.clear_slots(entry);
    }

    /// Frees all slots.
    pub(crate) fn clear(&self) {
        for slot in self.tables.all().flatten() {
            let old = slot.write().unwrap_or_else(PoisonError::into_inner).take();
            drop(old);
        }
    }

    fn clear_slots(&self, entry: &MemoryEntry) {
        let Some(hash_slot) = entry.index_slot() else { return };
        for table in self.tables.all() {
            for index in pair(hash_slot) {
                let mut slot = table[index].write().unwrap_or_else(PoisonError::into_inner);
                let old = slot.take_if(|slot| std::ptr::eq(&raw const *slot.entry, entry));
                drop(slot);
                drop(old);
            }
        }
    }

    #[inline]
    fn slot_of(&self, call_key: &CallKey<'_>) -> usize {
        let mut hasher = self.hasher.build_hasher();
        call_key.function.site.hash(&mut hasher);
        call_key.function.identity.0.hash(&mut hasher);
        hasher.write(call_key.args);
        // The length is a power of two, so that the mask is in range.
        hasher.finish() as usize & (self.len - 1)
    }
}

impl IndexSlot {
    #[inline]
    fn is_for(&self, call_key: &CallKey<'_>) -> bool {
        self.function == call_key.function && is_same(&self.args, call_key.args)
    }
}

/// Returns the two slots for arguments with this hash. With a single one, two calls with the same hash would evict each
/// other each time.
#[inline]
fn pair(hash_slot: usize) -> [usize; 2] {
    [hash_slot, hash_slot ^ 1]
}

/// Returns `a == b`, without a call of `memcmp` for the lengths that most arguments have.
#[inline]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        len if len != b.len() => false,
        8..=16 => ends::<8>(a) == ends::<8>(b),
        4..=7 => ends::<4>(a) == ends::<4>(b),
        _ => a == b,
    }
}

/// Returns the first `N` bytes and the last, which together are all bytes of a slice of at most `2 * N`.
#[inline]
fn ends<const N: usize>(bytes: &[u8]) -> (Option<&[u8; N]>, Option<&[u8; N]>) {
    (bytes.first_chunk(), bytes.last_chunk())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_covers_every_byte() {
        for len in 0..40 {
            let bytes: Vec<u8> = (0..len).collect();
            assert!(is_same(&bytes, &bytes.clone()));
            assert!(!is_same(&bytes, &[&bytes[..], &[0]].concat()));
            for index in 0..bytes.len() {
                let mut other = bytes.clone();
                other[index] ^= 1;
                assert!(!is_same(&bytes, &other), "{index} of {len}");
            }
        }
    }
}
