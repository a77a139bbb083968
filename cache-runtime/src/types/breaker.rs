//! The state of the circuit breaker in front of Redis.

use serde::Serialize;

/// Whether calls go to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Breaker {
    /// They do.
    Closed,
    /// They do not, because it did not answer; one attempt at a time finds out when it does again.
    Open,
    /// The first attempt to connect is under way: calls wait for it, at most for `redis_timeout`.
    Connecting,
}
