//! Responses of server-sent events.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use larder::event_log::{Channel, EventLog, SseParts};
use support::deployment::shared;
use support::proxy::FaultProxy;
use support::stores::{LONG, caches, counts, on, unique};
use support::wait::eventually_async;
use tower_http::compression::CompressionLayer;

use crate::client::{SseClient, events_of, serve};
use crate::numbers;

/// A router with the events of a channel at `/events`.
fn messages_of(channel: &Channel<String>) -> Router {
    async fn events(parts: SseParts, State(channel): State<Channel<String>>) -> Response {
        channel.sse(parts)
    }
    Router::new().route("/events", get(events)).with_state(channel.clone())
}

#[tokio::test]
async fn a_response_is_a_stream_that_nobody_stores_or_buffers() {
    for cache in caches().await {
        let (log, channel) = (cache.event_log::<String>("texts"), cache.channel::<String>("texts"));
        let mut client = SseClient::resume(serve(events_of(&log)).await, None).await;
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
            ("transfer-encoding", "chunked"),
        ] {
            assert_eq!(client.header(name), Some(value), "{}", client.head);
        }
        let first = client.next().await.expect("the first frame");
        let retry: u64 = first.get("retry").and_then(|retry| retry.parse().ok()).expect("a time");
        assert!((1_000..=5_000).contains(&retry) && first.get("id").is_some() && first.data().is_none());
        let id = log.publish(&"a\nb\u{2028}".to_owned()).await.expect("published");
        let frame = client.next().await.expect("an event");
        let mut lines = frame.lines.clone();
        lines.sort();
        assert_eq!(lines, ["data: \"a\\nb\u{2028}\"".to_owned(), format!("id: {id}")]);
        // A channel has no ids.
        let mut client = SseClient::resume(serve(messages_of(&channel)).await, None).await;
        assert_eq!(client.header("cache-control"), Some("no-store"));
        let first = client.next().await.expect("the first frame");
        assert!(first.get("retry").is_some() && first.get("id").is_none());
        channel.publish(&"x".to_owned()).await.expect("published");
        assert_eq!(client.next().await.expect("an event").lines, ["data: \"x\""]);
    }
}

#[tokio::test]
async fn clients_come_back_at_times_of_their_own() {
    let [cache, _] = caches().await;
    let address = serve(events_of(&numbers(&cache))).await;
    let mut times = std::collections::HashSet::new();
    for _ in 0..20 {
        let first = SseClient::resume(address, None).await.next().await.expect("the first frame");
        times.insert(first.get("retry").expect("a time").to_owned());
    }
    assert!(times.len() > 10, "{times:?}");
}

#[tokio::test]
async fn an_idle_response_has_a_comment_every_fifteen_seconds() {
    let [cache, _] = caches().await;
    let mut client = SseClient::resume(serve(events_of(&numbers(&cache))).await, None).await;
    client.next().await.expect("the first frame");
    let began = Instant::now();
    let frame = client.next().await.expect("a comment");
    assert!(frame.is_comment(), "{frame:?}");
    assert!(began.elapsed() > Duration::from_secs(14), "{:?}", began.elapsed());
}

/// Events of several lines, as another program writes them, and entries that are none.
#[tokio::test]
async fn lines_are_lines_and_what_is_no_event_does_not_end_the_stream() {
    let prefix = unique("lines");
    let cache = on(shared()).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let log = cache.event_log::<Vec<u64>>("lines");
    let mut client = SseClient::resume(serve(events_of(&log)).await, None).await;
    client.next().await.expect("the first frame");
    let key = format!("{prefix}:log:{{{prefix}}}:lines");
    for json in ["[1,\n2,\r\n3,\r4]", "[1,", "{}", "\u{0}", "[5]"] {
        shared().command(&["XADD", &key, "*", "d", json]);
    }
    let frame = client.event().await.expect("an event");
    assert_eq!(frame.all("data"), ["[1,", "2,", "3,", "4]"]);
    assert_eq!(client.data().await, "[5]");
    assert_eq!(counts(&cache, "event_log:lines").unusable, 3);
    // The same from a channel, whose messages can be anything.
    let channel = cache.channel::<String>("lines");
    let mut client = SseClient::resume(serve(messages_of(&channel)).await, None).await;
    let name = format!("{prefix}:channel:lines");
    client.next().await.expect("the first frame");
    channel.publish(&"a".to_owned()).await.expect("published");
    for json in ["no json", "\n\"b\"\n"] {
        shared().command(&["PUBLISH", &name, json]);
    }
    assert_eq!(client.data().await, "\"a\"");
    assert_eq!(client.event().await.expect("an event").all("data"), ["", "\"b\"", ""]);
    assert_eq!(counts(&cache, "channel:lines").unusable, 1);
}

#[tokio::test]
async fn a_route_can_leave_events_out_and_change_them() {
    async fn own(parts: SseParts, State(log): State<EventLog<(u64, String)>>) -> Response {
        log.sse_map(parts, |(owner, text)| (owner == 7).then_some(text))
    }
    for cache in caches().await {
        let log = cache.event_log::<(u64, String)>("owned");
        let router = Router::new().route("/events", get(own)).with_state(log.clone());
        let mut client = SseClient::resume(serve(router).await, None).await;
        client.next().await.expect("the first frame");
        for (owner, text) in [(7, "mine"), (8, "yours"), (7, "mine too")] {
            log.publish(&(owner, text.to_owned())).await.expect("published");
        }
        assert_eq!([client.data().await, client.data().await], ["\"mine\"", "\"mine too\""]);
        assert_eq!(counts(&cache, "event_log:owned").unusable, 0);
    }
}

/// Each event passes at once, through a layer that compresses and a proxy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_pass_compression_and_a_proxy_at_once() {
    let cache = on(shared()).require_redis(true).build().await.expect("a cache");
    let log = numbers(&cache);
    let address = serve(events_of(&log).layer(CompressionLayer::new())).await;
    let proxy = FaultProxy::start(address.port()).await;
    let address = ([127, 0, 0, 1], proxy.port()).into();
    let mut client =
        SseClient::connect(address, "/events", &[("accept-encoding", "gzip, deflate, br")]).await;
    assert_eq!(client.header("content-encoding"), None);
    client.next().await.expect("the first frame");
    let mut times = Vec::new();
    for number in 0..9 {
        let began = Instant::now();
        log.publish(&number).await.expect("published");
        assert_eq!(client.data().await, number.to_string());
        times.push(began.elapsed());
    }
    // The machine may be busy now and then.
    times.sort();
    assert!(times[4] < Duration::from_millis(100), "{times:?}");
}

#[tokio::test]
async fn a_client_that_disconnects_is_unsubscribed() {
    let server = support::redis::RedisServer::start();
    let cache = on(&server).prefix("gone").require_redis(true).build().await.expect("a cache");
    let subscribers = || server.command(&["PUBSUB", "NUMSUB", "gone:channel:texts"]);
    let address = serve(messages_of(&cache.channel("texts"))).await;
    let client = SseClient::resume(address, None).await;
    eventually_async(LONG, || async { subscribers().ends_with('1') }).await;
    // Nothing is published.
    drop(client);
    eventually_async(LONG, || async { subscribers().ends_with('0') }).await;
}
