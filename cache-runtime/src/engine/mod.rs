//! The engine: what happens between a call and its value.

pub(crate) mod call;
pub(crate) mod claim;
pub(crate) mod computation;
pub(crate) mod context;
pub(crate) mod core;
pub(crate) mod decide;
pub(crate) mod entry_op;
pub(crate) mod flight;
pub(crate) mod lease;
pub(crate) mod local_hit;
pub(crate) mod lookup;
pub(crate) mod miss;
pub(crate) mod outage;
pub(crate) mod pending;
pub(crate) mod refresh;
pub(crate) mod run;
pub(crate) mod stale;
