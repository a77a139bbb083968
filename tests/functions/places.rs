//! The places, attributes, visibility, recursion and `Send` of cached functions.

use std::pin::Pin;

use larder::{Cache, cache};
use support::stores::{Calls, caches};

mod outer {
    pub(super) mod inner {
        use larder::{Cache, cache};

        #[cache(cache = cache)]
        pub(super) async fn to_parent(cache: &Cache, id: u64) -> u64 {
            id
        }

        #[cache(cache = cache)]
        pub(in crate::places::outer) async fn to_path(cache: &Cache, id: u64) -> u64 {
            id + 1
        }

        #[cache(cache = cache)]
        pub(crate) async fn to_crate(cache: &Cache, id: u64) -> u64 {
            id + 2
        }
    }

    pub(super) async fn all(cache: &larder::Cache) -> [u64; 3] {
        [inner::to_parent(cache, 1).await, inner::to_path(cache, 1).await, inner::to_crate(cache, 1).await]
    }
}

trait Answer {
    async fn answer(cache: &Cache, calls: &Calls) -> u64;
}

struct Unnamed;

const _: () = {
    impl Answer for Unnamed {
        #[cache(cache = cache)]
        async fn answer(cache: &Cache, calls: &Calls) -> u64 {
            calls.add();
            42
        }
    }
};

#[tokio::test]
async fn functions_have_any_visibility_in_any_place() {
    for cache in &caches().await {
        assert_eq!(outer::all(cache).await, [1, 2, 3], "{cache:?}");
        assert_eq!(outer::all(cache).await, [1, 2, 3], "{cache:?}");
        assert_eq!(outer::inner::to_crate(cache, 1).await, 3, "{cache:?}");
        assert_eq!(cache.stats().total.hits, 4, "{cache:?}");

        #[cache(cache = cache)]
        async fn inside(cache: &Cache, calls: &Calls) -> u64 {
            #[cache(cache = cache)]
            async fn deeper(cache: &Cache, calls: &Calls) -> u64 {
                calls.add();
                1
            }
            calls.add();
            deeper(cache, calls).await + deeper(cache, calls).await
        }
        let calls = Calls::default();
        let closure = async || inside(cache, &calls).await;
        assert_eq!((closure().await, closure().await), (2, 2), "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");

        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(Unnamed::answer(cache, &calls).await, 42, "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

mod annotated {
    #![deny(unused_must_use, deprecated)]

    use larder::{Cache, cache};

    /// A documented function.
    #[must_use = "it is a number"]
    #[cache(cache = cache)]
    #[inline]
    pub(super) async fn important(cache: &Cache, id: u64) -> u64 {
        id
    }

    #[cache(cache = cache)]
    #[deprecated = "use `important`"]
    pub(super) async fn old(cache: &Cache, id: u64) -> u64 {
        id
    }

    #[cache(cache = cache, entry = absent_entry)]
    #[cfg(any())]
    pub(super) async fn absent(cache: &Cache, id: NoSuchType) -> NoSuchType {
        id
    }

    #[cfg_attr(all(), cache(cache = cache))]
    pub(super) async fn conditional(cache: &Cache, id: u64) -> u64 {
        id
    }

    #[cache(cache = cache)]
    pub(super) async fn with_inner_attributes(cache: &Cache, id: u64) -> u64 {
        #![expect(unused_variables, reason = "an inner attribute covers the body")]
        let unused = id;
        id
    }

    #[cache(cache = cache)]
    #[expect(
        non_snake_case,
        unused_variables,
        reason = "expectations are fulfilled as without the attribute"
    )]
    pub(super) async fn Expected(cache: &Cache, id: u64) -> u64 {
        let unused = id;
        id
    }
}

#[tokio::test]
async fn other_attributes_stay_on_the_function() {
    for cache in &caches().await {
        assert_eq!(annotated::important(cache, 1).await, 1, "{cache:?}");
        #[expect(deprecated, reason = "this tells whether the mark is still there")]
        let old = annotated::old(cache, 1);
        assert_eq!(old.await, 1, "{cache:?}");
        #[expect(unused_must_use, reason = "this tells whether the mark is still there")]
        {
            annotated::important(cache, 1).await;
        }
        for _ in 0..2 {
            assert_eq!(annotated::conditional(cache, 1).await, 1, "{cache:?}");
            assert_eq!(annotated::with_inner_attributes(cache, 1).await, 1, "{cache:?}");
            assert_eq!(annotated::Expected(cache, 1).await, 1, "{cache:?}");
        }
        assert_eq!(cache.stats().total.hits, 4, "{cache:?}");
    }
}

#[cache(cache = cache)]
fn fibonacci(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    if n < 2 { n } else { fibonacci(cache, calls, n - 1) + fibonacci(cache, calls, n - 2) }
}

#[cache(cache = cache)]
async fn countdown(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    if n == 0 { 0 } else { 1 + Box::pin(countdown(cache, calls, n - 1)).await }
}

#[cache(cache = cache)]
fn boxed_countdown<'a>(
    cache: &'a Cache,
    calls: &'a Calls,
    n: u64,
) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
    Box::pin(async move {
        calls.add();
        if n == 0 { 0 } else { 1 + boxed_countdown(cache, calls, n - 1).await }
    })
}

/// Calls itself with the same arguments, once.
#[cache(cache = cache)]
async fn same(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    if calls.add() == 0 { Box::pin(same(cache, calls, n)).await + 1 } else { n }
}

#[test]
fn recursive_sync_functions_do_not_wait_for_themselves() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Calls::default();
    assert_eq!(fibonacci(&cache, &calls, 40), 102_334_155);
    assert_eq!(calls.count(), 41);
}

#[tokio::test]
async fn recursive_functions_do_not_wait_for_themselves() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert_eq!(countdown(cache, &calls, 20).await, 20, "{cache:?}");
        assert_eq!(countdown(cache, &calls, 21).await, 21, "{cache:?}");
        assert_eq!(calls.count(), 22, "{cache:?}");
        let calls = Calls::default();
        assert_eq!(boxed_countdown(cache, &calls, 20).await, 20, "{cache:?}");
        assert_eq!(boxed_countdown(cache, &calls, 21).await, 21, "{cache:?}");
        assert_eq!(calls.count(), 22, "{cache:?}");
        let calls = Calls::default();
        let limit = std::time::Duration::from_secs(5);
        let answer = tokio::time::timeout(limit, same(cache, &calls, 1)).await;
        assert_eq!(answer.ok(), Some(2), "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[cache(cache = cache)]
async fn holds_a_guard(cache: &Cache, list: &std::sync::Mutex<Vec<u64>>) -> usize {
    let length = {
        let list = list.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        list.len()
    };
    tokio::task::yield_now().await;
    length
}

#[cache(cache = cache, expire = seconds, when = seconds > 1, none_expire = 3, unless = |v: &String| v.is_empty(), expire_with = |_| 5)]
async fn all_options(
    cache: &Cache,
    seconds: u64,
    text: &str,
) -> Result<Option<String>, Box<dyn std::error::Error>> {
    Ok(Some(text.to_owned()))
}

#[cache(cache = cache)]
async fn generic<T: serde::Serialize + serde::de::DeserializeOwned + Send + Sync>(
    cache: &Cache,
    value: T,
) -> T {
    value
}

#[larder::cache_evict(key = "a", cache = cache)]
async fn evicts(cache: &Cache) -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

#[larder::cache_put(key = "a", cache = cache)]
async fn puts(cache: &Cache) -> Result<u64, Box<dyn std::error::Error>> {
    Ok(1)
}

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn futures_are_send() {
    for cache in &caches().await {
        let calls = Calls::default();
        let list = std::sync::Mutex::new(vec![1]);
        assert_eq!(assert_send(holds_a_guard(cache, &list)).await, 1, "{cache:?}");
        let text = assert_send(all_options(cache, 5, "a")).await;
        assert_eq!(text.ok(), Some(Some("a".to_owned())), "{cache:?}");
        assert_eq!(assert_send(generic(cache, 1_u8)).await, 1, "{cache:?}");
        assert!(assert_send(evicts(cache)).await.is_ok(), "{cache:?}");
        assert!(assert_send(puts(cache)).await.is_ok(), "{cache:?}");
        assert_eq!(assert_send(countdown(cache, &calls, 1)).await, 1, "{cache:?}");
        assert_eq!(assert_send(outer::inner::to_crate(cache, 1)).await, 3, "{cache:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn futures_can_be_spawned() {
    for cache in caches().await {
        let tasks: Vec<_> = (0..8_u64)
            .map(|id| {
                let cache = cache.clone();
                tokio::spawn(async move { outer::inner::to_crate(&cache, id % 2).await })
            })
            .collect();
        for (id, task) in (0..).zip(tasks) {
            assert_eq!(task.await.ok(), Some(id % 2 + 2), "{cache:?}");
        }
    }
}

/// A function whose future is not `Send`.
#[cache(cache = cache)]
async fn not_send(cache: &Cache, id: u64) -> u64 {
    let local = std::rc::Rc::new(id);
    tokio::task::yield_now().await;
    *local
}

#[tokio::test]
async fn futures_that_are_not_send_work_on_their_thread() {
    for cache in &caches().await {
        assert_eq!((not_send(cache, 1).await, not_send(cache, 1).await), (1, 1), "{cache:?}");
        assert_eq!(cache.stats().total.hits, 1, "{cache:?}");
    }
}
