use std::sync::LazyLock;

use bytes::Bytes;
use proptest::prelude::*;

use super::layout::{
    CRC_OFFSET, FORM_OFFSET, LEASE_OFFSET, RAW_LEN_OFFSET, STAMP_OFFSET, TAGS_OFFSET, VERSION_OFFSET,
    checksum,
};
use super::*;
use crate::codec::{Codec, Compress, Decode, StoredForm};
use crate::types::error::Error;
use crate::types::function_name::FunctionName;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::Stamp;
use crate::types::tag_count::TagCount;

const LIMIT: usize = 1 << 20;

type Value = Vec<(String, Option<u64>)>;

fn key() -> Key {
    Key::new("app:user:42".to_owned(), 0, 4)
}

fn name() -> &'static FunctionName {
    FunctionName::of("users::get", "app::users::get", "app::users::get")
}

fn header<T: Decode>(codec: Codec, compress: Compress) -> Header {
    let form = StoredForm::Codec(codec);
    Header {
        form,
        compress,
        none: false,
        created_ms: 1,
        soft_ms: 2,
        hard_ms: NEVER,
        fingerprint: T::fingerprint(form),
        stamp: Some([7; 16]),
        identity: name().hash(),
    }
}

/// In a group whose stamp is all sevens, and with these tags, whose stamps are all eights and nines.
fn under<'a>(tags: &'a [Label]) -> StampedLabels<'a> {
    const STAMPS: [Stamp; 3] = [[7; 16], [8; 16], [9; 16]];
    StampedLabels { labels: Labels { group: Some("{g}"), tags }, stamps: &STAMPS[..=tags.len()] }
}

static TAGS: LazyLock<[Label; 2]> = LazyLock::new(|| [Label::tag("app:", "a"), Label::tag("app:", "b:c")]);

fn forms() -> impl Iterator<Item = (Codec, Compress)> {
    let codecs = Codec::ALL.iter().copied().filter(|codec| codec.available().is_ok());
    let kinds = || Compress::ALL.iter().copied().filter(|kind| kind.available().is_ok());
    codecs.flat_map(move |codec| kinds().map(move |kind| (codec, kind)))
}

fn sealed(codec: Codec, compress: Compress, value: &Value) -> Bytes {
    seal(&key(), header::<Value>(codec, compress), under(&*TAGS), name(), Some(value), LIMIT).unwrap()
}

/// An envelope whose checksum is right although something else may not be.
fn corrected(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = checksum(&bytes[..CRC_OFFSET], &bytes[HEADER_LEN..]);
    bytes[CRC_OFFSET..LEASE_OFFSET].copy_from_slice(&crc.to_le_bytes());
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
            prop_assert!(opened.decode::<Value>(&bytes).is_ok_and(|back| back == value));
            prop_assert!(opened.decode::<Vec<(String, u64)>>(&bytes).is_err());
            prop_assert!(opened.decode::<String>(&bytes).is_err());
            let stored = Header { compress: opened.header.compress, ..header::<Value>(codec, compress) };
            prop_assert_eq!(opened.header, stored);
            prop_assert_eq!(parse(&bytes).map(|opened| opened.header), Some(stored));
            let other = Key::new("app:user:43".to_owned(), 0, 4);
            prop_assert!(open(&other, &bytes, LIMIT).is_none());
        }
    }

    #[test]
    fn a_lease_is_no_damage(lease in any::<[u8; 40]>(), soft_ms in any::<u64>()) {
        let value = vec![("a".to_owned(), Some(1))];
        let mut bytes = sealed(Codec::Json, Compress::None, &value).to_vec();
        bytes[LEASE_OFFSET..HEADER_LEN].copy_from_slice(&lease);
        prop_assert_eq!(open(&key(), &bytes, LIMIT).and_then(|opened| opened.decode(&Bytes::new()).ok()), Some(value.clone()));
        let softer = with_soft_expiry(&bytes, soft_ms).unwrap();
        let opened = open(&key(), &softer, LIMIT).unwrap();
        prop_assert_eq!((opened.header.soft_ms, opened.decode(&Bytes::new())), (soft_ms, Ok(value)));
        prop_assert!(softer[LEASE_OFFSET..HEADER_LEN].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn damage_is_noticed(value in any::<Value>()) {
        for (codec, compress) in forms() {
            let bytes = sealed(codec, compress, &value).to_vec();
            for at in (0..bytes.len().min(400)).filter(|at| !(LEASE_OFFSET..HEADER_LEN).contains(at)) {
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
        prop_assert!(parse(&bytes).is_none());
    }

    /// Bytes with a header and a checksum that hold together, and anything in between.
    #[test]
    fn forged(
        codec in 0..5_u8, compress in 0..4_u8, flags in 0..3_u8, tags in 0..4_u8, raw_len in prop_oneof![0..400_u32, any::<u32>()],
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = sealed(Codec::Json, Compress::None, &Vec::new()).to_vec();
        bytes.truncate(HEADER_LEN);
        bytes[FORM_OFFSET..=TAGS_OFFSET].copy_from_slice(&[codec, compress, flags, tags]);
        bytes[RAW_LEN_OFFSET..CRC_OFFSET].copy_from_slice(&raw_len.to_le_bytes());
        bytes.extend_from_slice(&body);
        if let Some(opened) = open(&key(), &corrected(bytes), LIMIT) {
            prop_assert!(opened.raw_len <= LIMIT && opened.payload.len() <= body.len());
            let _ = opened.decode::<Value>(&Bytes::new());
        }
    }
}

#[test]
fn frozen() {
    let bytes = sealed(Codec::Json, Compress::None, &vec![("a".to_owned(), Some(1))]);
    assert_eq!(&bytes[..8], b"ldr\x03\x01\0\0\x02");
    assert_eq!(&bytes[8..32], &[[1, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0], [255; 8]].concat()[..]);
    assert_eq!(&bytes[32..48], &blake3::hash(b"app:user:42").as_bytes()[..16]);
    assert_eq!(&bytes[STAMP_OFFSET..72], &[7; 16]);
    assert_eq!(&bytes[72..80], &blake3::hash(b"app::users::get").as_bytes()[..8]);
    assert_eq!(&bytes[80..96], &[0; 16], "late tags");
    assert_eq!(&bytes[96..108], b"\x04\0\x0a\0\0\0\0\0\x09\0\0\0");
    assert_eq!(&bytes[112..152], &[0; 40]);
    assert_eq!(&bytes[152..184], &[[8; 16], [9; 16]].concat());
    assert_eq!(&bytes[184..], b"\x01\0a\x03\0b:cusers::get[[\"a\",1]]");
}

#[test]
fn an_entry_of_another_prefix_is_foreign() {
    let bytes = sealed(Codec::Json, Compress::None, &Vec::new());
    for prefix_len in [0, 3, 9] {
        let other = Key::new("app:user:42".to_owned(), 0, prefix_len);
        assert!(open(&other, &bytes, LIMIT).is_none(), "{prefix_len}");
    }
    assert_eq!(
        open(&key(), &bytes, LIMIT).map(|opened| opened.function().to_owned()).as_deref(),
        Some("users::get")
    );
}

#[test]
fn nothing_to_give() {
    let none =
        seal::<Value>(&key(), header::<Value>(Codec::Json, Compress::Lz4), under(&[]), name(), None, 0);
    let none = match none {
        Err(error) if !cfg!(feature = "lz4") => {
            assert!(error.to_string().contains("needs the feature `lz4`"));
            return;
        }
        none => none.unwrap(),
    };
    assert_eq!(none.len(), HEADER_LEN + name().short().len());
    let opened = open(&key(), &none, LIMIT).unwrap();
    assert!(opened.header.none && opened.payload.is_empty());
    assert!(opened.is::<Value>() && !opened.is::<String>());
    assert!(opened.decode::<Value>(&none).is_err());
    assert!(opened.decode::<()>(&none).is_err());
}

#[test]
fn another_version() {
    let mut bytes = sealed(Codec::Json, Compress::None, &Vec::new()).to_vec();
    assert!(open(&key(), &corrected(bytes.clone()), LIMIT).is_some());
    for other in [0, 1, 2, 4] {
        bytes[VERSION_OFFSET] = other;
        assert!(open(&key(), &corrected(bytes.clone()), LIMIT).is_none(), "{other}");
    }
}

#[test]
fn tags_are_told_apart_from_the_value() {
    let bytes = sealed(Codec::Json, Compress::None, &Vec::new());
    let opened = open(&key(), &bytes, LIMIT).unwrap();
    assert_eq!(opened.tags.names().collect::<Vec<_>>(), ["a", "b:c"]);
    assert_eq!(opened.tags.stamps().collect::<Vec<_>>(), [[8; 16], [9; 16]]);
    assert_eq!(opened.payload, b"[]");
}

#[test]
fn late_tags_follow_the_others() {
    for (codec, compress) in forms() {
        let value = vec![("a".repeat(2_000), Some(1))];
        let bytes = sealed(codec, compress, &value);
        let late = [Label::tag("app:", "late"), Label::tag("app:", "later")];
        let labels =
            StampedLabels { labels: Labels { group: None, tags: &late }, stamps: &[[1; 16], [2; 16]] };
        let noted = TagCount { number: 5, epoch: [3; 8] };
        let bytes = with_late_tags(&bytes, labels, noted).unwrap();
        assert_eq!((&bytes[80..88], &bytes[88..96], bytes[100]), (&5u64.to_le_bytes()[..], &[3; 8][..], 2));
        let opened = open(&key(), &bytes, LIMIT).unwrap();
        assert_eq!(opened.tags.names().collect::<Vec<_>>(), ["a", "b:c", "late", "later"]);
        assert_eq!(opened.tags.stamps().collect::<Vec<_>>(), [[8; 16], [9; 16], [1; 16], [2; 16]]);
        assert_eq!((opened.function(), opened.decode::<Value>(&bytes).ok()), (name().short(), Some(value)));
    }
    assert!(with_late_tags(b"foreign", under(&[]), TagCount { number: 0, epoch: [0; 8] }).is_none());
}

#[test]
fn a_lease_alone_is_no_envelope() {
    let vacant = vacant(&key(), 2);
    assert!(is_vacant(&vacant));
    assert!(parse(&[&vacant[..], &[1; 100]].concat()).is_none());
    assert!(!is_vacant(&sealed(Codec::Json, Compress::None, &Vec::new())));
    assert!(!is_vacant(b"ldr"));
}

#[test]
fn too_large() {
    for (codec, compress) in forms() {
        let value = vec![("a".repeat(2_000), None)];
        let error = seal(&key(), header::<Value>(codec, compress), under(&[]), name(), Some(&value), 1_000)
            .unwrap_err();
        assert!(matches!(error, Error::TooLarge { size: 2_000.., limit: 1_000 }));
        let bytes = sealed(codec, compress, &value);
        assert!(open(&key(), &bytes, 1_000).is_none());
    }
}
