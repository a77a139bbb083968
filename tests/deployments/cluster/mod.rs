//! Clusters.

mod addresses;
mod failover;
mod load;
mod moves;
mod servers;
mod start;
mod storm;
