//! The engine: what happens between a call and its value.
//!
//! Read [`run`] first. The order of the other modules is in `house/src/tables.rs`.

pub(crate) mod abandoned;
pub(crate) mod call;
mod claim;
pub(crate) mod computation;
pub(crate) mod compute;
pub(crate) mod compute_input;
pub(crate) mod context;
pub(crate) mod core;
pub(crate) mod decide;
pub(crate) mod entry_op;
mod fallback;
mod fill;
pub(crate) mod flight;
mod flight_shard;
mod flight_state;
pub(crate) mod follower;
mod forget;
pub(crate) mod found;
pub(crate) mod global;
pub(crate) mod held_leases;
mod invalidate;
mod invalidation_guard;
pub(crate) mod judge;
mod key_times;
pub(crate) mod leader_waker;
pub(crate) mod lease;
pub(crate) mod local_hit;
pub(crate) mod lookup;
mod miss;
mod neighbor;
pub(crate) mod outage;
pub(crate) mod owner;
#[cfg(feature = "http")]
pub(crate) mod passing;
pub(crate) mod pending;
mod read_back;
mod reclaim;
pub(crate) mod reclaim_queue;
pub(crate) mod refresh;
mod retry;
pub(crate) mod run;
pub(crate) mod run_future;
pub(crate) mod serve;
pub(crate) mod silence;
pub(crate) mod snapshot;
mod stale;
mod stall_limit;
mod stalls;
mod ttl;
pub(crate) mod turns;
pub(crate) mod unreadable;
mod unusable;
pub(crate) mod waits;
mod write;
pub(crate) mod write_guard;
