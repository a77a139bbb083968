//! MessagePack with field names, by rmp-serde. Without names, a `skip_serializing_if` field could not be read back.

use rmp_serde::{Deserializer, encode};
use serde::{Serialize, de::DeserializeOwned};

use super::format::Format;

/// The codec [`Codec::MsgPack`](super::Codec::MsgPack).
pub(super) struct MsgPack;

impl Format for MsgPack {
    type Error = encode::Error;

    #[inline]
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Self::Error> {
        encode::write_named(out, value)
    }

    #[inline]
    fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Option<T> {
        let value = T::deserialize(&mut Deserializer::new(&mut bytes)).ok()?;
        // rmp-serde itself ignores trailing bytes.
        bytes.is_empty().then_some(value)
    }
}
