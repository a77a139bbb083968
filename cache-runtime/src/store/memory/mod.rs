//! The memory store: entries inside this process, bounded in bytes, each with its own expiry.
//!
//! Entries are the same envelopes as in Redis, so that both stores behave alike. Two things make a hit cheap: a value
//! that is `Clone` is stored with a decoded copy, and calls whose key is a hash of arguments find their entry by
//! the arguments themselves, before any key text is built ([`CallKey`]).

mod arg_index;
mod call_key;
mod entry;
mod expires_at;
mod label_stamps;
mod leases;
mod lifecycle;
mod operations;
mod store;

pub(crate) use self::{call_key::CallKey, store::MemoryStore};
