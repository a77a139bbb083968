//! A primary that Redis Sentinel names.

mod failover;
mod minority;
mod outage;
mod start;
mod tls;
