//! The Redis store against real servers, and against servers that misbehave.

mod concurrent_reads;
mod entries;
mod failures;
mod late_tags;
mod leases;
#[path = "../../../../../tests/support/proxy.rs"]
#[expect(dead_code, unreachable_pub, reason = "the integration tests use the rest")]
pub(super) mod proxy;
mod runtimes;
#[path = "../../../../../tests/support/redis.rs"]
#[expect(dead_code, unreachable_pub, reason = "the integration tests use the rest")]
pub(super) mod server;
pub(super) mod support;
#[path = "../../../../../tests/support/wait.rs"]
#[expect(unreachable_pub, reason = "the integration tests use it as well")]
pub(super) mod wait;
