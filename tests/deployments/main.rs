//! The ways to run Redis: with TLS, users, rotated credentials, sockets and several addresses.

mod acl;
mod addresses;
mod credentials;
mod tls;
mod tls_failures;
