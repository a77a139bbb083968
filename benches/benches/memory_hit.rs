//! A hit inside the process: larder's `memory://` against `cached`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use larder_benches::{KEYS, User, on_threads};

#[larder::cache(expire = "1h")]
async fn by_larder(id: u64) -> User {
    User::new(id)
}

#[larder::cache(expire = "1h", key = "user:{id}")]
async fn by_larder_with_a_template(id: u64) -> User {
    User::new(id)
}

#[cached::macros::concurrent_cached(max_size = 10_000, ttl_secs = 3600)]
async fn by_cached_concurrent(id: u64) -> User {
    User::new(id)
}

#[cached::macros::cached(max_size = 10_000, ttl_secs = 3600)]
async fn by_cached(id: u64) -> User {
    User::new(id)
}

fn hits(c: &mut Criterion) {
    larder::Cache::builder().url("memory://").init_blocking().expect("the first init");
    for threads in [1, 2] {
        let mut group = c.benchmark_group(format!("memory hit, 100-byte struct, {threads} threads"));
        macro_rules! contestant {
            ($name:literal, $call:path) => {
                on_threads(1, KEYS, |id| async move { drop($call(id).await) });
                group.bench_function($name, |b| {
                    b.iter_custom(|calls| on_threads(threads, calls, |id| async move { drop(black_box($call(black_box(id)).await)) }));
                });
            };
        }
        contestant!("larder", by_larder);
        contestant!("larder, key template", by_larder_with_a_template);
        contestant!("cached, concurrent_cached(max_size, ttl)", by_cached_concurrent);
        contestant!("cached, cached(max_size, ttl)", by_cached);
        group.finish();
    }
}

criterion_group!(benches, hits);
criterion_main!(benches);
