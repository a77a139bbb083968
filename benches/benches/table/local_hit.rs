//! A hit inside the process: larder against `cached`, `moka` and hitbox, and against `quick_cache`, which has neither expiry nor keys
//! for more than one function.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hitbox::concurrency::NoopConcurrencyManager;
use hitbox_core::DisabledOffload;
use hitbox_fn::prelude::PolicyConfig;
use hitbox_moka::MokaBackend;
use larder_benches::{Benchmark, Contestant, KEYS, User, counted, on_threads, on_threads_sync};

const HOUR: Duration = Duration::from_secs(3600);

static HITBOX: LazyLock<hitbox_fn::Cache<MokaBackend, NoopConcurrencyManager, DisabledOffload>> =
    LazyLock::new(|| {
        let policy = PolicyConfig::builder().ttl(HOUR).build();
        let backend = MokaBackend::builder().max_entries(10_000).build();
        hitbox_fn::Cache::builder().backend(backend).policy(policy).build()
    });

#[hitbox_fn::cached]
async fn hitbox_user(id: u64) -> User {
    User::new(id)
}

async fn by_hitbox(id: u64) -> User {
    hitbox_user(id).cache(&*HITBOX).await
}

/// The functions of all contestants for one type of value.
macro_rules! functions {
    ($module:ident, $value:ty, $make:expr) => {
        mod $module {
            use super::*;

            static QUICK: LazyLock<quick_cache::sync::Cache<u64, $value>> =
                LazyLock::new(|| quick_cache::sync::Cache::new(10_000));
            static MOKA: LazyLock<moka::sync::Cache<u64, $value>> = LazyLock::new(|| {
                moka::sync::Cache::builder().max_capacity(10_000).time_to_live(HOUR).build()
            });
            static MOKA_ASYNC: LazyLock<moka::future::Cache<u64, $value>> = LazyLock::new(|| {
                moka::future::Cache::builder().max_capacity(10_000).time_to_live(HOUR).build()
            });

            fn by_quick_cache(id: u64) -> $value {
                QUICK.get(&id).unwrap_or_else(|| {
                    QUICK.insert(id, $make(id));
                    $make(id)
                })
            }

            fn by_moka(id: u64) -> $value {
                MOKA.get_with(id, || $make(id))
            }

            async fn by_moka_async(id: u64) -> $value {
                MOKA_ASYNC.get_with(id, async { $make(id) }).await
            }

            #[cached::macros::concurrent_cached(max_size = 10_000, ttl_secs = 3600)]
            fn by_concurrent(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::concurrent_cached]
            fn by_concurrent_unbounded(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::cached(max_size = 10_000, ttl_secs = 3600)]
            fn by_cached(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::concurrent_cached(max_size = 10_000, ttl_secs = 3600)]
            async fn by_concurrent_async(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::concurrent_cached]
            async fn by_concurrent_unbounded_async(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::cached(max_size = 10_000, ttl_secs = 3600)]
            async fn by_cached_async(id: u64) -> $value {
                $make(id)
            }

            #[larder::cache(expire = "1h")]
            fn by_larder(id: u64) -> $value {
                $make(id)
            }

            #[larder::cache(expire = "1h")]
            async fn by_larder_async(id: u64) -> $value {
                $make(id)
            }

            pub fn asynchronous(threads: usize) -> Vec<Contestant<'static>> {
                vec![
                    ("quick_cache get", run_sync(threads, by_quick_cache)),
                    ("moka get_with, ttl", run(threads, by_moka_async)),
                    ("cached concurrent_cached(max_size, ttl)", run(threads, by_concurrent_async)),
                    (
                        "cached concurrent_cached, no bound, no expiry",
                        run(threads, by_concurrent_unbounded_async),
                    ),
                    ("cached cached(max_size, ttl)", run(threads, by_cached_async)),
                    ("larder", run(threads, by_larder_async)),
                ]
            }

            pub fn synchronous(threads: usize) -> Vec<Contestant<'static>> {
                vec![
                    ("quick_cache get", run_sync(threads, by_quick_cache)),
                    ("moka get_with, ttl", run_sync(threads, by_moka)),
                    ("cached concurrent_cached(max_size, ttl)", run_sync(threads, by_concurrent)),
                    (
                        "cached concurrent_cached, no bound, no expiry",
                        run_sync(threads, by_concurrent_unbounded),
                    ),
                    ("cached cached(max_size, ttl)", run_sync(threads, by_cached)),
                    ("larder", run_sync(threads, by_larder)),
                ]
            }
        }
    };
}

functions!(structs, User, User::new);
functions!(arcs, Arc<User>, shared);

fn shared(id: u64) -> Arc<User> {
    Arc::new(User::new(id))
}

type Run = Box<dyn FnMut(u64) -> Duration>;

fn run_sync<V: 'static>(threads: usize, call: impl Fn(u64) -> V + Copy + Send + 'static) -> Run {
    (0..KEYS).for_each(|id| drop(call(id)));
    Box::new(move |calls| on_threads_sync(threads, calls, move |_, id| drop(black_box(call(black_box(id))))))
}

fn run<V: 'static, F>(threads: usize, call: impl Fn(u64) -> F + Copy + Send + 'static) -> Run
where
    F: Future<Output = V>,
{
    on_threads(1, KEYS, move |id| async move { drop(call(id).await) });
    Box::new(move |calls| {
        on_threads(threads, calls, move |id| async move { drop(black_box(call(black_box(id)).await)) })
    })
}

pub fn measure() {
    larder::Cache::builder().url("memory://").init_blocking().expect("the first init");
    let mut benchmark = Benchmark::new(
        "local_hit",
        "A hit in the process",
        "`fn(u64)` with 64 warm keys. With two threads, the time of a call on each of them. quick_cache is a bare lookup.",
    );
    benchmark.group("`Arc` of a struct");
    for threads in [1, 2] {
        benchmark
            .compare(&format!("async, {}", counted(threads as u64, "thread")), arcs::asynchronous(threads));
    }
    for threads in [1, 2] {
        benchmark
            .compare(&format!("sync, {}", counted(threads as u64, "thread")), arcs::synchronous(threads));
    }
    benchmark.group("a struct of 100 bytes, cloned");
    for threads in [1, 2] {
        let mut contestants = structs::asynchronous(threads);
        contestants.insert(contestants.len() - 1, ("hitbox cached, moka backend", run(threads, by_hitbox)));
        benchmark.compare(&format!("async, {}", counted(threads as u64, "thread")), contestants);
    }
    for threads in [1, 2] {
        benchmark
            .compare(&format!("sync, {}", counted(threads as u64, "thread")), structs::synchronous(threads));
    }
    benchmark.finish();
}
