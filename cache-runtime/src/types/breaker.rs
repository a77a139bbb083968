//! The state of the circuit breaker in front of Redis.

use serde::Serialize;

/// The state of the circuit breaker, which decides whether calls go to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Breaker {
    /// Calls go to the store.
    Closed,
    /// Calls bypass the store, because it did not answer. One attempt at a time checks for its recovery.
    Open,
    /// The first attempt to connect is running: calls wait for it, at most for `redis_timeout`.
    Connecting,
}
