//! Redis as it really runs, by URL: `cargo run --example deployments --features full -- redis+sentinel://127.0.0.1:26379/mymaster`
//!
//! Says what it found behind the URL, then reads and writes once a second. Kill, stop and restart the servers meanwhile: a
//! line changes, and no call fails or hangs.

use std::time::{Duration, Instant};

use larder::{Cache, Health, LocalTier, NodeRole, cache};

/// The time: a hit tells an older one.
#[cache(expire = "5s", cache = cache, entry = uptime_entry)]
async fn uptime(cache: &Cache, started: Seconds) -> u64 {
    started.0.elapsed().as_secs()
}

/// Not a part of the key.
#[derive(Clone, Copy, larder::IgnoreInKey)]
struct Seconds(Instant);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(url) = std::env::args().nth(1) else {
        return Err("give a URL, such as redis://127.0.0.1:6379 or redis+cluster://127.0.0.1:7000".into());
    };
    let scheme = url.split("://").next().unwrap_or_default().to_owned();
    let cache = Cache::builder().url(url).prefix("deployments").local(LocalTier::new()).build().await?;
    // The connection for notifications is made in the background.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let tls = if scheme.starts_with("rediss") { "with TLS" } else { "without TLS" };
    println!("{scheme}, {tls}");
    let mut shown = String::new();
    let started = Seconds(Instant::now());
    for second in 0_u64.. {
        let (began, before) = (Instant::now(), cache.stats().total);
        let value = uptime(&cache, started).await;
        let written = cache.set("beat", &second, "1m").await;
        let took = began.elapsed();
        let after = cache.stats().total;
        let read = match (after.hits - before.hits, after.local_hits - before.local_hits) {
            (0, _) => "computed",
            (_, 0) => "from Redis",
            _ => "from this process",
        };
        let written = written.map_or_else(|error| error.to_string(), |()| "stored".to_owned());
        let servers = describe(&cache.health().await);
        if servers != shown {
            println!("{servers}");
            shown = servers;
        }
        println!("{second:>4} s: read {value} {read}, write {written}, {took:.1?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Lists the servers with their roles.
fn describe(health: &Health) -> String {
    let mut lines = Vec::new();
    for node in &health.nodes {
        let role = match node.role {
            NodeRole::Primary => "primary",
            NodeRole::Replica => "replica",
            _ => "role unknown",
        };
        let state = if node.connected { "connected" } else { "away" };
        lines.push(format!("  {} {role}, {state}", node.address));
    }
    let tracking = match health.push {
        Some(true) => "changes are notified",
        Some(false) => "changes are not notified, no copies are served",
        None => "no copies",
    };
    lines.push(format!("  {tracking}"));
    lines.join("\n")
}
