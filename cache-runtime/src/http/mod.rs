//! HTTP responses: kept whole, and answered from the cache by the rules of RFC 9110, 9111 and 5861.
//!
//! Read [`visit`](self) first: the story of a request. What the RFCs say is in `rfc`, as functions of headers and times.

mod answer;
mod body;
mod cached;
mod crowd;
mod errand;
mod fetch;
mod judge;
mod layer;
mod made;
mod options;
mod outcome;
mod purge;
#[cfg(feature = "axum")]
mod put;
mod request;
mod rfc;
mod service;
mod spot;
mod visit;
mod wire;

#[doc(no_inline)]
pub use self::options::NoCache::{Bypass, Ignore, Refresh};
#[doc(hidden)]
pub use self::outcome::{AsResponse, Outcome};
pub use self::{
    body::CacheBody,
    cached::CachedResponse,
    layer::ResponseCacheLayer,
    options::{MAX_BODY, NoCache},
    service::ResponseCache,
};
#[cfg(all(feature = "axum", feature = "redis"))]
pub use crate::axum::RedisConnection;
#[cfg(feature = "axum")]
pub use crate::axum::{CacheHandle, CacheRejection};

pub(crate) use self::body::Room;
#[cfg(feature = "axum")]
pub(crate) use self::{
    answer::{From, Signs, answer},
    errand::Terms,
    options::{Access, Options},
    put::store,
    request::{Asked, Way},
    spot::{Spot, Whose},
    visit::{at_hand, visit},
};
