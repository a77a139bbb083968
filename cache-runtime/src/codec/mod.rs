//! Codecs: how values become bytes and back.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::codec::fingerprint::fingerprint;
use crate::types::error::Error;
use crate::types::windows::StaleWindows;

mod compress;
pub(crate) mod envelope;
pub(crate) mod fingerprint;
mod json;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(feature = "postcard")]
mod postcard;

pub(crate) use self::compress::{compress, decompress};

/// The form in which a value is stored.
///
/// Every variant exists in every build; using one whose feature is off is an error that says so.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// JSON: readable in redis-cli and by any other program. It cannot hold infinite floats and `NaN`, maps
    /// whose keys are neither text nor numbers, and the difference between `None` and `Some(None)`.
    #[default]
    Json,
    /// MessagePack with field names (feature `msgpack`): compact, and old entries survive a new
    /// `#[serde(default)]` field. It cannot hold the difference between `None` and `Some(None)`.
    MsgPack,
    /// Postcard (feature `postcard`): the smallest, by position. Entries of a struct whose fields changed are
    /// misses. It cannot hold `flatten`, `untagged`, `tag = ".."`, `skip_serializing_if` and `serde_json::Value`.
    Postcard,
    /// An HTTP response: its head in a form of our own, its body as it is. For `response`, never for other values.
    Http,
}

/// What can become bytes: every `Serialize` type, and what has a form of its own.
#[doc(hidden)]
pub trait Encode {
    /// Appends the encoded value to `out`.
    ///
    /// # Errors
    /// The codec cannot hold it.
    fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<(), Error>;
}

/// What can be made of bytes: every `DeserializeOwned` type, and what has a form of its own.
#[doc(hidden)]
pub trait Decode: Sized {
    /// The value that `bytes`, a part of `whole`, hold, if they hold one and nothing else.
    fn decode(codec: Codec, bytes: &[u8], whole: &Bytes) -> Option<Self>;

    /// The number of the type as `codec` stores it.
    fn fingerprint(codec: Codec) -> u64;

    /// How long after its expiry this value may be used, where it says so itself.
    fn windows(&self) -> Option<StaleWindows> {
        None
    }

    /// Whether a new one is to be computed before its life is over, where the policy says so.
    fn renews(&self) -> bool {
        true
    }

    /// The longest encoded form that is kept, where the builder says `limit`.
    fn limit(limit: usize) -> usize {
        limit
    }
}

impl<T: Serialize + ?Sized> Encode for T {
    fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<(), Error> {
        encode(codec, self, out)
    }
}

impl<T: DeserializeOwned> Decode for T {
    fn decode(codec: Codec, bytes: &[u8], _: &Bytes) -> Option<Self> {
        decode(codec, bytes)
    }

    fn fingerprint(codec: Codec) -> u64 {
        fingerprint_of::<Self>(codec)
    }
}

/// How stored values are made smaller.
///
/// Every variant exists in every build; using one whose feature is off is an error that says so. Values
/// below 512 bytes, and those that would not get smaller, are stored as they are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compress {
    /// Stored as it is.
    #[default]
    None,
    /// LZ4 (feature `lz4`): fast.
    Lz4,
    /// Zstandard (feature `zstd`): smaller.
    Zstd,
}

impl Codec {
    /// Its name, as in `codec = json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MsgPack => "msgpack",
            Self::Postcard => "postcard",
            Self::Http => "http",
        }
    }

    /// Its number in an envelope. Never change or reuse one.
    pub(crate) const fn id(self) -> u8 {
        match self {
            Self::Json => 1,
            Self::MsgPack => 2,
            Self::Postcard => 3,
            Self::Http => 4,
        }
    }

    /// The codec with this number.
    pub(crate) const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Json),
            2 => Some(Self::MsgPack),
            3 => Some(Self::Postcard),
            4 => Some(Self::Http),
            _ => None,
        }
    }
}

impl Compress {
    /// Its name, as in `compress = lz4`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Its number in an envelope. Never change or reuse one.
    pub(crate) const fn id(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
            Self::Zstd => 2,
        }
    }

    /// The compression with this number.
    pub(crate) const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::None),
            1 => Some(Self::Lz4),
            2 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Fails when its feature is off.
    pub(crate) fn available(self) -> Result<(), Error> {
        match self {
            Self::Lz4 if !cfg!(feature = "lz4") => Err(feature_off("compress", self.name())),
            Self::Zstd if !cfg!(feature = "zstd") => Err(feature_off("compress", self.name())),
            Self::None | Self::Lz4 | Self::Zstd => Ok(()),
        }
    }
}

/// Appends the encoded value to `out`.
fn encode<T: Serialize + ?Sized>(codec: Codec, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    match codec {
        Codec::Json => json::encode(value, out),
        #[cfg(feature = "msgpack")]
        Codec::MsgPack => msgpack::encode(value, out),
        #[cfg(feature = "postcard")]
        Codec::Postcard => postcard::encode(value, out),
        Codec::Http => Err(Error::Encode {
            codec: codec.name(),
            message: "codec = http is for responses; write another, or `response` beside it".to_owned(),
        }),
        #[cfg(not(all(feature = "msgpack", feature = "postcard")))]
        other => Err(feature_off("codec", other.name())),
    }
}

/// The value that `bytes` hold, if they hold one and nothing else.
fn decode<T: DeserializeOwned>(codec: Codec, bytes: &[u8]) -> Option<T> {
    match codec {
        Codec::Json => json::decode(bytes),
        #[cfg(feature = "msgpack")]
        Codec::MsgPack => msgpack::decode(bytes),
        #[cfg(feature = "postcard")]
        Codec::Postcard => postcard::decode(bytes),
        Codec::Http => None,
        #[cfg(not(all(feature = "msgpack", feature = "postcard")))]
        _ => None,
    }
}

/// The fingerprint of `T` as `codec` stores it.
///
/// JSON and MessagePack name the fields and find out themselves what does not fit. Postcard would read the
/// fields of yesterday's struct as those of today's, so there the shape of the type counts as well.
fn fingerprint_of<T: DeserializeOwned>(codec: Codec) -> u64 {
    match codec {
        #[cfg(feature = "postcard")]
        Codec::Postcard => fingerprint::<T>().rotate_left(1) ^ postcard::shape::shape_of::<T>(),
        _ => fingerprint::<T>(),
    }
}

/// The error of a codec that refused a value.
fn refused(codec: Codec, error: &dyn std::error::Error) -> Error {
    Error::Encode { codec: codec.name(), message: error.to_string() }
}

/// The error of a setting whose feature is off.
#[cold]
fn feature_off(setting: &'static str, name: &'static str) -> Error {
    Error::Encode { codec: name, message: format!("{setting} = {name} needs the feature `{name}` of larder") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    const CODECS: [Codec; 3] = [Codec::Json, Codec::MsgPack, Codec::Postcard];

    fn on(codec: Codec) -> bool {
        match codec {
            Codec::Json => true,
            Codec::MsgPack => cfg!(feature = "msgpack"),
            Codec::Postcard => cfg!(feature = "postcard"),
            Codec::Http => false,
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        id: u64,
        big: i128,
        name: Option<String>,
        kind: Kind,
        tags: Vec<(String, f64)>,
        more: BTreeMap<String, Option<u8>>,
        #[serde(skip)]
        skipped: u8,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Plain,
        Newtype(u8),
        Pair(u8, char),
        Fields { a: (), b: bool },
    }

    fn row() -> impl Strategy<Value = Row> {
        let kind = prop_oneof![
            Just(Kind::Plain),
            any::<u8>().prop_map(Kind::Newtype),
            any::<(u8, char)>().prop_map(|(a, b)| Kind::Pair(a, b)),
            any::<bool>().prop_map(|b| Kind::Fields { a: (), b }),
        ];
        let finite = prop::num::f64::NORMAL | prop::num::f64::ZERO;
        let tags = prop::collection::vec((".{0,4}", finite), 0..4);
        let more = prop::collection::btree_map(".{0,4}", any::<Option<u8>>(), 0..4);
        let scalars = (any::<u64>(), any::<i128>(), any::<Option<String>>());
        (scalars, kind, tags, more).prop_map(|((id, big, name), kind, tags, more)| Row {
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
        encode(codec, value, &mut out).unwrap();
        assert!(out.starts_with(b"before"));
        out.split_off(6)
    }

    proptest! {
        #[test]
        fn round_trip(row in row()) {
            for codec in CODECS.into_iter().filter(|codec| on(*codec)) {
                let mut bytes = bytes(codec, &row);
                let decoded = decode::<Row>(codec, &bytes);
                prop_assert_eq!(decoded.as_ref(), Some(&row));
                bytes.push(b'0');
                prop_assert_eq!(decode::<Row>(codec, &bytes), None);
            }
        }

        #[test]
        fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for codec in CODECS {
                let _ = decode::<Row>(codec, &bytes);
                let _ = decode::<Vec<String>>(codec, &bytes);
                let _ = decode::<serde_json::Value>(codec, &bytes);
            }
        }
    }

    /// Without serde_json's feature `float_roundtrip`, a hit would differ from the computed value by one bit.
    #[test]
    fn floats_come_back_exactly() {
        let value = 3.571_827_994_571_402_7e-103_f64;
        for codec in CODECS.into_iter().filter(|codec| on(*codec)) {
            assert_eq!(decode(codec, &bytes(codec, &value)), Some(value));
        }
    }

    #[test]
    fn refusals_are_errors() {
        let tuple_keys = BTreeMap::from([((1, 2), 3)]);
        let error = encode(Codec::Json, &tuple_keys, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, Error::Encode { codec: "json", .. }));
    }

    #[test]
    fn features_that_are_off_say_so() {
        for codec in CODECS {
            let result = encode(codec, &1, &mut Vec::new());
            assert_eq!(result.is_ok(), on(codec));
            if let Err(error) = result {
                let name = codec.name();
                let wanted = format!("codec = {name} needs the feature `{name}` of larder");
                assert!(error.to_string().ends_with(&wanted), "{error}");
                assert_eq!(decode::<u8>(codec, b"1"), None);
            }
        }
        assert_eq!(Compress::Lz4.available().is_ok(), cfg!(feature = "lz4"));
        assert_eq!(Compress::Zstd.available().is_ok(), cfg!(feature = "zstd"));
        assert!(Compress::None.available().is_ok());
    }

    #[test]
    fn ids() {
        for id in 0..=255 {
            assert!(Codec::from_id(id).is_none_or(|codec| codec.id() == id));
            assert!(Compress::from_id(id).is_none_or(|compress| compress.id() == id));
        }
        assert!(CODECS.iter().all(|codec| Codec::from_id(codec.id()) == Some(*codec)));
    }
}
