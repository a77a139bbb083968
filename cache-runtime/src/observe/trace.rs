//! Trace events and warnings; all of them are emitted here.
//!
//! Events name functions and settings, never keys, values or credentials. Without the feature `tracing`, or without a
//! subscriber or a logger of `log`, warnings (each at most once per transition or function) go to standard error.

#[cfg(feature = "tracing")]
use std::cell::Cell;
#[cfg(feature = "tracing")]
use std::fmt;

use crate::types::error::Error;

#[cfg(feature = "tracing")]
macro_rules! event {
    ($level:ident, $($rest:tt)*) => { tracing::event!(target: "larder", tracing::Level::$level, $($rest)*) };
}

/// Emits that a cached call was answered from the cache.
#[inline(always)]
pub(crate) fn hit<'f>(function: impl FnOnce() -> &'f str) {
    #[cfg(feature = "tracing")]
    event!(TRACE, function = function(), "hit");
    #[cfg(not(feature = "tracing"))]
    let _ = function;
}

/// Emits that a cached call was answered with a value past its expiry.
pub(crate) fn stale(function: &str) {
    #[cfg(feature = "tracing")]
    event!(DEBUG, function, "stale");
    #[cfg(not(feature = "tracing"))]
    let _ = function;
}

/// Emits that a cached call has to compute.
pub(crate) fn miss(function: &str) {
    #[cfg(feature = "tracing")]
    event!(DEBUG, function, "miss");
    #[cfg(not(feature = "tracing"))]
    let _ = function;
}

/// Emits that a result was stored.
pub(crate) fn store(function: &str, bytes: usize) {
    #[cfg(feature = "tracing")]
    event!(DEBUG, function, bytes, "store");
    #[cfg(not(feature = "tracing"))]
    let _ = (function, bytes);
}

/// Emits that a result was not stored.
pub(crate) fn refuse(function: &str, reason: &str) {
    #[cfg(feature = "tracing")]
    event!(DEBUG, function, reason, "refuse");
    #[cfg(not(feature = "tracing"))]
    let _ = (function, reason);
}

/// Emits that the store failed and the call continues without the store.
pub(crate) fn store_error(function: &str, error: &Error) {
    #[cfg(feature = "tracing")]
    event!(DEBUG, function, %error, "error");
    #[cfg(not(feature = "tracing"))]
    let _ = (function, error);
}

/// Emits that a call continues without the store, because too many commands are in flight.
pub(crate) fn shed(function: &str) {
    #[cfg(feature = "tracing")]
    event!(DEBUG, function, "shed");
    #[cfg(not(feature = "tracing"))]
    let _ = function;
}

/// Emits that a function has large values, which use a connection of their own.
pub(crate) fn large(function: &str, bytes: usize) {
    #[cfg(feature = "tracing")]
    event!(INFO, function, bytes, "large");
    #[cfg(not(feature = "tracing"))]
    let _ = (function, bytes);
}

/// Emits that the connection is up.
#[cfg(feature = "redis")]
pub(crate) fn connected(server: &str) {
    #[cfg(feature = "tracing")]
    event!(INFO, server, "connect");
    #[cfg(not(feature = "tracing"))]
    let _ = server;
}

/// Emits that sentinels name another server.
#[cfg(feature = "sentinel")]
pub(crate) fn switched(master: &str, server: &str) {
    #[cfg(feature = "tracing")]
    event!(INFO, master, server, "switch");
    #[cfg(not(feature = "tracing"))]
    let _ = (master, server);
}

/// Emits a warning that needs attention. Callers ensure that each is emitted once. Without a `tracing` subscriber, and without a
/// logger of `log` that writes the event as a record, the warning goes to standard error.
pub(crate) fn warn(message: &str) {
    #[cfg(feature = "tracing")]
    {
        let message = Message { text: message, is_written: Cell::new(false) };
        event!(WARN, "{message}");
        if tracing::dispatcher::has_been_set() || message.is_written.get() {
            return;
        }
    }
    eprintln!("larder: {message}");
}

/// A message that notes whether somebody formatted it: the feature `log` of `tracing` is not known here.
#[cfg(feature = "tracing")]
struct Message<'a> {
    text: &'a str,
    is_written: Cell<bool>,
}

#[cfg(feature = "tracing")]
impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.is_written.set(true);
        f.write_str(self.text)
    }
}
