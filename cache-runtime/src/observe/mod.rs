//! Observation: statistics, trace events, and metrics.

#[cfg(feature = "metrics")]
pub(crate) mod publish;
pub(crate) mod stats;
pub(crate) mod trace;
pub(crate) mod warnings;
