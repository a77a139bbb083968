//! Deployments of Redis other than one plain server, as real processes, and their failures.

mod acl;
mod addresses;
mod cluster;
mod confirm;
mod credentials;
mod eviction;
mod resp2;
mod sentinel;
mod slots;
mod snapshots;
mod tls;
mod tls_failures;
