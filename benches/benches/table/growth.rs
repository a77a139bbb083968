//! Typed hits in the process among growing numbers of random keys, beside `quick_cache`, which has neither expiry nor keys for
//! more than one function.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder::{Cache, cache};
use larder_benches::{Benchmark, Contestant, User, is_quick};

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

/// Compares hits among so many keys, and adds to the report how many of larder's calls were none.
fn compare(benchmark: &mut Benchmark, keys: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let quick = quick_cache::sync::Cache::new(keys as usize * 2);
    let cache = runtime.block_on(Cache::builder().max_memory(4 << 30).build()).expect("a cache");
    for id in (0..keys).chain(0..keys) {
        quick.insert(id, Arc::new(User::new(id)));
        runtime.block_on(by_larder(&cache, id));
    }
    let before = cache.stats().total.misses;
    // The sequences go on from turn to turn, so that no turn repeats the keys of another.
    let mut of_quick = random(keys);
    let mut of_larder = random(keys);
    let by_quick_cache = |calls: u64| -> Duration {
        let started = Instant::now();
        of_quick.by_ref().take(calls as usize).for_each(|id| drop(black_box(quick.get(&id))));
        started.elapsed()
    };
    let by_larder = |calls: u64| -> Duration {
        runtime.block_on(async {
            let started = Instant::now();
            for id in of_larder.by_ref().take(calls as usize) {
                drop(black_box(by_larder(&cache, id).await));
            }
            started.elapsed()
        })
    };
    let contestants: Vec<Contestant<'_>> =
        vec![("quick_cache get", Box::new(by_quick_cache)), ("larder", Box::new(by_larder))];
    benchmark.compare(&format!("10^{} keys", keys.ilog10()), contestants);
    let missed = cache.stats().total.misses - before;
    if missed > 0 {
        benchmark.note("larder", format!("{missed} misses"));
    }
}

pub fn measure() {
    let mut benchmark = Benchmark::new(
        "growth",
        "A hit among many keys",
        "An async function with an `Arc` of a struct, in the process, on one thread, with random keys.",
    )
    .slice(Duration::from_millis(50));
    benchmark.group("random keys");
    for keys in [1_000, 10_000, 100_000, 1_000_000] {
        if keys < 1_000_000 || !is_quick() {
            compare(&mut benchmark, keys);
        }
    }
    benchmark.finish();
}
