//! One place in the argument index.

use std::sync::Arc;

use super::call_key::{CallKey, FunctionInstance};
use super::entry::MemoryEntry;
use crate::site::typed_source::AnyValue;
use crate::types::key::{ArgBytes, HEAD};

/// The arguments of a call, and the entry that they lead to. What most hits need of the entry is here, too, because each
/// pointer that a hit follows may cost a cache miss.
pub(super) struct IndexSlot {
    function: FunctionInstance,
    args: OwnedArgs,
    pub(super) entry: Arc<MemoryEntry>,
    /// The decoded value.
    pub(super) value: AnyValue,
    /// Until then the entry may be served while the slot is here; `None` if that depends on more.
    plain_until: Option<coarsetime::Instant>,
}

/// Encoded arguments. Short ones are in place.
struct OwnedArgs {
    head: [u64; 3],
    len: usize,
    /// The bytes behind the head.
    tail: Box<[u8]>,
}

impl IndexSlot {
    /// Returns a slot; `None` if the entry has no decoded value.
    pub(super) fn new(call_key: &CallKey<'_>, entry: &Arc<MemoryEntry>) -> Option<Self> {
        Some(Self {
            function: call_key.function,
            args: OwnedArgs::new(&call_key.args),
            entry: Arc::clone(entry),
            value: Arc::clone(entry.typed()?),
            plain_until: entry.plain_until(),
        })
    }

    /// Returns `true` if the entry may be served. The slot of an entry that is removed must be freed before its removal is
    /// reported.
    #[inline(always)]
    pub(super) fn is_live(&self, now: impl FnOnce() -> coarsetime::Instant) -> bool {
        self.plain_until.is_some_and(|until| now() < until) || self.entry.is_live()
    }

    #[inline(always)]
    pub(super) fn is_for(&self, call_key: &CallKey<'_>) -> bool {
        self.function == call_key.function && self.args.are(&call_key.args)
    }

    pub(super) fn leads_to(&self, entry: &MemoryEntry) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.entry), entry)
    }
}

impl OwnedArgs {
    fn new(args: &ArgBytes<'_>) -> Self {
        Self { head: args.head, len: args.bytes.len(), tail: args.tail().into() }
    }

    /// Returns `true` if these are `args`, of which every byte is compared.
    #[inline(always)]
    fn are(&self, args: &ArgBytes<'_>) -> bool {
        self.len == args.bytes.len()
            && self.head == args.head
            && (self.len <= HEAD || *self.tail == *args.tail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_covers_every_byte() {
        for len in 0..40 {
            let bytes: Vec<u8> = (0..len).collect();
            let stored = OwnedArgs::new(&ArgBytes::new(&bytes));
            assert!(stored.are(&ArgBytes::new(&bytes)));
            assert!(!stored.are(&ArgBytes::new(&[&bytes[..], &[0]].concat())));
            for index in 0..bytes.len() {
                let mut other = bytes.clone();
                other[index] ^= 1;
                assert!(!stored.are(&ArgBytes::new(&other)), "{index} of {len}");
            }
        }
    }
}
