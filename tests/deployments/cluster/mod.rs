//! Clusters.

mod addresses;
mod confirmed;
mod connection;
mod departure;
mod failover;
mod load;
mod moves;
mod servers;
mod start;
mod storm;
