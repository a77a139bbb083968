//! The surroundings of the tests: real Redis servers, faulty connections, HTTP servers and clients, processes.

pub mod acl;
pub mod browser;
pub mod cluster;
pub mod connection;
pub mod deployment;
pub mod expiry;
pub mod http;
pub mod log;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod sentinel;
pub mod slot_move;
pub mod socket;
pub mod stores;
pub mod tls;
pub mod wait;
pub mod wire;
