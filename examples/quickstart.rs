//! A slow function, a service method and a synchronous function, cached; an invalidation; the keys; the statistics.
//!
//! ```text
//! cargo run --example quickstart
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example quickstart
//! ```

use std::thread;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use larder::{Cache, cache, cache_evict};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

/// A slow function: half a second at the first call, then from the cache.
#[cache(expire = "5m", key = "user:{id}", entry = user_entry)]
async fn user(id: u64) -> Result<User, String> {
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(User { id, name: format!("user {id}") })
}

/// A change of a user evicts the cached one after success.
#[cache_evict(entry = user_entry(user.id))]
async fn rename(user: &User, name: &str) -> Result<(), String> {
    println!("  user {} is now called {name}", user.id);
    Ok(())
}

/// A service: the shop is part of the key, and the connection is not.
struct Orders {
    shop: String,
    _connection: (),
}

impl Orders {
    #[cache(expire = "1m", ignore(self), key = (&self.shop, year), group = "orders")]
    async fn total(&self, year: u16) -> u64 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        u64::from(year) * self.shop.len() as u64
    }
}

/// A synchronous function is cached in the same way.
#[cache(expire = 30)]
fn thumbnail(path: &str, width: u32) -> String {
    thread::sleep(Duration::from_millis(200));
    format!("{path} at {width} pixels")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::from_env().prefix("quickstart").init().await?;
    cache.clear().await?;

    println!("an async function:");
    for _ in 0..2 {
        let started = Instant::now();
        let found = user(42).await?;
        println!("  {:<12} in {:>7.1?}", found.name, started.elapsed());
    }

    println!("a method:");
    let orders = Orders { shop: "books".to_owned(), _connection: () };
    for _ in 0..2 {
        let started = Instant::now();
        println!("  {:<12} in {:>7.1?}", orders.total(2026).await, started.elapsed());
    }

    println!("a synchronous function:");
    for _ in 0..2 {
        let started = Instant::now();
        let picture = tokio::task::spawn_blocking(|| thumbnail("cat.png", 80)).await?;
        println!("  {picture} in {:>7.1?}", started.elapsed());
    }

    println!("an invalidation:");
    rename(&user(42).await?, "Ann").await?;
    let started = Instant::now();
    user(42).await?;
    println!("  computed again in {:>7.1?}", started.elapsed());

    println!("keys:");
    let mut keys: Vec<String> = cache.keys("*").try_collect().await?;
    keys.sort();
    for key in keys {
        println!("  {key}");
    }

    println!("statistics:");
    for row in cache.stats().functions {
        println!("  {:<30} {} hits, {} misses", row.function, row.counts.hits, row.counts.misses);
    }
    cache.close().await;
    Ok(())
}
