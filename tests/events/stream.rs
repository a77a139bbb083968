//! The stream of a subscriber: what it holds, that it is bounded, and its end.

use std::time::{Duration, SystemTime};

use futures_util::{Stream, StreamExt};
use larder::{Cache, EventKind, Events, InvalidatedBy, LocalTier, Tier, cache};
use serde_json::{Value, json};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, caches, caches_with, in_time, on};

use super::rest;

/// The number of events that wait for a subscriber.
const RING: u64 = 1_024;

#[cache(expire = "5m", cache = cache, ignore(calls), key = "secret-{id}", group = "hidden", tags = ["private-{id}"], entry = double_entry)]
async fn double(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id * 2
}

/// The kinds in JSON, and the keys.
fn told(events: Vec<larder::Event>) -> Vec<(String, Option<String>)> {
    let kind = |event: &larder::Event| {
        serde_json::to_value(event).expect("JSON")["kind"].as_str().map(str::to_owned)
    };
    events.into_iter().map(|event| (kind(&event).expect("a kind"), event.key)).collect()
}

async fn story(cache: &Cache) {
    let calls = Calls::default();
    double(cache, &calls, 7).await;
    double(cache, &calls, 7).await;
    double_entry(cache, 7).invalidate().await.expect("removed");
    cache.group("hidden").invalidate_tag("private-7").await.expect("dropped");
    cache.delete_group("hidden").await.expect("dropped");
    cache.delete_pattern("secret-*").await.expect("removed");
    cache.clear_function("stream::double").await.expect("removed");
}

#[tokio::test]
async fn an_event_says_what_happened_when_and_where() {
    for cache in &caches().await {
        let events = cache.events();
        let before = SystemTime::now();
        story(cache).await;
        let events = rest(cache, events).await;
        assert!(events.iter().all(|event| (before..=SystemTime::now()).contains(&event.at)), "{events:?}");
        assert_eq!(events[0].function.as_deref(), Some("stream::double"));
        assert!(matches!(events[0].kind, EventKind::Miss), "{events:?}");
        let EventKind::Stored { bytes, took, .. } = events[1].kind else { panic!("{events:?}") };
        assert!(bytes > 0 && took.is_some_and(|took| took < LONG), "{events:?}");
        assert!(matches!(events[2].kind, EventKind::Hit { tier: Tier::Store, .. }), "{events:?}");
        let by = |event: &larder::Event| match event.kind {
            EventKind::Invalidated { by, .. } => Some(by),
            _ => None,
        };
        let named = [
            InvalidatedBy::Key,
            InvalidatedBy::Tag,
            InvalidatedBy::Group,
            InvalidatedBy::Pattern,
            InvalidatedBy::Function,
        ];
        assert_eq!(events[3..].iter().map(by).collect::<Vec<_>>(), named.map(Some), "{events:?}");
        assert!(events[3..].iter().all(|event| event.function.as_deref() == Some("handle")), "{events:?}");
    }
}

#[tokio::test]
async fn without_the_option_no_key_is_told() {
    for cache in &caches().await {
        let events = cache.events();
        story(cache).await;
        let events = rest(cache, events).await;
        assert_eq!(events.len(), 8, "{events:?}");
        for event in &events {
            assert_eq!(event.key, None);
            for text in [format!("{event:?}"), serde_json::to_string(event).expect("JSON")] {
                assert!(
                    !text.contains("secret") && !text.contains("private") && !text.contains("hidden"),
                    "{text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn with_the_option_an_event_names_what_it_is_about() {
    for cache in &caches_with(|builder| builder.prefix("app").events_with_keys(true)).await {
        let events = cache.events();
        story(cache).await;
        let key = "app:{hidden}:secret-7";
        let expected = [
            ("miss", key),
            ("stored", key),
            ("hit", key),
            ("invalidated", key),
            ("invalidated", "app:{#private-7}"),
            ("invalidated", "app:{hidden}"),
            ("invalidated", "app:secret-*"),
            ("invalidated", "stream::double"),
        ];
        let expected = expected.map(|(kind, key)| (kind.to_owned(), Some(key.to_owned())));
        assert_eq!(told(rest(cache, events).await), expected, "{cache:?}");
    }
}

#[tokio::test]
async fn a_hit_in_this_process_names_its_key_and_tier() {
    let server = RedisServer::start();
    let cache = on(&server)
        .events_with_keys(true)
        .local(LocalTier::new())
        .require_redis(true)
        .build()
        .await
        .expect("a cache");
    let calls = Calls::default();
    double(&cache, &calls, 1).await;
    let key = double_entry(&cache, 1).key().to_owned();
    let mut events = cache.events();
    // The first hit makes the copy, as soon as the server reports changes.
    let local = in_time(async {
        loop {
            double(&cache, &calls, 1).await;
            let event = events.recv().await.expect("an event");
            if matches!(event.kind, EventKind::Hit { tier: Tier::Local, .. }) {
                break event;
            }
        }
    })
    .await;
    assert_eq!((local.key, local.function.as_deref()), (Some(key), Some("stream::double")));
}

#[tokio::test]
async fn json_has_one_line_of_names_for_each_event() {
    let cache = Cache::builder().build().await.expect("a cache");
    let mut events = cache.events();
    cache.set("k", &1, "5m").await.expect("stored");
    let event = events.recv().await.expect("an event");
    let mut json = serde_json::to_value(&event).expect("JSON");
    assert!(json["at_ms"].as_u64().is_some_and(|at| at > 1_700_000_000_000), "{json}");
    assert!(json["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{json}");
    (json["at_ms"], json["bytes"]) = (Value::Null, Value::Null);
    assert_eq!(
        json,
        json!({ "at_ms": null, "function": "handle", "key": null, "kind": "stored", "bytes": null, "took_ms": null })
    );
}

#[tokio::test]
async fn a_subscriber_that_never_reads_costs_a_ring_and_is_told_what_it_missed() {
    for cache in &caches().await {
        let events = cache.events();
        let made = 5 * RING;
        for _ in 0..made {
            cache.get::<u64>("k").await;
        }
        let events = rest(cache, events).await;
        let [first, others @ ..] = &events[..] else { panic!("no events") };
        let EventKind::Lagged { missed, .. } = first.kind else { panic!("{first:?}") };
        assert_eq!((missed, others.len() as u64), (made - RING, RING), "{cache:?}");
        assert!(others.iter().all(|event| matches!(event.kind, EventKind::Miss)), "{cache:?}");
        assert_eq!(cache.stats().total.misses, made, "{cache:?}: statistics count without loss");
    }
}

#[tokio::test]
async fn subscribers_are_independent_and_hear_what_comes_after_them() {
    for cache in &caches().await {
        let first = cache.events();
        cache.get::<u64>("a").await;
        let second = cache.events();
        cache.get::<u64>("b").await;
        drop(cache.events());
        cache.get::<u64>("c").await;
        let second = rest(cache, second).await;
        assert_eq!((rest(cache, first).await.len(), second.len()), (3, 2), "{cache:?}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_cache() {
    for cache in caches().await {
        let name = format!("{cache:?}");
        let mut dropped = cache.events();
        let mut closed = cache.events();
        let handle = cache.clone();
        handle.close().await;
        assert!(in_time(closed.recv()).await.is_none(), "{name}");
        assert!(in_time(cache.events().recv()).await.is_none(), "{name}: it is closed already");
        drop(cache);
        assert!(in_time(dropped.recv()).await.is_none(), "{name}");
    }
    for cache in caches().await {
        let name = format!("{cache:?}");
        let mut events = cache.events();
        drop(cache);
        assert!(in_time(events.recv()).await.is_none(), "{name}: dropped without `close`");
    }
}

#[tokio::test]
async fn it_is_a_stream_and_waits_in_select() {
    for cache in &caches().await {
        let mut events = cache.events();
        // A future that is dropped loses nothing.
        tokio::select! {
            biased;
            event = events.recv() => panic!("{event:?}"),
            () = std::future::ready(()) => {}
        }
        cache.get::<u64>("k").await;
        fn stream(events: &mut Events) -> &mut (impl Stream<Item = larder::Event> + Unpin + Send) {
            events
        }
        let event = tokio::time::timeout(Duration::from_secs(5), stream(&mut events).next()).await;
        assert!(matches!(event.expect("in time").expect("an event").kind, EventKind::Miss), "{cache:?}");
    }
}

#[test]
fn a_synchronous_program_reads_them_on_a_thread() {
    let cache = Cache::builder().build_blocking().expect("a cache").blocking();
    let mut events = cache.events();
    let reader = std::thread::spawn(move || {
        let mut count = 0;
        while events.blocking_recv().is_some() {
            count += 1;
        }
        count
    });
    for key in ["a", "b", "c"] {
        assert_eq!(cache.get::<u64>(key), None);
    }
    cache.close();
    assert_eq!(reader.join().expect("no panic"), 3);
}
