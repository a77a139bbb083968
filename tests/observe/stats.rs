//! Statistics: each counter counts what its name says, and no key or value is in them.

use std::collections::HashMap;

use larder::{Cache, Counts, cache};
use support::redis::RedisServer;
use support::stores::{Calls, Gate, caches, caches_with, counts, in_time, on, settle};

/// Makes counts with only these fields set.
macro_rules! only {
    () => { Counts::default() };
    ($($name:ident: $count:expr),+) => {{
        let mut counts = Counts::default();
        $(counts.$name = $count;)+
        counts
    }};
}

#[cache(expire = "5m", none_expire = "5m", unless = |n: &u64| *n == 13, ignore(calls), cache = cache, entry = found_entry)]
async fn found(cache: &Cache, calls: &Calls, n: u64) -> Result<Option<u64>, String> {
    calls.add();
    match n {
        0 => Err("no".to_owned()),
        1 => Ok(None),
        n => Ok(Some(n)),
    }
}

#[cache(expire = "5m", when = *yes, cache = cache)]
async fn when(cache: &Cache, yes: &bool) -> u64 {
    7
}

#[cache(expire = "5m", cache = cache)]
async fn maybe(cache: &Cache) -> Option<u64> {
    None
}

#[cache(expire = "5m", cache = cache)]
async fn text(cache: &Cache, size: usize) -> String {
    "x".repeat(size)
}

#[cache(expire = "5m", cache = cache)]
async fn tuple_keys(cache: &Cache) -> HashMap<(u8, u8), u8> {
    HashMap::from([((1, 2), 3)])
}

#[tokio::test]
async fn hits_misses_stores_and_refusals() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert_eq!(counts(cache, "found"), only!());
        found(cache, &calls, 2).await.expect("a value");
        assert_eq!(counts(cache, "found"), only!(misses: 1, stores: 1), "{cache:?}");
        for _ in 0..3 {
            found(cache, &calls, 2).await.expect("a value");
        }
        assert_eq!(counts(cache, "found"), only!(misses: 1, stores: 1, hits: 3), "{cache:?}");
        for _ in 0..3 {
            found(cache, &calls, 1).await.expect("none");
        }
        assert_eq!(counts(cache, "found"), only!(misses: 2, stores: 2, hits: 3, none_hits: 2), "{cache:?}");
        found(cache, &calls, 0).await.expect_err("an error");
        found(cache, &calls, 13).await.expect("not stored");
        assert_eq!(
            counts(cache, "found"),
            only!(misses: 4, stores: 2, hits: 3, none_hits: 2, refusals: 2),
            "{cache:?}"
        );
        for _ in 0..2 {
            maybe(cache).await;
        }
        assert_eq!(counts(cache, "maybe"), only!(misses: 2, refusals: 2), "{cache:?}");
    }
}

#[tokio::test]
async fn bypasses_and_refreshes() {
    for cache in &caches().await {
        let calls = Calls::default();
        larder::bypass(found(cache, &calls, 2)).await.expect("a value");
        assert_eq!(counts(cache, "found"), only!(bypasses: 1), "{cache:?}");
        larder::refresh(found(cache, &calls, 2)).await.expect("a value");
        assert_eq!(counts(cache, "found"), only!(bypasses: 1, refreshes: 1, stores: 1), "{cache:?}");
        found(cache, &calls, 2).await.expect("a value");
        assert_eq!(counts(cache, "found"), only!(bypasses: 1, refreshes: 1, stores: 1, hits: 1), "{cache:?}");
    }
}

#[tokio::test]
async fn when_is_a_bypass() {
    for cache in &caches().await {
        when(cache, &false).await;
        when(cache, &true).await;
        assert_eq!(counts(cache, "when"), only!(bypasses: 1, misses: 1, stores: 1), "{cache:?}");
    }
}

#[tokio::test]
async fn waits() {
    for cache in &caches().await {
        let gate = Gate::default();
        let call = || {
            cache.remember("k", "5m", || async {
                gate.pass().await;
                7
            })
        };
        let opener = async {
            gate.arrived(1).await;
            settle(cache).await;
            gate.open();
        };
        in_time(async { tokio::join!(call(), call(), call(), opener) }).await;
        assert_eq!(counts(cache, "handle"), only!(misses: 1, stores: 1, waits: 2), "{cache:?}");
    }
}

#[tokio::test]
async fn invalidations_are_counted_once_each() {
    for cache in &caches().await {
        found_entry(cache, 2).invalidate().await.expect("removed");
        assert_eq!(counts(cache, "handle"), only!(invalidations: 1), "{cache:?}");
        cache.delete("k").await.expect("removed");
        cache.delete_pattern("*").await.expect("removed");
        cache.delete_group("g").await.expect("dropped");
        cache.clear().await.expect("cleared");
        assert_eq!(counts(cache, "handle"), only!(invalidations: 5), "{cache:?}");
    }
}

#[tokio::test]
async fn values_that_cannot_be_stored() {
    for cache in &caches_with(|builder| builder.max_value(50)).await {
        for _ in 0..2 {
            text(cache, 100).await;
            tuple_keys(cache).await;
        }
        assert_eq!(counts(cache, "text"), only!(misses: 2, refusals: 2), "{cache:?}");
        assert_eq!(counts(cache, "tuple_keys"), only!(misses: 2, encode_errors: 2), "{cache:?}");
    }
}

#[tokio::test]
async fn entries_of_another_type() {
    for cache in &caches().await {
        cache.set("k", &1, "5m").await.expect("stored");
        assert_eq!(cache.get::<String>("k").await, None);
        assert_eq!(counts(cache, "handle"), only!(stores: 1, misses: 1, unusable: 1), "{cache:?}");
    }
}

#[tokio::test]
async fn store_errors() {
    let server = RedisServer::start();
    server.stop();
    let cache = on(&server).build().await.expect("a cache");
    text(&cache, 1).await;
    let counts = counts(&cache, "text");
    assert_eq!((counts.misses, counts.stores, counts.hits), (1, 0, 0));
    assert!(counts.store_errors >= 1);
}

#[tokio::test]
async fn json_holds_counts_and_names_and_nothing_else() {
    for cache in &caches().await {
        let calls = Calls::default();
        found(cache, &calls, 777_777).await.expect("a value");
        text(cache, 5).await;
        cache.set("canary-key", "canary-value", "5m").await.expect("stored");
        cache.group("canary-group").set("k", &1, "5m").await.expect("stored");
        cache.delete_group("canary-group").await.expect("dropped");
        let stats = cache.stats();
        let json = serde_json::to_value(&stats).expect("JSON");

        let rows = json["functions"].as_array().expect("rows");
        let names: Vec<_> = rows.iter().map(|row| row["function"].as_str().expect("a name")).collect();
        assert_eq!(names, ["handle", "stats::found", "stats::text"], "sorted, on {cache:?}");
        let counters = json["total"].as_object().expect("counts");
        let known = [
            "hits",
            "local_hits",
            "none_hits",
            "stale_hits",
            "misses",
            "stores",
            "refusals",
            "waits",
            "lease_waits",
            "bypasses",
            "refreshes",
            "invalidations",
            "pending_invalidations",
            "pending_invalidations_lost",
            "deferred_unsent",
            "not_confirmed",
            "unusable",
            "encode_errors",
            "store_errors",
            "shed",
            "limit_allowed",
            "limit_refused",
            "limit_outages",
        ];
        assert!(
            counters.keys().all(|name| known.contains(&name.as_str())) && counters.len() == known.len(),
            "{json}"
        );
        for row in rows {
            let row = row.as_object().expect("a row");
            assert!(row.len() == known.len() + 1 && known.iter().all(|name| row[*name].is_u64()), "{row:?}");
        }
        for name in known {
            let sum: u64 = rows.iter().map(|row| row[name].as_u64().expect("a count")).sum();
            assert_eq!(json["total"][name], sum, "{name}");
        }
        for text in [json.to_string(), format!("{stats:?}")] {
            assert!(
                !text.contains("canary") && !text.contains("777777") && !text.contains("xxxxx"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn functions_are_found_by_the_end_of_their_name() {
    for cache in &caches().await {
        text(cache, 1).await;
        let stats = cache.stats();
        assert_eq!(stats.function("text").map(|counts| counts.misses), Some(1));
        assert_eq!(stats.function("stats::text").map(|counts| counts.misses), Some(1));
        for unknown in ["ext", "stats", "found", "", "stats::", ":text", "::text", "other::text"] {
            assert!(stats.function(unknown).is_none(), "{unknown:?}");
        }
    }
}

#[tokio::test]
async fn caches_have_separate_statistics() {
    let [one, other] = caches().await;
    for _ in 0..2 {
        text(&one, 1).await;
    }
    text(&other, 1).await;
    assert_eq!(counts(&one, "text"), only!(misses: 1, stores: 1, hits: 1));
    assert_eq!(counts(&other, "text"), only!(misses: 1, stores: 1));
    assert_eq!(one.stats().total, only!(misses: 1, stores: 1, hits: 1));
    assert_eq!(one.clone().stats().total, one.stats().total, "clones are one cache");
}
