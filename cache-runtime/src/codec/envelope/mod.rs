//! The envelope round every stored value: what is needed to know whether the bytes may be believed.
//!
//! ```text
//!  0  "ldr"                     8  created, ms       56  group stamp, 16 bytes
//!  3  format version           16  soft expiry, ms   72  length of the raw payload
//!  4  codec                    24  hard expiry, ms   76  CRC-32 of all other bytes but the lease
//!  5  compression              32  key hash          80  lease: token, 16 bytes; until, ms
//!  6  flags                    48  type fingerprint 104  tag stamps, 16 bytes each
//!  7  number of tags                                  .  tag names: length, 2 bytes, and text; payload
//! ```
//!
//! Numbers are little-endian, times are unix time. The lease is written in Redis, into what is stored already. An
//! envelope without a value that only holds a lease is *vacant*. Anything that does not hold together is no envelope.

use crate::codec::{self, Codec, Compress, Decode, Encode};
use crate::types::error::Error;
use crate::types::key::Key;
use crate::types::stamp::Stamp;
use bytes::Bytes;

mod tags;

#[cfg(feature = "redis")]
pub(crate) use self::tags::names;
pub(crate) use self::tags::{Tags, Under};

/// The first bytes of every envelope, by which our entries are told from others'.
pub(crate) const MAGIC: &[u8; 3] = b"ldr";
/// How every envelope of this version begins, vacant ones as well.
pub(crate) const MARK: &[u8] = b"ldr\x02";
/// The length of the header, behind which tags and payload follow.
pub(crate) const HEADER_LEN: usize = 104;
/// Where the group's stamp is: the script that fills and the one that reclaims compare it in Redis.
pub(crate) const STAMP_OFFSET: usize = 56;
/// Where the lease is: from here on a header may change under the same value.
pub(crate) const LEASE_OFFSET: usize = 80;
/// Set in the flags when there is only a lease here.
pub(crate) const FLAG_VACANT: u8 = 2;

const VERSION: u8 = MARK[3];
const VERSION_OFFSET: usize = 3;
const CODEC_OFFSET: usize = 4;
const COMPRESS_OFFSET: usize = 5;
const FLAGS_OFFSET: usize = 6;
const TAGS_OFFSET: usize = 7;
const CREATED_OFFSET: usize = 8;
const SOFT_OFFSET: usize = 16;
const HARD_OFFSET: usize = 24;
const KEY_OFFSET: usize = 32;
const FINGERPRINT_OFFSET: usize = 48;
const RAW_LEN_OFFSET: usize = 72;
const CRC_OFFSET: usize = 76;

/// Set in the flags when the function had nothing to give, and the payload is empty.
const FLAG_NONE: u8 = 1;
/// The time that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

/// What an envelope says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The form of the value.
    pub(crate) codec: Codec,
    /// How it was made smaller; `None` as well when it was not worth it.
    pub(crate) compress: Compress,
    /// Whether the function had nothing to give; then there is no value.
    pub(crate) none: bool,
    /// When it was computed.
    pub(crate) created_ms: u64,
    /// When it becomes stale; [`NEVER`].
    pub(crate) soft_ms: u64,
    /// When it may no longer be used at all; [`NEVER`].
    pub(crate) hard_ms: u64,
    /// The type's [`Decode::fingerprint`].
    pub(crate) fingerprint: u64,
    /// The stamp of the group under which it was computed.
    pub(crate) stamp: Option<Stamp>,
}

/// An envelope that was found to be whole and in its place.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    /// What it says of its value.
    pub(crate) meta: Meta,
    /// The tags under which it was computed.
    pub(crate) tags: Tags<'a>,
    /// The value as stored.
    pub(crate) payload: &'a [u8],
    /// The length of the payload before compression.
    pub(crate) raw_len: usize,
}

/// Wraps a value, or the fact that there is none, into an envelope for `key`.
pub(crate) fn seal<T: Encode + ?Sized>(
    key: &Key,
    meta: Meta,
    under: Under<'_>,
    value: Option<&T>,
    max_value: usize,
) -> Result<Bytes, Error> {
    let mut meta = Meta { none: value.is_none(), stamp: under.group(), ..meta };
    meta.compress.available()?;
    let mut out = Vec::with_capacity(HEADER_LEN + 152);
    out.resize(HEADER_LEN, 0);
    let tags = under.write(&mut out);
    let start = out.len();
    if let Some(value) = value {
        value.encode(meta.codec, &mut out)?;
    }
    let size = out.len() - start;
    let limit = max_value.min(u32::MAX as usize);
    if size > limit {
        return Err(Error::TooLarge { size, limit });
    }
    match codec::compress(meta.compress, &out[start..]) {
        Some(smaller) => {
            out.truncate(start);
            out.extend_from_slice(&smaller);
        }
        None => meta.compress = Compress::None,
    }
    // Memory counts lengths, so what was reserved in vain must not stay behind.
    out.shrink_to_fit();
    write_header(key, &meta, tags, size as u32, &mut out);
    Ok(Bytes::from(out))
}

/// The same bytes with another soft expiry, and without a lease.
pub(crate) fn resealed(bytes: &[u8], soft_ms: u64) -> Option<Bytes> {
    let mut out = bytes.to_vec();
    parse(&out)?;
    out[SOFT_OFFSET..HARD_OFFSET].copy_from_slice(&soft_ms.to_le_bytes());
    out[LEASE_OFFSET..HEADER_LEN].fill(0);
    let crc = checksum(&out[..CRC_OFFSET], &out[HEADER_LEN..]);
    out[CRC_OFFSET..LEASE_OFFSET].copy_from_slice(&crc.to_le_bytes());
    Some(Bytes::from(out))
}

#[cfg(feature = "redis")]
/// The header of an envelope without a value, but for the lease and the stamps, which are put in where it is stored.
pub(crate) fn vacant(key: &Key, tags: usize) -> [u8; LEASE_OFFSET] {
    let mut header = [0; LEASE_OFFSET];
    header[..MARK.len()].copy_from_slice(MARK);
    header[FLAGS_OFFSET] = FLAG_VACANT;
    header[TAGS_OFFSET] = tags as u8;
    header[KEY_OFFSET..FINGERPRINT_OFFSET].copy_from_slice(&hash_of(key));
    header
}

/// Whether there is only a lease here.
pub(crate) fn is_vacant(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && bytes.get(FLAGS_OFFSET).is_some_and(|flags| flags & FLAG_VACANT != 0)
}

/// Who holds the lease, or held it last; `None` for nobody, and in what is not ours.
pub(crate) fn holder(bytes: &[u8]) -> Option<[u8; 16]> {
    let token: [u8; 16] = bytes.get(LEASE_OFFSET..)?.first_chunk().copied()?;
    (bytes.starts_with(MAGIC) && token != [0; 16]).then_some(token)
}

/// As much of what is stored as stays the same while the value does, lease included.
pub(crate) fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(HEADER_LEN)]
}

/// The envelope in `bytes`, if it is whole, of this version, and for `key`.
pub(crate) fn open<'a>(key: &Key, bytes: &'a [u8], limit: usize) -> Option<Opened<'a>> {
    let (opened, key_hash) = parse(bytes)?;
    let wanted = opened.raw_len <= limit && key_hash == hash_of(key);
    wanted.then_some(opened)
}

/// The envelope in `bytes`, whatever key it is for.
pub(crate) fn look_into(bytes: &[u8]) -> Option<Opened<'_>> {
    parse(bytes).map(|(opened, _)| opened)
}

/// The length that the value in `bytes` had before compression, unchecked; zero where it is not said.
pub(crate) fn raw_len(bytes: &[u8]) -> usize {
    bytes.get(72..76).and_then(|len| len.try_into().ok()).map_or(0, |len| u32::from_le_bytes(len) as usize)
}

impl Opened<'_> {
    /// Whether it was sealed as a `T`, value or not.
    pub(crate) fn is<T: Decode>(&self) -> bool {
        self.meta.fingerprint == T::fingerprint(self.meta.codec)
    }

    /// The value, if it is one of `T`. An entry without a value has none; see [`Meta::none`]. `whole` is what was opened.
    pub(crate) fn decode<T: Decode>(&self, whole: &Bytes) -> Option<T> {
        let Meta { codec, compress, .. } = self.meta;
        if self.meta.none || !self.is::<T>() {
            return None;
        }
        if compress == Compress::None {
            return T::decode(codec, self.payload, whole);
        }
        // `open` has held `raw_len` against the limit.
        let raw = codec::decompress(compress, self.payload, self.raw_len, self.raw_len)?;
        let raw = Bytes::from(raw);
        T::decode(codec, &raw, &raw)
    }
}

/// Writes the header in front of tags and a payload that are in their place.
fn write_header(key: &Key, meta: &Meta, tags: usize, raw_len: u32, out: &mut [u8]) {
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    let flags = if meta.none { FLAG_NONE } else { 0 };
    put(0, MAGIC);
    put(VERSION_OFFSET, &[VERSION]);
    put(CODEC_OFFSET, &[meta.codec.id()]);
    put(COMPRESS_OFFSET, &[meta.compress.id()]);
    put(FLAGS_OFFSET, &[flags]);
    put(TAGS_OFFSET, &[tags as u8]);
    put(CREATED_OFFSET, &meta.created_ms.to_le_bytes());
    put(SOFT_OFFSET, &meta.soft_ms.to_le_bytes());
    put(HARD_OFFSET, &meta.hard_ms.to_le_bytes());
    put(KEY_OFFSET, &hash_of(key));
    put(FINGERPRINT_OFFSET, &meta.fingerprint.to_le_bytes());
    put(STAMP_OFFSET, &meta.stamp.unwrap_or_default());
    put(RAW_LEN_OFFSET, &raw_len.to_le_bytes());
    let crc = checksum(&out[..CRC_OFFSET], &out[HEADER_LEN..]);
    out[CRC_OFFSET..LEASE_OFFSET].copy_from_slice(&crc.to_le_bytes());
}

/// MoveToBackground an envelope apart; answers with the hash of the key it is for.
fn parse(bytes: &[u8]) -> Option<(Opened<'_>, [u8; 16])> {
    let (header, body) = bytes.split_first_chunk::<HEADER_LEN>()?;
    let known_flags = header[FLAGS_OFFSET] & !FLAG_NONE == 0;
    if !header.starts_with(MAGIC) || header[VERSION_OFFSET] != VERSION || !known_flags {
        return None;
    }
    let crc = u32::from_le_bytes(field(header, CRC_OFFSET)?);
    if crc != checksum(&header[..CRC_OFFSET], body) {
        return None;
    }
    let number = |at| Some(u64::from_le_bytes(field(header, at)?));
    let stamp: Stamp = field(header, STAMP_OFFSET)?;
    let meta = Meta {
        codec: Codec::from_id(header[CODEC_OFFSET])?,
        compress: Compress::from_id(header[COMPRESS_OFFSET])?,
        none: header[FLAGS_OFFSET] & FLAG_NONE != 0,
        created_ms: number(CREATED_OFFSET)?,
        soft_ms: number(SOFT_OFFSET)?,
        hard_ms: number(HARD_OFFSET)?,
        fingerprint: number(FINGERPRINT_OFFSET)?,
        stamp: (stamp != Stamp::default()).then_some(stamp),
    };
    let (tags, payload) = Tags::split(usize::from(header[TAGS_OFFSET]), body)?;
    let raw_len = u32::from_le_bytes(field(header, RAW_LEN_OFFSET)?) as usize;
    let opened = Opened { meta, tags, payload, raw_len };
    let as_it_is = meta.compress == Compress::None;
    let consistent = !as_it_is || payload.len() == raw_len;
    consistent.then_some((opened, field(header, KEY_OFFSET)?))
}

/// So many bytes of the header.
fn field<const N: usize>(header: &[u8; HEADER_LEN], at: usize) -> Option<[u8; N]> {
    header.get(at..)?.first_chunk().copied()
}

/// What ties an envelope to its key, so that an answer that belongs to another key is found out.
///
/// A key that ends in the digest of its arguments is told apart by it already; hashing it again would take as long as
/// everything else that is checked. Every other text is hashed.
fn hash_of(key: &Key) -> [u8; 16] {
    let text = key.as_str().as_bytes();
    let mut hash = [0; 16];
    match text.split_last_chunk::<33>() {
        Some((head, [b':', digest @ ..])) if digest.iter().all(u8::is_ascii_hexdigit) => {
            hash[..12].copy_from_slice(&digest[..12]);
            let mut checksum = crc32fast::Hasher::new();
            checksum.update(head);
            checksum.update(&digest[12..]);
            hash[12..].copy_from_slice(&checksum.finalize().to_le_bytes());
        }
        _ => hash.copy_from_slice(&blake3::hash(text).as_bytes()[..16]),
    }
    hash
}

fn checksum(before: &[u8], after: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(before);
    hasher.update(after);
    hasher.finalize()
}

#[cfg(test)]
mod tests;
