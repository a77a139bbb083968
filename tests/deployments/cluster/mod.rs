//! Clusters.

mod addresses;
mod connection;
mod failover;
mod load;
mod moves;
mod servers;
mod start;
mod storm;
