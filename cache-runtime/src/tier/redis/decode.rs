//! What Redis answered, in the terms of a tier.

use std::time::Duration;

use bytes::Bytes;
use redis::{FromRedisValue, Value};

use crate::error::Error;
use crate::tier::{Found, Life, Page, Stamp};

/// The answer as a `T`.
pub(super) fn decode<T: FromRedisValue>(step: &'static str, answer: Value) -> Result<T, Error> {
    redis::from_redis_value(answer).map_err(|error| Error::Redis { step, message: error.to_string() })
}

/// A string, without copying it; anything else is no value of ours.
pub(super) fn bytes(answer: Value) -> Option<Bytes> {
    match answer {
        Value::BulkString(bytes) => Some(Bytes::from(bytes)),
        _ => None,
    }
}

/// A stamp; a string of another length is none.
pub(super) fn stamp(answer: &Value) -> Option<Stamp> {
    match answer {
        Value::BulkString(bytes) => bytes.as_slice().try_into().ok(),
        _ => None,
    }
}

/// The answer of `MGET key group`.
pub(super) fn pair(answer: Value) -> Found {
    match answer {
        Value::Array(mut two) if two.len() == 2 => {
            let stamp = two.pop().as_ref().and_then(stamp);
            Found { bytes: two.pop().and_then(bytes), stamp }
        }
        _ => Found::default(),
    }
}

/// The answer of `PTTL`.
pub(super) fn life(ms: i64) -> Life {
    match u64::try_from(ms) {
        Ok(ms) => Life::For(Duration::from_millis(ms)),
        Err(_) if ms == -1 => Life::Forever,
        Err(_) => Life::Absent,
    }
}

/// The answer of `SCAN`. Keys that are not text are not ours.
pub(super) fn page((next, keys): (u64, Vec<Vec<u8>>)) -> Page {
    let keys = keys.into_iter().filter_map(|key| String::from_utf8(key).ok()).collect();
    Page { keys, next: (next != 0).then_some(next) }
}
