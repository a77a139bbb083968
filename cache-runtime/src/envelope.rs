//! The envelope round every stored value: what is needed to know whether the bytes may be believed.
//!
//! ```text
//!  0  "ldr"                     8  created, ms       56  group stamp, 16 bytes
//!  3  format version           16  soft expiry, ms   72  length of the raw payload
//!  4  codec                    24  hard expiry, ms   76  CRC-32 of all the other bytes
//!  5  compression              32  key hash          80  tag stamps, 24 bytes each
//!  6  flags                    48  type fingerprint   .  payload
//!  7  number of tag stamps
//! ```
//!
//! Numbers are little-endian, times are unix time. Anything that does not hold together is no envelope.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::codec::{self, Codec, Compress};
use crate::error::Error;
use crate::key::Key;
use crate::tier::Stamp;

/// The first bytes of every envelope, by which our entries are told from others'.
pub(crate) const MAGIC: &[u8; 3] = b"ldr";
/// The length of the header, behind which tag stamps and payload follow.
pub(crate) const HEADER_LEN: usize = 80;
/// Where the group's stamp is: the script that fills and the one that reclaims compare it in Redis.
pub(crate) const STAMP_OFFSET: usize = 56;

const VERSION: u8 = 1;
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
/// A tag's hash and its stamp.
const TAG_LEN: usize = 24;
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
    /// The type's [`codec::fingerprint_of`].
    pub(crate) fingerprint: u64,
    /// The stamp of the group under which it was computed.
    pub(crate) stamp: Option<Stamp>,
}

/// An envelope that was found to be whole and in its place.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    /// What it says of its value.
    pub(crate) meta: Meta,
    /// The value as stored.
    pub(crate) payload: &'a [u8],
    /// The length of the payload before compression.
    pub(crate) raw_len: usize,
}

/// Wraps a value, or the fact that there is none, into an envelope for `key`.
pub(crate) fn seal<T: Serialize + ?Sized>(
    key: &Key,
    meta: Meta,
    value: Option<&T>,
    max_value: usize,
) -> Result<Bytes, Error> {
    let mut meta = Meta { none: value.is_none(), ..meta };
    meta.compress.available()?;
    let mut out = Vec::with_capacity(HEADER_LEN + 176);
    out.resize(HEADER_LEN, 0);
    if let Some(value) = value {
        codec::encode(meta.codec, value, &mut out)?;
    }
    let size = out.len() - HEADER_LEN;
    let limit = max_value.min(u32::MAX as usize);
    if size > limit {
        return Err(Error::TooLarge { size, limit });
    }
    match codec::compress(meta.compress, &out[HEADER_LEN..]) {
        Some(smaller) => {
            out.truncate(HEADER_LEN);
            out.extend_from_slice(&smaller);
        }
        None => meta.compress = Compress::None,
    }
    // The local tier counts lengths, so what was reserved in vain must not stay behind.
    out.shrink_to_fit();
    write_header(key, &meta, size as u32, &mut out);
    Ok(Bytes::from(out))
}

/// The envelope in `bytes`, if it is whole, of this version, and for `key`.
pub(crate) fn open<'a>(key: &Key, bytes: &'a [u8], limit: usize) -> Option<Opened<'a>> {
    let (opened, key_hash) = parse(bytes)?;
    let wanted = opened.raw_len <= limit && key_hash == hash_of(key);
    wanted.then_some(opened)
}

/// What the envelope in `bytes` says of its value, whatever key it is for.
pub(crate) fn peek(bytes: &[u8]) -> Option<Meta> {
    parse(bytes).map(|(opened, _)| opened.meta)
}

/// The length that the value in `bytes` had before compression, unchecked; zero where it is not said.
#[cfg(feature = "memory")]
pub(crate) fn raw_len(bytes: &[u8]) -> usize {
    bytes.get(72..76).and_then(|len| len.try_into().ok()).map_or(0, |len| u32::from_le_bytes(len) as usize)
}

impl Opened<'_> {
    /// Whether it was sealed as a `T`, value or not.
    pub(crate) fn is<T: DeserializeOwned>(&self) -> bool {
        self.meta.fingerprint == codec::fingerprint_of::<T>(self.meta.codec)
    }

    /// The value, if it is one of `T`. An entry without a value has none; see [`Meta::none`].
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Option<T> {
        let Meta { codec, compress, .. } = self.meta;
        if self.meta.none || !self.is::<T>() {
            return None;
        }
        if compress == Compress::None {
            return codec::decode(codec, self.payload);
        }
        // `open` has held `raw_len` against the limit.
        let raw = codec::decompress(compress, self.payload, self.raw_len, self.raw_len)?;
        codec::decode(codec, &raw)
    }
}

/// Writes the header in front of a payload that is in its place.
fn write_header(key: &Key, meta: &Meta, raw_len: u32, out: &mut [u8]) {
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    let flags = if meta.none { FLAG_NONE } else { 0 };
    put(0, MAGIC);
    put(VERSION_OFFSET, &[VERSION]);
    put(CODEC_OFFSET, &[meta.codec.id()]);
    put(COMPRESS_OFFSET, &[meta.compress.id()]);
    put(FLAGS_OFFSET, &[flags]);
    put(TAGS_OFFSET, &[0]);
    put(CREATED_OFFSET, &meta.created_ms.to_le_bytes());
    put(SOFT_OFFSET, &meta.soft_ms.to_le_bytes());
    put(HARD_OFFSET, &meta.hard_ms.to_le_bytes());
    put(KEY_OFFSET, &hash_of(key));
    put(FINGERPRINT_OFFSET, &meta.fingerprint.to_le_bytes());
    put(STAMP_OFFSET, &meta.stamp.unwrap_or_default());
    put(RAW_LEN_OFFSET, &raw_len.to_le_bytes());
    let crc = checksum(&out[..CRC_OFFSET], &out[HEADER_LEN..]);
    out[CRC_OFFSET..HEADER_LEN].copy_from_slice(&crc.to_le_bytes());
}

/// Takes an envelope apart; answers with the hash of the key it is for.
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
    let payload = body.get(usize::from(header[TAGS_OFFSET]) * TAG_LEN..)?;
    let raw_len = u32::from_le_bytes(field(header, RAW_LEN_OFFSET)?) as usize;
    let opened = Opened { meta, payload, raw_len };
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 1 << 20;

    type Value = Vec<(String, Option<u64>)>;

    fn key() -> Key {
        Key::new("app:user:42".to_owned(), 0)
    }

    fn meta<T: DeserializeOwned>(codec: Codec, compress: Compress) -> Meta {
        Meta {
            codec,
            compress,
            none: false,
            created_ms: 1,
            soft_ms: 2,
            hard_ms: NEVER,
            fingerprint: codec::fingerprint_of::<T>(codec),
            stamp: Some([7; 16]),
        }
    }

    fn forms() -> impl Iterator<Item = (Codec, Compress)> {
        let codecs = [Codec::Json, Codec::MsgPack, Codec::Postcard];
        let kinds = [Compress::None, Compress::Lz4, Compress::Zstd];
        let on = |codec| codec::encode(codec, &1, &mut Vec::new()).is_ok();
        let forms = codecs.into_iter().filter(move |codec| on(*codec));
        forms
            .flat_map(move |codec| kinds.map(|kind| (codec, kind)))
            .filter(|(_, kind)| kind.available().is_ok())
    }

    fn sealed(codec: Codec, compress: Compress, value: &Value) -> Bytes {
        seal(&key(), meta::<Value>(codec, compress), Some(value), LIMIT).unwrap()
    }

    /// An envelope whose checksum is right although something else may not be.
    fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
        let crc = checksum(&bytes[..CRC_OFFSET], &bytes[HEADER_LEN..]);
        bytes[CRC_OFFSET..HEADER_LEN].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn round_trip(value in any::<Value>(), times in 1..40_usize) {
            let value: Value = (0..times).flat_map(|_| value.clone()).collect();
            for (codec, compress) in forms() {
                let bytes = sealed(codec, compress, &value);
                let opened = open(&key(), &bytes, LIMIT).unwrap();
                prop_assert!(opened.decode::<Value>().is_some_and(|back| back == value));
                prop_assert_eq!(opened.decode::<Vec<(String, u64)>>(), None);
                prop_assert_eq!(opened.decode::<String>(), None);
                let stored = Meta { compress: opened.meta.compress, ..meta::<Value>(codec, compress) };
                prop_assert_eq!(opened.meta, stored);
                prop_assert_eq!(peek(&bytes), Some(stored));
                let other = Key::new("app:user:43".to_owned(), 0);
                prop_assert!(open(&other, &bytes, LIMIT).is_none());
            }
        }

        #[test]
        fn damage_is_noticed(value in any::<Value>()) {
            for (codec, compress) in forms() {
                let bytes = sealed(codec, compress, &value).to_vec();
                for at in 0..bytes.len().min(400) {
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 1 << (at % 8);
                    prop_assert!(open(&key(), &flipped, LIMIT).is_none(), "flip at {}", at);
                    flipped[at] = !bytes[at];
                    prop_assert!(open(&key(), &flipped, LIMIT).is_none(), "flip at {}", at);
                    prop_assert!(open(&key(), &bytes[..at], LIMIT).is_none(), "cut at {}", at);
                }
                let mut longer = bytes;
                longer.push(0);
                prop_assert!(open(&key(), &longer, LIMIT).is_none());
            }
        }

        #[test]
        fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(peek(&bytes).is_none());
        }

        /// Bytes with a header and a checksum that hold together, and anything in between.
        #[test]
        fn forged(
            codec in 0..5_u8, compress in 0..4_u8, flags in 0..3_u8, tags in 0..4_u8, raw_len in prop_oneof![0..400_u32, any::<u32>()],
            body in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut bytes = sealed(Codec::Json, Compress::None, &Vec::new()).to_vec();
            bytes.truncate(HEADER_LEN);
            bytes[CODEC_OFFSET..=TAGS_OFFSET].copy_from_slice(&[codec, compress, flags, tags]);
            bytes[RAW_LEN_OFFSET..CRC_OFFSET].copy_from_slice(&raw_len.to_le_bytes());
            bytes.extend_from_slice(&body);
            if let Some(opened) = open(&key(), &resealed(bytes), LIMIT) {
                prop_assert!(opened.raw_len <= LIMIT && opened.payload.len() <= body.len());
                let _ = opened.decode::<Value>();
            }
        }
    }

    #[test]
    fn frozen() {
        let bytes = sealed(Codec::Json, Compress::None, &vec![("a".to_owned(), Some(1))]);
        assert_eq!(&bytes[..8], b"ldr\x01\x01\0\0\0");
        assert_eq!(
            &bytes[8..32],
            &[[1, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0], [255; 8]].concat()[..]
        );
        assert_eq!(&bytes[32..48], &blake3::hash(b"app:user:42").as_bytes()[..16]);
        assert_eq!(&bytes[STAMP_OFFSET..72], &[7; 16]);
        assert_eq!(&bytes[72..76], &[9, 0, 0, 0]);
        assert_eq!(&bytes[HEADER_LEN..], br#"[["a",1]]"#);
    }

    #[test]
    fn nothing_to_give() {
        let none = seal::<Value>(&key(), meta::<Value>(Codec::Json, Compress::Lz4), None, 0);
        let none = match none {
            Err(error) if !cfg!(feature = "lz4") => {
                assert!(error.to_string().contains("needs the feature `lz4`"));
                return;
            }
            none => none.unwrap(),
        };
        assert_eq!(none.len(), HEADER_LEN);
        let opened = open(&key(), &none, LIMIT).unwrap();
        assert!(opened.meta.none && opened.payload.is_empty());
        assert!(opened.is::<Value>() && !opened.is::<String>());
        assert_eq!(opened.decode::<Value>(), None);
        assert_eq!(opened.decode::<()>(), None);
    }

    #[test]
    fn another_version() {
        let mut bytes = sealed(Codec::Json, Compress::None, &Vec::new()).to_vec();
        assert!(open(&key(), &resealed(bytes.clone()), LIMIT).is_some());
        bytes[VERSION_OFFSET] = 2;
        assert!(open(&key(), &resealed(bytes), LIMIT).is_none());
    }

    #[test]
    fn tag_stamps_are_skipped() {
        let value = vec![("a".to_owned(), None)];
        let mut bytes = sealed(Codec::Json, Compress::None, &value).to_vec();
        bytes[TAGS_OFFSET] = 2;
        bytes.splice(HEADER_LEN..HEADER_LEN, [9; 2 * TAG_LEN]);
        let bytes = resealed(bytes);
        assert_eq!(open(&key(), &bytes, LIMIT).and_then(|opened| opened.decode()), Some(value));
    }

    #[test]
    fn too_large() {
        for (codec, compress) in forms() {
            let value = vec![("a".repeat(2_000), None)];
            let error = seal(&key(), meta::<Value>(codec, compress), Some(&value), 1_000).unwrap_err();
            assert!(matches!(error, Error::TooLarge { size: 2_000.., limit: 1_000 }));
            let bytes = sealed(codec, compress, &value);
            assert!(open(&key(), &bytes, 1_000).is_none());
        }
    }
}
