//! One place in the argument index.

use std::any::Any;
use std::sync::Arc;

use super::call_key::{CallKey, FunctionInstance};
use super::entry::MemoryEntry;

/// The arguments of a call, and the entry that they lead to. What most hits need of the entry is here, too, because each
/// pointer that a hit follows may cost a cache miss.
pub(super) struct IndexSlot {
    function: FunctionInstance,
    args: ArgBytes,
    pub(super) entry: Arc<MemoryEntry>,
    /// The decoded value.
    pub(super) value: Arc<dyn Any + Send + Sync>,
    /// Until then the entry may be served while the slot is here; `None` if that depends on more.
    plain_until: Option<coarsetime::Instant>,
}

/// Encoded arguments. Short ones are in place.
enum ArgBytes {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

/// The length up to which arguments are in place: two integers, or one and a short text.
const SHORT: usize = 22;

impl IndexSlot {
    /// Returns a slot; `None` if the entry has no decoded value.
    pub(super) fn new(call_key: &CallKey<'_>, entry: &Arc<MemoryEntry>) -> Option<Self> {
        Some(Self {
            function: call_key.function,
            args: ArgBytes::new(call_key.args),
            entry: Arc::clone(entry),
            value: Arc::clone(entry.typed()?),
            plain_until: entry.plain_until(),
        })
    }

    /// Returns `true` if the entry may be served. The slot of an entry that is removed must be freed before its removal is
    /// reported.
    #[inline]
    pub(super) fn is_live(&self, now: coarsetime::Instant) -> bool {
        self.plain_until.is_some_and(|until| now < until) || self.entry.is_live()
    }

    #[inline]
    pub(super) fn is_for(&self, call_key: &CallKey<'_>) -> bool {
        self.function == call_key.function && is_same(self.args.get(), call_key.args)
    }

    pub(super) fn leads_to(&self, entry: &MemoryEntry) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.entry), entry)
    }
}

impl ArgBytes {
    fn new(args: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..args.len()) {
            Some(start) => start.copy_from_slice(args),
            None => return Self::Long(args.into()),
        }
        // Below 256, so that the cast is lossless.
        Self::Short { len: args.len() as u8, bytes }
    }

    #[inline]
    fn get(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(args) => args,
        }
    }
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
            let stored = ArgBytes::new(&bytes);
            assert!(is_same(stored.get(), &bytes));
            assert!(!is_same(stored.get(), &[&bytes[..], &[0]].concat()));
            for index in 0..bytes.len() {
                let mut other = bytes.clone();
                other[index] ^= 1;
                assert!(!is_same(stored.get(), &other), "{index} of {len}");
            }
        }
    }
}
