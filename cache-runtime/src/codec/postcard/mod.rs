//! Postcard: no names and no types, only values by position.

pub(super) mod shape;

use serde::{Serialize, de::DeserializeOwned};

use super::Codec;
use crate::types::error::Error;

/// Appends the value to `out`.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    match postcard::to_io(value, out) {
        Ok(_) => Ok(()),
        Err(error) => Err(super::refused(Codec::Postcard, &error)),
    }
}

/// The value, if `bytes` are one and nothing else; postcard itself would ignore what follows.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}
