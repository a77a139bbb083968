//! Codecs and compression: the same value, stored in different forms.
//!
//! ```text
//! cargo run --example codecs --features msgpack,postcard,lz4,zstd
//! ```

use std::time::Duration;

use larder::{Cache, Codec, Compress, Policy, cache};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    celsius: f64,
}

fn readings() -> Vec<Reading> {
    (0..500)
        .map(|n| Reading { station: format!("station {}", n % 7), celsius: f64::from(n) / 10.0 })
        .collect()
}

#[cache(key = "json")]
async fn as_json() -> Vec<Reading> {
    readings()
}

#[cache(key = "msgpack", codec = msgpack)]
async fn as_msgpack() -> Vec<Reading> {
    readings()
}

#[cache(key = "postcard", codec = postcard)]
async fn as_postcard() -> Vec<Reading> {
    readings()
}

#[cache(key = "json-lz4", compress = lz4)]
async fn as_json_lz4() -> Vec<Reading> {
    readings()
}

/// A custom preset.
const COMPACT: Policy =
    Policy::new().expire(Duration::from_secs(7200)).codec(Codec::Postcard).compress(Compress::Zstd);

#[cache(key = "postcard-zstd", policy = COMPACT)]
async fn compact() -> Vec<Reading> {
    readings()
}

#[tokio::main]
async fn main() -> Result<(), larder::Error> {
    let cache = Cache::builder().init().await?;
    for _ in 0..2 {
        let all =
            [as_json().await, as_msgpack().await, as_postcard().await, as_json_lz4().await, compact().await];
        assert!(all.iter().all(|read| *read == readings()), "a hit equals the computed value");
    }
    println!("{:<15} {:>9} {:>9} {:>9}", "key", "codec", "compress", "bytes");
    for key in ["json", "msgpack", "postcard", "json-lz4", "postcard-zstd"] {
        let Some(info) = cache.inspect(key).await? else { continue };
        println!("{key:<15} {:>9} {:>9} {:>9}", info.codec, info.compress, info.size);
    }
    println!("{} hits, {} misses", cache.stats().total.hits, cache.stats().total.misses);
    Ok(())
}
