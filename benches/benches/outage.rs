//! Measures a call while Redis is away and the breaker is open: 64 tasks, a function that does nothing.

use std::time::{Duration, Instant};

use larder::{Breaker, Cache, cache};
use larder_benches::User;

const TASKS: u64 = 64;
const CALLS: u64 = 20_000;

#[cache(cache = cache, expire = "1h")]
async fn user(cache: &Cache, id: u64) -> User {
    User::new(id)
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    // Nobody listens there.
    let cache = Cache::builder().url("redis://127.0.0.1:1").build().await.expect("a cache");
    while cache.health().await.breaker != Breaker::Open {
        tokio::task::yield_now().await;
    }
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let cache = cache.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                for id in 0..CALLS {
                    let started = Instant::now();
                    user(&cache, task * CALLS + id).await;
                    times.push(started.elapsed());
                    tokio::task::yield_now().await;
                }
                times
            })
        })
        .collect();
    let mut times: Vec<Duration> = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("no panic"));
    }
    times.sort_unstable();
    let part = |percent: usize| times[times.len() * percent / 100];
    println!(
        "a call while the breaker is open, {TASKS} tasks, each key new: half within {:?}, 99 % within {:?}",
        part(50),
        part(99)
    );
}
