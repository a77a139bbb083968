//! A primary that Redis Sentinel names.

mod failover;
mod outage;
mod start;
mod tls;
