//! Counts, events and where they are published.

#[cfg(feature = "metrics")]
pub(crate) mod publish;
pub(crate) mod stats;
pub(crate) mod trace;
