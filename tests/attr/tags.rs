//! `tags = [..]`: labels that invalidate all entries that carry them in one step.

use larder::{Cache, cache, cache_evict, cache_put};
use support::deployment::shared;
use support::redis::RedisServer;
use support::stores::{Calls, caches, counts, on};

#[cache(cache = cache, tags = ["user:{id}", "users"], entry = user_entry)]
async fn user(cache: &Cache, calls: &Calls, id: u64) -> String {
    calls.add();
    format!("user {id}")
}

#[cache(cache = cache, key = "readable:{id}", ignore(name), group = "g", tags = ["of:{name}"])]
async fn grouped(cache: &Cache, calls: &Calls, id: u64, name: &str) -> u64 {
    calls.add();
    id
}

/// A value that counts how often it is written.
struct Written<'c>(&'c Calls);

impl std::fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.add();
        f.write_str("written")
    }
}

#[cache(cache = cache, ignore(written), tags = ["of:{written}"])]
async fn of_written(cache: &Cache, calls: &Calls, written: Written<'_>, id: u64) -> u64 {
    calls.add();
    id
}

#[cache_evict(cache = cache, tags = ["user:{id}", "none"])]
async fn rename(cache: &Cache, id: u64) -> Result<(), String> {
    if id == 0 { Err("nobody".to_owned()) } else { Ok(()) }
}

#[cache_put(cache = cache, key = "readable:{id}", group = "g", tags = ["of:{name}"])]
async fn put(cache: &Cache, id: u64, name: &str) -> u64 {
    id + 100
}

#[cache(cache = cache, key = "old:{id}")]
async fn before(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(cache = cache, key = "old:{id}", tags = ["new"])]
async fn after(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[tokio::test]
async fn a_tag_drops_the_entries_that_carry_it_and_no_others() {
    for cache in &caches().await {
        let calls = Calls::default();
        for id in [1, 2, 1, 2] {
            user(cache, &calls, id).await;
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        cache.invalidate_tag("user:1").await.expect("carried out");
        for id in [1, 2, 1, 2] {
            assert_eq!(user(cache, &calls, id).await, format!("user {id}"));
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        cache.invalidate_tags(&["other", "users"]).await.expect("carried out");
        for id in [1, 2, 1, 2] {
            user(cache, &calls, id).await;
        }
        assert_eq!(calls.count(), 5, "{cache:?}");
        assert_eq!(counts(cache, "handle").invalidations, 3);
    }
}

#[tokio::test]
async fn entries_dropped_by_a_tag_are_gone_for_every_reader() {
    for cache in &caches().await {
        let calls = Calls::default();
        user(cache, &calls, 1).await;
        let entry = user_entry(cache, &calls, 1);
        let key = entry.key().split_once(':').expect("a prefix").1.to_owned();
        // The handle checks the tags of the entry although it does not know them.
        assert_eq!(cache.get::<String>(&key).await.as_deref(), Some("user 1"));
        assert!(cache.exists(&key).await && cache.ttl(&key).await.is_some() && entry.ttl().await.is_some());
        let info = cache.inspect(&key).await.expect("an answer").expect("stored");
        assert_eq!(info.tags, ["user:1", "users"]);
        cache.invalidate_tag("users").await.expect("carried out");
        assert_eq!((entry.get::<String>().await, cache.get::<String>(&key).await), (None, None), "{cache:?}");
        assert!(!cache.exists(&key).await && cache.ttl(&key).await.is_none(), "{cache:?}");
        assert_eq!(cache.inspect(&key).await.expect("an answer"), None);
    }
}

#[tokio::test]
async fn a_function_evicts_by_tag_after_success() {
    for cache in &caches().await {
        let calls = Calls::default();
        user(cache, &calls, 0).await;
        user(cache, &calls, 1).await;
        assert!(rename(cache, 0).await.is_err());
        user(cache, &calls, 0).await;
        assert_eq!(calls.count(), 2, "{cache:?}");
        rename(cache, 1).await.expect("it succeeds");
        user(cache, &calls, 0).await;
        user(cache, &calls, 1).await;
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[tokio::test]
async fn a_put_result_carries_tags() {
    for cache in &caches().await {
        let calls = Calls::default();
        put(cache, 1, "ann").await;
        assert_eq!(grouped(cache, &calls, 1, "ann").await, 101, "{cache:?}");
        cache.invalidate_tag("of:ann").await.expect("carried out");
        assert_eq!(grouped(cache, &calls, 1, "ann").await, 1, "{cache:?}");
        // An invalidation of the other tag covers this call as well.
        assert_eq!(grouped(cache, &calls, 1, "bob").await, 1);
        assert_eq!(calls.count(), 2, "{cache:?}");
        cache.delete_group("g").await.expect("carried out");
        grouped(cache, &calls, 1, "bob").await;
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[tokio::test]
async fn a_new_tag_of_a_function_covers_entries_stored_before() {
    for cache in &caches().await {
        let calls = Calls::default();
        before(cache, &calls, 1).await;
        cache.invalidate_tag("new").await.expect("carried out");
        after(cache, &calls, 1).await;
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn a_tag_is_the_text_that_format_writes() {
    for cache in &caches().await {
        for text in ["red", "red team", "a:b{c}", "x*", "-1", "100 %", "", "caf\u{e9}"] {
            let calls = Calls::default();
            grouped(cache, &calls, 1, text).await;
            cache.invalidate_tag("of:another").await.expect("carried out");
            grouped(cache, &calls, 1, text).await;
            assert_eq!(calls.count(), 1, "{text:?} {cache:?}");
            cache.invalidate_tag(&format!("of:{text}")).await.expect("carried out");
            grouped(cache, &calls, 1, text).await;
            assert_eq!(calls.count(), 2, "{text:?} {cache:?}");
        }
    }
}

#[tokio::test]
async fn a_lost_stamp_is_a_miss() {
    let cache = on(shared()).require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    user(&cache, &calls, 1).await;
    let prefix = user_entry(&cache, &calls, 1).key().split(':').next().expect("a prefix").to_owned();
    assert_eq!(shared().command(&["DEL", &format!("{prefix}:{{#users}}")]), "1");
    user(&cache, &calls, 1).await;
    user(&cache, &calls, 1).await;
    assert_eq!(calls.count(), 2);
}

/// Returns the number of commands that the server has processed.
fn commands(server: &RedisServer) -> u64 {
    let stats = server.command(&["INFO", "stats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
    line.expect("a line").trim().parse().expect("a number")
}

#[tokio::test]
async fn a_tag_of_a_million_keys_takes_as_many_commands_as_one_of_one() {
    let server = RedisServer::start();
    let cache = on(&server).prefix("").require_redis(true).build().await.expect("a cache");
    let calls = Calls::default();
    user(&cache, &calls, 1).await;
    let cost = async || {
        let before = commands(&server);
        cache.invalidate_tag("users").await.expect("carried out");
        commands(&server) - before
    };
    // The first invalidation loads its script.
    cache.invalidate_tag("others").await.expect("carried out");
    let of_one = cost().await;
    user(&cache, &calls, 1).await;
    // The server itself copies a real entry that carries the tag.
    let key = user_entry(&cache, &calls, 1).key().to_owned();
    let copy = "local value = redis.call('GET', KEYS[1]) for i = ARGV[1], ARGV[1] + 9999 do redis.call('SET', KEYS[1] .. i, value) end return 1";
    // In steps, because a server that is busy for long counts as hung.
    for step in 0..100 {
        assert_eq!(server.command(&["EVAL", copy, "1", &key, &(1_000_000 + step * 10_000).to_string()]), "1");
    }
    let of_a_million = cost().await;
    assert_eq!(of_a_million, of_one);
    assert_eq!(server.command(&["DBSIZE"]).parse::<u64>().expect("a number"), 1_000_003);
    user(&cache, &calls, 1).await;
    assert_eq!(calls.count(), 3);
}

#[tokio::test]
async fn a_hit_in_the_process_does_not_write_its_tags() {
    let cache = Cache::builder().url("memory://").build().await.expect("a cache in memory");
    let (calls, written) = (Calls::default(), Calls::default());
    for _ in 0..3 {
        of_written(&cache, &calls, Written(&written), 1).await;
    }
    let few = written.count();
    for _ in 0..10 {
        of_written(&cache, &calls, Written(&written), 1).await;
    }
    assert_eq!((calls.count(), written.count()), (1, few));
    // They are those of the value all the same.
    assert!(cache.invalidate_tag("of:written").await.is_ok());
    of_written(&cache, &calls, Written(&written), 1).await;
    assert_eq!((calls.count(), written.count()), (2, few + 1));
}
