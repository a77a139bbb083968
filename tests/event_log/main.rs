//! Event logs, channels and server-sent events.

mod channels;
mod client;
mod deployments;
mod input;
mod listeners;
mod logs;
mod outage;
mod responses;
mod resume;
mod shutdown;

use larder::Cache;
use larder::event_log::{EventLog, LogEvent, LogStream};
use support::stores::in_time;

/// A log of numbers that keeps many.
fn numbers(cache: &Cache) -> EventLog<u64> {
    cache.event_log("numbers").keep(100_000).expire("1h")
}

/// The next event of a stream, which is not a reset.
async fn event<T: serde::de::DeserializeOwned + std::fmt::Debug>(stream: &mut LogStream<T>) -> T {
    match in_time(stream.recv()).await {
        Some(LogEvent::Event { data, .. }) => data,
        other => panic!("{other:?}"),
    }
}

/// Waits for a reset.
async fn reset<T: serde::de::DeserializeOwned + std::fmt::Debug>(stream: &mut LogStream<T>) {
    let event = in_time(stream.recv()).await;
    assert!(matches!(event, Some(LogEvent::Reset { .. })), "{event:?}");
}
