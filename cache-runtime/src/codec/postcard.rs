//! Postcard: neither names nor types, only values by position.

use postcard::Deserializer;
use serde::{Serialize, de::DeserializeOwned};

use super::decode_error::DecodeError;
use super::fingerprint::fingerprint;
use super::format::Format;
use super::limits::{Budget, DepthLimited, Empty};
use super::shape::shape_of;

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
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
        let mut deserializer = Deserializer::from_bytes(bytes);
        let decoded = if Self::is_bounded::<T>() {
            T::deserialize(&mut deserializer)
        } else {
            T::deserialize(DepthLimited::new(&mut deserializer, &Budget::new(Empty::Units)))
        };
        let value = decoded.map_err(DecodeError::new)?;
        // postcard itself ignores trailing bytes.
        let rest = deserializer.finalize().map_err(DecodeError::new)?;
        if rest.is_empty() { Ok(value) } else { Err(DecodeError::trailing(rest.len())) }
    }

    /// Includes the shape of the type: postcard would read the fields of an older struct as those of the current one.
    #[inline]
    fn fingerprint<T: DeserializeOwned>() -> u64 {
        fingerprint::<T>().rotate_left(1) ^ Self::shape::<T>()
    }

    fn shape<T: DeserializeOwned>() -> u64 {
        shape_of::<T>().hash
    }

    fn is_bounded<T: DeserializeOwned>() -> bool {
        shape_of::<T>().is_bounded
    }
}
