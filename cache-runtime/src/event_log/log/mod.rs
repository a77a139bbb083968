//! Event logs.

mod event;
mod failures;
mod feeds;
mod handle;
mod history;
mod listener;
mod memory_log;
#[cfg(feature = "redis")]
mod reader;
#[cfg(feature = "redis")]
mod script;
mod settings;
mod stream;
mod window;
#[cfg(feature = "redis")]
mod xread;

#[cfg(feature = "axum")]
pub(super) use self::event::LogStep;
#[cfg(feature = "redis")]
pub(super) use self::failures::read_failed;
pub(super) use self::failures::{publish_failed, record};
#[cfg(feature = "axum")]
pub(super) use self::listener::LogListener;
pub use self::{event::LogEvent, handle::EventLog, stream::LogStream};
