//! The handle: the cache itself, its builder, and the entry of one call.

mod blocking;
pub(crate) mod builder;
pub(crate) mod cache;
mod entry;
pub(crate) mod global;
mod groups;
mod info;
mod keys;
mod values;

pub(crate) use self::entry::Target;
pub use self::{
    blocking::{BlockingCache, BlockingEntry},
    builder::Builder,
    cache::Cache,
    entry::Entry,
    info::{EntryInfo, Health},
    keys::Keys,
};
