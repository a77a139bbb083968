//! The removal of all entries of one function.

use std::future::ready;

use larder::{Cache, Error, cache, cache_put};
use support::deployment::shared;
use support::log::Log;
use support::process::{assert_passed, rerun, test_around};
use support::stores::{Calls, Gate, LONG, caches, counts, on, unique};
use support::wait::eventually_async;

#[cache(expire = "1h", cache = cache, name = "clear.user", ignore(calls), entry = user_entry)]
async fn user(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "1h", cache = cache, ignore(calls), tags = ["a", "item:{id}"], group = "items", key = "item:{id}")]
async fn item(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "1h", cache = cache, tags_with = |id| [format!("late:{id}"), "late".to_owned()], ignore(calls))]
async fn late(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "1h", cache = cache, ignore(gate), name = "clear.slow", entry = slow_entry)]
async fn slow(cache: &Cache, gate: &Gate, id: u64) -> u64 {
    gate.pass().await;
    id
}

#[cache_put(entry = slow_entry(cache, id))]
async fn save(cache: &Cache, gate: &Gate, id: u64) -> u64 {
    gate.pass().await;
    id
}

mod first {
    pub(super) mod inner {
        use larder::{Cache, cache};

        #[cache(expire = "1h", cache = cache)]
        pub(crate) async fn number(cache: &Cache, id: u64) -> u64 {
            id
        }
    }
}

mod second {
    pub(super) mod inner {
        use larder::{Cache, cache};

        #[cache(expire = "1h", cache = cache)]
        pub(crate) async fn number(cache: &Cache, id: u64) -> String {
            id.to_string()
        }
    }
}

/// Stores three entries of each function, of a table and of the handle, and returns the number of computations.
async fn fill(cache: &Cache, calls: &Calls) -> usize {
    let before = calls.count();
    let table = cache.table::<u64, u64>("clear.table").tags(|id, _| [format!("t:{id}")]);
    let table = table.load_many(|ids: Vec<u64>| ready(ids.into_iter().map(Some).collect::<Vec<_>>()));
    for id in 0..3 {
        user(cache, calls, id).await;
        item(cache, calls, id).await;
        late(cache, calls, id).await;
        if !cache.exists(&format!("k:{id}")).await {
            calls.add();
            cache.set(&format!("k:{id}"), &id, "1h").await.expect("stored");
        }
    }
    let misses = counts(cache, "clear.table").misses;
    table.get_many(&[0, 1, 2]).await;
    calls.count() - before + (counts(cache, "clear.table").misses - misses) as usize
}

#[tokio::test]
async fn exactly_the_entries_of_the_function_are_removed() {
    for cache in &caches().await {
        let calls = &Calls::default();
        assert_eq!((fill(cache, calls).await, fill(cache, calls).await), (15, 0), "{cache:?}");
        for name in ["clear.user", "clear_function::item", "clear_function::late", "clear.table", "handle"] {
            assert_eq!(cache.clear_function(name).await.expect("cleared"), 3, "{name}, {cache:?}");
            assert_eq!(cache.clear_function(name).await.expect("cleared"), 0, "{name}, {cache:?}");
            assert_eq!(fill(cache, calls).await, 3, "{name}, {cache:?}: the others are still there");
        }
        for name in ["", "clear", "clear.use", "clear.user*", "*"] {
            assert_eq!(cache.clear_function(name).await.expect("cleared"), 0, "{name}, {cache:?}");
        }
        assert_eq!(fill(cache, calls).await, 0, "{cache:?}");
        assert_eq!(cache.group("items").clear_function("clear.user").await.expect("cleared"), 0, "{cache:?}");
        assert_eq!(cache.group("items").clear_function("clear_function::item").await.expect("cleared"), 3);
        assert_eq!(fill(cache, calls).await, 3, "{cache:?}");
    }
}

#[tokio::test]
async fn functions_of_one_name_are_cleared_together() {
    for cache in &caches().await {
        let names: Vec<String> = {
            first::inner::number(cache, 1).await;
            second::inner::number(cache, 1).await;
            cache.stats().functions.into_iter().map(|row| row.function).collect()
        };
        assert!(names.iter().all(|name| name.contains("first::") || name.contains("second::")), "{names:?}");
        assert_eq!(cache.clear_function("inner::number").await.expect("cleared"), 2, "{cache:?}");
        for name in names.iter().map(String::as_str).chain(["first::inner::number", "second::inner::number"])
        {
            first::inner::number(cache, 1).await;
            second::inner::number(cache, 1).await;
            assert_eq!(
                cache.clear_function(name).await.expect("cleared"),
                1,
                "{name}, {cache:?}: a path is that of one"
            );
            assert!(
                cache.stats().function(name).is_some_and(|counts| counts.misses > 0),
                "{name}: statistics know it"
            );
        }
    }
}

/// Two tables of one name and a function that has it too.
#[cache(expire = "1h", cache = cache, name = "clear_users")]
async fn named(cache: &Cache, id: u64) -> u64 {
    id
}

mod table {
    use larder::{Cache, cache};

    /// Its name is the path of the table `clear_users_too`.
    #[cache(expire = "1h", cache = cache)]
    pub(super) async fn clear_users_too(cache: &Cache, id: u64) -> u64 {
        id
    }
}

#[tokio::test]
async fn a_path_and_a_name_are_held_apart() {
    for cache in &caches().await {
        let users = cache.table::<u64, u64>("clear_users").load(|id: &u64| ready(*id));
        let too = cache.table::<u64, u64>("clear_users_too").load(|id: &u64| ready(*id));
        let fill = async || {
            (
                users.get(&1).await,
                too.get(&1).await,
                named(cache, 1).await,
                table::clear_users_too(cache, 1).await,
            )
        };
        // The first value of each pair is removed and not the second.
        fill().await;
        assert_eq!(cache.clear_function("table::clear_users").await.expect("cleared"), 1, "{cache:?}");
        assert_eq!(
            cache.clear_function("clear_users").await.expect("cleared"),
            1,
            "{cache:?}: the function is still there"
        );
        fill().await;
        assert_eq!(
            cache.clear_function("clear_users").await.expect("cleared"),
            2,
            "{cache:?}: both have the name"
        );
        fill().await;
        assert_eq!(
            cache.clear_function("clear_users_too").await.expect("cleared"),
            1,
            "{cache:?}: the table"
        );
        assert_eq!(
            cache.clear_function("table::clear_users_too").await.expect("cleared"),
            1,
            "{cache:?}: the function"
        );
    }
}

/// Called by another process only.
#[cache(expire = "1h", cache = cache)]
async fn elsewhere(cache: &Cache, id: u64) -> u64 {
    id
}

/// Called by another process only.
#[cache(expire = "1h", cache = cache, name = "clear.elsewhere", tags = ["elsewhere:{id}"])]
async fn named_elsewhere(cache: &Cache, id: u64) -> u64 {
    id
}

#[tokio::test]
async fn entries_of_another_process_are_found_by_the_end_of_the_name() {
    const STORED_IN: [&str; 2] = ["LARDER_CLEAR_URL", "LARDER_CLEAR_PREFIX"];
    fn here() {}
    if let [Ok(url), Ok(prefix)] = STORED_IN.map(std::env::var) {
        let cache = Cache::builder().url(url).prefix(prefix).build().await.expect("a cache");
        elsewhere(&cache, 1).await;
        named_elsewhere(&cache, 1).await;
        return;
    }
    let prefix = unique("clear");
    let cache = on(shared()).prefix(&prefix).build().await.expect("a cache");
    for name in ["elsewhere", "clear_function::elsewhere", "clear.elsewhere"] {
        let test = test_around(&here);
        let output =
            rerun(&test).envs([(STORED_IN[0], shared().url()), (STORED_IN[1], prefix.clone())]).output();
        assert_passed(&test, &output.expect("a process"));
        assert_eq!(cache.clear_function("where").await.expect("no error"), 0, "the end of a word");
        assert_eq!(cache.clear_function(name).await.expect("cleared"), 1, "{name}");
    }
}

#[tokio::test]
async fn a_name_that_nothing_has_counts_nothing_and_is_warned_of_once() {
    if !support::isolated!() {
        return;
    }
    for cache in &caches().await {
        let calls = &Calls::default();
        fill(cache, calls).await;
        let before = counts(cache, "handle").invalidations;
        let (log, _guard) = Log::start();
        for _ in 0..2 {
            assert_eq!(cache.clear_function("clear.usre").await.expect("no error"), 0, "{cache:?}");
        }
        let warnings = log.take();
        assert!(matches!(&warnings[..], [one] if one.contains("did you mean `clear.user`?")), "{warnings:?}");
        assert_eq!(counts(cache, "handle").invalidations, before, "{cache:?}");
        assert_eq!(fill(cache, calls).await, 0, "{cache:?}: everything is still there");
        assert_eq!(cache.clear_function("clear.user").await.expect("cleared"), 3);
        assert_eq!(cache.clear_function("clear.user").await.expect("cleared"), 0);
        assert_eq!(counts(cache, "handle").invalidations, before + 2, "{cache:?}: known names count");
    }
}

/// Pairs of a cache that clears and one that computes, once in one process and once in two.
async fn pairs() -> Vec<[Cache; 2]> {
    let prefix = unique("clear");
    let redis = || async { on(shared()).prefix(&prefix).build().await.expect("a cache") };
    let [memory, one] = caches().await;
    vec![[memory.clone(), memory], [one.clone(), one], [redis().await, redis().await]]
}

#[tokio::test]
async fn what_is_being_computed_is_not_stored() {
    for [clears, computes] in &pairs().await {
        for name in ["clear.slow", "clear.user"] {
            let gate = Gate::default();
            let clear = async {
                gate.arrived(1).await;
                clears.clear_function(name).await.expect("cleared");
                gate.open();
            };
            assert_eq!(
                tokio::join!(slow(computes, &gate, 1), clear).0,
                1,
                "{computes:?}: it reaches its caller"
            );
            // A lease does not tell its function.
            assert_eq!(slow_entry(computes, 1).get::<u64>().await, None, "{name}, {computes:?}");
        }
    }
}

#[tokio::test]
async fn a_put_that_had_begun_is_not_stored() {
    for [clears, computes] in &pairs().await {
        for is_stored in [false, true] {
            let gate = Gate::default();
            if is_stored {
                slow_entry(computes, 1).put(&0_u64).await.expect("stored");
            }
            let clear = async {
                gate.arrived(1).await;
                clears.clear_function("clear.slow").await.expect("cleared");
                gate.open();
            };
            assert_eq!(tokio::join!(save(computes, &gate, 1), clear).0, 1, "{computes:?}");
            assert_eq!(slow_entry(computes, 1).get::<u64>().await, None, "{is_stored}, {computes:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_is_reported_and_retried() {
    for cache in &caches().await {
        let calls = &Calls::default();
        fill(cache, calls).await;
        cache.chaos().refuse();
        let error = cache.clear_function("clear.user").await.expect_err("the store refuses");
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert_eq!(cache.health().await.pending_invalidations, 1, "{cache:?}");
        cache.chaos().heal();
        let before = calls.count();
        assert_eq!(user(cache, calls, 1).await, 1);
        assert_eq!(calls.count(), before + 1, "{cache:?}: this process knows that the value is old");
        eventually_async(LONG, || async { cache.health().await.pending_invalidations == 0 }).await;
        assert_eq!(user_entry(cache, 2).get::<u64>().await, None, "{cache:?}");
        let before = calls.count();
        late(cache, calls, 1).await;
        assert_eq!(calls.count(), before, "{cache:?}: the others are still there");
    }
}

#[tokio::test]
async fn in_a_transaction_it_waits_for_the_commit() {
    for cache in &caches().await {
        let calls = &Calls::default();
        fill(cache, calls).await;
        let later = cache.defer();
        assert_eq!(later.scope(cache.clear_function("clear.user")).await.expect("collected"), 0, "{cache:?}");
        assert!(user_entry(cache, 1).get::<u64>().await.is_some(), "{cache:?}");
        later.send().await.expect("sent");
        assert!(user_entry(cache, 1).get::<u64>().await.is_none(), "{cache:?}");
        assert_eq!(fill(cache, calls).await, 3, "{cache:?}");
    }
}

#[tokio::test]
async fn a_closed_cache_is_an_error() {
    for cache in caches().await {
        cache.clone().close().await;
        assert!(matches!(cache.clear_function("clear.user").await, Err(Error::Closed)));
    }
}

#[test]
fn synchronous_code_clears_too() {
    let [memory, redis] = tokio::runtime::Runtime::new().expect("a runtime").block_on(caches());
    for cache in &[memory.blocking(), redis.blocking()] {
        cache.set("k", &1, "1h").expect("stored");
        assert_eq!(cache.clear_function("handle").expect("cleared"), 1, "{cache:?}");
        assert_eq!(cache.get::<i32>("k"), None, "{cache:?}");
    }
}
