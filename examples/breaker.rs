//! The cost of a cached call during an outage of Redis: functions run as if there were no cache.
//!
//! ```sh
//! cargo run --release --example breaker
//! ```

use std::time::Instant;

use larder::{Cache, cache};

const CALLS: u32 = 100_000;

async fn plain(n: u64) -> u64 {
    n * 2
}

#[cache(expire = "5m")]
async fn double(n: u64) -> u64 {
    plain(n).await
}

#[tokio::main]
async fn main() -> Result<(), larder::Error> {
    // The cache starts with one warning, and connects in the background.
    let cache = Cache::builder().url("redis://127.0.0.1:1").prefix("breaker").init().await?;

    let started = Instant::now();
    let mut sum = 0;
    for n in 0..CALLS {
        sum += plain(u64::from(n)).await;
    }
    let plain = started.elapsed() / CALLS;

    let started = Instant::now();
    for n in 0..CALLS {
        sum -= double(u64::from(n)).await;
    }
    let cached = started.elapsed() / CALLS;

    assert_eq!(sum, 0, "the results are the function's own");
    println!("the function alone:    {plain:?} a call");
    println!("with the breaker open: {cached:?} a call");
    println!("{}", serde_json::to_string(&cache.health().await).expect("JSON"));
    cache.close().await;
    Ok(())
}
