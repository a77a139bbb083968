//! Reading an envelope.

use bytes::Bytes;

use super::header::{Header, field};
use super::key_hash::key_hash;
use super::labels::StoredTags;
use super::layout::{
    CRC_OFFSET, FLAG_NONE, FLAGS_OFFSET, HEADER_LEN, KEY_OFFSET, MAGIC, NAME_LEN_OFFSET, PREFIX_OFFSET,
    RAW_LEN_OFFSET, TAGS_OFFSET, VERSION, VERSION_OFFSET, checksum,
};
use crate::codec::compress::decompress;
use crate::codec::{Compress, Decode, DecodeError};
use crate::types::key::Key;

/// An envelope that passed every check of form.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    /// The description of the value.
    pub(crate) header: Header,
    /// The tags of the entry.
    pub(crate) tags: StoredTags<'a>,
    /// The name of the function whose entry it is.
    name: &'a [u8],
    /// The value as stored.
    pub(crate) payload: &'a [u8],
    /// The length of the payload before compression.
    pub(crate) raw_len: usize,
}

/// Returns the envelope in `bytes`, if it is whole, of this version, and for `key` of this prefix.
pub(crate) fn open<'a>(key: &Key, bytes: &'a [u8], limit: usize) -> Option<Envelope<'a>> {
    let (envelope, header) = read(bytes)?;
    let is_wanted = envelope.raw_len <= limit
        && field(header, KEY_OFFSET) == Some(key_hash(key))
        && field(header, PREFIX_OFFSET) == Some(key.prefix_len().to_le_bytes());
    is_wanted.then_some(envelope)
}

/// Returns the envelope in `bytes`, for any key.
pub(crate) fn parse(bytes: &[u8]) -> Option<Envelope<'_>> {
    read(bytes).map(|(envelope, _)| envelope)
}

/// Returns whether bytes seem to be an envelope of another version of the format.
pub(crate) fn has_other_version(bytes: &[u8]) -> bool {
    bytes.strip_prefix(MAGIC).and_then(<[u8]>::first).is_some_and(|version| *version != VERSION)
}

/// Returns the length of the value before compression as `bytes` claim it, unchecked; zero where they claim none.
pub(crate) fn raw_len(bytes: &[u8]) -> usize {
    let claimed = bytes.get(RAW_LEN_OFFSET..CRC_OFFSET).and_then(|len| len.try_into().ok());
    claimed.map_or(0, |len| u32::from_le_bytes(len) as usize)
}

impl Envelope<'_> {
    /// Returns the length of what follows the tags.
    pub(super) fn after_tags(&self) -> usize {
        self.name.len() + self.payload.len()
    }

    /// Returns the name of the function whose entry it is.
    pub(crate) fn function(&self) -> &str {
        std::str::from_utf8(self.name).unwrap_or_default()
    }

    /// Returns the hash of the identity of that function.
    pub(crate) fn identity(&self) -> u64 {
        self.header.identity
    }

    /// Returns `true` for an entry of a `T`, with a value or without.
    #[inline]
    pub(crate) fn is<T: Decode>(&self) -> bool {
        self.header.fingerprint == T::fingerprint(self.header.form)
    }

    /// Returns the value, if it is a `T`; an error for an entry without a value, see [`Header::none`]. `whole` is all of the
    /// envelope's bytes.
    #[inline]
    pub(crate) fn decode<T: Decode>(&self, whole: &Bytes) -> Result<T, DecodeError> {
        let Header { form, compress, .. } = self.header;
        if self.header.none || !self.is::<T>() {
            return Err(DecodeError::new("of another type"));
        }
        if compress == Compress::None {
            return T::decode(form, self.payload, whole);
        }
        // `open` has checked `raw_len` against the limit.
        let raw = decompress(compress, self.payload, self.raw_len, self.raw_len);
        let raw = Bytes::from(raw.ok_or_else(|| DecodeError::new("not what was compressed"))?);
        T::decode(form, &raw, &raw)
    }
}

/// Reads an envelope and its header.
#[inline]
fn read(bytes: &[u8]) -> Option<(Envelope<'_>, &[u8; HEADER_LEN])> {
    let (header, body) = bytes.split_first_chunk::<HEADER_LEN>()?;
    let has_known_flags = header[FLAGS_OFFSET] & !FLAG_NONE == 0;
    if !header.starts_with(MAGIC) || header[VERSION_OFFSET] != VERSION || !has_known_flags {
        return None;
    }
    let crc = u32::from_le_bytes(field(header, CRC_OFFSET)?);
    if crc != checksum(&header[..CRC_OFFSET], body) {
        return None;
    }
    let (tags, rest) = StoredTags::split(usize::from(header[TAGS_OFFSET]), body)?;
    let name_len = usize::from(u16::from_le_bytes(field(header, NAME_LEN_OFFSET)?));
    let (name, payload) = rest.split_at_checked(name_len)?;
    let raw_len = u32::from_le_bytes(field(header, RAW_LEN_OFFSET)?) as usize;
    let envelope = Envelope { header: Header::read(header)?, tags, name, payload, raw_len };
    let is_consistent = envelope.header.compress != Compress::None || payload.len() == raw_len;
    is_consistent.then_some((envelope, header))
}
