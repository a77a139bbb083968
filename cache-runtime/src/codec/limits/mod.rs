//! Limits of decoding: how deep the stored bytes may nest, and how many elements they may claim that take no bytes.
//!
//! A format that has no such limits of its own decodes types that have no bound through [`DepthLimited`], a deserializer around
//! its own. The other types cannot nest deeper than they are written, so the detour is not made for them.

mod access;
mod budget;
mod deserializer;
mod limited;
#[cfg(test)]
mod tests;
mod visitor;

#[cfg(feature = "msgpack")]
pub(super) use self::budget::MAX_DEPTH;
pub(super) use self::budget::{Budget, Empty};
pub(super) use self::limited::DepthLimited;
