//! Events: what the library says through `tracing`. The only file that knows how anyone is told.
//!
//! Functions and settings are named; keys, values and credentials never are. Without the feature `tracing`, or
//! without a subscriber, the few events that a person must see (each at most once per transition or function) go to
//! standard error.

use crate::types::error::Error;

#[cfg(feature = "tracing")]
macro_rules! say {
    ($level:ident, $($rest:tt)*) => { tracing::event!(target: "larder", tracing::Level::$level, $($rest)*) };
}

/// A cached call was answered from the cache.
#[inline]
pub(crate) fn hit<'f>(function: impl FnOnce() -> &'f str) {
    #[cfg(feature = "tracing")]
    say!(TRACE, function = function(), "hit");
    #[cfg(not(feature = "tracing"))]
    let _ = function;
}

/// A cached call was answered with a value past its expiry.
pub(crate) fn stale(function: &str) {
    #[cfg(feature = "tracing")]
    say!(DEBUG, function, "stale");
    #[cfg(not(feature = "tracing"))]
    let _ = function;
}

/// A cached call has to compute.
pub(crate) fn miss(function: &str) {
    #[cfg(feature = "tracing")]
    say!(DEBUG, function, "miss");
    #[cfg(not(feature = "tracing"))]
    let _ = function;
}

/// A result was stored.
pub(crate) fn store(function: &str, bytes: usize) {
    #[cfg(feature = "tracing")]
    say!(DEBUG, function, bytes, "store");
    #[cfg(not(feature = "tracing"))]
    let _ = (function, bytes);
}

/// A result was not stored.
pub(crate) fn refuse(function: &str, reason: &str) {
    #[cfg(feature = "tracing")]
    say!(DEBUG, function, reason, "refuse");
    #[cfg(not(feature = "tracing"))]
    let _ = (function, reason);
}

/// The store failed; the call goes on without it.
pub(crate) fn store_error(function: &str, error: &Error) {
    #[cfg(feature = "tracing")]
    say!(DEBUG, function, %error, "error");
    #[cfg(not(feature = "tracing"))]
    let _ = (function, error);
}

/// The connection is up.
#[cfg(feature = "redis")]
pub(crate) fn connected(server: &str) {
    #[cfg(feature = "tracing")]
    say!(INFO, server, "connect");
    #[cfg(not(feature = "tracing"))]
    let _ = server;
}

/// Something a person should look at. Callers see to it that it is said once. Where nobody listens to `tracing`, it goes
/// to standard error rather than nowhere.
pub(crate) fn warn(message: &str) {
    #[cfg(feature = "tracing")]
    if tracing::dispatcher::has_been_set() {
        say!(WARN, "{message}");
        return;
    }
    eprintln!("larder: {message}");
}
