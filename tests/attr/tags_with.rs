//! `tags_with`: tags that the value of a cached function names.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use larder::{Cache, IgnoreInKey, cache, cache_evict, cache_put};
use serde::{Deserialize, Serialize};
use support::stores::{Calls, Gate, caches, caches_with, counts, on};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Post {
    id: u64,
    author: String,
    version: u64,
}

/// A database of posts, whose computations can be held.
#[derive(Default)]
struct Blog {
    version: AtomicU64,
    calls: Calls,
    gate: Gate,
    is_held: AtomicBool,
}

impl IgnoreInKey for Blog {}

impl Blog {
    async fn read(&self, id: u64) -> Post {
        self.calls.add();
        let version = self.version.load(SeqCst);
        if self.is_held.load(SeqCst) {
            self.gate.pass().await;
        }
        Post { id, author: author_of(id), version }
    }
}

fn author_of(id: u64) -> String {
    if id.is_multiple_of(2) { "ann".to_owned() } else { "bob".to_owned() }
}

#[cache(expire = "1m", cache = cache, tags_with = |post| [format!("author:{}", post.author)], entry = post_entry)]
async fn post(cache: &Cache, blog: &Blog, id: u64) -> Post {
    blog.read(id).await
}

#[cache(
    expire = "1m",
    cache = cache,
    group = "posts",
    tags = ["post:{id}"],
    tags_with = |post: &Post| ["post:1", &post.author, &post.author],
)]
async fn tagged(cache: &Cache, blog: &Blog, id: u64) -> Result<Option<Post>, String> {
    match id {
        0 => Err("no such post".to_owned()),
        id => Ok(Some(blog.read(id).await)),
    }
}

#[tokio::test]
async fn a_tag_of_the_value_invalidates_it() {
    for cache in &caches().await {
        let blog = Blog::default();
        for round in 1..=3 {
            for id in 1..=4 {
                assert_eq!(post(cache, &blog, id).await.id, id, "{cache:?}");
                assert_eq!(post(cache, &blog, id).await.id, id, "{cache:?}");
            }
            let expected = if round == 1 { 4 } else { 2 * round + 2 };
            assert_eq!(blog.calls.count(), expected, "{cache:?} round {round}");
            cache.invalidate_tag("author:ann").await.expect("an invalidation");
            blog.version.fetch_add(1, SeqCst);
            assert_eq!(post(cache, &blog, 1).await.version, 0, "{cache:?}");
        }
        assert_eq!(post(cache, &blog, 2).await.version, 3, "{cache:?}");
    }
}

#[tokio::test]
async fn tags_of_the_value_stand_beside_those_of_the_call() {
    for cache in &caches().await {
        let blog = Blog::default();
        assert!(tagged(cache, &blog, 0).await.is_err(), "{cache:?}");
        for (drop, calls) in [("", 1), ("post:2", 2), ("ann", 3), ("post:1", 4), ("bob", 4), ("post:0", 4)] {
            if !drop.is_empty() {
                cache.invalidate_tag(drop).await.expect("an invalidation");
            }
            for _ in 0..2 {
                assert!(tagged(cache, &blog, 2).await.is_ok(), "{cache:?}");
            }
            assert_eq!(blog.calls.count(), calls, "{cache:?} after `{drop}`");
        }
        cache.delete_group("posts").await.expect("an invalidation");
        assert!(tagged(cache, &blog, 2).await.is_ok(), "{cache:?}");
        assert_eq!(blog.calls.count(), 5, "{cache:?}");
    }
}

/// The steps of G5: a computation reads the old version, and a tag of its value is invalidated before it is stored.
#[tokio::test]
async fn a_value_from_before_an_invalidation_is_not_stored() {
    for cache in &caches().await {
        // With and without a stamp of the tag, and after other invalidations.
        for round in 0..4_u64 {
            let blog = Arc::new(Blog::default());
            if round == 1 {
                post(cache, &blog, 4).await;
            } else if round == 2 {
                cache.invalidate_tag("author:bob").await.expect("an invalidation");
            }
            let id = 100 + 2 * round;
            blog.is_held.store(true, SeqCst);
            let call = tokio::spawn({
                let (cache, blog) = (cache.clone(), Arc::clone(&blog));
                async move { post(&cache, &blog, id).await }
            });
            blog.gate.arrived(1).await;
            blog.version.store(1, SeqCst);
            cache.invalidate_tag("author:ann").await.expect("an invalidation");
            blog.is_held.store(false, SeqCst);
            blog.gate.open();
            assert_eq!(call.await.expect("a post").version, 0, "{cache:?} {round}");
            assert_eq!(post(cache, &blog, id).await.version, 1, "{cache:?} {round}");
            assert!(post_entry(cache, &blog, id).get::<Post>().await.is_some(), "{cache:?} {round}");
        }
        assert_eq!(counts(cache, "post").refusals, 4, "{cache:?}");
    }
}

/// A call that begins after an invalidation does not wait for a value from before it.
#[tokio::test]
async fn a_later_call_does_not_follow_an_older_computation() {
    for cache in &caches().await {
        let blog = Arc::new(Blog::default());
        blog.is_held.store(true, SeqCst);
        let first = tokio::spawn({
            let (cache, blog) = (cache.clone(), Arc::clone(&blog));
            async move { post(&cache, &blog, 2).await }
        });
        blog.gate.arrived(1).await;
        blog.version.store(1, SeqCst);
        cache.invalidate_tag("author:ann").await.expect("an invalidation");
        let second = tokio::spawn({
            let (cache, blog) = (cache.clone(), Arc::clone(&blog));
            async move { post(&cache, &blog, 2).await }
        });
        tokio::task::yield_now().await;
        blog.is_held.store(false, SeqCst);
        blog.gate.open();
        assert_eq!(first.await.expect("a post").version, 0, "{cache:?}");
        assert_eq!(second.await.expect("a post").version, 1, "{cache:?}");
    }
}

#[tokio::test]
async fn concurrent_calls_compute_once() {
    for cache in &caches().await {
        let blog = Blog::default();
        let calls = (0..20).map(|_| post(cache, &blog, 2));
        futures_util::future::join_all(calls).await;
        assert_eq!(blog.calls.count(), 1, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache, tags_with = |tags: &Vec<String>| tags)]
async fn named(cache: &Cache, calls: &Calls, tags: Vec<String>) -> Vec<String> {
    calls.add();
    tags
}

#[cache(expire = "1m", cache = cache, none_expire = "1m", tags_with = |tag: &String| -> [String; 1] { panic!("{tag}") })]
async fn panics(cache: &Cache, calls: &Calls, tag: Option<String>) -> Option<String> {
    calls.add();
    tag
}

#[tokio::test]
async fn a_value_with_a_refused_tag_is_not_stored() {
    for cache in &caches().await {
        let many = |count: usize| (0..count).map(|index| format!("tag:{index}")).collect::<Vec<_>>();
        let (empty, long) = (vec![String::new()], vec!["t".repeat(10_000)]);
        for (tags, is_stored) in
            [(many(64), true), (many(65), false), (empty, false), (long.clone(), true), (Vec::new(), true)]
        {
            let calls = Calls::default();
            for _ in 0..2 {
                assert_eq!(named(cache, &calls, tags.clone()).await, tags, "{cache:?}");
            }
            assert_eq!(calls.count(), if is_stored { 1 } else { 2 }, "{cache:?} {} tags", tags.len());
        }
        assert_eq!(counts(cache, "named").refusals, 4, "{cache:?}");
        let calls = Calls::default();
        cache.invalidate_tags(&["tag:63", &long[0]]).await.expect("an invalidation");
        named(cache, &calls, many(64)).await;
        named(cache, &calls, long).await;
        assert_eq!(calls.count(), 2, "{cache:?}");

        let calls = Calls::default();
        for tag in [Some("t".to_owned()), None] {
            for _ in 0..2 {
                assert_eq!(panics(cache, &calls, tag.clone()).await, tag, "{cache:?}");
            }
        }
        assert_eq!(calls.count(), 3, "a `None` names nothing, in {cache:?}");
        assert_eq!(counts(cache, "panics").refusals, 2, "{cache:?}");
    }
}

#[cache_put(entry = post_entry(cache, blog, id))]
async fn save(cache: &Cache, blog: &Blog, id: u64) -> Post {
    blog.read(id).await
}

#[cache_evict(tags_with = |post: &Post| [format!("author:{}", post.author)], cache = cache)]
async fn edit(cache: &Cache, blog: &Blog, id: u64) -> Post {
    blog.version.fetch_add(1, SeqCst);
    blog.read(id).await
}

#[tokio::test]
async fn a_put_evicts() {
    for cache in &caches().await {
        let blog = Blog::default();
        let entry = || post_entry(cache, &blog, 2);
        let stored = post(cache, &blog, 2).await;
        assert_eq!(entry().get::<Post>().await, Some(stored.clone()), "{cache:?}");
        entry().put(&stored).await.expect("an eviction");
        assert_eq!(entry().get::<Post>().await, None, "{cache:?}");

        post(cache, &blog, 2).await;
        save(cache, &blog, 2).await;
        assert_eq!(entry().get::<Post>().await, None, "{cache:?}");

        post(cache, &blog, 2).await;
        assert!(entry().ttl().await.is_some(), "{cache:?}");
        assert_eq!(edit(cache, &blog, 4).await.version, 1, "{cache:?}");
        assert_eq!((entry().get::<Post>().await, entry().ttl().await), (None, None), "{cache:?}");
        assert_eq!(post(cache, &blog, 2).await.version, 1, "{cache:?}");
        entry().invalidate().await.expect("an invalidation");
        assert_eq!(entry().get::<Post>().await, None, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache, local = "1m", tags_with = |post| [format!("author:{}", post.author)])]
async fn local(cache: &Cache, blog: &Blog, id: u64) -> Post {
    blog.read(id).await
}

#[tokio::test]
async fn copies_in_the_process_end_with_the_tags_of_the_value() {
    for cache in &caches().await {
        let blog = Blog::default();
        for version in 0..3 {
            blog.version.store(version, SeqCst);
            cache.invalidate_tag("author:ann").await.expect("an invalidation");
            for _ in 0..4 {
                assert_eq!(local(cache, &blog, 2).await.version, version, "{cache:?}");
            }
        }
        assert_eq!(blog.calls.count(), 3, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache, tags_with = |post| [format!("author:{}", post.author)])]
fn blocking(cache: &Cache, #[cache(ignore)] version: &AtomicU64, id: u64) -> Post {
    Post { id, author: author_of(id), version: version.fetch_add(1, SeqCst) }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_functions_and_refreshes_name_tags() {
    for cache in &caches().await {
        let (own, version) = (cache.clone(), Arc::new(AtomicU64::new(0)));
        tokio::task::spawn_blocking(move || {
            let read = || blocking(&own, &version, 2).version;
            assert_eq!((read(), read()), (0, 0), "{own:?}");
            own.blocking().invalidate_tag("author:ann").expect("an invalidation");
            assert_eq!((read(), read()), (1, 1), "{own:?}");
            assert_eq!((larder::refresh_blocking(read), read()), (2, 2), "{own:?}");
            own.blocking().invalidate_tag("author:ann").expect("an invalidation");
            assert_eq!(read(), 3, "{own:?}");
        })
        .await
        .expect("no panic");
    }
}

/// Two processes: what one invalidates is not stored by the other.
#[tokio::test]
async fn another_cache_invalidates_by_a_tag_of_the_value() {
    let server = support::redis::RedisServer::start();
    let one = on(&server).prefix("late").build().await.expect("a cache");
    let two = on(&server).prefix("late").build().await.expect("a cache");
    for round in 0..20 {
        let blog = Arc::new(Blog::default());
        blog.version.store(2 * round, SeqCst);
        two.invalidate_tag("author:ann").await.expect("an invalidation");
        blog.is_held.store(round % 2 == 0, SeqCst);
        let call = tokio::spawn({
            let (one, blog) = (one.clone(), Arc::clone(&blog));
            async move { post(&one, &blog, 2).await }
        });
        if round % 2 == 0 {
            blog.gate.arrived(1).await;
            blog.version.store(2 * round + 1, SeqCst);
            two.invalidate_tag("author:ann").await.expect("an invalidation");
            blog.is_held.store(false, SeqCst);
            blog.gate.open();
        }
        call.await.expect("a post");
        let newest = blog.version.load(SeqCst);
        for cache in [&one, &two] {
            assert_eq!(post(cache, &blog, 2).await.version, newest, "round {round}");
        }
    }
}

#[tokio::test]
async fn while_the_store_fails_the_value_arrives_uncached() {
    for cache in &caches_with(|builder| builder.outage_local(std::time::Duration::from_secs(10))).await {
        let blog = Blog::default();
        cache.chaos().refuse();
        for calls in 1..=2 {
            assert_eq!(post(cache, &blog, 2).await.id, 2, "{cache:?}");
            assert_eq!(blog.calls.count(), calls, "{cache:?}");
        }
        cache.chaos().heal();
        assert_eq!((post(cache, &blog, 2).await.id, post(cache, &blog, 2).await.id), (2, 2), "{cache:?}");
    }
}
