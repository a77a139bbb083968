//! A thousand concurrent calls of one key that nobody has called: how often the function runs, and how long all of them take.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cached::AsyncRedisCache;
use hitbox::concurrency::{BroadcastConcurrencyManager, NoopConcurrencyManager};
use hitbox_core::DisabledOffload;
use hitbox_fn::prelude::PolicyConfig;
use hitbox_moka::MokaBackend;
use larder::{Cache, cache};
use larder_benches::{Benchmark, Contestant, User, server_url};
use tokio::runtime::Runtime;

const CALLERS: u64 = 1_000;
const TAKES: Duration = Duration::from_millis(50);
const HOUR: Duration = Duration::from_secs(3600);

static URL: LazyLock<String> = LazyLock::new(|| server_url("REDIS_URL"));

/// Counts the runs of the functions of all contestants.
static COMPUTATIONS: AtomicU64 = AtomicU64::new(0);

async fn origin(id: u64) -> User {
    COMPUTATIONS.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(TAKES).await;
    User::new(id)
}

#[cache(cache = cache, expire = "1h")]
async fn by_larder(cache: &Cache, id: u64) -> User {
    origin(id).await
}

async fn by_moka(id: u64) -> User {
    static MOKA: LazyLock<moka::future::Cache<u64, User>> =
        LazyLock::new(|| moka::future::Cache::builder().max_capacity(10_000).time_to_live(HOUR).build());
    MOKA.get_with(id, origin(id)).await
}

#[cached::macros::cached(max_size = 10_000, ttl_secs = 3600)]
async fn by_cached(id: u64) -> User {
    origin(id).await
}

#[cached::macros::cached(max_size = 10_000, ttl_secs = 3600, sync_writes = "by_key")]
async fn by_cached_by_key(id: u64) -> User {
    origin(id).await
}

#[cached::macros::concurrent_cached(
    map_error = |error| error.to_string(),
    ty = "AsyncRedisCache<u64, User>",
    create = "{ AsyncRedisCache::builder(\"stampede\").ttl(HOUR).connection_string(&URL).build().await.unwrap() }"
)]
async fn by_cached_redis(id: u64) -> Result<User, String> {
    Ok(origin(id).await)
}

#[hitbox_fn::cached]
async fn hitbox_user(id: u64) -> User {
    origin(id).await
}

async fn by_hitbox(id: u64) -> User {
    static HITBOX: LazyLock<hitbox_fn::Cache<MokaBackend, NoopConcurrencyManager, DisabledOffload>> =
        LazyLock::new(|| {
            let backend = MokaBackend::builder().max_entries(10_000).build();
            let policy = PolicyConfig::builder().ttl(HOUR).build();
            hitbox_fn::Cache::builder().backend(backend).policy(policy).build()
        });
    hitbox_user(id).cache(&*HITBOX).await
}

async fn by_hitbox_broadcast(id: u64) -> User {
    static HITBOX: LazyLock<
        hitbox_fn::Cache<MokaBackend, BroadcastConcurrencyManager<User>, DisabledOffload>,
    > = LazyLock::new(|| {
        let backend = MokaBackend::builder().max_entries(10_000).build();
        let one = 1.try_into().expect("a limit");
        let policy = PolicyConfig::builder().ttl(HOUR).concurrency(one).build();
        let manager = BroadcastConcurrencyManager::new();
        hitbox_fn::Cache::builder().backend(backend).policy(policy).concurrency_manager(manager).build()
    });
    hitbox_user(id).cache(&*HITBOX).await
}

/// The computations and the stampedes of one contestant.
#[derive(Default)]
struct Tally {
    computations: u64,
    stampedes: u64,
}

/// Makes what times stampedes, each on a key of its own.
fn run<'a, F, Fut>(
    runtime: &'a Runtime,
    tally: &'a mut Tally,
    call: F,
) -> Box<dyn FnMut(u64) -> Duration + 'a>
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = User> + Send + 'static,
{
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Box::new(move |stampedes| {
        let mut took = Duration::ZERO;
        for _ in 0..stampedes {
            let id = NEXT.fetch_add(1, Ordering::Relaxed);
            let before = COMPUTATIONS.load(Ordering::Relaxed);
            let started = Instant::now();
            runtime.block_on(async {
                let callers: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(call(id))).collect();
                for caller in callers {
                    assert_eq!(caller.await.expect("no call panics").id, id);
                }
            });
            took += started.elapsed();
            tally.computations += COMPUTATIONS.load(Ordering::Relaxed) - before;
            tally.stampedes += 1;
        }
        took
    })
}

pub fn measure() {
    let runtime = larder_benches::runtime();
    let redis = Cache::builder().url(URL.as_str()).prefix("stampede").require_redis(true);
    let redis = runtime.block_on(redis.build()).expect("a server");
    let memory = runtime.block_on(Cache::builder().url("memory://").build()).expect("a cache");
    let larder = |cache: Cache| {
        move |id| {
            let cache = cache.clone();
            async move { by_larder(&cache, id).await }
        }
    };
    let mut tallies: [Tally; 9] = Default::default();
    let [none, moka, plain, by_key, cached, noop, broadcast, local, remote] = &mut tallies;
    let contestants: Vec<Contestant<'_>> = vec![
        ("no cache", run(&runtime, none, origin)),
        ("moka get_with, ttl", run(&runtime, moka, by_moka)),
        ("cached cached(max_size, ttl)", run(&runtime, plain, by_cached)),
        ("cached cached(sync_writes = \"by_key\")", run(&runtime, by_key, by_cached_by_key)),
        ("cached concurrent_cached, async redis", {
            run(&runtime, cached, |id| async move { by_cached_redis(id).await.expect("an answer") })
        }),
        ("hitbox cached, moka backend", run(&runtime, noop, by_hitbox)),
        ("hitbox cached, BroadcastConcurrencyManager", run(&runtime, broadcast, by_hitbox_broadcast)),
        ("larder, in the process", run(&runtime, local, larder(memory))),
        ("larder, in Redis", run(&runtime, remote, larder(redis))),
    ];
    let names: Vec<_> = contestants.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut benchmark = Benchmark::new(
        "stampede",
        "A stampede",
        "A thousand tasks call an async function at once with one key that nobody has called; the function takes 50 ms.",
    )
    .slice(Duration::ZERO)
    .rounds(9);
    benchmark.group("1,000 callers of one key");
    benchmark.compare("time until all have it", contestants);
    for (name, tally) in names.iter().zip(&tallies) {
        benchmark.note(name, computations(tally));
    }
    benchmark.finish();
}

/// The mean number of computations of a stampede, in words.
fn computations(tally: &Tally) -> String {
    let mean = tally.computations as f64 / tally.stampedes.max(1) as f64;
    if mean == 1.0 { "1 computation".to_owned() } else { format!("{mean:.0} computations") }
}
