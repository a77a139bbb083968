//! Deployments of Redis other than one plain server, as real processes.

mod acl;
mod addresses;
mod cluster;
mod credentials;
mod eviction;
mod resp2;
mod tls;
mod tls_failures;
