//! Publishing and listening.

use std::collections::HashMap;

use futures_util::StreamExt;
use larder::event_log::LogEvent;
use larder::{Cache, Error};
use serde::{Deserialize, Serialize};
use support::deployment::shared;
use support::log::Log;
use support::stores::{caches, counts, in_time, on, unique};

use crate::{event, numbers};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
    note: String,
    tags: HashMap<String, Option<f64>>,
}

#[tokio::test]
async fn an_event_arrives_as_it_was_published() {
    for cache in caches().await {
        let log = cache.event_log::<Order>("orders");
        let order = Order {
            id: u64::MAX,
            note: "line\nline\r\n\u{2028}\"\\ ü".to_owned(),
            tags: HashMap::from([("a".to_owned(), Some(0.1)), (String::new(), None)]),
        };
        let mut stream = log.listen(None).await;
        let id = log.publish(&order).await.expect("published");
        match in_time(stream.next()).await {
            Some(LogEvent::Event { id: of, data, .. }) => assert_eq!((of, data), (id, order.clone())),
            other => panic!("{other:?}"),
        }
        let blocking = log.clone();
        let sent = order.clone();
        tokio::task::spawn_blocking(move || blocking.publish_blocking(&sent))
            .await
            .expect("no panic")
            .expect("sent");
        assert_eq!(event(&mut stream).await, order);
    }
}

#[tokio::test]
async fn logs_of_other_names_groups_and_prefixes_are_others() {
    for cache in caches().await {
        let logs = [
            cache.event_log::<u64>("a"),
            cache.event_log("b"),
            cache.event_log("{a}"),
            cache.group("g").event_log("a"),
            cache.event_log(&"x".repeat(2_000)),
            cache.event_log(""),
        ];
        let mut streams = Vec::new();
        for log in &logs {
            streams.push(log.listen(None).await);
        }
        for (number, log) in (0..).zip(&logs) {
            log.publish(&number).await.expect("published");
        }
        for (number, stream) in (0..).zip(&mut streams) {
            assert_eq!(event(stream).await, number);
        }
        assert_eq!(cache.stats().total.store_errors, 0);
    }
}

#[tokio::test]
async fn entries_that_are_no_events_are_skipped_and_counted() {
    let prefix = unique("log");
    let cache = on(shared()).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let log = numbers(&cache);
    let mut stream = log.listen(None).await;
    let first = log.publish(&1).await.expect("published");
    let key = format!("{prefix}:log:{{{prefix}}}:numbers");
    for entry in [["d", "not json"], ["d", "\"text\""], ["other", "5"], ["d", "\u{fffd}"]] {
        shared().command(&["XADD", &key, "*", entry[0], entry[1]]);
    }
    log.publish(&2).await.expect("published");
    assert_eq!((event(&mut stream).await, event(&mut stream).await), (1, 2));
    assert_eq!(counts(&cache, "event_log:numbers").unusable, 4);
    // From the history as well.
    assert_eq!(event(&mut log.listen(Some(first)).await).await, 2);
    assert_eq!(counts(&cache, "event_log:numbers").unusable, 8);
}

#[tokio::test]
async fn events_that_cannot_be_published_are_errors() {
    for cache in caches().await {
        let log = cache.event_log::<String>("large");
        let error = log.publish(&"x".repeat(65_535)).await.expect_err("too large");
        assert!(matches!(error, Error::TooLarge { size: 65_537, limit: 65_536, .. }), "{error}");
        log.publish(&"x".repeat(65_534)).await.expect("published");
        let log = cache.event_log::<HashMap<Vec<u8>, u8>>("maps");
        let error = log.publish(&HashMap::from([(vec![1], 1)])).await.expect_err("no JSON");
        assert!(matches!(error, Error::Encode { .. }), "{error}");
        cache.chaos().refuse();
        assert!(numbers(&cache).publish(&1).await.is_err());
        assert_eq!(counts(&cache, "event_log:numbers").store_errors, 1);
        cache.chaos().heal();
        cache.clone().close().await;
        assert!(matches!(numbers(&cache).publish(&1).await, Err(Error::Closed)));
        assert!(in_time(numbers(&cache).listen(None).await.recv()).await.is_none());
    }
}

#[test]
fn settings_that_cannot_be_used_panic_with_a_remedy() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let panics = |make: &dyn Fn() -> larder::event_log::EventLog<u64>| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(make)).expect_err("a panic");
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).expect("a text")
    };
    assert!(panics(&|| cache.event_log("a").keep(0)).contains("use `Cache::channel`"));
    assert!(panics(&|| cache.event_log("a").expire(0)).contains("write"));
    assert!(panics(&|| cache.event_log("a").expire("soon")).contains("write"));
}

#[tokio::test]
async fn logs_and_entries_leave_each_other_alone() {
    for cache in caches().await {
        let log = numbers(&cache);
        let id = log.publish(&1).await.expect("published");
        log.publish(&2).await.expect("published");
        cache.set("entry", &1, "1m").await.expect("stored");
        let keys: Vec<_> = cache.keys("*").map(|key| key.expect("a key")).collect().await;
        assert_eq!(keys, ["entry"]);
        cache.clear().await.expect("cleared");
        assert_eq!(event(&mut log.listen(Some(id)).await).await, 2);
    }
}

#[tokio::test]
async fn a_cache_in_memory_says_once_that_it_is_alone() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let cache = Cache::builder().prefix(unique("t")).build().await.expect("a cache");
    drop(log.take());
    for _ in 0..2 {
        numbers(&cache).publish(&1).await.expect("published");
        drop(numbers(&cache).listen(None).await);
    }
    let said = log.take();
    assert!(said.len() == 1 && said[0].contains("this process alone"), "{said:?}");
}
