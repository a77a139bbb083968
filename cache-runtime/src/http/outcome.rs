//! The outcome of a request, and the part of it that is stored.

use std::fmt;

use http::Response;
use http_body::Body;

use crate::site::outcome::{Shape, Split};
use crate::site::value_caps::{ValueCaps, typed};

use super::body::CacheBody;
use super::cached::CachedResponse;

/// The outcome of a request that went through the cache.
pub enum ExchangeOutcome<B: Body, E> {
    /// A response or an index that is stored.
    Cached(CachedResponse),
    /// A cached response past its expiry.
    Stale(CachedResponse),
    /// A response for this client only.
    Uncached(Result<Response<CacheBody<B>>, E>),
    /// The service failed.
    Failed(Result<Response<CacheBody<B>>, E>),
    /// The client has its response already.
    Delivered,
}

/// The shape of an [`ExchangeOutcome`].
#[derive(Debug, Clone, Copy)]
pub struct AsResponse;

impl<B: Body, E> Shape<ExchangeOutcome<B, E>> for AsResponse {
    type Value = CachedResponse;
    const NONE_IS_SUCCESS: bool = false;

    fn split(outcome: ExchangeOutcome<B, E>) -> Split<ExchangeOutcome<B, E>, CachedResponse> {
        match outcome {
            ExchangeOutcome::Cached(response) | ExchangeOutcome::Stale(response) => Split::Value(response),
            ExchangeOutcome::Failed(_) => Split::Failure(outcome),
            ExchangeOutcome::Uncached(_) | ExchangeOutcome::Delivered => Split::Unshared(outcome),
        }
    }

    fn value(value: CachedResponse) -> ExchangeOutcome<B, E> {
        ExchangeOutcome::Cached(value)
    }

    fn stale(value: CachedResponse) -> ExchangeOutcome<B, E> {
        ExchangeOutcome::Stale(value)
    }

    fn none() -> Option<ExchangeOutcome<B, E>> {
        None
    }
}

/// The abilities of responses: they are cheap to clone, so copies in this process are clones.
pub(super) fn response_caps<B: Body, E>() -> ValueCaps<ExchangeOutcome<B, E>, CachedResponse> {
    ValueCaps { clone: Some(typed()), ..ValueCaps::bytes() }
}

impl<B: Body, E> fmt::Debug for ExchangeOutcome<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cached(_) => "Cached",
            Self::Stale(_) => "Stale",
            Self::Uncached(_) => "Uncached",
            Self::Failed(_) => "Failed",
            Self::Delivered => "Delivered",
        })
    }
}
