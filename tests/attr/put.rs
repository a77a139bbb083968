//! `#[cache_put]`: always runs, and stores its result in the entry of another function.

use std::time::Duration;

use larder::{Cache, cache, cache_put};
use serde::{Deserialize, Serialize};
use support::expiry::assert_expiry;
use support::redis::RedisServer;
use support::stores::{Calls, caches, on};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

fn ann() -> User {
    User { id: 1, name: "Ann".to_owned() }
}

#[cache(expire = "1h", cache = cache, entry = user_entry)]
async fn user(cache: &Cache, calls: &Calls, id: u64) -> Result<User, String> {
    calls.add();
    Ok(User { id, name: "from the database".to_owned() })
}

#[cache_put(entry = user_entry(cache, calls, user.id))]
async fn save(cache: &Cache, calls: &Calls, user: User) -> Result<User, String> {
    calls.add();
    if user.name.is_empty() { Err("no name".to_owned()) } else { Ok(user) }
}

#[cache_put(entry = user_entry(cache, calls, id), unless = |user| user.name == "nobody")]
async fn find(cache: &Cache, calls: &Calls, id: u64, name: Option<&str>) -> Option<User> {
    calls.add();
    name.map(|name| User { id, name: name.to_owned() })
}

#[tokio::test]
async fn a_put_always_runs_and_the_reader_finds_the_result() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(save(cache, &calls, ann()).await, Ok(ann()), "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_eq!(user(cache, &calls, 1).await, Ok(ann()), "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
        // The expiry is that of the cached function.
        assert_expiry(&user_entry(cache, &calls, 1), Duration::from_secs(3600)).await;
        // Over an older value, too.
        let bob = User { id: 1, name: "Bob".to_owned() };
        assert!(save(cache, &calls, bob.clone()).await.is_ok(), "{cache:?}");
        assert_eq!(user(cache, &calls, 1).await, Ok(bob), "{cache:?}");
    }
}

#[tokio::test]
async fn err_none_and_unless_leave_the_entry_as_it_was() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert!(save(cache, &calls, ann()).await.is_ok(), "{cache:?}");
        let nameless = User { id: 1, name: String::new() };
        assert_eq!(save(cache, &calls, nameless).await, Err("no name".to_owned()), "{cache:?}");
        assert_eq!(find(cache, &calls, 1, None).await, None, "{cache:?}");
        assert!(find(cache, &calls, 1, Some("nobody")).await.is_some(), "{cache:?}");
        assert_eq!(user(cache, &calls, 1).await, Ok(ann()), "{cache:?}");
        assert!(find(cache, &calls, 1, Some("Bob")).await.is_some(), "{cache:?}");
        assert_eq!(user(cache, &calls, 1).await.map(|user| user.name), Ok("Bob".to_owned()), "{cache:?}");
        assert_eq!(calls.count(), 5, "{cache:?}");
    }
}

#[cache(key = "limit:{id}", group = "limits", cache = cache, entry = limit_entry)]
async fn limit(cache: &Cache, calls: &Calls, id: u64) -> Option<u64> {
    calls.add();
    Some(id)
}

#[cache_put(key = "limit:{id}", group = "limits", expire = "10m", none_expire = 30, cache = cache)]
async fn raise(cache: &Cache, id: u64, to: Option<u64>) -> Option<u64> {
    to
}

#[cache_put(key = "limit:{id}", group = "limits", expire = Duration::from_secs(minutes * 60), cache = cache)]
async fn raise_for(cache: &Cache, id: u64, minutes: u64) -> u64 {
    minutes
}

#[cache_put(key = "limit:{id}", group = "limits", expire_with = |seconds| *seconds, cache = cache)]
fn raise_sync(cache: &Cache, id: u64, seconds: u64) -> u64 {
    seconds
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_with_a_readable_key_takes_its_own_options() {
    for cache in caches().await {
        let calls = Calls::default();
        let entry = limit_entry(&cache, &calls, 1);
        raise(&cache, 1, Some(9)).await;
        assert_eq!(limit(&cache, &calls, 1).await, Some(9), "{cache:?}");
        assert_expiry(&entry, Duration::from_secs(600)).await;
        raise_for(&cache, 1, 5).await;
        assert_eq!(limit(&cache, &calls, 1).await, Some(5), "{cache:?}");
        assert_expiry(&entry, Duration::from_secs(300)).await;
        // With an expiry of zero the value is returned and the entry stays.
        assert_eq!(raise_for(&cache, 1, 0).await, 0, "{cache:?}");
        assert_eq!(limit(&cache, &calls, 1).await, Some(5), "{cache:?}");
        raise(&cache, 1, None).await;
        assert_eq!(limit(&cache, &calls, 1).await, None, "{cache:?}");
        assert_expiry(&entry, Duration::from_secs(30)).await;
        let own = cache.clone();
        assert_eq!(tokio::task::spawn_blocking(move || raise_sync(&own, 1, 77)).await.ok(), Some(77));
        assert_eq!(limit(&cache, &calls, 1).await, Some(77), "{cache:?}");
        assert_expiry(&entry, Duration::from_secs(77)).await;
        assert_eq!(calls.count(), 0, "{cache:?}");
    }
}

#[tokio::test]
async fn an_entry_in_another_codec_is_read_all_the_same() {
    #[cache(codec = postcard, cache = cache, entry = packed_entry)]
    async fn packed(cache: &Cache, calls: &Calls, id: u64) -> User {
        calls.add();
        User { id, name: String::new() }
    }
    #[cache_put(entry = packed_entry(cache, calls, 1))]
    async fn save(cache: &Cache, calls: &Calls) -> User {
        ann()
    }
    for cache in &caches().await {
        let calls = Calls::default();
        save(cache, &calls).await;
        assert_eq!(packed(cache, &calls, 1).await, ann(), "{cache:?}");
        assert_eq!(calls.count(), 0, "{cache:?}");
    }
}

#[tokio::test]
async fn inside_bypass_nothing_is_stored() {
    for cache in &caches().await {
        let calls = Calls::default();
        assert!(larder::bypass(save(cache, &calls, ann())).await.is_ok(), "{cache:?}");
        assert_eq!(user_entry(cache, &calls, 1).get::<User>().await, None, "{cache:?}");
    }
}

#[tokio::test]
async fn without_redis_the_function_runs_unaffected() {
    let server = RedisServer::start();
    let cache = &on(&server).build().await.expect("a cache");
    server.stop();
    let calls = Calls::default();
    assert_eq!(save(cache, &calls, ann()).await, Ok(ann()));
    assert_eq!(raise_for(cache, 1, 5).await, 5);
    assert_eq!(calls.count(), 1);
}
