//! MessagePack with field names, by rmp-serde. Without names, a `skip_serializing_if` field could not be read back.

use rmp_serde::{Deserializer, encode};
use serde::{Serialize, de::DeserializeOwned};

use super::decode_error::DecodeError;
use super::format::Format;
use super::limits::{Budget, DepthLimited, Empty, MAX_DEPTH};
use super::shape::shape_of;

/// The codec [`Codec::MsgPack`](super::Codec::MsgPack).
pub(super) struct MsgPack;

impl Format for MsgPack {
    type Error = encode::Error;

    #[inline]
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Self::Error> {
        encode::write_named(out, value)
    }

    #[inline]
    fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, DecodeError> {
        let mut deserializer = Deserializer::new(&mut bytes);
        deserializer.set_max_depth(MAX_DEPTH);
        let decoded = if Self::is_bounded::<T>() {
            T::deserialize(&mut deserializer)
        } else {
            // rmp-serde does not count enums.
            T::deserialize(DepthLimited::new(&mut deserializer, &Budget::new(Empty::Nothing)))
        };
        let value = decoded.map_err(DecodeError::new)?;
        // rmp-serde itself ignores trailing bytes.
        if bytes.is_empty() { Ok(value) } else { Err(DecodeError::trailing(bytes.len())) }
    }

    fn is_bounded<T: DeserializeOwned>() -> bool {
        shape_of::<T>().is_bounded
    }
}
