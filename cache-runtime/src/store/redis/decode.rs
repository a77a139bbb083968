//! What Redis answered, in the terms of a tier.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::{FromRedisValue, Value};

use crate::store::{Leased, Page, StoreRead, Ttl};
use crate::types::error::Error;
use crate::types::stamp::CurrentStamps;
use crate::types::stamp::Stamp;
use crate::types::stamp::Stamps;

/// The answer as a `T`.
pub(super) fn decode<T: FromRedisValue>(step: &'static str, answer: Value) -> Result<T, Error> {
    redis::from_redis_value(answer).map_err(|error| Error::Redis {
        step,
        message: error.to_string(),
        source: Some(Arc::new(error)),
    })
}

/// The answer of `GET key`: a string, without copying it, or none. `None` when it can be no answer to that, as in what
/// follows.
#[expect(clippy::option_option, reason = "the outer one says whether this is an answer at all")]
pub(super) fn bytes(answer: Value) -> Option<Option<Bytes>> {
    match answer {
        Value::BulkString(bytes) => Some(Some(Bytes::from(bytes))),
        Value::Nil => Some(None),
        _ => None,
    }
}

/// The answer of `MGET key label..`. It has no errors: what is no string is not there.
pub(super) fn found(answer: Value, labels: usize) -> Option<StoreRead> {
    let Value::Array(mut values) = answer else { return None };
    if values.len() != 1 + labels {
        return None;
    }
    let marks = values.drain(1..).map(|value| stamp(&value)).collect();
    Some(StoreRead { bytes: values.pop().and_then(bytes).flatten(), marks })
}

/// The answer of `MGET label..`.
pub(super) fn marks(answer: Value, labels: usize) -> Option<CurrentStamps> {
    match answer {
        Value::Array(values) if values.len() == labels => Some(values.iter().map(stamp).collect()),
        _ => None,
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
pub(super) fn life((ms, tags): (i64, u8)) -> (Ttl, bool) {
    let life = match u64::try_from(ms) {
        Ok(ms) => Ttl::For(Duration::from_millis(ms)),
        Err(_) if ms == -1 => Ttl::Forever,
        Err(_) => Ttl::Absent,
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
