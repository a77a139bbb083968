//! `Cache::get_or_init`: the process-wide cache, opened by whoever comes first. Each case runs in a process of its own.

use std::sync::Barrier;
use std::time::Duration;

use larder::Cache;

use crate::global::passes;

pub(crate) async fn one_after_the_other() {
    let settings = || Cache::builder().prefix("first").redis_timeout(Duration::from_millis(100));
    let first = Cache::get_or_init(settings()).await.expect("the first");
    first.set("k", &1, "1m").await.expect("stored");
    // The same settings are no reason for a warning.
    let same = Cache::get_or_init(settings()).await.expect("the first");
    assert_eq!(same.get("k").await, Some(1));
    println!("from here on they differ");
    for _ in 0..2 {
        let other = settings().prefix("second").max_value(1 << 10).url("redis://u:hunter2@127.0.0.1:1");
        let other = Cache::get_or_init(other).await.expect("the first");
        assert_eq!(other.get("k").await, Some(1));
    }
    Cache::builder().init().await.expect_err("there is one");
    let scoped = Cache::for_test();
    let inside =
        scoped.scope(Cache::get_or_init(Cache::builder().prefix("third"))).await.expect("the scope's");
    inside.set("k", &2, "1m").await.expect("stored");
    assert_eq!((scoped.get("k").await, first.get("k").await), (Some(2), Some(1)));
}

#[test]
fn the_first_wins_and_one_warning_names_what_differs() {
    let text = passes("get or init", &[]);
    let (before, after) = text.split_once("from here on they differ").expect("the line");
    assert!(!before.contains("other settings"), "{text}");
    assert_eq!(after.matches("other settings").count(), 1, "{text}");
    assert!(after.contains("`url`, `prefix`, `max_value`\n"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

pub(crate) fn many_at_once() {
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                Cache::get_or_init_blocking(Cache::builder()).expect("the one")
            });
        }
    });
    let cache = Cache::global().expect("the one").blocking();
    cache.set("k", &1, "1m").expect("stored");
    assert_eq!(Cache::get_or_init_blocking(Cache::builder()).expect("the one").blocking().get("k"), Some(1));
}

#[test]
fn all_of_many_have_the_same() {
    passes("get or init at once", &[]);
}

pub(crate) async fn after_a_failure() {
    let bad = Cache::get_or_init(Cache::builder().prefix("a{b")).await;
    bad.expect_err("a bad prefix");
    Cache::get_or_init(Cache::builder().prefix("good")).await.expect("opened");
    // What exists is returned, whatever the settings of the call are worth.
    Cache::get_or_init(Cache::builder().prefix("a{b")).await.expect("the first");
}

#[test]
fn a_failure_leaves_room_for_the_next_call() {
    passes("get or init after a failure", &[]);
}
