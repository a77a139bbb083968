//! JSON, by serde_json.

use serde::{Serialize, de::DeserializeOwned};

use super::Codec;
use crate::types::error::Error;

/// Appends the value to `out`.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    serde_json::to_writer(out, value).map_err(|error| super::refused(Codec::Json, &error))
}

/// The value, if `bytes` are one and nothing else.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}
