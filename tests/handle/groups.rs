//! Groups: dropped in one step, for good, and without other groups.

use std::sync::Arc;

use larder::{Cache, cache};
use support::deployment::shared;
use support::redis::RedisServer;
use support::stores::{Calls, Gate, LONG, caches, counts, in_time, on, unique};
use support::wait::eventually_async;

#[cache(expire = "5m", group = "items", ignore(calls), cache = cache, entry = item_entry)]
async fn item(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "5m", group = "shop:{shop}", key = "total", cache = cache)]
fn total(cache: &Cache, calls: &Calls, shop: &str) -> String {
    calls.add();
    shop.to_owned()
}

#[cache(expire = "5m", cache = cache)]
async fn outside(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[tokio::test]
async fn only_the_dropped_group_is_computed_again() {
    for cache in &caches().await {
        let (calls, others) = (Calls::default(), Calls::default());
        for round in 1..=3 {
            for _ in 0..2 {
                for id in 0..10 {
                    assert_eq!(item(cache, &calls, id).await, id);
                    assert_eq!(outside(cache, &others, id).await, id);
                }
            }
            assert_eq!((calls.count(), others.count()), (10 * round, 10), "{cache:?}");
            cache.delete_group("items").await.expect("dropped");
        }
    }
}

#[tokio::test]
async fn functions_and_the_handle_share_a_group() {
    for cache in &caches().await {
        let calls = Calls::default();
        let group = cache.group("items");
        item(cache, &calls, 1).await;
        group.set("own", &1, "5m").await.expect("stored");
        cache.delete_group("items").await.expect("dropped");
        assert_eq!(group.get::<i32>("own").await, None);
        item(cache, &calls, 1).await;
        assert_eq!(calls.count(), 2, "{cache:?}");

        group.set("own", &2, "5m").await.expect("stored");
        assert!(group.clear().await.expect("cleared") >= 2);
        item(cache, &calls, 1).await;
        assert_eq!((calls.count(), group.get::<i32>("own").await), (3, None), "{cache:?}");
    }
}

#[tokio::test]
async fn a_group_is_a_separate_namespace() {
    for cache in &caches().await {
        let (alpha, beta) = (cache.group("alpha"), cache.group("beta"));
        alpha.set("k", "alpha", "5m").await.expect("stored");
        beta.set("k", "beta", "5m").await.expect("stored");
        cache.set("k", "none", "5m").await.expect("stored");
        for (cache, expected) in [(&alpha, "alpha"), (&beta, "beta"), (cache, "none")] {
            assert_eq!(cache.get::<String>("k").await.as_deref(), Some(expected));
        }
        assert!(alpha.delete("k").await.expect("removed"));
        assert!(beta.exists("k").await && cache.exists("k").await && !alpha.exists("k").await);
        assert_eq!(alpha.clear().await.expect("cleared"), 0);
        assert_eq!(beta.clear().await.expect("cleared"), 1);
        assert!(cache.exists("k").await);
    }
}

#[tokio::test]
async fn group_names_are_literal() {
    for cache in &caches().await {
        let names =
            ["g", "g*", "gx", "g?", "[g]", "", "*", "g:h", "{g}", "{", "}", "g%3Ah", "g}:k", "漢字", "g\\"];
        let fill = || async {
            for name in names {
                cache.group(name).set("k", name, "5m").await.expect("stored");
            }
        };
        fill().await;
        for dropped in names {
            cache.delete_group(dropped).await.expect("dropped");
            for name in names {
                let found = cache.group(name).get::<String>("k").await;
                let expected = (name != dropped).then_some(name);
                assert_eq!(found.as_deref(), expected, "{name:?} after {dropped:?} was dropped on {cache:?}");
            }
            fill().await;
            let removed = cache.group(dropped).clear().await.expect("cleared");
            assert_eq!(removed, 1, "{dropped:?} on {cache:?}");
            assert_eq!(cache.group(dropped).get::<String>("k").await, None);
            fill().await;
        }
    }
}

#[tokio::test]
async fn a_group_name_may_contain_arguments() {
    for cache in &caches().await {
        let calls = Calls::default();
        let shops = ["1", "10", "1*", "a:b", "{x}"];
        for shop in shops {
            for _ in 0..2 {
                assert_eq!(total(cache, &calls, shop), shop);
            }
        }
        assert_eq!(calls.count(), 5, "{cache:?}");
        cache.delete_group("shop:1").await.expect("dropped");
        for shop in shops {
            total(cache, &calls, shop);
        }
        assert_eq!(calls.count(), 6, "{cache:?}");
    }
}

#[cache(expire = "5m", group = "slow", cache = cache)]
async fn slow(cache: &Cache, calls: &Calls, gate: &Gate, id: u64) -> usize {
    let number = calls.add();
    if number == 0 {
        gate.pass().await;
    }
    number
}

/// A value computed from the state before the drop is never read after it.
#[tokio::test]
async fn a_group_dropped_while_its_function_computes() {
    for cache in caches().await {
        for way in ["drop", "drop twice", "drop and fill"] {
            let id = way.len() as u64;
            let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
            let old = tokio::spawn({
                let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
                async move { slow(&cache, &calls, &gate, id).await }
            });
            gate.arrived(1).await;
            cache.delete_group("slow").await.expect("dropped");
            match way {
                "drop twice" => cache.delete_group("slow").await.expect("dropped"),
                "drop and fill" => cache.group("slow").set("other", &1, "5m").await.expect("stored"),
                _ => {}
            }
            gate.open();
            assert_eq!(in_time(old).await.expect("no panic"), 0, "its own caller gets it");
            for _ in 0..3 {
                assert_eq!(
                    slow(&cache, &calls, &gate, id).await,
                    1,
                    "{way}: the old value came back on {cache:?}"
                );
            }
            assert_eq!(calls.count(), 2, "{cache:?}");
        }
        assert_eq!(counts(&cache, "slow").refusals, 3, "{cache:?}");
        assert_eq!(cache.health().await.computing, 0);
    }
}

#[tokio::test]
async fn a_group_dropped_while_remember_computes() {
    for cache in &caches().await {
        let group = cache.group("g");
        let gate = Gate::default();
        let old = group.remember("k", "5m", || async {
            gate.pass().await;
            "old".to_owned()
        });
        let drop = async {
            gate.arrived(1).await;
            cache.delete_group("g").await.expect("dropped");
            gate.open();
        };
        assert_eq!(in_time(async { tokio::join!(old, drop) }).await.0, "old");
        assert_eq!(group.get::<String>("k").await, None, "{cache:?}");
        assert_eq!(group.remember("k", "5m", || async { "new".to_owned() }).await, "new");
        assert_eq!(group.get::<String>("k").await.as_deref(), Some("new"));
    }
}

/// Values in a template are escaped, and the escaped name as stored in Redis names the same group.
#[tokio::test]
async fn a_group_name_can_be_given_as_redis_stores_it() {
    for cache in &caches().await {
        let calls = Calls::default();
        total(cache, &calls, "a:b");
        cache.delete_group("shop:a:b").await.expect("dropped");
        total(cache, &calls, "a:b");
        assert_eq!(calls.count(), 1, "another group, on {cache:?}");
        cache.delete_group("shop:a%3Ab").await.expect("dropped");
        total(cache, &calls, "a:b");
        assert_eq!(calls.count(), 2, "{cache:?}");
        cache.group("{g}").set("k", &1, "5m").await.expect("stored");
        assert_eq!(cache.group("%7Bg%7D").get("k").await, Some(1), "{cache:?}");
    }
}

#[tokio::test]
async fn another_process_can_drop_a_group() {
    let prefix = unique("processes");
    let build = || on(shared()).prefix(&prefix).require_redis(true).build();
    let (one, other) = (build().await.expect("a cache"), build().await.expect("a cache"));
    let calls = Arc::new(Calls::default());
    let gate = Arc::new(Gate::default());
    item(&one, &calls, 1).await;
    other.delete_group("items").await.expect("dropped");
    item(&one, &calls, 1).await;
    assert_eq!(calls.count(), 2);

    let calls = Arc::new(Calls::default());
    let old = tokio::spawn({
        let (cache, calls, gate) = (one.clone(), Arc::clone(&calls), Arc::clone(&gate));
        async move { slow(&cache, &calls, &gate, 1).await }
    });
    gate.arrived(1).await;
    other.delete_group("slow").await.expect("dropped");
    gate.open();
    assert_eq!(in_time(old).await.expect("no panic"), 0);
    assert_eq!(slow(&other, &calls, &gate, 1).await, 1);
    assert_eq!(slow(&one, &calls, &gate, 1).await, 1);
}

/// The memory of a dropped group is released in the background, without the entries stored since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_stored_after_a_drop_stay() {
    for cache in &caches().await {
        let group = cache.group("g");
        for round in 0..300 {
            for key in ["a", "b", "c"] {
                group.set(key, &round, "5m").await.expect("stored");
            }
            cache.delete_group("g").await.expect("dropped");
            for key in ["a", "b", "c"] {
                assert_eq!(group.get::<u32>(key).await, None, "{cache:?} {round}");
                group.set(key, &round, "5m").await.expect("stored");
            }
            tokio::task::yield_now().await;
            for key in ["a", "b", "c"] {
                assert_eq!(group.get(key).await, Some(round), "{cache:?} {round}");
            }
        }
    }
}

/// The state that another process leaves between its drop and its reclaim: entries under an older stamp.
#[tokio::test]
async fn entries_of_a_dropped_group_are_gone_for_every_reader() {
    let prefix = unique("stale");
    let cache = on(shared()).prefix(&prefix).require_redis(true).build().await.expect("a cache");
    let (group, calls) = (cache.group("items"), Calls::default());
    group.set("k", &1, "5m").await.expect("stored");
    item(&cache, &calls, 1).await;
    assert!(group.exists("k").await && group.ttl("k").await.is_some());
    assert_eq!(shared().command(&["SET", &format!("{prefix}:{{items}}"), "0123456789abcdef"]), "OK");
    assert_eq!(shared().command(&["EXISTS", &format!("{prefix}:{{items}}:k")]), "1");
    assert_eq!(group.get::<i32>("k").await, None);
    assert!(!group.exists("k").await);
    assert_eq!(group.ttl("k").await, None);
    assert_eq!(group.inspect("k").await.expect("an answer"), None);
    assert_eq!((item_entry(&cache, 1).get::<u64>().await, item_entry(&cache, 1).ttl().await), (None, None));
    item(&cache, &calls, 1).await;
    assert_eq!(calls.count(), 2);
}

#[tokio::test]
async fn the_memory_of_a_dropped_group_is_released() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    for id in 0..3_000 {
        item(&cache, &calls, id).await;
    }
    cache.group("other").set("k", &1, "5m").await.expect("stored");
    assert_eq!(server.command(&["DBSIZE"]), "3003");
    cache.delete_group("items").await.expect("dropped");
    // A new entry stays.
    cache.group("items").set("new", &1, "5m").await.expect("stored");
    eventually_async(LONG, || async { server.command(&["DBSIZE"]) == "4" }).await;
    assert_eq!(cache.group("items").get("new").await, Some(1));
    assert_eq!(cache.group("other").get("k").await, Some(1));
}

/// Groups that are dropped together share a walk, and a group that was never used needs none.
#[tokio::test]
async fn many_dropped_groups_take_one_walk() {
    let server = RedisServer::start();
    let cache = on(&server).require_redis(true).build().await.expect("a cache");
    for n in 0..2_000 {
        cache.group(&format!("g{}", n % 100)).set(&n.to_string(), &n, "5m").await.expect("stored");
    }
    let scans = || {
        let stats = server.command(&["INFO", "commandstats"]);
        let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_scan:calls="));
        calls.map_or(0, |calls| calls.split(',').next().unwrap_or_default().parse().expect("a number"))
    };
    for n in 0..200 {
        cache.delete_group(&format!("never{n}")).await.expect("dropped");
    }
    assert_eq!(server.command(&["EXISTS", &format!("{}{{never1}}", cache_prefix(&server))]), "0");
    for n in 0..100 {
        cache.delete_group(&format!("g{n}")).await.expect("dropped");
    }
    // The stamps stay.
    eventually_async(LONG, || async { server.command(&["DBSIZE"]) == "100" }).await;
    let walk = 2_100 / 500 + 1;
    assert!(scans() <= 3 * walk, "{} scans", scans());
}

/// The prefix of the keys on a server.
fn cache_prefix(server: &RedisServer) -> String {
    let key = server.command(&["RANDOMKEY"]);
    key.split('{').next().unwrap_or_default().to_owned()
}

/// Memory is reclaimed beside the background refreshes, and not in their place.
#[tokio::test]
async fn dropping_groups_leaves_room_for_refreshes() {
    for cache in caches().await {
        for n in 0..1_500 {
            cache.group(&n.to_string()).set("k", &n, "5m").await.expect("stored");
            cache.delete_group(&n.to_string()).await.expect("dropped");
        }
        assert_eq!(cache.health().await.background, 0, "{cache:?}");
    }
}

#[tokio::test]
async fn nested_groups_replace_one_another() {
    for cache in &caches().await {
        cache.group("a").group("b").set("k", &1, "5m").await.expect("stored");
        assert_eq!(cache.group("b").get("k").await, Some(1));
        assert_eq!(cache.group("a").get::<i32>("k").await, None);
    }
}
