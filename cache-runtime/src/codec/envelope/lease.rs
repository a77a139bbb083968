//! The lease in an envelope. Redis writes it into the stored bytes, whether there is a value or not.

use super::layout::{FLAG_VACANT, FLAGS_OFFSET, HEADER_LEN, LEASE_OFFSET, MAGIC};
#[cfg(any(feature = "redis", test))]
use super::{
    key_hash::key_hash,
    layout::{FINGERPRINT_OFFSET, KEY_OFFSET, MARK, TAGS_OFFSET},
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
    header
}

/// Returns `true` for a vacant envelope.
pub(crate) fn is_vacant(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && bytes.get(FLAGS_OFFSET).is_some_and(|flags| flags & FLAG_VACANT != 0)
}

/// Returns the token of the last lease; `None` where there never was one, and in bytes that are not larder's.
pub(crate) fn holder(bytes: &[u8]) -> Option<[u8; 16]> {
    let token: [u8; 16] = bytes.get(LEASE_OFFSET..)?.first_chunk().copied()?;
    (bytes.starts_with(MAGIC) && token != [0; 16]).then_some(token)
}

/// Returns the part of the bytes that changes with the value or the lease.
pub(crate) fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(HEADER_LEN)]
}
