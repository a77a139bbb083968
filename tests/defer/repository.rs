//! Repositories as attributes: cache-aside, write-through, and events that become tags.

use std::collections::BTreeMap;
use std::sync::Mutex;

use larder::{Cache, Error, IgnoreInKey, cache, cache_evict, cache_put};
use support::stores::{Calls, caches};

/// The users in a database.
#[derive(Default)]
struct Users {
    rows: Mutex<BTreeMap<u64, String>>,
    reads: Calls,
}

impl IgnoreInKey for Users {}

impl Users {
    fn read(&self, id: u64) -> Option<String> {
        self.reads.add();
        self.rows.lock().expect("no panic").get(&id).cloned()
    }

    fn write(&self, id: u64, name: &str) {
        self.rows.lock().expect("no panic").insert(id, name.to_owned());
    }
}

#[cache(expire = "1h", cache = cache, ignore(users), entry = user_entry, tags = ["user:{id}"])]
async fn user(cache: &Cache, users: &Users, id: u64) -> Option<String> {
    users.read(id)
}

#[cache(expire = "1h", cache = cache, ignore(users), tags = ["users"])]
async fn list(cache: &Cache, users: &Users) -> Vec<String> {
    users.reads.add();
    users.rows.lock().expect("no panic").values().cloned().collect()
}

#[cache(expire = "1h", cache = cache, ignore(users), key = "product:{id}")]
async fn product(cache: &Cache, users: &Users, id: u64) -> u64 {
    users.reads.add();
    id
}

/// Cache-aside: the write removes what was read.
#[cache_evict(cache = cache, entry = user_entry(cache, id))]
async fn save(cache: &Cache, users: &Users, id: u64, name: &str) {
    users.write(id, name);
}

/// Write-through: the write stores what the next read returns.
#[cache_put(entry = user_entry(cache, id))]
async fn save_through(cache: &Cache, users: &Users, id: u64, name: &str) -> String {
    users.write(id, name);
    name.to_owned()
}

/// An event of the application, or a row of its outbox table.
enum Event {
    UserUpdated(u64),
}

async fn handle(cache: &Cache, event: Event) -> Result<(), Error> {
    match event {
        Event::UserUpdated(id) => cache.invalidate_tags(&[&format!("user:{id}"), "users"]).await,
    }
}

#[tokio::test]
async fn cache_aside_removes_exactly_what_was_read() {
    for cache in &caches().await {
        let users = &Users::default();
        for id in [1, 2] {
            users.write(id, "ann");
            assert_eq!(user(cache, users, id).await.as_deref(), Some("ann"));
        }
        save(cache, users, 1, "bea").await;
        let reads = users.reads.count();
        assert_eq!(user(cache, users, 2).await.as_deref(), Some("ann"));
        assert_eq!(users.reads.count(), reads, "{cache:?}: the other one is cached");
        assert_eq!(user(cache, users, 1).await.as_deref(), Some("bea"));
        assert_eq!(users.reads.count(), reads + 1, "{cache:?}");
    }
}

#[tokio::test]
async fn write_through_answers_without_the_database() {
    for cache in &caches().await {
        let users = &Users::default();
        save_through(cache, users, 1, "ann").await;
        assert_eq!(user(cache, users, 1).await.as_deref(), Some("ann"));
        assert_eq!(users.reads.count(), 0, "{cache:?}");
    }
}

#[tokio::test]
async fn an_event_ends_what_it_is_about() {
    for cache in &caches().await {
        let users = &Users::default();
        users.write(42, "ann");
        let read_all = || async {
            let before = users.reads.count();
            user(cache, users, 42).await;
            list(cache, users).await;
            product(cache, users, 7).await;
            users.reads.count() - before
        };
        assert_eq!((read_all().await, read_all().await), (3, 0), "{cache:?}");
        handle(cache, Event::UserUpdated(42)).await.expect("invalidated");
        assert_eq!(read_all().await, 2, "{cache:?}: the product is still cached");
    }
}
