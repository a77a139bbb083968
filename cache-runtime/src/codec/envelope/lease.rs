//! The lease in an envelope. Redis writes it into the stored bytes, whether there is a value or not.

use super::layout::{FLAG_VACANT, FLAGS_OFFSET, HEADER_LEN, LEASE_OFFSET, MARK, PUT_OFFSET};
#[cfg(any(feature = "redis", test))]
use super::{
    key_hash::key_hash,
    layout::{FINGERPRINT_OFFSET, KEY_OFFSET, NAME_LEN_OFFSET, PREFIX_OFFSET, TAGS_OFFSET},
};
#[cfg(any(feature = "redis", test))]
use crate::types::key::Key;

/// Returns the header of a vacant envelope up to the lease. Redis adds lease and stamps.
#[cfg(any(feature = "redis", test))]
pub(crate) fn vacant(key: &Key, tags: usize) -> [u8; LEASE_OFFSET] {
    let mut header = [0; LEASE_OFFSET];
    header[..MARK.len()].copy_from_slice(MARK);
    header[FLAGS_OFFSET] = FLAG_VACANT;
    header[TAGS_OFFSET] = tags as u8;
    header[KEY_OFFSET..FINGERPRINT_OFFSET].copy_from_slice(&key_hash(key));
    header[PREFIX_OFFSET..NAME_LEN_OFFSET].copy_from_slice(&key.prefix_len().to_le_bytes());
    header
}

/// Returns `true` for a vacant envelope.
pub(crate) fn is_vacant(bytes: &[u8]) -> bool {
    bytes.starts_with(MARK) && bytes.get(FLAGS_OFFSET).is_some_and(|flags| flags & FLAG_VACANT != 0)
}

/// Returns the token of the last lease; `None` where there never was one, and in bytes that are not larder's.
pub(crate) fn holder(bytes: &[u8]) -> Option<[u8; 16]> {
    token_at(bytes, LEASE_OFFSET)
}

/// Returns `true` if the bytes carry the lease of a put.
pub(crate) fn has_put(bytes: &[u8]) -> bool {
    token_at(bytes, PUT_OFFSET).is_some()
}

fn token_at(bytes: &[u8], at: usize) -> Option<[u8; 16]> {
    let token: [u8; 16] = bytes.get(at..)?.first_chunk().copied()?;
    (bytes.starts_with(MARK) && token != [0; 16]).then_some(token)
}

/// Returns the part of the bytes that changes with the value or the lease.
pub(crate) fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(HEADER_LEN)]
}
