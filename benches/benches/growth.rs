//! Measures typed hits in the process among growing numbers of random keys, beside `quick_cache`, which has neither expiry
//! nor keys for more than one function.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder::{Cache, cache};
use larder_benches::{User, median};

const CALLS: usize = 400_000;
const ROUNDS: usize = 9;

#[cache(cache = cache, expire = "1h")]
async fn by_larder(cache: &Cache, id: u64) -> Arc<User> {
    Arc::new(User::new(id))
}

/// Random numbers below `below`, the same in each run.
fn random(below: u64) -> impl Iterator<Item = u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    })
}

fn nanoseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e9 / CALLS as f64
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("typed hits among random keys, ns a call, median of {ROUNDS} rounds of {CALLS} calls\n");
    println!("| keys | quick_cache | larder | misses |\n|---|---|---|---|");
    for keys in [1_000_u64, 10_000, 100_000, 1_000_000] {
        let quick = quick_cache::sync::Cache::new(keys as usize * 2);
        let cache = Cache::builder().max_memory(4 << 30).build().await.expect("a cache");
        for id in (0..keys).chain(0..keys) {
            quick.insert(id, Arc::new(User::new(id)));
            by_larder(&cache, id).await;
        }
        let before = cache.stats().total.misses;
        let mut rounds = [(); 2].map(|()| Vec::new());
        for _ in 0..ROUNDS {
            let began = Instant::now();
            random(keys).take(CALLS).for_each(|id| drop(black_box(quick.get(&id))));
            rounds[0].push(nanoseconds(began.elapsed()));
            let began = Instant::now();
            for id in random(keys).take(CALLS) {
                drop(black_box(by_larder(&cache, id).await));
            }
            rounds[1].push(nanoseconds(began.elapsed()));
        }
        let [quick, larder] = rounds.map(median);
        let missed = cache.stats().total.misses - before;
        println!("| {keys} | {quick:.0} | {larder:.0} | {missed} |");
    }
}
