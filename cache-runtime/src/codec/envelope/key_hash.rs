//! The hash that ties an envelope to its key.

use super::layout::checksum;
use crate::types::key::Key;

/// Returns the hash of a key, which exposes an answer that belongs to another key.
///
/// The digest of the arguments at the end of a key already identifies them; hashing it again would take as long as all
/// other checks together. Every other text is hashed.
#[inline]
pub(super) fn key_hash(key: &Key) -> [u8; 16] {
    let text = key.as_str().as_bytes();
    let mut hash = [0; 16];
    match text.split_last_chunk::<33>() {
        Some((head, [b':', digest @ ..])) if is_hex(digest) => {
            hash[..12].copy_from_slice(&digest[..12]);
            hash[12..].copy_from_slice(&checksum(head, &digest[12..]).to_le_bytes());
        }
        _ => hash.copy_from_slice(&blake3::hash(text).as_bytes()[..16]),
    }
    hash
}

/// Returns whether all bytes are hexadecimal digits. All are looked at, which the compiler does for many at once.
fn is_hex(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |are_hex, byte| are_hex & byte.is_ascii_hexdigit())
}
