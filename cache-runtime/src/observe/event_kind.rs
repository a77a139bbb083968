//! The kinds of events: each is counted, traced, and sent to the subscribers.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::types::breaker::Breaker;
use crate::types::error::Error;
use crate::types::milliseconds;

/// The kind of an event.
///
/// Most kinds have a count of the same meaning in [`Counts`](crate::Counts), which their documentation names. `Serialize` gives
/// the name in `kind`, such as `lease_wait`, with the fields beside it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A call was answered from the cache with a fresh value: `hits`, and `local_hits` if `tier` is local.
    #[non_exhaustive]
    Hit {
        /// The place where the value was found.
        tier: Tier,
    },
    /// A call was answered from the cache with a cached `None`: `none_hits`, and `local_hits` if `tier` is local.
    #[non_exhaustive]
    NoneHit {
        /// The place where it was found.
        tier: Tier,
    },
    /// A call was answered with a value past its expiry: `stale_hits`.
    Stale,
    /// A call found no usable entry: `misses`.
    Miss,
    /// A result was stored: `stores`.
    #[non_exhaustive]
    Stored {
        /// The size of the stored entry in bytes, with its header and after compression.
        bytes: usize,
        /// The time that the function took; `None` for a value that was put. In JSON `took_ms`.
        #[serde(rename = "took_ms", serialize_with = "milliseconds::optional")]
        took: Option<Duration>,
    },
    /// A result was not stored: `refusals`.
    #[non_exhaustive]
    Refused {
        /// The reason, for people: `Err`, `unless`, `too large`, ..
        reason: &'static str,
    },
    /// A call got the result of another call, for which it waited: `waits`.
    Wait,
    /// A call did not use the cache: `bypasses`.
    Bypass,
    /// A call began to wait for the computation of another process: `lease_waits`.
    LeaseWait,
    /// A value is recomputed, on request or in the background: `refreshes`.
    Refresh,
    /// An entry, a group, a tag, a function or a pattern was invalidated: `invalidations`.
    #[non_exhaustive]
    Invalidated {
        /// The kind of its target.
        by: InvalidatedBy,
    },
    /// The store did not carry out an invalidation, which is retried in the background: `pending_invalidations`.
    #[non_exhaustive]
    PendingInvalidation {
        /// The kind of its target.
        by: InvalidatedBy,
    },
    /// The store did not carry out an invalidation, and the queue was full: `pending_invalidations_lost`.
    LostInvalidation,
    /// An invalidation of a [`Deferred`](crate::Deferred) that was dropped without `send` or `discard`: `deferred_unsent`.
    UnsentInvalidation,
    /// An invalidation was carried out and not acknowledged by as many replicas as `confirm` asks for: `not_confirmed`.
    NotConfirmed,
    /// Stored bytes could not be used: `unusable`.
    Unusable,
    /// A value could not be encoded, or arguments could not be made a key: `encode_errors`.
    EncodeError,
    /// A store operation failed or timed out: `store_errors`.
    #[non_exhaustive]
    StoreError {
        /// The error. In JSON its text.
        #[serde(serialize_with = "text")]
        error: Error,
    },
    /// A call went on without the store, because too many of its commands were in flight: `shed`.
    Shed,
    /// A rate limit admitted a hit: `limit_allowed`.
    #[cfg(feature = "rate_limit")]
    LimitAllowed,
    /// A hit was more than a rate limit admits: `limit_refused`.
    #[cfg(feature = "rate_limit")]
    LimitRefused,
    /// A rate limit decided about a hit without the store: `limit_outages`.
    #[cfg(feature = "rate_limit")]
    LimitOutage,
    /// The circuit breaker of a server opened or closed; on a cluster each node has its own. It has no count.
    #[non_exhaustive]
    Breaker {
        /// The address of the server.
        server: String,
        /// The new state.
        state: Breaker,
    },
    /// The connection over which a server reports changes for the local tier was opened or lost. It has no count.
    #[non_exhaustive]
    Push {
        /// The address of the server.
        server: String,
        /// `true` if the server reports changes now.
        connected: bool,
    },
    /// Events were missed, because the subscriber is slow: more than a thousand waited. It has no count.
    #[non_exhaustive]
    Lagged {
        /// The number of events.
        missed: u64,
    },
}

/// The place where a call found a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Tier {
    /// This process, in front of Redis.
    Local,
    #[default]
    /// The store: Redis, or the memory of this process with `memory://`.
    Store,
}

/// The kind of the target of an invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum InvalidatedBy {
    /// One entry.
    Key,
    /// A group.
    Group,
    /// A tag.
    Tag,
    /// All keys that match a glob.
    Pattern,
    /// The entries of a function.
    Function,
}

fn text<S: Serializer>(error: &Error, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}
