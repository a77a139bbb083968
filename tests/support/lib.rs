//! What the tests need round them: a real Redis, trouble on the line, and patience.
#![allow(
    clippy::allow_attributes,
    dead_code,
    unreachable_pub,
    reason = "each test binary compiles this module and uses another part of it"
)]

#[cfg(feature = "axum")]
pub mod http;
pub mod life;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod tiers;
pub mod wait;
#[cfg(all(feature = "axum", feature = "test-util"))]
pub mod wire;
