//! `entry_with` and `tags_with` of `#[cache_evict]`: names from the value of a success.

use larder::{Cache, Entry, bypass, cache, cache_evict};
use support::stores::{Calls, caches, counts};

#[derive(Clone, Debug, PartialEq)]
struct User {
    id: u64,
    team: String,
}

fn ann() -> User {
    User { id: 1, team: "blue".to_owned() }
}

#[cache(expire = "1m", cache = cache, entry = user_entry)]
async fn user(cache: &Cache, id: u64) -> String {
    format!("user {id}")
}

#[cache(expire = "1m", cache = cache, tags = ["team:{team}"], entry = members_entry)]
async fn members(cache: &Cache, team: &str) -> String {
    format!("members of {team}")
}

/// Stores every entry that a function of this file removes.
async fn fill(cache: &Cache) {
    user(cache, 1).await;
    user(cache, 2).await;
    members(cache, "blue").await;
    members(cache, "red").await;
    assert_eq!(stored(cache).await, [true; 4], "{cache:?}");
}

/// Returns whether users 1 and 2 and the teams blue and red are stored.
async fn stored(cache: &Cache) -> [bool; 4] {
    let entries = [
        user_entry(cache, 1),
        user_entry(cache, 2),
        members_entry(cache, "blue"),
        members_entry(cache, "red"),
    ];
    let mut stored = [false; 4];
    for (entry, stored) in entries.iter().zip(&mut stored) {
        *stored = entry.get::<String>().await.is_some();
    }
    stored
}

#[cache_evict(
    entry_with = |user: &User| { calls.add(); user_entry(cache, user.id) },
    tags_with = |user| [format!("team:{}", user.team)],
    cache = cache,
)]
async fn create(cache: &Cache, calls: &Calls, made: Result<User, String>) -> Result<User, String> {
    made
}

#[cache_evict(entry_with = |user: &User| { calls.add(); user_entry(cache, user.id) }, cache = cache)]
async fn maybe(cache: &Cache, calls: &Calls, made: Option<User>) -> Option<User> {
    made
}

#[cache_evict(
    entry = user_entry(cache, 2),
    entry_with = |user: &User| { calls.add(); Some(user_entry(cache, user.id)) },
    cache = cache,
)]
async fn maybe_result(cache: &Cache, calls: &Calls, made: Option<User>) -> Result<Option<User>, String> {
    Ok(made)
}

#[tokio::test]
async fn only_the_value_of_a_success_names() {
    for cache in &caches().await {
        let calls = Calls::default();
        fill(cache).await;
        assert_eq!(create(cache, &calls, Err("no".to_owned())).await, Err("no".to_owned()), "{cache:?}");
        assert_eq!(maybe(cache, &calls, None).await, None, "{cache:?}");
        assert_eq!((stored(cache).await, calls.count()), ([true; 4], 0), "{cache:?}");

        assert_eq!(create(cache, &calls, Ok(ann())).await, Ok(ann()), "{cache:?}");
        assert_eq!((stored(cache).await, calls.count()), ([false, true, false, true], 1), "{cache:?}");
        fill(cache).await;
        assert_eq!(maybe(cache, &calls, Some(ann())).await, Some(ann()), "{cache:?}");
        assert_eq!((stored(cache).await, calls.count()), ([false, true, true, true], 2), "{cache:?}");
        fill(cache).await;
        assert_eq!(maybe_result(cache, &calls, None).await, Ok(None), "{cache:?}");
        assert_eq!((stored(cache).await, calls.count()), ([true, false, true, true], 2), "{cache:?}");
        fill(cache).await;
        assert_eq!(maybe_result(cache, &calls, Some(ann())).await, Ok(Some(ann())), "{cache:?}");
        assert_eq!((stored(cache).await, calls.count()), ([false, false, true, true], 3), "{cache:?}");
    }
}

fn entry_of(id: &u64) -> Option<Entry> {
    (*id > 0).then(|| Cache::current().ok()).flatten().map(|cache| user_entry(&cache, *id))
}

#[cache_evict(entry_with = |users: &Vec<User>| users.iter().map(|user| user_entry(cache, user.id)).collect::<Vec<_>>())]
async fn several(cache: &Cache) -> Vec<User> {
    vec![ann(), User { id: 2, ..ann() }]
}

#[cache_evict(tags_with = |user| ["team:red", &user.team], cache = cache)]
async fn borrowed_tags(cache: &Cache) -> User {
    User { team: "team:blue".to_owned(), ..ann() }
}

#[cache_evict(
    entry_with = |user: &User| {
        if user.id == 0 {
            return Vec::new();
        }
        vec![user_entry(cache, user.id)]
    },
    tags = ["team:red"],
    cache = cache,
)]
async fn early(cache: &Cache, id: u64) -> User {
    User { id, ..ann() }
}

#[cache_evict(entry_with = entry_of, key = "unused", cache = cache)]
async fn by_path(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache_evict(entry_with = |user: &User| user_entry(cache, user.id), tags_with = |user| [&user.team], cache = cache)]
fn blocking(cache: &Cache) -> Option<User> {
    Some(User { team: "team:red".to_owned(), ..ann() })
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_and_tags_in_every_form() {
    for cache in &caches().await {
        fill(cache).await;
        several(cache).await;
        assert_eq!(stored(cache).await, [false, false, true, true], "{cache:?}");
        fill(cache).await;
        borrowed_tags(cache).await;
        assert_eq!(stored(cache).await, [true, true, false, false], "{cache:?}");
        fill(cache).await;
        early(cache, 0).await;
        assert_eq!(stored(cache).await, [true, true, true, false], "{cache:?}");
        early(cache, 2).await;
        assert_eq!(stored(cache).await, [true, false, true, false], "{cache:?}");
        fill(cache).await;
        assert_eq!(by_path(cache, 0).await, 0, "{cache:?}");
        assert_eq!(stored(cache).await, [true; 4], "{cache:?}");
        let own = cache.clone();
        let result = tokio::task::spawn_blocking(move || blocking(&own)).await.expect("a result");
        assert_eq!(result.map(|user| user.id), Some(1), "{cache:?}");
        assert_eq!(stored(cache).await, [false, true, true, false], "{cache:?}");
    }
}

#[cache_evict(
    entry_with = |user: &User| -> Entry { panic!("{}", user.id) },
    tags_with = |user| ["", "team:red", &user.team],
    cache = cache,
)]
async fn refused(cache: &Cache) -> User {
    ann()
}

#[cache_evict(
    entry_with = |user: &User| user_entry(cache, user.id),
    tags_with = |user: &User| -> Vec<String> { panic!("{}", user.id) },
    cache = cache,
)]
async fn panicking_tags(cache: &Cache) -> User {
    ann()
}

#[tokio::test]
async fn a_name_that_is_refused_is_counted_and_the_others_hold() {
    for cache in &caches().await {
        fill(cache).await;
        assert_eq!(refused(cache).await, ann(), "{cache:?}");
        assert_eq!(stored(cache).await, [true, true, true, false], "{cache:?}");
        assert_eq!(counts(cache, "refused").refusals, 2, "{cache:?}");
        fill(cache).await;
        assert_eq!(panicking_tags(cache).await, ann(), "{cache:?}");
        assert_eq!(stored(cache).await, [false, true, true, true], "{cache:?}");
        assert_eq!(counts(cache, "panicking_tags").refusals, 1, "{cache:?}");
    }
}

#[cache_evict(tags_with = |names: &Vec<String>| names, cache = cache)]
async fn drop_teams(cache: &Cache, names: Vec<String>) -> Vec<String> {
    names
}

#[tokio::test]
async fn any_number_of_tags_is_invalidated() {
    for cache in &caches().await {
        fill(cache).await;
        let mut names: Vec<String> = (0..200).map(|index| format!("team:{index}")).collect();
        names.push("team:blue".to_owned());
        names.push("t".repeat(10_000));
        drop_teams(cache, names).await;
        assert_eq!(stored(cache).await, [true, true, false, true], "{cache:?}");
        assert_eq!(counts(cache, "drop_teams").refusals, 0, "{cache:?}");
    }
}

#[tokio::test]
async fn inside_bypass_nothing_is_named() {
    for cache in &caches().await {
        let calls = Calls::default();
        fill(cache).await;
        assert_eq!(bypass(create(cache, &calls, Ok(ann()))).await, Ok(ann()), "{cache:?}");
        assert_eq!((stored(cache).await, calls.count()), ([true; 4], 0), "{cache:?}");
    }
}
