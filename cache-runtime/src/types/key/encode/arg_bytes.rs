//! Short arguments, as they are compared.

use super::sink::INLINE;

/// The number of the bytes that are compared and hashed as numbers: those of two integers, or of one and a short text.
pub(crate) const HEAD: usize = 24;

/// The encoded arguments of a call, or the text of its key, with the first bytes as numbers: a comparison of numbers is a
/// step each, one of slices is a call.
#[derive(Clone, Copy)]
pub(crate) struct ArgBytes<'a> {
    /// The first [`HEAD`] bytes; zeros in place of those beyond the end.
    pub(crate) head: [u64; 3],
    pub(crate) bytes: &'a [u8],
}

impl<'a> ArgBytes<'a> {
    /// Returns these bytes, which `padded` begins with before its zeros.
    #[inline]
    pub(super) fn padded(padded: &[u8; INLINE], bytes: &'a [u8]) -> Self {
        Self { head: padded.first_chunk().map_or([0; 3], numbers), bytes }
    }

    /// Returns these bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut head = [0; HEAD];
        let len = bytes.len().min(HEAD);
        head[..len].copy_from_slice(&bytes[..len]);
        Self { head: numbers(&head), bytes }
    }

    /// Returns the bytes behind the head.
    #[inline]
    pub(crate) fn tail(&self) -> &'a [u8] {
        self.bytes.get(HEAD..).unwrap_or_default()
    }
}

#[inline]
fn numbers(head: &[u8; HEAD]) -> [u64; 3] {
    let mut numbers = [0; 3];
    for (number, bytes) in numbers.iter_mut().zip(head.as_chunks().0) {
        *number = u64::from_ne_bytes(*bytes);
    }
    numbers
}
