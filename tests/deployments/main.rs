//! Deployments of Redis other than one plain server, as real processes.

mod cluster;
