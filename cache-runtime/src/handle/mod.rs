//! The public handles: the cache, its builder, and the entry of one call.

#[cfg(feature = "redis")]
mod access;
mod blocking;
mod blocking_entry;
mod blocking_many;
mod builder;
pub(crate) mod cache;
mod check;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "http")]
mod credentials;
mod defer;
mod enabled;
mod entry;
#[cfg(feature = "events")]
mod events;
#[cfg(feature = "test-util")]
mod for_test;
mod from_env;
mod get_or_init;
mod groups;
mod info;
mod init;
mod keys;
mod many;
mod remember_many;
mod scope;
mod table;
mod values;
mod waits;
mod warm_up;

#[cfg(feature = "health")]
pub(crate) use self::warm_up::WarmUpState;
pub use self::{
    blocking::BlockingCache,
    blocking_entry::BlockingEntry,
    builder::Builder,
    cache::Cache,
    defer::Deferred,
    entry::Entry,
    info::{EntryInfo, Health},
    keys::Keys,
    table::{BulkTable, Loaded, LoadedMany, Table, TableBuilder},
    warm_up::{WarmUp, WarmUpReport, WarmUpTask},
};
