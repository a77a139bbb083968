//! axum: handlers whose responses are cached, extractors in keys, and extractors of the cache itself.

mod extract;
mod handler;
mod keys;
mod write;

#[cfg(feature = "redis")]
pub use self::extract::RedisConnection;
pub use self::{
    extract::{CacheHandle, CacheRejection},
    handler::{Handler, Incoming, Outcome, Respond, Responds, respond, respond_detachable, responded},
    write::{evict_response, put_response},
};
