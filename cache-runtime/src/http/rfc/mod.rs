//! The rules of HTTP for caches, as functions of headers and times: no I/O, no clock, no panic.
//!
//! Section numbers are those of RFC 9110 (semantics) and RFC 9111 (caching).

mod accept_encoding;
mod accept_language;
pub(crate) mod cache_status;
pub(crate) mod conditional;
mod date;
mod delta;
pub(crate) mod directives;
pub(crate) mod etag;
pub(crate) mod freshness;
pub(crate) mod hop_by_hop;
pub(crate) mod host;
pub(crate) mod list;
pub(crate) mod preference;
pub(crate) mod range;
pub(crate) mod revalidation;
pub(crate) mod storable;
pub(crate) mod targeted;
pub(crate) mod unsafe_method;
pub(crate) mod url;
pub(crate) mod vary;
mod weights;

#[cfg(test)]
mod tests;
