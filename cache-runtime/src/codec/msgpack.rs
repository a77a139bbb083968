//! MessagePack with field names, by rmp-serde. Without names, a `skip_serializing_if` field could not be read back.

use serde::{Serialize, de::DeserializeOwned};

use super::Codec;
use crate::types::error::Error;

/// Appends the value to `out`.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    rmp_serde::encode::write_named(out, value).map_err(|error| super::refused(Codec::MsgPack, &error))
}

/// The value, if `bytes` are one and nothing else; rmp-serde itself would ignore what follows.
pub(super) fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Option<T> {
    let value = T::deserialize(&mut rmp_serde::Deserializer::new(&mut bytes)).ok()?;
    bytes.is_empty().then_some(value)
}
