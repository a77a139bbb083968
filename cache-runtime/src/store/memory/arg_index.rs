//! CallKey: from the arguments of a call straight to its entry.

use std::any::Any;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use super::entry::MemoryEntry;
use crate::rt::stripe::Striped;
use crate::site::call_site::CallSite;

/// What a call knows before it builds its key: its function, the instance of it, and its arguments.
pub(crate) struct CallKey<'a> {
    function: Function,
    /// Their encoding. Arguments whose encoding is long go by their key.
    args: &'a [u8],
}

/// Which instance of which function. Sites live in statics and identities are the compiler's, so both stay where they
/// are; equal addresses mean the same text, and two addresses for one text only cost a second insert.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Function {
    site: usize,
    identity: (usize, usize),
}

type Table = Box<[RwLock<Option<Box<IndexSlot>>>]>;

/// What one slot holds.
struct IndexSlot {
    function: Function,
    args: Box<[u8]>,
    entry: Arc<MemoryEntry>,
}

/// Tables of entries by arguments, one for each stripe of threads: each pair of places holds the last entries that came to
/// it, so they are bounded, and a hit writes to nothing that another thread's hit reads.
pub(crate) struct ArgIndex {
    tables: Striped<Table>,
    len: usize,
    turns: AtomicUsize,
    hasher: foldhash::fast::RandomState,
}

impl<'a> CallKey<'a> {
    #[inline]
    pub(crate) fn new(site: &'static CallSite, identity: &'static str, args: &'a [u8]) -> Self {
        let identity = (identity.as_ptr().addr(), identity.len());
        Self { function: Function { site: std::ptr::from_ref(site).addr(), identity }, args }
    }
}

impl IndexSlot {
    #[inline]
    fn is_for(&self, call_key: &CallKey<'_>) -> bool {
        self.function == call_key.function && is_same(&self.args, call_key.args)
    }
}

/// Whether these are equal. For what most arguments are, without a call of `memcmp`.
#[inline]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        len if len != b.len() => false,
        8..=16 => ends::<8>(a) == ends::<8>(b),
        4..=7 => ends::<4>(a) == ends::<4>(b),
        _ => a == b,
    }
}

/// The first `N` and the last: all there is, of what is no longer than both.
#[inline]
fn ends<const N: usize>(bytes: &[u8]) -> (Option<&[u8; N]>, Option<&[u8; N]>) {
    (bytes.first_chunk(), bytes.last_chunk())
}

/// The two places where arguments with this index may be: with one, two calls that meet there would drive each other out
/// at every turn.
#[inline]
fn places(index: usize) -> [usize; 2] {
    [index, index ^ 1]
}

impl ArgIndex {
    /// Tables for about this many entries each.
    pub(crate) fn new(items: usize) -> Self {
        let len = items.next_power_of_two();
        let tables = Striped::new(|| (0..len).map(|_| RwLock::default()).collect());
        Self { tables, len, turns: AtomicUsize::new(0), hasher: foldhash::fast::RandomState::default() }
    }

    /// The value that these arguments led to. Copied while the place is locked, so that no count of references, which
    /// all threads would write to, has to be kept.
    #[inline]
    pub(crate) fn copy<V>(
        &self,
        call_key: &CallKey<'_>,
        copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
    ) -> Option<V> {
        let (table, index) = (self.tables.here(), self.index(call_key));
        for place in places(index) {
            let slot = table[place].read().unwrap_or_else(PoisonError::into_inner);
            if let Some(insert) = slot.as_deref()
                && insert.is_for(call_key)
                && insert.entry.is_live()
            {
                return copy(&**insert.entry.typed()?);
            }
        }
        None
    }

    /// From now on these arguments lead to this entry.
    pub(crate) fn insert(&self, call_key: &CallKey<'_>, entry: &Arc<MemoryEntry>) {
        let (table, index) = (self.tables.here(), self.index(call_key));
        let insert =
            IndexSlot { function: call_key.function, args: call_key.args.into(), entry: Arc::clone(entry) };
        // A place that is free, or has what these arguments led to before; else the one of the two whose turn it is.
        let is_free = |place: &usize| {
            let slot = table[*place].read().unwrap_or_else(PoisonError::into_inner);
            slot.as_deref().is_none_or(|insert| insert.is_for(call_key) || !insert.entry.is_live())
        };
        let turn = || index ^ (self.turns.fetch_add(1, Relaxed) & 1);
        let place = places(index).into_iter().find(is_free).unwrap_or_else(turn);
        let old = {
            let mut slot = table[place].write().unwrap_or_else(PoisonError::into_inner);
            entry.seated_at(index);
            slot.replace(Box::new(insert))
        };
        // The old value is dropped here, outside the lock: it is the user's code that runs then.
        drop(old);
        // It may have been killed in between, without finding its insert.
        if !entry.is_live() {
            self.leave(entry);
        }
    }

    /// Ends an entry: it is served to nobody from here on, and its memory is free once the last reader is done.
    pub(crate) fn kill(&self, entry: &MemoryEntry) {
        entry.kill();
        self.leave(entry);
    }

    /// Lets go of everything.
    pub(crate) fn clear(&self) {
        for slot in self.tables.all().flatten() {
            let left = slot.write().unwrap_or_else(PoisonError::into_inner).take();
            drop(left);
        }
    }

    fn leave(&self, entry: &MemoryEntry) {
        let Some(index) = entry.seat_index() else { return };
        for table in self.tables.all() {
            for place in places(index) {
                let mut slot = table[place].write().unwrap_or_else(PoisonError::into_inner);
                let left = slot.take_if(|insert| std::ptr::eq(&raw const *insert.entry, entry));
                drop(slot);
                drop(left);
            }
        }
    }

    #[inline]
    fn index(&self, call_key: &CallKey<'_>) -> usize {
        let mut hasher = self.hasher.build_hasher();
        call_key.function.site.hash(&mut hasher);
        call_key.function.identity.0.hash(&mut hasher);
        hasher.write(call_key.args);
        // The length is a power of two, so the mask keeps what fits.
        hasher.finish() as usize & (self.len - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts() {
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
