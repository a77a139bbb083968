//! Measures the memory of the process while a million distinct keys pass through a local tier of 64 MiB. Needs `REDIS_URL`.

use std::sync::Arc;
use std::time::Duration;

use larder::{Cache, LocalTier, cache};
use larder_benches::User;

const KEYS: u64 = 1_000_000;
const TASKS: u64 = 64;
const LIMIT: usize = 64 << 20;

#[cache(cache = cache, expire = "1h")]
async fn user(cache: &Cache, id: u64) -> Arc<User> {
    Arc::new(User::new(id))
}

async fn all(cache: &Cache) {
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let cache = cache.clone();
            tokio::spawn(async move {
                for id in (task..KEYS).step_by(TASKS as usize) {
                    user(&cache, id).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib << 10
}

#[tokio::main]
async fn main() {
    let Ok(url) = std::env::var("REDIS_URL") else {
        println!("no REDIS_URL: scripts/bench starts a server");
        return;
    };
    let plain = Cache::builder().url(&url).prefix("memory").redis_timeout(Duration::from_secs(10));
    let plain = plain.require_redis(true).build().await.expect("a cache");
    all(&plain).await;
    let before = resident();
    let local = LocalTier::new().max_bytes(LIMIT).expire("1h");
    let cache =
        Cache::builder().url(&url).prefix("memory").redis_timeout(Duration::from_secs(10)).local(local);
    let cache = cache.require_redis(true).build().await.expect("a cache");
    let mut most = 0;
    for _ in 0..2 {
        all(&cache).await;
        most = most.max(resident().saturating_sub(before));
    }
    let hits = cache.stats().total.hits;
    println!(
        "{KEYS} keys through {} MiB: the process grew by {:.1} MiB, {:.2}x ({hits} hits)",
        LIMIT >> 20,
        most as f64 / f64::from(1 << 20),
        most as f64 / LIMIT as f64
    );
}
