//! A soak: groups are dropped 50 times a second among many keys, while hits, misses and background refreshes go on.
//!
//! ```text
//! cargo test --release -p larder-tests --test soak -- --seconds 600 --keys 200000
//! ```
//!
//! On each store, after a phase without drops, it checks:
//!
//! - the p99 of hits is at most twice that of the phase without drops (only from 60 seconds on: a short phase has too few
//!   slow hits for a figure);
//! - every second values are refreshed in the background;
//! - the memory of the process and of Redis does not grow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::iter;
use larder::{Cache, cache};
use support::deployment::{Deployment, shared};
use support::stores::on;

/// The number of keys of a group.
const GROUP: u64 = 10;
/// The number of keys that are hit.
const HOT: u64 = 500;
/// The pause between two drops.
const DROP: Duration = Duration::from_millis(20);

#[cache(cache = cache, group = "g{group}", expire = "1h")]
async fn in_group(cache: &Cache, group: u64, id: u64) -> String {
    format!("value {group} {id:>100}")
}

async fn grouped(cache: &Cache, id: u64) -> String {
    in_group(cache, id / GROUP, id).await
}

#[cache(cache = cache, expire = "1h")]
async fn hot(cache: &Cache, id: u64) -> String {
    format!("value {id:>100}")
}

#[cache(cache = cache, expire = "100ms", stale_while_revalidate = "1h")]
async fn refreshed(cache: &Cache, id: u64) -> u64 {
    id
}

/// The figures of one phase.
struct Phase {
    p99: Duration,
    hits: usize,
    /// The fewest refreshes of a second.
    refreshes: u64,
}

/// Hits, misses of dropped keys, and stale values, for some time.
async fn phase(cache: &Cache, keys: u64, length: Duration) -> Phase {
    let stop = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..4)
        .map(|n| {
            let (cache, stop) = (cache.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut id = n;
                while !stop.load(SeqCst) {
                    id = (id * 31 + 7) % keys;
                    grouped(&cache, id).await;
                    refreshed(&cache, id % 50).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        })
        .collect();
    let (mut times, mut fewest) = (Vec::new(), u64::MAX);
    let began = Instant::now();
    let (mut window, mut before) = (Instant::now(), cache.stats().total.refreshes);
    for id in (0..HOT).cycle() {
        let at = Instant::now();
        hot(cache, id).await;
        times.push(at.elapsed());
        if window.elapsed() > Duration::from_secs(1) {
            let now = cache.stats().total.refreshes;
            fewest = fewest.min(now - before);
            (window, before) = (Instant::now(), now);
        }
        if began.elapsed() > length {
            break;
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    stop.store(true, SeqCst);
    for other in others {
        other.await.expect("no panic");
    }
    times.sort();
    Phase { p99: times[times.len() * 99 / 100], hits: times.len(), refreshes: fewest }
}

/// Drops groups in turn, and fills what they held, until stopped. Returns the number of drops.
async fn drop_groups(cache: Cache, keys: u64, stop: Arc<AtomicBool>, drops: Arc<AtomicU64>) {
    let mut ticks = tokio::time::interval(DROP);
    while !stop.load(SeqCst) {
        ticks.tick().await;
        let group = drops.fetch_add(1, SeqCst) * 7919 % (keys / GROUP);
        cache.delete_group(&format!("g{group}")).await.expect("carried out");
        for id in group * GROUP..(group + 1) * GROUP {
            grouped(&cache, id).await;
        }
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

fn used_by(server: &dyn Deployment) -> u64 {
    let info = server.command(&["INFO", "memory"]);
    let line = info.lines().find_map(|line| line.trim().strip_prefix("used_memory:"));
    line.and_then(|used| used.trim().parse().ok()).expect("a number")
}

async fn soak(cache: &Cache, keys: u64, length: Duration) {
    let all = iter(0..keys).map(|id| grouped(cache, id));
    all.buffer_unordered(64).for_each(async |_| ()).await;
    for id in (0..HOT).chain(0..HOT) {
        hot(cache, id).await;
    }
    let calm = phase(cache, keys, length / 4).await;
    let (stop, drops) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let dropping = tokio::spawn(drop_groups(cache.clone(), keys, Arc::clone(&stop), Arc::clone(&drops)));
    // What grows once, such as tables, has grown after the first part.
    phase(cache, keys, length / 4).await;
    let before = (resident(), used_by(shared()));
    let busy = phase(cache, keys, length / 2).await;
    let after = (resident(), used_by(shared()));
    stop.store(true, SeqCst);
    dropping.await.expect("no panic");
    println!(
        "soak {cache:?}: {} drops; p99 of {} hits {:?}, of {} hits without drops {:?}; refreshes a second at least {}; \
         memory {} to {} MiB, of Redis {} to {} MiB",
        drops.load(SeqCst),
        busy.hits,
        busy.p99,
        calm.hits,
        calm.p99,
        busy.refreshes,
        before.0 >> 20,
        after.0 >> 20,
        before.1 >> 20,
        after.1 >> 20
    );
    assert!(busy.refreshes > 0, "refreshes stop");
    // A fifth, and what a process of a few MiB allocates anyway.
    let is_flat = |(before, after): (u64, u64)| after < before + before / 5 + (16 << 20);
    assert!(is_flat((before.0, after.0)) && is_flat((before.1, after.1)), "memory grows");
    assert!(length < Duration::from_secs(60) || busy.p99 <= calm.p99 * 2, "hits are slow");
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.iter().any(|arg| arg == "--list") {
        return println!("soak: test");
    }
    let option = |name: &str, default: u64| {
        let place = args.iter().position(|arg| arg == name);
        place.map_or(default, |place| args[place + 1].parse().expect("a number"))
    };
    let (length, keys) = (Duration::from_secs(option("--seconds", 6)), option("--keys", 2_000));
    let memory = Cache::builder().max_memory(1 << 30).build().await.expect("a cache");
    soak(&memory, keys, length / 2).await;
    drop(memory);
    let redis = on(shared()).require_redis(true).build().await.expect("a cache");
    soak(&redis, keys, length / 2).await;
    println!("soak: 1 passed, 0 failed");
}
