//! The public handles: the cache, its builder, and the entry of one call.

mod blocking;
mod blocking_entry;
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

#[cfg(feature = "axum")]
pub(crate) use self::entry::Target;
pub use self::{
    blocking::BlockingCache,
    blocking_entry::BlockingEntry,
    builder::Builder,
    cache::Cache,
    entry::Entry,
    info::{EntryInfo, Health},
    keys::Keys,
};
