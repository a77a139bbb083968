//! Rate limits.

mod attribute;
mod counts;
mod deployments;
mod fields;
mod identity;
mod input;
mod models;
mod outage;
mod processes;
mod responses;

use larder::Cache;
use larder::rate_limit::Verdict;
use support::redis::RedisServer;

/// The remaining hits of a verdict that admits, and `None` of one that refuses.
fn left(verdict: &Verdict) -> Option<u64> {
    verdict.allowed.then_some(verdict.remaining)
}

/// The counts of a limit: admitted, refused, and without the store.
fn counted(cache: &Cache, scope: &str) -> (u64, u64, u64) {
    let counts = support::stores::counts(cache, &format!("rate_limit:{scope}"));
    (counts.limit_allowed, counts.limit_refused, counts.limit_outages)
}

/// The calls of scripts that a server has carried out.
fn scripts(server: &RedisServer) -> u64 {
    let stats = server.command(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    line.map_or(0, |line| line.split(',').next().expect("a number").parse().expect("a number"))
}
