//! A hit inside the process: larder against `cached`, `moka` and `quick_cache`, which is the floor: it has neither expiry
//! nor keys for more than one function.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use larder_benches::{KEYS, User, compare, on_threads, on_threads_sync};

const CALLS: u64 = 200_000;
const HOUR: Duration = Duration::from_secs(3600);

/// The functions of all contestants for one type of value.
macro_rules! contestants {
    ($module:ident, $value:ty, $make:expr) => {
        mod $module {
            use super::*;

            static QUICK: LazyLock<quick_cache::sync::Cache<u64, $value>> = LazyLock::new(|| quick_cache::sync::Cache::new(10_000));
            static MOKA: LazyLock<moka::sync::Cache<u64, $value>> =
                LazyLock::new(|| moka::sync::Cache::builder().max_capacity(10_000).time_to_live(HOUR).build());
            static MOKA_ASYNC: LazyLock<moka::future::Cache<u64, $value>> =
                LazyLock::new(|| moka::future::Cache::builder().max_capacity(10_000).time_to_live(HOUR).build());

            pub fn by_quick_cache(id: u64) -> $value {
                QUICK.get(&id).unwrap_or_else(|| {
                    QUICK.insert(id, $make(id));
                    $make(id)
                })
            }

            pub fn by_moka(id: u64) -> $value {
                MOKA.get_with(id, || $make(id))
            }

            pub async fn by_moka_async(id: u64) -> $value {
                MOKA_ASYNC.get_with(id, async { $make(id) }).await
            }

            #[cached::macros::concurrent_cached(max_size = 10_000, ttl_secs = 3600)]
            pub fn by_concurrent(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::concurrent_cached]
            pub fn by_concurrent_unbounded(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::cached(max_size = 10_000, ttl_secs = 3600)]
            pub fn by_cached(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::concurrent_cached(max_size = 10_000, ttl_secs = 3600)]
            pub async fn by_concurrent_async(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::concurrent_cached]
            pub async fn by_concurrent_unbounded_async(id: u64) -> $value {
                $make(id)
            }

            #[cached::macros::cached(max_size = 10_000, ttl_secs = 3600)]
            pub async fn by_cached_async(id: u64) -> $value {
                $make(id)
            }

            #[larder::cache(expire = "1h")]
            pub fn by_larder(id: u64) -> $value {
                $make(id)
            }

            #[larder::cache(expire = "1h")]
            pub async fn by_larder_async(id: u64) -> $value {
                $make(id)
            }

            pub fn run(title: &str) {
                for threads in [1, 2] {
                    compare(
                        &format!("local hit, {title}, async, {threads} threads"),
                        CALLS,
                        vec![
                            ("floor: quick_cache get", sync_contestant(threads, by_quick_cache)),
                            ("moka: future get_with, ttl", asynchronous(threads, by_moka_async)),
                            ("cached: concurrent_cached(max_size, ttl)", asynchronous(threads, by_concurrent_async)),
                            ("cached: concurrent_cached", asynchronous(threads, by_concurrent_unbounded_async)),
                            ("cached: cached(max_size, ttl)", asynchronous(threads, by_cached_async)),
                            ("larder: memory://", asynchronous(threads, by_larder_async)),
                        ],
                    );
                    compare(
                        &format!("local hit, {title}, sync, {threads} threads"),
                        CALLS,
                        vec![
                            ("floor: quick_cache get", sync_contestant(threads, by_quick_cache)),
                            ("moka: sync get_with, ttl", sync_contestant(threads, by_moka)),
                            ("cached: concurrent_cached(max_size, ttl)", sync_contestant(threads, by_concurrent)),
                            ("cached: concurrent_cached", sync_contestant(threads, by_concurrent_unbounded)),
                            ("cached: cached(max_size, ttl)", sync_contestant(threads, by_cached)),
                            ("larder: memory://", sync_contestant(threads, by_larder)),
                        ],
                    );
                }
            }
        }
    };
}

contestants!(structs, User, User::new);
contestants!(arcs, Arc<User>, shared);

fn shared(id: u64) -> Arc<User> {
    Arc::new(User::new(id))
}

type Run = Box<dyn FnMut(u64) -> Duration>;

fn sync_contestant<V: 'static>(threads: usize, call: impl Fn(u64) -> V + Copy + Send + 'static) -> Run {
    (0..KEYS).for_each(|id| drop(call(id)));
    Box::new(move |calls| on_threads_sync(threads, calls, move |id| drop(black_box(call(black_box(id))))))
}

fn asynchronous<V: 'static, F: Future<Output = V>>(threads: usize, call: impl Fn(u64) -> F + Copy + Send + 'static) -> Run {
    Box::new(move |calls| on_threads(threads, calls, move |id| async move { drop(black_box(call(black_box(id)).await)) }))
}

pub fn run() {
    arcs::run("Arc of a 100-byte struct");
    structs::run("100-byte struct");
}
