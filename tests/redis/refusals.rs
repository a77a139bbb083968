//! Refusals of Redis: credentials, memory, replicas, loading, lost scripts and lost keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use larder::{Cache, Error, IgnoreInKey, cache};
use redis::{Connection, RedisResult};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, counts, hasty, in_time, on, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", group = "g", cache = cache)]
async fn triple(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

/// The current value of all entries.
struct Source(AtomicU64);

impl IgnoreInKey for Source {}

#[cache(expire = "5m", group = "g", tags = ["t"], cache = cache)]
async fn versioned(cache: &Cache, source: &Source, id: u64) -> (u64, String) {
    (source.0.load(SeqCst), id.to_string().repeat(10_000))
}

async fn caching_begins(cache: &Cache) {
    eventually_async(LONG, || async {
        let key = unique("probe");
        cache.set(&key, &7, "1m").await.is_ok() && cache.get(&key).await == Some(7)
    })
    .await;
}

/// A connection of the test, which stays authenticated when the password changes.
fn raw(server: &RedisServer) -> Connection {
    redis::Client::open(server.url()).and_then(|client| client.get_connection()).expect("a connection")
}

fn run(raw: &mut Connection, args: &[&str]) {
    let answer: RedisResult<redis::Value> = redis::cmd(args[0]).arg(&args[1..]).query(raw);
    answer.expect("Redis takes the command");
}

#[tokio::test]
async fn a_wrong_password_is_an_error_at_the_start() {
    let server = RedisServer::start_with(&["--requirepass", "right-password"]);
    let at = |who: &str| format!("redis://{who}127.0.0.1:{}", server.port());
    for (who, secret) in
        [("", "right-password"), (":wrong-password@", "wrong-password"), ("nobody:hunter2@", "hunter2")]
    {
        for require in [false, true] {
            let builder = Cache::builder().url(at(who)).require_redis(require);
            let error = in_time(builder.build()).await.expect_err("the password is wrong");
            assert!(matches!(error, Error::Auth { .. }), "{error:?}");
            assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        }
    }
    let cache =
        Cache::builder().url(at(":right-password@")).require_redis(true).build().await.expect("a cache");
    caching_begins(&cache).await;
    let cache = Cache::builder().url(at("default:right-password@")).build().await.expect("a cache");
    caching_begins(&cache).await;
}

#[tokio::test]
async fn a_missing_database_is_an_error_at_the_start() {
    let server = RedisServer::start();
    let error = Cache::builder().url(format!("{}/99", server.url())).build().await.expect_err("there are 16");
    assert!(matches!(&error, Error::Config { setting: "url", value, .. } if value == "99"), "{error:?}");
    let cache = Cache::builder()
        .url(format!("{}/3", server.url()))
        .require_redis(true)
        .build()
        .await
        .expect("a cache");
    cache.set("k", &1, "1m").await.expect("stored");
    assert_eq!(server.command(&["DBSIZE"]), "0", "the first database is left alone");
}

#[tokio::test]
async fn a_password_that_changes_at_run_time() {
    let server = RedisServer::start();
    let mut raw = raw(&server);
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    double(&cache, &calls, 1).await;
    run(&mut raw, &["CONFIG", "SET", "requirepass", "another-password"]);
    run(&mut raw, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    eventually_async(LONG, || async { !cache.health().await.connected }).await;
    for n in 0..64 {
        assert_eq!(in_time(double(&cache, &calls, n)).await, n * 2);
    }
    let error = cache.delete("k").await.expect_err("not authenticated");
    assert!(!format!("{error:?}").contains("another-password"));
    run(&mut raw, &["CONFIG", "SET", "requirepass", ""]);
    caching_begins(&cache).await;
}

#[tokio::test]
async fn a_full_server_serves_its_entries() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    double(&cache, &calls, 1).await;
    triple(&cache, &calls, 1).await;
    cache.set("old", &1, "5m").await.expect("stored");
    assert_eq!(server.command(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    for n in 2..10 {
        for _ in 0..2 {
            assert_eq!((double(&cache, &calls, n).await, triple(&cache, &calls, n).await), (n * 2, n * 3));
        }
    }
    assert_eq!(calls.count(), 2 + 32, "nothing new is stored");
    assert_eq!(counts(&cache, "double").store_errors, 16);
    assert!(counts(&cache, "triple").store_errors >= 16);
    for _ in 0..3 {
        assert_eq!((double(&cache, &calls, 1).await, triple(&cache, &calls, 1).await), (2, 3));
    }
    assert_eq!(calls.count(), 2 + 32, "what was there is a hit");
    let error = cache.set("new", &1, "5m").await.expect_err("no memory");
    assert!(matches!(&error, Error::Redis { message, .. } if message.starts_with("OOM")), "{error:?}");
    assert!(cache.delete("old").await.expect("removing needs no memory"));
    assert!(cache.health().await.connected);

    assert_eq!(server.command(&["CONFIG", "SET", "maxmemory", "0"]), "OK");
    for _ in 0..2 {
        double(&cache, &calls, 2).await;
    }
    assert_eq!(calls.count(), 2 + 32 + 1, "it stores again at once");
}

#[tokio::test]
async fn a_master_that_became_a_replica() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    double(&cache, &calls, 1).await;
    assert_eq!(server.command(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    for n in 0..50 {
        assert_eq!(in_time(double(&cache, &calls, n)).await, n * 2);
        assert_eq!(in_time(triple(&cache, &calls, n)).await, n * 3);
    }
    assert!(cache.delete("k").await.is_err());
    assert!(cache.delete_group("g").await.is_err());
    assert_eq!(server.command(&["REPLICAOF", "NO", "ONE"]), "OK");
    caching_begins(&cache).await;
}

#[tokio::test]
async fn a_user_that_may_not_run_scripts() {
    let server = RedisServer::start();
    let may = ["on", ">pw", "~*", "&*", "+@all", "-eval", "-evalsha", "-script"];
    assert_eq!(server.command(&[&["ACL", "SETUSER", "plain"][..], &may[..]].concat()), "OK");
    let url = format!("redis://plain:pw@127.0.0.1:{}", server.port());
    let cache = Cache::builder().url(url).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    for _ in 0..3 {
        assert_eq!((double(&cache, &calls, 1).await, triple(&cache, &calls, 1).await), (2, 3));
    }
    assert_eq!(calls.count(), 3 + 3, "nothing is stored without a lease, and that is a script");
    assert!(counts(&cache, "triple").store_errors >= 3 && counts(&cache, "double").store_errors == 3);
    assert!(cache.health().await.connected);
}

#[tokio::test]
async fn scripts_lost_in_the_middle_of_traffic() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    for n in 0..100 {
        assert_eq!(server.command(&["SCRIPT", "FLUSH"]), "OK");
        for _ in 0..2 {
            assert_eq!(triple(&cache, &calls, n).await, n * 3);
        }
    }
    let counts = counts(&cache, "triple");
    assert_eq!((calls.count(), counts.store_errors, counts.stores), (100, 0, 100));
    assert_eq!(server.command(&["SCRIPT", "FLUSH"]), "OK");
    cache.delete_group("g").await.expect("dropped");
    assert_eq!(server.command(&["SCRIPT", "FLUSH"]), "OK");
    assert_eq!(cache.clear().await.map(drop).map_err(|error| error.to_string()), Ok(()));
}

#[tokio::test]
async fn a_flush_in_the_middle_of_traffic() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    for round in 1..=20 {
        for _ in 0..3 {
            for n in 0..10 {
                assert_eq!(
                    (double(&cache, &calls, n).await, triple(&cache, &calls, n).await),
                    (n * 2, n * 3)
                );
            }
        }
        assert_eq!(calls.count(), round * 20, "misses, and nothing else");
        server.flush();
    }
    assert_eq!(cache.stats().total.store_errors, 0);
}

/// Eviction removes the stamp of a group and not its entry, which must not be served under a new stamp.
#[tokio::test]
async fn a_lost_stamp_drops_the_group() {
    let server = RedisServer::start();
    let prefix = unique("stamp");
    let cache = on(&server).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    triple(&cache, &calls, 1).await;
    assert_eq!(server.command(&["DEL", &format!("{prefix}:{{g}}")]), "1");
    for _ in 0..3 {
        assert_eq!(triple(&cache, &calls, 1).await, 3);
    }
    assert_eq!(calls.count(), 2);
}

#[tokio::test]
async fn a_server_without_free_connections() {
    let server = RedisServer::start();
    let mut raw = raw(&server);
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    run(&mut raw, &["CONFIG", "SET", "maxclients", "1"]);
    run(&mut raw, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    let calls = Calls::default();
    for n in 0..20 {
        assert_eq!(in_time(double(&cache, &calls, n)).await, n * 2);
    }
    run(&mut raw, &["CONFIG", "SET", "maxclients", "1000"]);
    caching_begins(&cache).await;
}

/// The state after a restart with much to load.
#[tokio::test]
async fn a_server_that_is_still_loading() {
    // Loading takes 50 ms for each key, and Redis answers in between.
    let slow = [
        "--key-load-delay",
        "50000",
        "--loading-process-events-interval-bytes",
        "1024",
        "--rdbcompression",
        "no",
    ];
    let server = Arc::new(RedisServer::start_with(&slow));
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    double(&cache, &calls, 1).await;
    for n in 0..60 {
        server.command(&["SET", &format!("large-{n}"), &"x".repeat(4096)]);
    }
    assert_eq!(server.command(&["SAVE"]), "OK");
    let again = Arc::clone(&server);
    tokio::task::spawn_blocking(move || again.restart()).await.expect("it starts");
    let is_loading = || server.command(&["INFO", "persistence"]).contains("\nloading:1");
    assert!(is_loading());
    let mut during = 0;
    while is_loading() {
        let started = Instant::now();
        assert_eq!(in_time(double(&cache, &calls, during + 2)).await, (during + 2) * 2);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        during += 1;
    }
    assert!(during > 10, "{during} calls while it loaded");
    let loaded = Instant::now();
    caching_begins(&cache).await;
    println!("{during} calls while it loaded; caching was back after {:?}", loaded.elapsed());
    assert!(loaded.elapsed() < Duration::from_secs(3), "{:?}", loaded.elapsed());
    let before = calls.count();
    assert_eq!(double(&cache, &calls, 1).await, 2);
    assert_eq!(calls.count(), before, "what was saved is a hit");
}

/// A foreign script blocks the server.
#[tokio::test]
async fn a_server_that_is_busy_with_a_script() {
    let server = Arc::new(RedisServer::start_with(&["--busy-reply-threshold", "50"]));
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    double(&cache, &calls, 1).await;
    let other = Arc::clone(&server);
    let script = tokio::task::spawn_blocking(move || {
        let mut raw = raw(&other);
        redis::cmd("EVAL").arg("while true do end").arg(0).query::<()>(&mut raw)
    });
    eventually_async(LONG, || async { server.command(&["GET", "x"]).contains("BUSY") }).await;
    for n in 0..50 {
        let started = Instant::now();
        assert_eq!((double(&cache, &calls, n).await, triple(&cache, &calls, n).await), (n * 2, n * 3));
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
    assert!(cache.delete("k").await.is_err());
    assert_eq!(server.command(&["SCRIPT", "KILL"]), "OK");
    let killed = Instant::now();
    caching_begins(&cache).await;
    assert!(killed.elapsed() < Duration::from_secs(3), "{:?}", killed.elapsed());
    assert!(script.await.expect("no panic").is_err());
}

/// A replica that has lost its master and may not serve stale data.
#[tokio::test]
async fn a_replica_that_serves_nothing_stale() {
    let server = RedisServer::start();
    let cache = hasty(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    double(&cache, &calls, 1).await;
    assert_eq!(server.command(&["CONFIG", "SET", "replica-serve-stale-data", "no"]), "OK");
    assert_eq!(server.command(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    assert!(server.command(&["GET", "x"]).contains("MasterDown"));
    for n in 0..50 {
        assert_eq!((double(&cache, &calls, n).await, triple(&cache, &calls, n).await), (n * 2, n * 3));
    }
    assert!(cache.delete("k").await.is_err());
    assert_eq!(server.command(&["REPLICAOF", "NO", "ONE"]), "OK");
    caching_begins(&cache).await;
}

/// Entries, leases and stamps vanish at any moment: this costs computations, and no dropped entry returns.
#[tokio::test]
async fn a_server_that_evicts_any_key() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "allkeys-random"]);
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let source = Source(AtomicU64::new(0));
    for id in 0..1000 {
        versioned(&cache, &source, id).await;
    }
    // An empty server takes one to three megabytes, depending on its version.
    let used = server.command(&["INFO", "memory"]);
    let used = used.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a line");
    assert_eq!(server.command(&["CONFIG", "SET", "maxmemory", used]), "OK");
    for round in 1..=40 {
        source.0.store(round, SeqCst);
        if round % 2 == 0 {
            cache.invalidate_tag("t").await.expect("carried out");
        } else {
            cache.delete_group("g").await.expect("carried out");
        }
        for id in 0..100 {
            let (version, _) = versioned(&cache, &source, id).await;
            assert_eq!(version, round, "{id}");
        }
    }
    let evicted = server.command(&["INFO", "stats"]);
    let evicted = evicted.lines().find_map(|line| line.strip_prefix("evicted_keys:")).expect("a line");
    assert_ne!(evicted, "0");
}
