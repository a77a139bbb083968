//! axum: handlers whose responses are cached, extractors in keys, and extractors of the cache itself.

mod conditions;
mod etag;
#[cfg(feature = "axum-extra")]
mod extra;
mod extract;
mod handler;
mod handling;
mod incoming;
mod keys;
mod peek;
mod respond;
mod response;
mod write;

#[cfg(feature = "redis")]
pub use self::extract::RedisConnection;
pub use self::{
    conditions::{Conditions, NotModified},
    etag::Etag,
    extract::{CacheHandle, CacheRejection},
    handler::Handler,
    incoming::{Incoming, WithIncoming},
    peek::{BodyProbe, ViaNoBody, ViaPeek},
    respond::{Respond, respond, respond_detachable},
    response::{Outcome, Responds, responded},
    write::{Responded, evict_response, put_response},
};
