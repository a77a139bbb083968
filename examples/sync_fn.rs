//! A program without async: synchronous functions, a blocking start, the blocking handle.
//!
//! ```text
//! cargo run --example sync_fn
//! ```

use std::thread;
use std::time::{Duration, Instant};

use larder::{Cache, cache};

/// A slow function: a quarter of a second at the first call.
#[cache(expire = "10m", entry = thumbnail_entry)]
fn thumbnail(path: &str, width: u32) -> Vec<u8> {
    thread::sleep(Duration::from_millis(250));
    format!("{path} at {width} pixels").into_bytes()
}

fn timed<T>(what: &str, f: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = f();
    println!("  {what:<22} {:>7.1?}", started.elapsed());
    result
}

fn main() -> Result<(), larder::Error> {
    let cache = Cache::builder().init_blocking()?.blocking();

    println!("one after the other:");
    timed("computed", || thumbnail("cat.png", 80));
    timed("from the cache", || thumbnail("cat.png", 80));
    timed("other arguments", || thumbnail("cat.png", 160));
    timed("recomputed on request", || larder::refresh_blocking(|| thumbnail("cat.png", 80)));

    println!("eight threads at once, for one that is not there:");
    timed("all of them", || {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| thumbnail("dog.png", 80));
            }
        });
    });

    println!("after an invalidation:");
    thumbnail_entry("cat.png", 80).blocking().invalidate()?;
    timed("computed again", || thumbnail("cat.png", 80));

    println!("the handle:");
    cache.set("greeting", "hello", "5m")?;
    println!("  {:?}", cache.get::<String>("greeting"));
    let total: u64 = cache.remember("total", "5m", || (1..=100).sum());
    println!("  {total}");
    for row in cache.stats().functions {
        println!(
            "  {:<22} {} hits, {} misses, {} waits",
            row.function, row.counts.hits, row.counts.misses, row.counts.waits
        );
    }
    Ok(())
}
