//! The keys in Redis: foreign keys are untouched, all keys expire, and prefixes are separate.

use std::time::Duration;

use futures_util::TryStreamExt;
use larder::{Cache, Expire, cache};
use redis::Commands;
use support::redis::RedisServer;
use support::stores::{Calls, LONG, in_time, on, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", none_expire = "1m", group = "g{n}", key = "{text}", cache = cache)]
async fn grouped(cache: &Cache, calls: &Calls, n: u64, text: &str) -> Option<u64> {
    calls.add();
    (n > 0).then_some(n)
}

async fn at(server: &RedisServer, prefix: &str) -> Cache {
    on(server).prefix(prefix).require_redis(true).build().await.expect("a cache")
}

fn raw(server: &RedisServer) -> redis::Connection {
    redis::Client::open(server.url()).and_then(|client| client.get_connection()).expect("a connection")
}

/// Returns every key of the server, as bytes.
fn all(server: &RedisServer) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = raw(server).keys("*").expect("the keys");
    keys.sort();
    keys
}

#[tokio::test]
async fn all_of_thousands_of_entries_are_removed() {
    let server = RedisServer::start();
    let cache = at(&server, "many").await;
    let calls = Calls::default();
    for _ in 0..2 {
        for n in 0..5_000 {
            double(&cache, &calls, n).await;
        }
        assert_eq!(server.command(&["DBSIZE"]), "5000");
        assert_eq!(in_time(cache.delete_pattern("*")).await.expect("removed"), 5_000);
        assert_eq!(server.command(&["DBSIZE"]), "0");
    }
    assert_eq!(calls.count(), 10_000);
    assert_eq!(cache.delete_pattern("*").await.expect("nothing left"), 0);
}

#[tokio::test]
async fn the_keys_of_others_survive() {
    for prefix in ["", "ours"] {
        let server = RedisServer::start();
        let mut raw = raw(&server);
        let foreign: [&[u8]; 6] = [b"text", b"user:1", b"ours", b"ours2:x", b"our", b"\xff\xfe:binary"];
        for key in foreign {
            let () = raw.set(key, "theirs").expect("stored");
        }
        let () = raw.set("short", "ldr").expect("stored");
        let () = raw.set("long", "ldr is the name of a tool, ".repeat(10)).expect("stored");
        let _: i64 = raw.rpush("list", 1).expect("stored");
        let _: i64 = raw.hset("hash", "field", 1).expect("stored");
        let before = all(&server);

        let cache = at(&server, prefix).await;
        let calls = Calls::default();
        for n in 0..1_000 {
            double(&cache, &calls, n).await;
        }
        cache.set("user:2", &1, "5m").await.expect("stored");
        assert_eq!(in_time(cache.clear()).await.expect("cleared"), 1_001, "prefix {prefix:?}");
        assert_eq!(all(&server), before, "prefix {prefix:?}");
        grouped(&cache, &calls, 1, "a").await;
        cache.delete_group("g1").await.expect("dropped");
        assert_eq!(cache.delete_pattern("user:*").await.expect("an answer"), 0);
        for key in before {
            assert!(all(&server).contains(&key), "prefix {prefix:?}");
        }
    }
}

#[tokio::test]
async fn glob_characters_in_a_prefix_are_literal() {
    let server = RedisServer::start();
    let wild = at(&server, "a*b?[c]\\").await;
    let mut others = Vec::new();
    for prefix in ["aXb?[c]\\", "a*bX[c]\\", "a*b?c\\", "a*b?[c]", "a*b?[c]\\\\", "a"] {
        let other = at(&server, prefix).await;
        other.set("k", prefix, "5m").await.expect("stored");
        others.push((prefix, other));
    }
    for key in ["1", "2", "3"] {
        wild.set(key, &1, "5m").await.expect("stored");
    }
    let mut keys: Vec<String> = in_time(wild.keys("*").try_collect()).await.expect("the keys");
    keys.sort();
    assert_eq!(keys, ["1", "2", "3"]);
    assert_eq!(wild.clear().await.expect("cleared"), 3);
    for (prefix, other) in others {
        assert_eq!(other.get::<String>("k").await.as_deref(), Some(prefix));
    }
}

#[tokio::test]
async fn a_prefix_that_begins_like_another_is_another() {
    let server = RedisServer::start();
    let names = ["user:1", "user:10", "user:1x", "user:", "use"];
    let mut caches = Vec::new();
    for name in names {
        let cache = at(&server, name).await;
        cache.set("k", name, "5m").await.expect("stored");
        caches.push((name, cache));
    }
    assert_eq!(caches[0].1.clear().await.expect("cleared"), 1);
    for (name, cache) in &caches[1..] {
        assert_eq!(cache.get::<String>("k").await.as_deref(), Some(*name));
    }
}

#[tokio::test]
async fn functions_under_two_prefixes_do_not_share() {
    let server = RedisServer::start();
    let mut caches = Vec::new();
    for prefix in ["ns", "ns:", "ns::", "", "n", "NS"] {
        caches.push((prefix, at(&server, prefix).await));
    }
    for (prefix, cache) in &caches {
        let calls = Calls::default();
        for _ in 0..2 {
            double(cache, &calls, 1).await;
            grouped(cache, &calls, 1, "x").await;
        }
        assert_eq!(calls.count(), 2, "{prefix:?}");
    }
    // A group is dropped under one of the prefixes.
    caches[0].1.delete_group("g1").await.expect("dropped");
    let calls = Calls::default();
    for (prefix, cache) in &caches {
        let before = calls.count();
        grouped(cache, &calls, 1, "x").await;
        assert_eq!(calls.count() - before, usize::from(*prefix == "ns"), "{prefix:?}");
    }
    assert!(caches[4].1.clear().await.expect("cleared") >= 2);
    let before = calls.count();
    for (prefix, cache) in &caches {
        double(cache, &calls, 1).await;
        assert_eq!(
            calls.count() - before,
            usize::from(caches.iter().position(|(name, _)| name == prefix) >= Some(4))
        );
    }
}

#[tokio::test]
async fn processes_that_share_a_prefix_share_entries() {
    let server = RedisServer::start();
    let (one, other) = (at(&server, "app").await, at(&server, "app").await);
    let calls = Calls::default();
    double(&one, &calls, 1).await;
    double(&other, &calls, 1).await;
    assert_eq!(calls.count(), 1);
    assert!(other.clear().await.expect("cleared") == 1);
    double(&one, &calls, 1).await;
    assert_eq!(calls.count(), 2);
}

#[tokio::test]
async fn every_key_has_an_expiry() {
    let server = RedisServer::start();
    let cache = at(&server, "ttl").await;
    let calls = Calls::default();
    for n in 0..100 {
        double(&cache, &calls, n).await;
        grouped(&cache, &calls, n % 5, &n.to_string()).await;
        cache.set(&format!("set:{n}"), &n, Duration::from_millis(60_000 + n)).await.expect("stored");
        cache.remember(&format!("r:{n}"), "5m", || async { n }).await;
    }
    cache.delete_group("g1").await.expect("dropped");
    let unlimited = on(&server).prefix("year").build().await.expect("a cache");
    unlimited.remember("k", u64::MAX, || async { 1 }).await;
    let mut raw = raw(&server);
    let keys = all(&server);
    assert!(keys.len() > 300, "{}", keys.len());
    for key in keys {
        // An entry of the dropped group may be gone.
        let left: i64 = raw.pttl(&key).expect("an answer");
        assert!(left > 0 || left == -2, "{:?}: {left}", String::from_utf8_lossy(&key));
    }

    cache.set("stored", &1, Expire::Never).await.expect("stored");
    let left: i64 = raw.pttl("ttl:stored").expect("an answer");
    assert_eq!(
        (left, cache.ttl("stored").await, cache.exists("stored").await),
        (-1, None, true),
        "only when asked for"
    );
}

#[cache(expire = Duration::from_millis(*millis), cache = cache, ignore(calls), entry = for_millis_entry)]
async fn for_millis(cache: &Cache, calls: &Calls, millis: &u64) -> u64 {
    calls.add();
    *millis
}

#[tokio::test]
async fn short_expiries_are_kept() {
    let server = RedisServer::start();
    let cache = at(&server, "short").await;
    for expire in [Duration::from_nanos(1), Duration::from_micros(999), Duration::from_millis(1)] {
        cache.set("k", &1, expire).await.expect("rounded up to a millisecond");
        eventually_async(LONG, || async { !cache.exists("k").await }).await;
    }
    cache.set("k", &1, Duration::from_millis(1500)).await.expect("stored");
    let left = cache.ttl("k").await.expect("it lives");
    assert!(left <= Duration::from_millis(1500) && left > Duration::from_millis(1), "{left:?}");

    let calls = Calls::default();
    assert_eq!(for_millis(&cache, &calls, &300).await, 300);
    eventually_async(LONG, || async { for_millis(&cache, &calls, &300).await == 300 && calls.count() >= 2 })
        .await;
    assert!(for_millis_entry(&cache, &300).key().starts_with("short:"));
}

#[tokio::test]
async fn commands_that_stop_a_server_are_never_sent() {
    let server = RedisServer::start();
    for prefix in ["", "app"] {
        let cache = at(&server, prefix).await;
        let calls = Calls::default();
        for n in 0..50 {
            double(&cache, &calls, n).await;
            grouped(&cache, &calls, n, "x").await;
        }
        cache.delete_group("g7").await.expect("dropped");
        cache.delete_pattern("*1*").await.expect("removed");
        let listed: Vec<String> = in_time(cache.keys("*").try_collect()).await.expect("the keys");
        assert!(!listed.is_empty());
        cache.group("g3").clear().await.expect("cleared");
        cache.clear().await.expect("cleared");
        cache.delete("k").await.expect("an answer");
        cache.inspect("k").await.expect("an answer");
        cache.health().await;
        cache.close().await;
    }
    let sent = server.command(&["INFO", "commandstats"]).to_lowercase();
    assert!(sent.contains("cmdstat_scan:") && sent.contains("cmdstat_unlink:"), "{sent}");
    for command in ["keys", "flushdb", "flushall", "del", "eval", "watch", "multi", "monitor", "smembers"] {
        assert!(!sent.contains(&format!("cmdstat_{command}:")), "{command}: {sent}");
    }
}

#[tokio::test]
async fn a_hundred_thousand_foreign_keys_do_not_slow_a_group_down() {
    let server = RedisServer::start();
    for part in 0..10 {
        assert_eq!(server.command(&["DEBUG", "POPULATE", "10000", &format!("foreign{part}")]), "OK");
    }
    let cache = at(&server, &unique("busy")).await;
    let group = cache.group("g");
    for n in 0..100 {
        group.set(&n.to_string(), &n, "5m").await.expect("stored");
    }
    cache.delete_group("g").await.expect("dropped");
    assert_eq!(group.get::<i32>("1").await, None);
    assert_eq!(in_time(cache.clear()).await.map(drop).map_err(|error| error.to_string()), Ok(()));
    cache.close().await;
    assert_eq!(server.command(&["DBSIZE"]), "100001", "the foreign keys and a stamp");
}
