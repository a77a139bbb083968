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

/// Every call of a cache `a` finds, lists and removes what is of `a`, and nothing of `a:b` or of others.
#[tokio::test]
async fn a_cache_touches_only_entries_of_exactly_its_prefix() {
    let server = RedisServer::start();
    let prefixes = ["a", "a:b", "", "a:b:c"];
    let mut caches = Vec::new();
    for prefix in prefixes {
        caches.push(at(&server, prefix).await);
    }
    let foreign = foreign_values(&server, "a:");
    for (at, acting) in caches.iter().enumerate() {
        let prefix = prefixes[at];
        for cache in &caches {
            for key in ["k", "user:1", "{g}:x"] {
                cache.set(key, &1, "5m").await.expect("stored");
            }
        }
        let mut listed: Vec<String> = in_time(acting.keys("*").try_collect()).await.expect("the keys");
        listed.sort();
        assert_eq!(listed, ["k", "user:1", "{g}:x"], "{prefix:?}");
        // The other caches' entries by the key that they have in this one.
        for (other, of) in caches.iter().zip(prefixes) {
            let Some(rest) = format!("{of}:k").strip_prefix(&with_colon(prefix)).map(str::to_owned) else {
                continue;
            };
            if of == prefix || of.is_empty() {
                continue;
            }
            assert_eq!(acting.get::<i32>(&rest).await, None, "{prefix:?} reads {of:?}");
            assert_eq!(acting.ttl(&rest).await, None, "{prefix:?} {of:?}");
            assert!(!acting.exists(&rest).await, "{prefix:?} {of:?}");
            assert_eq!(acting.inspect(&rest).await.expect("an answer"), None, "{prefix:?} {of:?}");
            let refused = acting.delete(&rest).await;
            assert!(matches!(refused, Err(larder::Error::Foreign)), "{prefix:?} {of:?}: {refused:?}");
            assert_eq!(other.get::<i32>("k").await, Some(1), "{prefix:?} {of:?}");
        }
        assert_eq!(acting.delete_pattern("user:*").await.expect("removed"), 1, "{prefix:?}");
        assert_eq!(in_time(acting.clear()).await.expect("cleared"), 2, "{prefix:?}");
        for (other, of) in caches.iter().zip(prefixes) {
            let expected = (of != prefix).then_some(1);
            assert_eq!(other.get::<i32>("user:1").await, expected, "{prefix:?} cleared, {of:?}");
            assert_eq!(other.get::<i32>("{g}:x").await, expected, "{prefix:?} cleared, {of:?}");
        }
    }
    for key in &foreign {
        assert_eq!(server.command(&["EXISTS", key]), "1", "{key}");
    }
    assert_eq!(caches[0].stats().total.store_errors, 0, "a foreign value is no failure of the store");
}

#[cache(expire = "5m", key = "{id}", cache = cache, entry = plain_entry)]
async fn plain(cache: &Cache, id: &str) -> u64 {
    1
}

/// A foreign value is left alone by what removes, and replaced by what stores.
#[tokio::test]
async fn explicit_deletes_of_foreign_values_are_refused() {
    let server = RedisServer::start();
    let cache = at(&server, "a").await;
    for key in foreign_values(&server, "a:") {
        let rest = &key["a:".len()..];
        for refused in [
            cache.delete(rest).await.map(drop),
            plain_entry(&cache, rest).invalidate().await,
            plain_entry(&cache, rest).expire().await,
        ] {
            assert!(matches!(refused, Err(larder::Error::Foreign)), "{key}: {refused:?}");
        }
        assert_eq!(server.command(&["EXISTS", &key]), "1", "{key}");
        assert!(!cache.exists(rest).await && cache.ttl(rest).await.is_none(), "{key}");
        assert_eq!(cache.get::<u64>(rest).await, None, "{key}");
        assert_eq!(plain(&cache, rest).await, 1, "{key}");
        assert_eq!(cache.get::<u64>(rest).await, Some(1), "{key}: replaced");
        assert!(cache.delete(rest).await.expect("removed"), "{key}");
    }
    assert_eq!(cache.health().await.pending_invalidations, 0);
}

/// Removing and listing take a few commands a page, whatever the number of keys.
#[tokio::test]
async fn many_keys_are_removed_in_batches() {
    for prefix in ["", "batch"] {
        let server = RedisServer::start();
        let cache = at(&server, prefix).await;
        let mut commands = Vec::new();
        for count in [2_000, 20_000] {
            let script = "for i = 1, ARGV[2] do redis.call('COPY', KEYS[1], ARGV[1] .. i) end";
            cache.set("k", &1, "1h").await.expect("stored");
            let key = format!("{}k", with_colon(prefix));
            server.command(&["EVAL", script, "1", &key, &key, &count.to_string()]);
            let before = calls_of(&server);
            let listed: Vec<String> = in_time(cache.keys("*").try_collect()).await.expect("the keys");
            assert!(listed.len() > count, "{prefix:?}");
            assert_eq!(in_time(cache.clear()).await.expect("cleared"), count as u64 + 1, "{prefix:?}");
            commands.push((calls_of(&server) - before) as f64 / count as f64);
        }
        // Two walks with two commands for each 500 keys, and some room for pages that are not full.
        assert!(
            commands.iter().all(|share| *share < 4.0 / 500.0 * 2.0),
            "{prefix:?}: {commands:?} commands a key"
        );
    }
}

/// Values of every type that others store, and texts that look like larder's.
fn foreign_values(server: &RedisServer, prefix: &str) -> Vec<String> {
    let mut raw = raw(server);
    let key = |name: &str| format!("{prefix}{name}");
    let () = raw.set(key("sessions:1"), "theirs").expect("stored");
    let () = raw.set(key("looks"), "ldr is the name of a tool, ".repeat(10)).expect("stored");
    let () = raw.set(key("small"), "ldr").expect("stored");
    let () = raw.set(key("later"), [&b"ldr\x03\x01\0\0\0"[..], &[7; 200]].concat()).expect("stored");
    let _: i64 = raw.rpush(key("queue"), 1).expect("stored");
    let _: i64 = raw.hset(key("hash"), "field", 1).expect("stored");
    let _: i64 = raw.sadd(key("set"), 1).expect("stored");
    let _: i64 = raw.zadd(key("sorted"), 1, 1).expect("stored");
    let _: String =
        redis::cmd("XADD").arg(key("stream")).arg("*").arg("a").arg(1).query(&mut raw).expect("stored");
    ["sessions:1", "looks", "small", "later", "queue", "hash", "set", "sorted", "stream"].map(key).into()
}

fn with_colon(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!("{prefix}:") }
}

/// The number of commands that clients have sent to list and to remove; commands in scripts do not count.
fn calls_of(server: &RedisServer) -> u64 {
    let stats = server.command(&["INFO", "commandstats"]);
    let calls = |name: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
        line.and_then(|rest| rest.split(',').next()?.parse::<u64>().ok()).unwrap_or_default()
    };
    ["scan", "evalsha", "eval", "del"].into_iter().map(calls).sum()
}
