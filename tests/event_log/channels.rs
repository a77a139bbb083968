//! Channels.

use futures_util::StreamExt;
use larder::Cache;
use serde::{Deserialize, Serialize};
use support::acl::{AclServer, event_log_rules};
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{LONG, caches, in_time, on};
use support::wait::eventually_async;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tick {
    name: String,
    price: Option<f64>,
}

#[tokio::test]
async fn publishing_returns_the_number_of_processes_that_listen() {
    for cache in caches().await {
        let ticks = cache.channel::<u64>("ticks");
        assert_eq!(ticks.publish(&1).await.expect("published"), 0);
        let mut streams = [ticks.listen().await, ticks.clone().listen().await];
        eventually_async(LONG, || async { ticks.publish(&2).await.expect("published") == 1 || on_cluster() })
            .await;
        ticks.publish(&3).await.expect("published");
        for stream in &mut streams {
            while in_time(stream.recv()).await != Some(3) {}
        }
    }
}

/// There the number is that of one node, and the subscription may be on another.
fn on_cluster() -> bool {
    std::env::var("LARDER_TEST_DEPLOYMENT").is_ok_and(|name| name == "cluster")
}

#[tokio::test]
async fn an_event_arrives_as_it_was_sent_and_only_where_it_belongs() {
    for cache in caches().await {
        let tick = Tick { name: "ü\r\n\u{0}\"".to_owned(), price: Some(1.5) };
        let channels = [
            cache.channel::<Tick>("a"),
            cache.channel("b"),
            cache.group("g").channel("a"),
            cache.channel("{g}:a"),
            cache.channel("*"),
        ];
        let mut streams = Vec::new();
        for channel in &channels {
            streams.push(channel.listen().await);
        }
        for (number, channel) in (0..).zip(&channels) {
            channel
                .publish(&Tick { price: Some(f64::from(number)), ..tick.clone() })
                .await
                .expect("published");
        }
        for (number, stream) in (0..).zip(&mut streams) {
            let expected = Tick { price: Some(f64::from(number)), ..tick.clone() };
            assert_eq!(in_time(stream.next()).await, Some(expected));
        }
    }
}

#[tokio::test]
async fn a_subscription_ends_with_its_last_listener() {
    let server = RedisServer::start();
    let cache = on(&server).prefix("sub").require_redis(true).build().await.expect("a cache");
    let count = |name: &str| server.command(&["PUBSUB", "NUMSUB", &format!("sub:channel:{name}")]);
    let (a, b) = (cache.channel::<u64>("a"), cache.channel::<u64>("b"));
    let (one, two, mut other) = (a.listen().await, a.listen().await, b.listen().await);
    assert!(count("a").ends_with('1') && count("b").ends_with('1'));
    drop(one);
    b.publish(&1).await.expect("published");
    assert_eq!(in_time(other.recv()).await, Some(1));
    assert!(count("a").ends_with('1'));
    drop(two);
    eventually_async(LONG, || async { count("a").ends_with('0') }).await;
    // One that comes back at once gets its messages.
    for number in 0..20 {
        let mut again = a.listen().await;
        a.publish(&number).await.expect("published");
        assert_eq!(in_time(again.recv()).await, Some(number));
    }
    drop(other);
    eventually_async(LONG, || async { count("b").ends_with('0') && count("a").ends_with('0') }).await;
    // With the cache, too.
    let open = a.listen().await;
    assert!(count("a").ends_with('1'));
    cache.close().await;
    eventually_async(LONG, || async { count("a").ends_with('0') }).await;
    drop(open);
}

/// The server refuses the subscription to one channel: said once, and others are not affected.
#[tokio::test]
async fn a_subscription_that_is_refused_leaves_nothing_behind() {
    if !support::isolated!() {
        return;
    }
    let (server, log) = (AclServer::start(), Log::of_process());
    let rules: Vec<_> = event_log_rules().into_iter().filter(|rule| *rule != "&*").collect();
    let url = server.allow("narrow", &[&rules[..], &["resetchannels", "&narrow:channel:b"]].concat(), "~*");
    let cache = on(&server).url(url).prefix("narrow").require_redis(true).build().await.expect("a cache");
    let mut refused = in_time(cache.channel::<u64>("a").listen()).await;
    let mut other = cache.channel::<u64>("b").listen().await;
    cache.channel("b").publish(&5_u64).await.expect("published");
    assert_eq!(in_time(other.recv()).await, Some(5));
    assert!(cache.channel("a").publish(&1_u64).await.is_err());
    let said = log.take();
    assert!(said.iter().any(|line| line.contains("NOPERM")), "{said:?}");
    drop(other);
    let connections =
        || server.redis.command(&["CLIENT", "LIST"]).lines().filter(|line| line.contains("sub=1")).count();
    cache.close().await;
    assert_eq!(in_time(refused.recv()).await, None);
    eventually_async(LONG, || async { connections() == 0 }).await;
}

/// A listener that is slow misses the oldest, and gets the newest.
#[tokio::test]
async fn a_slow_listener_misses_messages_and_holds_none_of_them() {
    for cache in caches().await {
        let ticks = cache.channel::<u64>("ticks");
        let mut slow = ticks.listen().await;
        let mut fast = ticks.listen().await;
        for number in 0..2_000 {
            ticks.publish(&number).await.expect("published");
            assert_eq!(in_time(fast.recv()).await, Some(number));
        }
        let mut got = Vec::new();
        while got.last() != Some(&1_999) {
            got.push(in_time(slow.recv()).await.expect("a tick"));
        }
        assert!(got.len() <= 300 && got.is_sorted(), "{}", got.len());
    }
}

#[tokio::test]
async fn a_message_that_is_no_event_is_skipped() {
    let [cache, redis] = caches().await;
    for cache in [cache, redis] {
        let mut stream = cache.channel::<u64>("mixed").listen().await;
        cache.channel("mixed").publish(&"text").await.expect("published");
        cache.channel("mixed").publish(&7_u64).await.expect("published");
        assert_eq!(in_time(stream.recv()).await, Some(7));
        assert_eq!(support::stores::counts(&cache, "channel:mixed").unusable, 1);
        assert!(cache.channel("mixed").publish(&"x".repeat(65_535)).await.is_err());
    }
}

#[test]
fn synchronous_code_publishes() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    assert_eq!(cache.channel("ticks").publish_blocking(&1).expect("published"), 0);
    let first = cache.event_log("log").publish_blocking(&1).expect("published");
    assert!(cache.event_log("log").publish_blocking(&2).expect("published") > first);
}
