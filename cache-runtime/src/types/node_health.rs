//! The state of one server.

use std::time::Duration;

use serde::Serialize;

use super::breaker::Breaker;
use super::milliseconds;

/// The state of one server of Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NodeHealth {
    /// The address that larder connects to: `host:port`, or the path of a socket.
    pub address: String,
    /// The role of the server.
    pub role: NodeRole,
    /// True if the server answered last.
    pub connected: bool,
    /// The state of the circuit breaker of this server.
    pub breaker: Breaker,
    /// The round trip time, if the server answered.
    #[serde(rename = "latency_ms", serialize_with = "milliseconds::optional")]
    pub latency: Option<Duration>,
    /// The last failure of a connection, which stays after it has ended.
    pub last_error: Option<String>,
}

/// The role of a server of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NodeRole {
    /// The server takes writes.
    Primary,
    /// The server follows a primary.
    Replica,
    /// The server has not said, or the user may not ask for it (`ROLE`).
    Unknown,
}
