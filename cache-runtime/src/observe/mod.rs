//! Observation: statistics, trace events, metrics, and events for subscribers.

pub(crate) mod event_kind;
#[cfg(feature = "events")]
pub(crate) mod events;
#[cfg(feature = "metrics")]
pub(crate) mod publish;
pub(crate) mod record;
pub(crate) mod stats;
pub(crate) mod trace;
pub(crate) mod warnings;
