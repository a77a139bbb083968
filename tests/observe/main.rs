//! Health, statistics and metrics.

mod health;
mod metrics;
mod stats;
