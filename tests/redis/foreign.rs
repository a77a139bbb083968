//! Entries of other prefixes and values of other programs are left alone.

use futures_util::TryStreamExt;
use larder::{Cache, cache};
use redis::Commands;
use support::redis::RedisServer;
use support::stores::{in_time, on};

async fn at(server: &RedisServer, prefix: &str) -> Cache {
    on(server).prefix(prefix).require_redis(true).build().await.expect("a cache")
}

fn raw(server: &RedisServer) -> redis::Connection {
    redis::Client::open(server.url()).and_then(|client| client.get_connection()).expect("a connection")
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
    let () = raw.set(key("sessions"), "theirs").expect("stored");
    let () = raw.set(key("looks"), "ldr is the name of a tool, ".repeat(10)).expect("stored");
    let () = raw.set(key("small"), "ldr").expect("stored");
    let () = raw.set(key("later"), [&b"ldr\x03\x01\0\0\0"[..], &[7; 200]].concat()).expect("stored");
    let _: i64 = raw.rpush(key("queue"), 1).expect("stored");
    let _: i64 = raw.hset(key("hash"), "field", 1).expect("stored");
    let _: i64 = raw.sadd(key("set"), 1).expect("stored");
    let _: i64 = raw.zadd(key("sorted"), 1, 1).expect("stored");
    let _: String =
        redis::cmd("XADD").arg(key("stream")).arg("*").arg("a").arg(1).query(&mut raw).expect("stored");
    ["sessions", "looks", "small", "later", "queue", "hash", "set", "sorted", "stream"].map(key).into()
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
