//! The handle without async.

use std::time::Duration;

use larder::{BlockingCache, Cache, Error, Expire, cache};
use support::stores::{Calls, LONG, unique};
use support::wait::eventually;

#[cache(expire = "5m", ignore(calls), cache = cache, entry = double_entry)]
fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

fn caches() -> [Cache; 2] {
    ["memory://".to_owned(), support::deployment::shared().url()].map(|url| {
        Cache::builder()
            .url(url)
            .prefix(unique("blocking"))
            .require_redis(true)
            .build_blocking()
            .expect("a cache")
    })
}

fn listed(cache: &BlockingCache, glob: &str) -> Vec<String> {
    let mut keys: Vec<String> = cache.keys(glob).collect::<Result<_, _>>().expect("the keys");
    keys.sort();
    keys
}

#[test]
fn every_call_has_a_blocking_twin() {
    for cache in caches() {
        let blocking = cache.blocking();
        assert_eq!(blocking.get::<i32>("k"), None);
        assert!(blocking.try_get::<i32>("k").expect("an answer").is_none());
        blocking.set("k", &1, "5m").expect("stored");
        blocking.set("other", "text", Expire::Never).expect("stored");
        assert_eq!(blocking.get::<i32>("k"), Some(1));
        assert!(blocking.exists("k") && blocking.exists("other"));
        assert!(blocking.ttl("k").is_some_and(|left| left > Duration::from_secs(200)));
        assert_eq!(blocking.ttl("other"), None);
        assert_eq!(blocking.inspect("k").expect("an answer").expect("stored").codec, "json");
        assert_eq!(listed(&blocking, "*"), ["k", "other"]);
        assert!(blocking.delete("k").expect("removed"));
        assert!(!blocking.delete("k").expect("nothing there"));
        assert_eq!(blocking.delete_pattern("o*").expect("removed"), 1);
        assert!(matches!(blocking.set("k", &1, 0), Err(Error::Config { setting: "expire", .. })));

        let group = blocking.group("g");
        group.set("k", &1, "5m").expect("stored");
        assert_eq!((group.get("k"), blocking.get::<i32>("k")), (Some(1), None));
        assert_eq!(
            (listed(&group, "*"), listed(&blocking, "*")),
            (vec!["k".to_owned()], vec!["{g}:k".to_owned()])
        );
        blocking.delete_group("g").expect("dropped");
        assert_eq!(group.get::<i32>("k"), None);
        blocking.set("k", &1, "5m").expect("stored");
        assert!(blocking.clear().expect("cleared") >= 1);

        let health = blocking.health();
        assert!(health.connected && health.computing == 0, "{health:?}");
        assert!(blocking.stats().total.stores > 0);
        blocking.clone().close();
        assert!(matches!(blocking.set("k", &1, 1), Err(Error::Closed)));
    }
}

#[test]
fn remember_takes_plain_closures() {
    for cache in caches() {
        let (blocking, calls) = (cache.blocking(), Calls::default());
        for _ in 0..3 {
            assert_eq!(blocking.remember("k", "5m", || calls.add()), 0);
        }
        for _ in 0..2 {
            assert_eq!(
                blocking.try_remember("e", "5m", || Err::<(), _>(calls.add())).is_err(),
                calls.count() > 0
            );
        }
        assert_eq!(blocking.try_remember("e", "5m", || Ok::<_, ()>(calls.add())), Ok(3));
        assert_eq!(blocking.try_remember("e", "5m", || Ok::<_, ()>(calls.add())), Ok(3));
        assert_eq!(calls.count(), 4, "{cache:?}");
        assert_eq!(larder::bypass_blocking(|| blocking.remember("k", "5m", || calls.add())), 4);
        assert_eq!(larder::refresh_blocking(|| blocking.remember("k", "5m", || calls.add())), 5);
        assert_eq!(blocking.remember("k", "5m", || calls.add()), 5);
    }
}

#[test]
fn entries_have_a_blocking_side() {
    for cache in caches() {
        let (entry, calls) = (double_entry(&cache, 1).blocking(), Calls::default());
        assert_eq!(entry.key(), double_entry(&cache, 1).key());
        assert_eq!((entry.get::<u64>(), entry.ttl()), (None, None));
        double(&cache, &calls, 1);
        assert_eq!(entry.get::<u64>(), Some(2));
        assert!(entry.ttl().is_some());
        entry.put(&7_u64).expect("stored");
        assert_eq!(double(&cache, &calls, 1), 7);
        entry.expire().expect("ended");
        assert_eq!(double(&cache, &calls, 1), 2);
        entry.invalidate().expect("removed");
        double(&cache, &calls, 1);
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[test]
fn values_expire() {
    for cache in caches() {
        let blocking = cache.blocking();
        blocking.set("k", &1, Duration::from_millis(100)).expect("stored");
        eventually(LONG, || !blocking.exists("k"));
        assert_eq!(blocking.get::<i32>("k"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_handle_works_on_a_worker_that_may_block() {
    for cache in support::stores::caches().await {
        let blocking = cache.blocking();
        let value = tokio::task::spawn_blocking(move || {
            blocking.set("k", &1, "5m").expect("stored");
            blocking.get::<i32>("k")
        });
        assert_eq!(value.await.expect("no panic"), Some(1));
        let value = tokio::task::block_in_place(|| cache.blocking().get::<i32>("k"));
        assert_eq!(value, Some(1));
    }
}
