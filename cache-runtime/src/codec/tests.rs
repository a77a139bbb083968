//! Tests of all codecs together; a new one takes part by being in the table.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Codec, Compress, StoredForm};
use crate::types::error::Error;

/// The codecs whose feature is on.
fn available() -> impl Iterator<Item = Codec> {
    Codec::ALL.iter().copied().filter(|codec| codec.available().is_ok())
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    id: u64,
    big: i128,
    name: Option<String>,
    kind: Choice,
    tags: Vec<(String, f64)>,
    more: BTreeMap<String, Option<u8>>,
    #[serde(skip)]
    skipped: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Choice {
    Plain,
    Newtype(u8),
    Pair(u8, char),
    Fields { a: (), b: bool },
}

fn record() -> impl Strategy<Value = Record> {
    let kind = prop_oneof![
        Just(Choice::Plain),
        any::<u8>().prop_map(Choice::Newtype),
        any::<(u8, char)>().prop_map(|(a, b)| Choice::Pair(a, b)),
        any::<bool>().prop_map(|b| Choice::Fields { a: (), b }),
    ];
    let finite = prop::num::f64::NORMAL | prop::num::f64::ZERO;
    let tags = prop::collection::vec((".{0,4}", finite), 0..4);
    let more = prop::collection::btree_map(".{0,4}", any::<Option<u8>>(), 0..4);
    let scalars = (any::<u64>(), any::<i128>(), any::<Option<String>>());
    (scalars, kind, tags, more).prop_map(|((id, big, name), kind, tags, more)| Record {
        id,
        big,
        name,
        kind,
        tags,
        more,
        skipped: 0,
    })
}

fn bytes<T: Serialize + ?Sized>(codec: Codec, value: &T) -> Vec<u8> {
    let mut out = b"before".to_vec();
    codec.encode(value, &mut out).unwrap();
    assert!(out.starts_with(b"before"));
    out.split_off(6)
}

proptest! {
    #[test]
    fn round_trip(record in record()) {
        for codec in available() {
            let mut bytes = bytes(codec, &record);
            let decoded = codec.decode::<Record>(&bytes);
            prop_assert_eq!(decoded.as_ref(), Ok(&record));
            bytes.push(b'0');
            prop_assert!(codec.decode::<Record>(&bytes).is_err());
        }
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for codec in Codec::ALL {
            let _ = codec.decode::<Record>(&bytes);
            let _ = codec.decode::<Vec<String>>(&bytes);
            let _ = codec.decode::<serde_json::Value>(&bytes);
        }
    }
}

/// Without serde_json's feature `float_roundtrip`, a hit would differ from the computed value by one bit.
#[test]
fn floats_come_back_exactly() {
    let value = 3.571_827_994_571_402_7e-103_f64;
    for codec in available() {
        assert_eq!(codec.decode(&bytes(codec, &value)), Ok(value));
    }
}

#[test]
fn an_unsupported_value_is_an_error_with_its_cause() {
    let tuple_keys = BTreeMap::from([((1, 2), 3)]);
    let error = Codec::Json.encode(&tuple_keys, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Encode { codec: "json", .. }));
    assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<serde_json::Error>()));
}

#[test]
fn a_feature_that_is_off_is_named() {
    for codec in Codec::ALL {
        let result = codec.encode(&1, &mut Vec::new());
        assert_eq!(result.is_ok(), codec.available().is_ok());
        if let Err(error) = result {
            let name = codec.name();
            let wanted = format!("codec = {name} needs the feature `{name}` of larder");
            assert!(error.to_string().ends_with(&wanted), "{error}");
            assert!(codec.decode::<u8>(b"1").is_err());
        }
    }
    assert!(Codec::Json.available().is_ok());
    assert_eq!(Codec::MsgPack.available().is_ok(), cfg!(feature = "msgpack"));
    assert_eq!(Codec::Postcard.available().is_ok(), cfg!(feature = "postcard"));
    assert_eq!(Compress::Lz4.available().is_ok(), cfg!(feature = "lz4"));
    assert_eq!(Compress::Zstd.available().is_ok(), cfg!(feature = "zstd"));
    assert!(Compress::None.available().is_ok());
}

/// Frozen: numbers and names are in stored envelopes, or in users' code.
#[test]
fn numbers_and_names() {
    let codecs: Vec<_> = Codec::ALL.iter().map(|codec| (codec.id(), codec.name())).collect();
    assert_eq!(codecs[..3], [(1, "json"), (2, "msgpack"), (3, "postcard")]);
    let kinds: Vec<_> = Compress::ALL.iter().map(|kind| (kind.id(), kind.name())).collect();
    assert_eq!(kinds[..3], [(0, "none"), (1, "lz4"), (2, "zstd")]);
    assert_eq!((StoredForm::Response.id(), StoredForm::Response.name()), (4, "http"));
    for id in 0..=255 {
        assert!(StoredForm::from_id(id).is_none_or(|form| form.id() == id));
        assert!(Compress::from_id(id).is_none_or(|kind| kind.id() == id));
    }
    assert!(Codec::ALL.iter().all(|codec| Codec::from_id(codec.id()) == Some(*codec)));
    assert!(Compress::ALL.iter().all(|kind| Compress::from_id(kind.id()) == Some(*kind)));
}
