//! Times as milliseconds in JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serializer;

/// Serializes a duration as milliseconds with three decimals, or as nothing.
///
/// # Errors
/// As the serializer.
pub(crate) fn optional<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_some(&((time.as_secs_f64() * 1e6).round() / 1e3)),
        None => serializer.serialize_none(),
    }
}

/// Serializes a point in time as whole milliseconds since 1970.
///
/// # Errors
/// As the serializer.
pub(crate) fn since_epoch<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    serializer.serialize_u64(elapsed.as_millis().try_into().unwrap_or(u64::MAX))
}
