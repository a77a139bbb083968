//! What Redis answered, in the terms of a tier.

use std::time::Duration;

use bytes::Bytes;
use redis::{FromRedisValue, Value};

use crate::error::Error;
use crate::tier::{Found, Leased, Life, Marks, Page, Stamp, Stamps};

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

/// The answer of `MGET key label..`.
pub(super) fn found(answer: Value, labels: usize) -> Found {
    match answer {
        Value::Array(mut values) if values.len() == 1 + labels => {
            let marks = values.drain(1..).map(|value| stamp(&value)).collect();
            Found { bytes: values.pop().and_then(bytes), marks }
        }
        _ => Found { bytes: None, marks: vec![None; labels].into() },
    }
}

/// The answer of `MGET label..`.
pub(super) fn marks(answer: Value) -> Marks {
    match answer {
        Value::Array(values) => values.iter().map(stamp).collect(),
        _ => Marks::default(),
    }
}

/// The answer of the script LEASE.
pub(super) fn leased(answer: Value, labels: usize) -> Option<Leased> {
    let Value::Array(values) = answer else { return None };
    let (kind, rest) = values.split_first()?;
    let left = || match rest {
        [Value::Int(ms)] => u64::try_from(*ms).ok().map(Duration::from_millis),
        _ => None,
    };
    match kind {
        Value::Int(0) if rest.len() == labels => {
            rest.iter().map(stamp).collect::<Option<Stamps>>().map(Leased::Granted)
        }
        Value::Int(1) => left().map(Leased::Held),
        Value::Int(2) => left().map(Leased::Paused),
        Value::Int(3) => Some(Leased::Changed),
        _ => None,
    }
}

/// The answer of the script LIFE.
pub(super) fn life((ms, tags): (i64, u8)) -> (Life, bool) {
    let life = match u64::try_from(ms) {
        Ok(ms) => Life::For(Duration::from_millis(ms)),
        Err(_) if ms == -1 => Life::Forever,
        Err(_) => Life::Absent,
    };
    (life, tags > 0)
}

/// The answer of `SCAN`. Keys that are not text are not ours.
pub(super) fn page((next, keys): (u64, Vec<Vec<u8>>)) -> Page {
    let keys = keys.into_iter().filter_map(|key| String::from_utf8(key).ok()).collect();
    Page { keys, next: (next != 0).then_some(next) }
}

/// A stamp; a string of another length is none.
fn stamp(answer: &Value) -> Option<Stamp> {
    match answer {
        Value::BulkString(bytes) => bytes.as_slice().try_into().ok(),
        _ => None,
    }
}
