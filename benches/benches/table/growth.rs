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

/// Random keys, the same in each run.
struct Keys {
    state: u64,
    below: u64,
    /// A key is known only when the value of the one before is there: the processor cannot begin a lookup while another one
    /// waits for memory.
    is_chained: bool,
    last: u64,
}

impl Keys {
    fn new(below: u64, is_chained: bool) -> Self {
        Self { state: 0x9e37_79b9_7f4a_7c15, below, is_chained, last: 0 }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        // No id is so large, but the processor does not know.
        let chain = if self.is_chained { self.last & (1 << 63) } else { 0 };
        (self.state ^ chain) % self.below
    }

    fn read(&mut self, user: &User) {
        self.last = user.id;
    }
}

/// Compares hits among so many keys, and adds to the report how many of larder's calls were none.
fn compare(benchmark: &mut Benchmark, keys: u64, is_chained: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let quick = quick_cache::sync::Cache::new(keys as usize * 2);
    let cache = runtime.block_on(Cache::builder().max_memory(4 << 30).build()).expect("a cache");
    for id in (0..keys).chain(0..keys) {
        quick.insert(id, Arc::new(User::new(id)));
        runtime.block_on(by_larder(&cache, id));
    }
    let before = cache.stats().total.misses;
    // The sequences go on from turn to turn, so that no turn repeats the keys of another.
    let mut of_quick = Keys::new(keys, is_chained);
    let mut of_larder = Keys::new(keys, is_chained);
    let by_quick_cache = |calls: u64| -> Duration {
        let started = Instant::now();
        for _ in 0..calls {
            let user = black_box(quick.get(&of_quick.next())).expect("a user");
            of_quick.read(&user);
        }
        started.elapsed()
    };
    let by_larder = |calls: u64| -> Duration {
        runtime.block_on(async {
            let started = Instant::now();
            for _ in 0..calls {
                let user = black_box(by_larder(&cache, of_larder.next()).await);
                of_larder.read(&user);
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
        "An async function with an `Arc` of a struct, in the process, on one thread. In the first table the processor looks up several keys of quick_cache at once while it waits for memory, which a program that does something with a value cannot have.",
    )
    .slice(Duration::from_millis(50));
    for (group, is_chained) in
        [("random keys", false), ("random keys, each known after the value before", true)]
    {
        benchmark.group(group);
        for keys in [1_000, 10_000, 100_000, 1_000_000] {
            if keys < 1_000_000 || !is_quick() {
                compare(&mut benchmark, keys, is_chained);
            }
        }
    }
    benchmark.finish();
}
