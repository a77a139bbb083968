//! Reading and writing a log, in Redis or in this process.

use bytes::Bytes;

use super::feeds::LogFeeds;
use super::settings::Retention;
use super::window::History;
use crate::engine::core::Core;
use crate::event_log::event_id::EventId;
use crate::observe::trace;
use crate::types::error::Error;

/// Adds an event to a log.
///
/// # Errors
/// Those of the store. The event may have been added nevertheless.
pub(super) async fn append(
    core: &Core,
    feeds: &LogFeeds,
    key: &str,
    json: Bytes,
    retention: Retention,
) -> Result<EventId, Error> {
    core.check_open()?;
    #[cfg(feature = "test-util")]
    core.store.inject("event log").await?;
    #[cfg(feature = "redis")]
    if let Some(redis) = core.store.as_redis() {
        let arguments = super::script::append_arguments(&json, retention);
        let decode = |reply: Vec<Vec<u8>>| super::script::appended(&reply);
        return redis.run_script("event log", &super::script::APPEND, &[key], &arguments, decode).await;
    }
    tell_alone(feeds);
    Ok(feeds.append_in_memory(key, json, retention, core.clock.now_ms()))
}

/// Reads the window of a log, and at most `count` of the entries after `last`.
///
/// # Errors
/// Those of the store.
pub(super) async fn read(
    core: &Core,
    feeds: &LogFeeds,
    key: &str,
    last: Option<EventId>,
    count: usize,
) -> Result<History, Error> {
    core.check_open()?;
    #[cfg(feature = "test-util")]
    core.store.inject("event log").await?;
    let (from, count) = match last {
        Some(last) => (last.next(), count),
        None => (EventId::new(0, 0), 0),
    };
    #[cfg(feature = "redis")]
    if let Some(redis) = core.store.as_redis() {
        let arguments = [from.to_string(), count.to_string()];
        let decode = super::script::history;
        return redis.run_script("event log", &super::script::HISTORY, &[key], &arguments, decode).await;
    }
    tell_alone(feeds);
    Ok(feeds.memory.history(key, from, count, core.clock.now_ms()))
}

/// Returns the slot of a log, by which logs are read: on one server all by one reader.
#[cfg_attr(not(feature = "redis"), expect(unused_variables, reason = "memory has no slots"))]
pub(super) fn slot(core: &Core, key: &str) -> u16 {
    #[cfg(feature = "redis")]
    if core.store.is_sharded() {
        return crate::store::Slot::of(key).number();
    }
    0
}

/// Says once that logs on `memory://` are those of this process.
fn tell_alone(feeds: &LogFeeds) {
    if !feeds.is_told.swap(true, std::sync::atomic::Ordering::Relaxed) {
        trace::warn(
            "event logs on `memory://` reach listeners of this process alone; with several processes use Redis",
        );
    }
}
