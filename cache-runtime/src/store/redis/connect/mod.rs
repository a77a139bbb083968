//! The connections to one Redis server.
//!
//! A [`Node`] is one server. For each tokio runtime that calls, it has a [`Link`](link::Link): a set of multiplexed
//! connections with a supervisor that re-establishes them. One more link, on larder's own runtime, serves all other
//! callers ([`pool`]). A link that is down fails at once, without any I/O: the next attempt of its supervisor is the only
//! probe.
//!
//! Everything above sends commands and pipelines to a node over a [`Connection`]: one stream of bytes that many tasks use
//! ([`multiplexer`]).

mod availability;
mod backoff;
mod command;
mod confirm;
mod connection;
mod connections;
mod eviction;
mod failure;
mod fast_path;
mod link;
mod metered_stream;
mod multiplexer;
mod node;
mod places;
mod pool;
mod probe;
mod progress;
mod request;
mod script;
#[cfg(feature = "tls")]
mod secure_stream;
#[cfg(feature = "axum")]
mod shared_connection;
mod supervise;
mod tcp;
mod transport;

#[cfg(any(feature = "cluster", feature = "sentinel", feature = "event_log"))]
pub(crate) use self::failure::Failure;
#[cfg(feature = "axum")]
pub(crate) use self::shared_connection::SharedConnection;
pub(crate) use self::{
    backoff::Backoff,
    command::Command,
    connection::Connection,
    failure::{Diagnosis, describe, diagnose, is_old},
    multiplexer::strings,
    node::Node,
    request::Request,
    script::Script,
};
