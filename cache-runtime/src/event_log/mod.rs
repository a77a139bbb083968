//! Event logs and channels: events for the listeners of all processes, and server-sent events.
//!
//! `log/` is what can be resumed: `window` decides (pure), `script` reads and writes the stream in Redis and `memory_log` does the same in
//! this process, `reader` follows the streams over one connection, `listener` is the way of one listener. `channel/` is publish and
//! subscribe, at most once. `sse/` makes responses of either.

mod channel;
mod event_id;
mod in_use;
mod log;
mod names;
mod source_stream;
#[cfg(feature = "axum")]
mod sse;
mod stream_end;

#[cfg(feature = "axum")]
pub use self::sse::SseParts;
pub use self::{
    channel::{Channel, ChannelStream},
    event_id::EventId,
    log::{EventLog, LogEvent, LogStream},
    stream_end::StreamEnd,
};
