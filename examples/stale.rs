//! Stale values: served at once during a refresh, and after a failure. `cargo run --example stale`

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use larder::{Cache, cache};

static VERSION: AtomicU64 = AtomicU64::new(1);

/// The exchange rate of a slow bank that fails once.
#[cache(expire = "1h", stale_while_revalidate = "1m", stale_if_error = "1h", entry = rate_entry)]
async fn rate(currency: &str) -> Result<String, String> {
    tokio::time::sleep(Duration::from_millis(300)).await;
    match VERSION.load(SeqCst) {
        3 => Err("the bank is closed".to_owned()),
        version => Ok(format!("{currency}, version {version}")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Cache::from_env().prefix("stale").init().await?;
    rate_entry("EUR").invalidate().await?;
    show("computed").await?;
    show("a hit").await?;

    VERSION.store(2, SeqCst);
    rate_entry("EUR").expire().await?; // as if an hour had passed
    show("old, at once, while the new one is computed").await?;
    while rate("EUR").await? != "EUR, version 2" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    show("new").await?;

    VERSION.store(3, SeqCst);
    rate_entry("EUR").expire().await?;
    show("old").await?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    show("still old: the bank has failed, and is left alone for 30 s").await?;
    let counts = Cache::global()?.stats().total;
    println!(
        "{} hits, {} of them old; {} refreshes",
        counts.hits + counts.stale_hits,
        counts.stale_hits,
        counts.refreshes
    );
    Ok(())
}

async fn show(what: &str) -> Result<(), String> {
    let started = Instant::now();
    let rate = rate("EUR").await?;
    println!("{rate} after {:>3} ms: {what}", started.elapsed().as_millis());
    Ok(())
}
