//! The encoded arguments of one call.

use std::fmt;

use super::sink::INLINE;

/// The encoded arguments of one call: equal exactly where the arguments are.
#[derive(Clone)]
pub(crate) enum ArgKey {
    /// The encoding itself.
    Inline {
        /// The encoding, then zeros.
        bytes: [u8; INLINE],
        /// The length of the encoding in `bytes`.
        len: u8,
    },
    /// The hash of an encoding that is longer than `INLINE`.
    Hash([u8; 32]),
}

impl ArgKey {
    /// Returns the part of a key that identifies these arguments of the function with this salt.
    pub(crate) fn digest(&self, salt: &[u8; 32]) -> [u8; 16] {
        let bytes = self.bytes();
        let mut input = [0; INLINE + 1];
        input[0] = u8::from(matches!(self, Self::Hash(_)));
        input[1..=bytes.len()].copy_from_slice(bytes);
        let mut digest = [0; 16];
        digest.copy_from_slice(&blake3::keyed_hash(salt, &input[..=bytes.len()]).as_bytes()[..16]);
        digest
    }

    /// Returns the encoding, or its hash.
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Inline { bytes, len } => &bytes[..usize::from(*len).min(INLINE)],
            Self::Hash(hash) => hash,
        }
    }
}

#[cfg(test)]
impl PartialEq for ArgKey {
    fn eq(&self, other: &Self) -> bool {
        matches!(self, Self::Hash(_)) == matches!(other, Self::Hash(_)) && self.bytes() == other.bytes()
    }
}

impl fmt::Debug for ArgKey {
    /// Shows the length of the arguments and not the arguments, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline { len, .. } => write!(f, "ArgKey({len} bytes)"),
            Self::Hash(_) => f.write_str("ArgKey(hash)"),
        }
    }
}
