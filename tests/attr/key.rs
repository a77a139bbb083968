//! `key = ..`: expressions that are hashed instead of the arguments. Texts are in `tests/key/template.rs`.

use larder::{Cache, cache};
use serde::Serialize;
use support::stores::{Calls, caches};

/// A type that is neither `Serialize` nor ignored, which is legal because the key does not contain it.
struct Opaque {
    id: u64,
}

#[derive(Serialize)]
struct User {
    id: u64,
    name: String,
}

#[cache(key = user.id, cache = cache)]
async fn one(cache: &Cache, calls: &Calls, user: &User) -> String {
    calls.add();
    user.name.clone()
}

#[cache(key = (opaque.id, region.to_lowercase()), ignore(trace), cache = cache, entry = pair_entry)]
async fn pair(cache: &Cache, calls: &Calls, opaque: Opaque, region: &str, trace: &str) -> String {
    calls.add();
    format!("{}{region}{trace}", opaque.id)
}

#[cache(key = (), ignore(_trace), cache = cache)]
async fn constant(cache: &Cache, calls: &Calls, _trace: &str) -> usize {
    calls.add()
}

#[cache(key = { let rounded = at / 60; rounded + 1 }, cache = cache)]
async fn block(cache: &Cache, calls: &Calls, at: u64) -> u64 {
    calls.add();
    at
}

#[cache(key = one_more(&id), cache = cache)]
async fn other_one(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

fn one_more(id: &u64) -> u64 {
    id + 1
}

impl User {
    #[cache(key = (self.id, page), ignore(_verbose), cache = cache)]
    async fn page(&self, cache: &Cache, calls: &Calls, page: u32, _verbose: bool) -> u32 {
        calls.add();
        page
    }
}

#[tokio::test]
async fn only_the_expressions_are_in_the_key() {
    for cache in &caches().await {
        let calls = Calls::default();
        for name in ["a", "b"] {
            let user = User { id: 1, name: name.to_owned() };
            assert_eq!(one(cache, &calls, &user).await, "a", "{cache:?}");
            assert_eq!(user.page(cache, &calls, 3, name == "a").await, 3, "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");

        let calls = Calls::default();
        for (region, trace) in [("EU", "x"), ("eu", "y")] {
            let answer = pair(cache, &calls, Opaque { id: 1 }, region, trace).await;
            assert_eq!(answer, "1EUx", "{cache:?}");
        }
        pair(cache, &calls, Opaque { id: 2 }, "eu", "").await;
        pair(cache, &calls, Opaque { id: 2 }, "us", "").await;
        assert_eq!(calls.count(), 3, "{cache:?}");

        let calls = Calls::default();
        assert_eq!(constant(cache, &calls, "a").await, constant(cache, &calls, "b").await, "{cache:?}");
        assert_eq!((block(cache, &calls, 61).await, block(cache, &calls, 119).await), (61, 61), "{cache:?}");
        assert_eq!(block(cache, &calls, 120).await, 120, "{cache:?}");
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}

#[tokio::test]
async fn hashed_expressions_belong_to_their_function() {
    for cache in &caches().await {
        let calls = Calls::default();
        // `one` and `other_one` both hash the number 1.
        one(cache, &calls, &User { id: 1, name: "a".to_owned() }).await;
        assert_eq!(other_one(cache, &calls, 0).await, 0, "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[tokio::test]
async fn a_pair_of_expressions_is_injective() {
    for cache in &caches().await {
        let calls = Calls::default();
        let key = |id, region| pair_entry(cache, &calls, Opaque { id }, region).key().to_owned();
        assert_ne!(key(1, "1"), key(11, ""));
        assert_eq!(key(1, "A"), key(1, "a"));
    }
}
