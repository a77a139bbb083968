//! Decoders of replies. They return `None` for a reply that its command cannot have.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::{FromRedisValue, Value};

use crate::store::contract::{StoreRead, Ttl};
use crate::store::lease::Leased;
use crate::types::error::Error;
use crate::types::stamp::{CurrentStamps, Stamp, Stamps};
use crate::types::tag_count::TagCount;

/// The stamp of a tag, and the count up to which the tag was invalidated at most, where that is known.
pub(super) type CountedStamp = (Stamp, Option<TagCount>);

/// Decodes a reply with the client library.
pub(super) fn decode<T: FromRedisValue>(step: &'static str, reply: Value) -> Result<T, Error> {
    redis::from_redis_value(reply).map_err(|error| Error::Redis {
        step,
        message: error.to_string(),
        source: Some(Arc::new(error)),
    })
}

/// Decodes the reply to `GET key`, without copying the string.
#[expect(clippy::option_option, reason = "the outer option is that of all decoders here")]
pub(super) fn bytes(reply: Value) -> Option<Option<Bytes>> {
    match reply {
        Value::BulkString(bytes) => Some(Some(Bytes::from(bytes))),
        Value::Nil => Some(None),
        _ => None,
    }
}

/// Decodes the reply to `MGET key label..`, which has no errors: a value of another type is absent.
pub(super) fn read(reply: Value, labels: usize) -> Option<StoreRead> {
    let Value::Array(mut values) = reply else { return None };
    if values.len() != 1 + labels {
        return None;
    }
    let stamps = values.drain(1..).map(|value| stamp_in(&value)).collect();
    Some(StoreRead { bytes: values.pop().and_then(bytes).flatten(), stamps })
}

/// Decodes the reply to `MGET label..`.
pub(super) fn stamps(reply: Value, labels: usize) -> Option<CurrentStamps> {
    match reply {
        Value::Array(values) if values.len() == labels => Some(values.iter().map(stamp_in).collect()),
        _ => None,
    }
}

/// Decodes the reply of the script LEASE.
pub(super) fn leased(reply: Value, labels: usize) -> Option<Leased> {
    let Value::Array(values) = reply else { return None };
    let (code, rest) = values.split_first()?;
    let left = || match rest {
        [Value::Int(ms)] => u64::try_from(*ms).ok().map(Duration::from_millis),
        _ => None,
    };
    match code {
        Value::Int(0) if rest.len() == labels => {
            rest.iter().map(stamp_in).collect::<Option<Stamps>>().map(Leased::Granted)
        }
        Value::Int(1) => left().map(Leased::Held),
        Value::Int(2) => left().map(Leased::Paused),
        Value::Int(3) => Some(Leased::Changed),
        Value::Int(4) => left().map(Leased::Uncached),
        _ => None,
    }
}

/// Converts the reply of the script TTL.
pub(super) fn ttl((ms, tags): (i64, u8)) -> (Ttl, bool) {
    let ttl = match u64::try_from(ms) {
        Ok(ms) => Ttl::For(Duration::from_millis(ms)),
        Err(_) if ms == -1 => Ttl::Forever,
        Err(_) => Ttl::Absent,
    };
    (ttl, tags > 0)
}

/// Converts the keys in a reply to `SCAN`. Keys of larder are UTF-8; others are left out.
pub(super) fn keys(keys: Vec<Vec<u8>>) -> Vec<String> {
    keys.into_iter().filter_map(|key| String::from_utf8(key).ok()).collect()
}

/// Decodes the reply of the script LATE.
pub(super) fn late(reply: Value, tags: usize) -> Option<(TagCount, Vec<CountedStamp>)> {
    let Value::Array(mut values) = reply else { return None };
    let stamps = Value::Array(values.split_off(1.min(values.len())));
    match values.as_slice() {
        [Value::BulkString(count)] => Some((TagCount::read(count)?, counted_stamps(stamps, tags)?)),
        _ => None,
    }
}

/// Decodes the reply of the script NOTE.
pub(super) fn counted_stamps(reply: Value, tags: usize) -> Option<Vec<CountedStamp>> {
    match reply {
        Value::Array(values) if values.len() == tags => values.iter().map(counted_stamp).collect(),
        _ => None,
    }
}

fn counted_stamp(reply: &Value) -> Option<CountedStamp> {
    let Value::BulkString(bytes) = reply else { return None };
    Some((stamp(bytes)?, TagCount::read(&bytes[size_of::<Stamp>()..])))
}

fn stamp_in(reply: &Value) -> Option<Stamp> {
    let Value::BulkString(bytes) = reply else { return None };
    stamp(bytes)
}

/// Decodes a stamp, which the count of a tag may follow. A string of another length is none.
pub(super) fn stamp(bytes: &[u8]) -> Option<Stamp> {
    let is_stamp = [size_of::<Stamp>(), size_of::<Stamp>() + TagCount::LEN].contains(&bytes.len());
    bytes.first_chunk().copied().filter(|_| is_stamp)
}
