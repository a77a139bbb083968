//! JSON, by serde_json.

use serde::{Serialize, de::DeserializeOwned};

use super::format::Format;

/// The codec [`Codec::Json`](super::Codec::Json).
pub(super) struct Json;

impl Format for Json {
    type Error = serde_json::Error;

    #[inline]
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Self::Error> {
        serde_json::to_writer(out, value)
    }

    #[inline]
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
        serde_json::from_slice(bytes).ok()
    }
}
