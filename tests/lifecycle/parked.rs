//! Many synchronous calls inside asynchronous code, and large futures.

use larder::{Cache, cache};
use support::stores::{Calls, caches};

#[cache(cache = cache)]
fn square(cache: &Cache, n: u64) -> u64 {
    n * n
}

/// A tokio task has a budget between two yields, and a synchronous call never yields.
#[tokio::test]
async fn a_task_may_make_any_number_of_synchronous_calls() {
    for cache in caches().await {
        for n in 0..400 {
            assert_eq!(square(&cache, n), n * n, "{cache:?}");
        }
    }
}

#[cache(cache = cache)]
async fn large(cache: &Cache, calls: &Calls, n: u8) -> u8 {
    calls.add();
    let room = [n; 100_000];
    tokio::task::yield_now().await;
    room[usize::from(n)]
}

#[test]
fn a_large_future_needs_no_large_stack() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for cache in caches().await {
            let task = tokio::spawn(async move {
                let calls = Calls::default();
                (large(&cache, &calls, 7).await, large(&cache, &calls, 7).await, calls.count())
            });
            assert_eq!(task.await.expect("no overflow"), (7, 7, 1));
        }
    });
}
