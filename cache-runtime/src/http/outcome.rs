//! What comes of a request, and which part of it is kept.

use std::fmt;

use http::Response;
use http_body::Body;

use crate::site::outcome::{Shape, Split, ValueCaps, typed};

use super::body::CacheBody;
use super::cached::CachedResponse;

/// What comes of a request that goes through the cache.
pub enum Outcome<B: Body, E> {
    /// A response that is kept, or a word about several.
    ValueCaps(CachedResponse),
    /// One that is past its end.
    Old(CachedResponse),
    /// A response for this client alone.
    Alone(Result<Response<CacheBody<B>>, E>),
    /// The service failed.
    Failed(Result<Response<CacheBody<B>>, E>),
    /// The client has its response already.
    Gone,
}

/// How [`Outcome`] relates to what is kept of it.
#[derive(Debug, Clone, Copy)]
pub struct AsResponse;

impl<B: Body, E> Shape<Outcome<B, E>> for AsResponse {
    type Value = CachedResponse;
    const NONE_IS_SUCCESS: bool = false;
    const RELEASES_WAITERS: bool = true;

    fn split(result: Outcome<B, E>) -> Split<Outcome<B, E>, CachedResponse> {
        match result {
            Outcome::ValueCaps(response) | Outcome::Old(response) => Split::Value(response),
            Outcome::Failed(_) => Split::Failure(result),
            Outcome::Alone(_) | Outcome::Gone => Split::Unshared(result),
        }
    }

    fn value(value: CachedResponse) -> Outcome<B, E> {
        Outcome::ValueCaps(value)
    }

    fn stale(value: CachedResponse) -> Outcome<B, E> {
        Outcome::Old(value)
    }

    fn none() -> Option<Outcome<B, E>> {
        None
    }
}

/// Responses are cheap to clone, so copies are kept as they are.
pub(super) fn kept<B: Body, E>() -> ValueCaps<Outcome<B, E>, CachedResponse> {
    ValueCaps { clone: Some(typed()), share: None }
}

impl<B: Body, E> fmt::Debug for Outcome<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ValueCaps(_) => "ValueCaps",
            Self::Old(_) => "Old",
            Self::Alone(_) => "Alone",
            Self::Failed(_) => "Failed",
            Self::Gone => "Gone",
        })
    }
}
