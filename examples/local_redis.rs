//! Local copies; needs Redis: `REDIS_URL=redis://127.0.0.1 cargo run --release --example local_redis`

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder::{Cache, cache};

#[cache(expire = "1h", local = "1m", key = "table:{id}", entry = table_entry)]
async fn table(id: u64) -> Arc<Vec<u64>> {
    Arc::new((0..10_000).map(|n| n * id).collect())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::from_env().prefix("local").require_redis(true).init().await?;
    table_entry(7).invalidate().await?;
    for what in ["computed", "read from Redis", "read from Redis", "from this process", "from this process"] {
        let started = Instant::now();
        let rows = table(7).await.len();
        println!("{rows} rows after {:>9.3?}: {what}", started.elapsed());
        // The notification of the own write arrives first.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("now change `local:table:7` in redis-cli, and the next call computes again");
    println!("{:?}", cache.health().await);
    Ok(())
}
