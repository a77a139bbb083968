//! Postcard: neither names nor types, only values by position.

mod shape;

use serde::{Serialize, de::DeserializeOwned};

use self::shape::shape_of;
use super::fingerprint::fingerprint;
use super::format::Format;

/// The codec [`Codec::Postcard`](super::Codec::Postcard).
pub(super) struct Postcard;

impl Format for Postcard {
    type Error = postcard::Error;

    const FINGERPRINT_DECODES: bool = true;

    #[inline]
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Self::Error> {
        postcard::to_io(value, out).map(drop)
    }

    #[inline]
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
        let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
        // postcard itself ignores trailing bytes.
        rest.is_empty().then_some(value)
    }

    /// Includes the shape of the type: postcard would read the fields of an older struct as those of the current one.
    #[inline]
    fn fingerprint<T: DeserializeOwned>() -> u64 {
        fingerprint::<T>().rotate_left(1) ^ shape_of::<T>()
    }
}
