//! The handle: the cache itself, its builder, and the entry of one call.

mod blocking;
pub(crate) mod builder;
pub(crate) mod cache;
mod entry;
#[cfg(feature = "test-util")]
mod for_test;
mod groups;
mod info;
mod keys;
mod scope;
mod values;

pub use self::{
    blocking::{BlockingCache, BlockingEntry},
    builder::Builder,
    cache::Cache,
    entry::Entry,
    info::{EntryInfo, Health},
    keys::Keys,
};
