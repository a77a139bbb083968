//! Deployments of Redis other than one plain server, as real processes, and their failures.

mod cluster;
mod confirm;
mod sentinel;
