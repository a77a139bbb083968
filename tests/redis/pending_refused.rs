//! Redis answers reads and refuses writes, removals included: this process no longer reads an entry that it
//! invalidated, and the invalidation is carried out as soon as Redis accepts it.

use larder::{Cache, Error, cache, cache_evict, cache_put};
use support::redis::RedisServer;
use support::stores::{Calls, LONG, counts, on, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", ignore(calls), cache = cache, entry = price_entry)]
async fn price(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

#[cache(expire = "5m", group = "g", cache = cache)]
async fn grouped(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 3
}

#[cache(expire = "5m", tags = ["t", "n:{n}"], cache = cache)]
async fn tagged(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 4
}

#[cache_evict(entry = price_entry(cache, n), tags = ["n:{n}"], group = "g", cache = cache)]
async fn change(cache: &Cache, n: u64) -> Result<(), ()> {
    let _ = n;
    Ok(())
}

#[cache_put(entry = price_entry(cache, n))]
async fn save(cache: &Cache, n: u64) -> u64 {
    n * 2
}

/// Starts a server, and makes two caches with one prefix.
async fn two(args: &[&str]) -> (RedisServer, Cache, Cache) {
    let server = RedisServer::start_with(args);
    let prefix = unique("due");
    let one = on(&server).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let other = on(&server).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    (server, one, other)
}

/// Makes Redis refuse every write, as after a failed snapshot.
fn misconfigure(server: &RedisServer) {
    let dir = server.command(&["CONFIG", "GET", "dir"]);
    let dir = dir.lines().last().expect("a directory");
    std::fs::create_dir_all(format!("{dir}/taken/x")).expect("a directory in the way of the dump");
    for (name, value) in [("dbfilename", "taken"), ("save", "3600 100000")] {
        assert_eq!(server.command(&["CONFIG", "SET", name, value]), "OK");
    }
    server.command(&["BGSAVE"]);
    support::wait::eventually(LONG, || server.command(&["SET", "x", "1"]).contains("MISCONF"));
}

fn repair(server: &RedisServer) {
    assert_eq!(server.command(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]), "OK");
}

const MAY_BREAK: &[&str] = &["--enable-protected-configs", "yes"];

async fn carried_out(cache: &Cache) {
    eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
}

#[tokio::test]
async fn an_entry_that_cannot_be_removed_is_not_read() {
    let (server, one, other) = two(MAY_BREAK).await;
    let calls = Calls::default();
    for n in 0..3 {
        price(&one, &calls, n).await;
    }
    one.set("k", &1, "5m").await.expect("stored");
    misconfigure(&server);

    let error = price_entry(&one, 1).invalidate().await.expect_err("refused");
    assert!(matches!(&error, Error::Redis { message, .. } if message.starts_with("MISCONF")), "{error:?}");
    price_entry(&one, 2).expire().await.expect_err("refused");
    one.delete("k").await.expect_err("refused");
    one.delete("k").await.expect_err("refused");
    assert_eq!(one.health().await.pending_invalidations, 3, "each once");
    assert_eq!(one.stats().total.pending_invalidations, 4);

    for n in 0..3 {
        for _ in 0..3 {
            assert_eq!(price(&one, &calls, n).await, n * 2);
        }
    }
    assert_eq!(calls.count(), 3 + 3 + 3, "what was invalidated is computed each time, the rest is not");
    assert_eq!(price_entry(&one, 1).get::<u64>().await, None);
    assert_eq!(one.get::<i32>("k").await, None);
    assert!(matches!(one.try_get::<i32>("k").await, Err(Error::Unavailable { .. })));
    assert!(!one.exists("k").await);
    assert_eq!(one.ttl("k").await, None);
    assert!(matches!(one.inspect("k").await, Err(Error::Unavailable { .. })));
    assert_eq!(counts(&one, "price").store_errors, 0, "nothing is asked of the store");
    assert_eq!(other.get::<i32>("k").await, Some(1), "the other process does not know");

    repair(&server);
    carried_out(&one).await;
    assert_eq!(other.get::<i32>("k").await, None);
    for n in 0..3 {
        price(&other, &calls, n).await;
        price(&one, &calls, n).await;
    }
    assert_eq!(calls.count(), 9 + 2, "both removed entries are computed once more, and read again");
}

#[tokio::test]
async fn a_group_and_tags_that_cannot_be_dropped_are_not_read() {
    let (server, one, other) = two(MAY_BREAK).await;
    let calls = Calls::default();
    for n in 0..2 {
        grouped(&one, &calls, n).await;
        tagged(&one, &calls, n).await;
    }
    misconfigure(&server);
    one.delete_group("g").await.expect_err("refused");
    one.invalidate_tag("n:1").await.expect_err("refused");
    assert_eq!(one.health().await.pending_invalidations, 2);
    for _ in 0..2 {
        for n in 0..2 {
            assert_eq!((grouped(&one, &calls, n).await, tagged(&one, &calls, n).await), (n * 3, n * 4));
        }
    }
    assert_eq!(calls.count(), 4 + 4 + 2, "the tag of another entry is none of its business");

    repair(&server);
    carried_out(&one).await;
    for cache in [&other, &one] {
        for n in 0..2 {
            grouped(cache, &calls, n).await;
            tagged(cache, &calls, n).await;
        }
    }
    assert_eq!(calls.count(), 10 + 3);
}

#[tokio::test]
async fn one_call_computes_for_all_while_an_invalidation_is_pending() {
    let (server, one, _other) = two(MAY_BREAK).await;
    let calls = Calls::default();
    price(&one, &calls, 1).await;
    misconfigure(&server);
    price_entry(&one, 1).invalidate().await.expect_err("refused");
    let gate = support::stores::Gate::default();
    let call = || {
        one.remember("slow", "1m", || async {
            calls.add();
            gate.pass().await;
            // The waiters join while the computation runs.
            support::stores::settle(&one).await;
            7
        })
    };
    one.delete("slow").await.expect_err("refused");
    let opener = async {
        gate.arrived(1).await;
        support::stores::settle(&one).await;
        gate.open();
    };
    let callers = futures_util::future::join_all((0..50).map(|_| call()));
    let (values, ()) = support::stores::in_time(async { tokio::join!(callers, opener) }).await;
    assert_eq!(values, vec![7; 50]);
    // The first computation began before the others joined, possibly before the removal, so they share a second one.
    assert_eq!(calls.count(), 1 + 2);
}

#[tokio::test]
async fn evict_and_put_are_carried_out_later() {
    let (server, one, other) = two(MAY_BREAK).await;
    let calls = Calls::default();
    let all = async |cache: &Cache| {
        price(cache, &calls, 1).await;
        grouped(cache, &calls, 1).await;
        tagged(cache, &calls, 1).await;
    };
    all(&one).await;
    price(&one, &calls, 2).await;
    misconfigure(&server);
    assert_eq!(change(&one, 1).await, Ok(()));
    assert_eq!(save(&one, 2).await, 4);
    assert_eq!(one.health().await.pending_invalidations, 4);
    assert_eq!(counts(&one, "change").pending_invalidations, 3);
    assert_eq!(counts(&one, "save").pending_invalidations, 1);
    all(&one).await;
    price(&one, &calls, 2).await;
    assert_eq!(calls.count(), 4 + 4);
    repair(&server);
    carried_out(&one).await;
    all(&other).await;
    price(&other, &calls, 2).await;
    assert_eq!(calls.count(), 8 + 4);
}

#[tokio::test]
async fn pending_invalidations_are_bounded_and_a_lost_one_is_reported() {
    let server = RedisServer::start_with(MAY_BREAK);
    let cache = on(&server).require_redis(true).max_pending_invalidations(2).build().await.expect("a cache");
    misconfigure(&server);
    for key in ["a", "b", "a"] {
        let error = cache.delete(key).await.expect_err("refused");
        assert!(matches!(error, Error::Redis { .. }), "{error:?}");
    }
    let error = cache.delete("c").await.expect_err("refused");
    assert!(matches!(&error, Error::NotQueued { limit: 2, .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("MISCONF") && text.contains("max_pending_invalidations = 2"), "{text}");
    assert_eq!(
        (cache.stats().total.pending_invalidations, cache.stats().total.pending_invalidations_lost),
        (3, 1)
    );
    repair(&server);
    carried_out(&cache).await;
    assert!(!cache.delete("c").await.expect("it takes writes again"));
}

/// A key that Redis refuses permanently does not delay the others.
#[tokio::test]
async fn an_invalidation_refused_forever_does_not_block_others() {
    let (server, _, other) = two(&[]).await;
    let may = ["on", ">pw", "~*", "&*", "+@all"];
    assert_eq!(server.command(&[&["ACL", "SETUSER", "app"][..], &may[..]].concat()), "OK");
    let url = format!("redis://app:pw@127.0.0.1:{}", server.port());
    let prefix = unique("acl");
    let cache = Cache::builder().url(url).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    for n in 0..300 {
        cache.set(&n.to_string(), &n, "5m").await.expect("stored");
    }
    let restrict = |rest: &[&str]| {
        assert_eq!(server.command(&[&["ACL", "SETUSER", "app"][..], rest].concat()), "OK");
    };
    restrict(&["-@write"]);
    for n in 0..300 {
        cache.delete(&n.to_string()).await.expect_err("it may not write");
    }
    assert_eq!(cache.health().await.pending_invalidations, 300);
    restrict(&["+@write", "resetkeys", "%R~*", &format!("%RW~{prefix}:2*"), "resetchannels"]);
    // Keys 2, 20 to 29 and 200 to 299 stay refused.
    eventually_async(LONG, || async { cache.health().await.pending_invalidations == 300 - 111 }).await;
    restrict(&["allkeys"]);
    carried_out(&cache).await;
    drop(other);
    assert_eq!(server.command(&["DBSIZE"]), "0");
}
