//! The surroundings of the tests: real Redis servers, faulty connections, HTTP servers and clients, processes.

pub mod http;
pub mod life;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod tiers;
pub mod wait;
pub mod wire;
