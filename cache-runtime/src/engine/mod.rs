//! The engine: what happens between a call and its value.
//!
//! Read [`run`] first. The order of the other modules is in `house/src/tables.rs`.

pub(crate) mod abandoned;
pub(crate) mod call;
mod claim;
#[cfg(any(
    feature = "rate_limit",
    feature = "event_log",
    all(any(feature = "revoke", feature = "session"), feature = "redis")
))]
pub(crate) mod companion_failure;
#[cfg(feature = "companions")]
pub(crate) mod companions;
pub(crate) mod computation;
pub(crate) mod compute;
pub(crate) mod compute_input;
pub(crate) mod context;
pub(crate) mod core;
pub(crate) mod decide;
pub(crate) mod deferred;
pub(crate) mod deferred_send;
pub(crate) mod entry_op;
pub(crate) mod entry_target;
pub(crate) mod entry_write;
mod fallback;
mod fill;
pub(crate) mod flight;
mod flight_shard;
mod flight_state;
pub(crate) mod follower;
mod forget;
pub(crate) mod found;
pub(crate) mod function_ops;
pub(crate) mod global;
pub(crate) mod held_leases;
mod invalidate;
pub(crate) mod invalidation_guard;
pub(crate) mod judge;
pub(crate) mod key_sizes;
mod key_times;
pub(crate) mod known_tags;
mod large_values;
mod lead;
pub(crate) mod leader_waker;
pub(crate) mod lease;
pub(crate) mod local_hit;
pub(crate) mod lookup;
pub(crate) mod many;
mod miss;
mod neighbor;
pub(crate) mod outage;
pub(crate) mod owner;
#[cfg(feature = "http")]
pub(crate) mod passing;
pub(crate) mod pending;
pub(crate) mod pending_invalidation;
mod put_tagged;
mod rare_parts;
mod read_back;
mod recent;
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
mod store_failure;
mod switches;
mod ttl;
pub(crate) mod turns;
pub(crate) mod unreadable;
mod unusable;
pub(crate) mod waiting;
pub(crate) mod waits;
pub(crate) mod warming;
mod write;
pub(crate) mod write_guard;
