//! A miss with its lease against GET, compute and SET by hand, as ratios. Needs `REDIS_URL`.

use std::time::{Duration, Instant};

use larder::{Cache, cache};
use larder_benches::User;
use redis::AsyncCommands;

const ROUNDS: usize = 5;
const CALLS: u64 = 2_000;

async fn origin(id: u64, takes: Duration) -> User {
    if !takes.is_zero() {
        tokio::time::sleep(takes).await;
    }
    User::new(id)
}

#[cache(cache = cache, expire = "1h", ignore(takes), key = "{id}")]
async fn by_larder(cache: &Cache, id: u64, takes: Duration) -> User {
    origin(id, takes).await
}

async fn by_hand(mut redis: redis::aio::MultiplexedConnection, id: u64, takes: Duration) -> User {
    let key = format!("hand:{id}");
    let found: Option<Vec<u8>> = redis.get(&key).await.expect("an answer");
    if let Some(found) = found {
        return serde_json::from_slice(&found).expect("a user");
    }
    let user = origin(id, takes).await;
    let bytes = serde_json::to_vec(&user).expect("bytes");
    let () = redis.set_ex(&key, bytes, 3600).await.expect("stored");
    user
}

#[tokio::main]
async fn main() {
    let Ok(url) = std::env::var("REDIS_URL") else {
        println!("no REDIS_URL: scripts/bench starts a server");
        return;
    };
    let cache = Cache::builder().url(&url).prefix("miss").require_redis(true).build().await.expect("a cache");
    let client = redis::Client::open(url).expect("a client");
    let redis = client.get_multiplexed_async_connection().await.expect("a connection");
    println!("a miss: read, compute, store; one task, {CALLS} calls, best of {ROUNDS}");
    let mut id = 0;
    for (name, takes, calls) in [
        ("at once", Duration::ZERO, CALLS),
        ("in 1 ms", Duration::from_millis(1), CALLS / 10),
        ("in 10 ms", Duration::from_millis(10), CALLS / 50),
    ] {
        let (mut hand, mut larder) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            for _ in 0..calls {
                id += 1;
                by_hand(redis.clone(), id, takes).await;
            }
            hand = hand.min(started.elapsed());
            let started = Instant::now();
            for _ in 0..calls {
                id += 1;
                by_larder(&cache, id, takes).await;
            }
            larder = larder.min(started.elapsed());
        }
        let each = |all: Duration| all / u32::try_from(calls).expect("few");
        println!(
            "  computed {name:<9} by hand {:>8.0?}   larder {:>8.0?}   {:.2}x",
            each(hand),
            each(larder),
            larder.as_secs_f64() / hand.as_secs_f64()
        );
    }
}
