//! Measures hits of entries with labels against hits without. Needs `CLUSTER_URL`, that of a cluster, where tags are on other
//! nodes than the entries under them. The last two contestants read entries whose copies have left a local tier that is too
//! small; the last one's tag has its stamp held there.

use std::time::{Duration, Instant};

use larder::{Cache, LocalTier, cache};
use larder_benches::{Benchmark, Contestant, User, counted, server_url};

/// More than fit into the local tier.
const KEYS: u64 = 2_000;

#[cache(cache = cache, expire = "1h")]
async fn plain(cache: &Cache, id: u64) -> User {
    User::new(id)
}

#[cache(cache = cache, expire = "1h", group = "g")]
async fn grouped(cache: &Cache, id: u64) -> User {
    User::new(id)
}

#[cache(cache = cache, expire = "1h", tags = ["users"])]
async fn tagged(cache: &Cache, id: u64) -> User {
    User::new(id)
}

#[cache(cache = cache, expire = "1h", tags = ["users", "people", "all"])]
async fn tagged_thrice(cache: &Cache, id: u64) -> User {
    User::new(id)
}

#[cache(cache = cache, expire = "1h", local = "1m")]
async fn near_plain(cache: &Cache, id: u64) -> User {
    User::new(id)
}

#[cache(cache = cache, expire = "1h", tags = ["users"], local = "1m")]
async fn held(cache: &Cache, id: u64) -> User {
    User::new(id)
}

pub fn measure() {
    let url = server_url("CLUSTER_URL");
    let runtime = larder_benches::runtime();
    let builder = || {
        let builder = Cache::builder().url(url.as_str()).prefix("bench").require_redis(true);
        builder.redis_timeout(Duration::from_secs(10))
    };
    let local = LocalTier::new().max_bytes(1 << 16).expire("1m");
    let cache = runtime.block_on(builder().build()).expect("a cache");
    let near = runtime.block_on(builder().local(local).build()).expect("a cache");
    let mut benchmark =
        Benchmark::new("tags", "A hit with and without labels", "On a cluster on the same machine.")
            .slice(Duration::from_millis(100));
    benchmark.group("cluster");
    for tasks in [1_u64, 64] {
        macro_rules! contestant {
            ($name:literal, $cache:ident, $function:ident) => {{
                let (cache, runtime) = ($cache.clone(), &runtime);
                let run = move |calls: u64| {
                    let started = Instant::now();
                    runtime.block_on(async {
                        let tasks: Vec<_> = (0..tasks)
                            .map(|task| {
                                let cache = cache.clone();
                                tokio::spawn(async move {
                                    for n in 0..calls.div_ceil(tasks) {
                                        $function(&cache, (task * 31 + n) % KEYS).await;
                                    }
                                })
                            })
                            .collect();
                        for task in tasks {
                            task.await.expect("no call panics");
                        }
                    });
                    // As if every call had been asked for, so that the mean per call is right.
                    started.elapsed().mul_f64(calls as f64 / (calls.div_ceil(tasks) * tasks) as f64)
                };
                ($name, Box::new(run) as Box<dyn FnMut(u64) -> Duration>)
            }};
        }
        let contestants: Vec<Contestant<'_>> = vec![
            contestant!("without labels", cache, plain),
            contestant!("a group", cache, grouped),
            contestant!("a tag", cache, tagged),
            contestant!("three tags", cache, tagged_thrice),
            contestant!("without labels, copies are made", near, near_plain),
            contestant!("a tag whose stamp is held", near, held),
        ];
        benchmark.compare(&counted(tasks, "task"), contestants);
    }
    benchmark.finish();
    let held = near.stats().total;
    println!("of {} hits with a local tier, {} were copies", held.hits, held.local_hits);
}
