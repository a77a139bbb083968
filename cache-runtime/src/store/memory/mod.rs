//! The memory store: entries inside this process, bounded in bytes, each with its own expiry.
//!
//! Entries are the same envelopes as in Redis, so that both stores behave alike. Two things make a hit cheap: a value
//! that is `Clone` is stored with a decoded copy, and calls whose key is a hash of arguments find their entry by
//! the arguments themselves, before any key text is built ([`CallKey`]), for as long as the entry exists.

mod arg_index;
mod arg_table;
mod call_key;
mod entry;
mod expires_at;
mod index_slot;
mod label_stamps;
mod leases;
mod lifecycle;
mod operations;
mod recent_args;
mod store;

pub(crate) use self::{arg_index::ArgIndex, call_key::CallKey, store::MemoryStore};
