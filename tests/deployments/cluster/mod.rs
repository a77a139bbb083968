//! Clusters.

mod failover;
mod load;
mod servers;
mod start;
