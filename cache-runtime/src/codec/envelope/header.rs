//! The header of an envelope.

use super::key_hash::key_hash;
use super::layout::{
    COMPRESS_OFFSET, CRC_OFFSET, CREATED_OFFSET, FINGERPRINT_OFFSET, FLAG_NONE, FLAGS_OFFSET, FORM_OFFSET,
    HARD_OFFSET, HEADER_LEN, IDENTITY_OFFSET, KEY_OFFSET, LEASE_OFFSET, MAGIC, NAME_LEN_OFFSET,
    PREFIX_OFFSET, RAW_LEN_OFFSET, SOFT_OFFSET, STAMP_OFFSET, TAGS_OFFSET, VERSION, VERSION_OFFSET, checksum,
};
use crate::codec::{Compress, StoredForm};
use crate::types::key::Key;
use crate::types::stamp::Stamp;

/// The description of the value in an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The form of the value.
    pub(crate) form: StoredForm,
    /// The compression of the value; `None` also for a value that was not worth compressing.
    pub(crate) compress: Compress,
    /// `true` for an entry that stands for a `None` and has no value.
    pub(crate) none: bool,
    /// The time of the computation.
    pub(crate) created_ms: u64,
    /// The time when the value becomes stale; [`NEVER`](super::NEVER).
    pub(crate) soft_ms: u64,
    /// The time when the value can no longer be used at all; [`NEVER`](super::NEVER).
    pub(crate) hard_ms: u64,
    /// The type's [`Decode::fingerprint`](crate::codec::Decode::fingerprint).
    pub(crate) fingerprint: u64,
    /// The stamp of the group when the computation began.
    pub(crate) stamp: Option<Stamp>,
    /// The hash of the identity of the function whose entry it is.
    pub(crate) identity: u64,
}

/// The lengths in a header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    /// The number of tags.
    pub(super) tags: usize,
    /// The length of the function's name.
    pub(super) name: usize,
    /// The length of the value before compression.
    pub(super) raw: usize,
}

impl Header {
    /// Writes the header in front of tags, name and payload, which are in their place and bounded.
    pub(super) fn write(&self, key: &Key, lengths: Lengths, out: &mut [u8]) {
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        let flags = if self.none { FLAG_NONE } else { 0 };
        put(0, MAGIC);
        put(VERSION_OFFSET, &[VERSION]);
        put(FORM_OFFSET, &[self.form.id()]);
        put(COMPRESS_OFFSET, &[self.compress.id()]);
        put(FLAGS_OFFSET, &[flags]);
        put(TAGS_OFFSET, &[lengths.tags as u8]);
        put(CREATED_OFFSET, &self.created_ms.to_le_bytes());
        put(SOFT_OFFSET, &self.soft_ms.to_le_bytes());
        put(HARD_OFFSET, &self.hard_ms.to_le_bytes());
        put(KEY_OFFSET, &key_hash(key));
        put(FINGERPRINT_OFFSET, &self.fingerprint.to_le_bytes());
        put(STAMP_OFFSET, &self.stamp.unwrap_or_default());
        put(IDENTITY_OFFSET, &self.identity.to_le_bytes());
        put(PREFIX_OFFSET, &key.prefix_len().to_le_bytes());
        put(NAME_LEN_OFFSET, &(lengths.name as u16).to_le_bytes());
        put(RAW_LEN_OFFSET, &(lengths.raw as u32).to_le_bytes());
        let crc = checksum(&out[..CRC_OFFSET], &out[HEADER_LEN..]);
        out[CRC_OFFSET..LEASE_OFFSET].copy_from_slice(&crc.to_le_bytes());
    }

    /// Reads a header whose checksum is correct.
    #[inline]
    pub(super) fn read(header: &[u8; HEADER_LEN]) -> Option<Self> {
        let number = |at| Some(u64::from_le_bytes(field(header, at)?));
        let stamp: Stamp = field(header, STAMP_OFFSET)?;
        Some(Self {
            form: StoredForm::from_id(header[FORM_OFFSET])?,
            compress: Compress::from_id(header[COMPRESS_OFFSET])?,
            none: header[FLAGS_OFFSET] & FLAG_NONE != 0,
            created_ms: number(CREATED_OFFSET)?,
            soft_ms: number(SOFT_OFFSET)?,
            hard_ms: number(HARD_OFFSET)?,
            fingerprint: number(FINGERPRINT_OFFSET)?,
            stamp: (stamp != Stamp::default()).then_some(stamp),
            identity: number(IDENTITY_OFFSET)?,
        })
    }
}

/// Returns `N` bytes of the header from `at` on.
#[inline]
pub(super) fn field<const N: usize>(header: &[u8; HEADER_LEN], at: usize) -> Option<[u8; N]> {
    header.get(at..)?.first_chunk().copied()
}
