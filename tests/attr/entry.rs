//! `entry = ..`: a handle of the entry for given arguments.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use larder::{Cache, cache};
use serde::Serialize;
use serde::de::DeserializeOwned;
use support::deployment::shared;
use support::expiry::assert_expiry;
use support::stores::{Calls, caches, on};

struct Db;

#[cache(expire = "5m", cache = cache, ignore(db), entry = user_entry)]
async fn user(cache: &Cache, db: &Db, id: u64, #[cache(ignore)] trace: &str) -> Result<String, String> {
    let Db = db;
    if id == 0 { Err(trace.to_owned()) } else { Ok(format!("user {id}")) }
}

#[tokio::test]
async fn an_entry_reads_writes_and_removes_the_cached_value() {
    for cache in &caches().await {
        // The handle of the database and the trace are no arguments of the entry function.
        let entry = user_entry(cache, 1);
        assert_eq!(entry.get::<String>().await, None, "{cache:?}");
        assert_eq!(entry.ttl().await, None, "{cache:?}");
        assert_eq!(user(cache, &Db, 1, "a").await.as_deref(), Ok("user 1"), "{cache:?}");
        // The value is stored without its `Ok`.
        assert_eq!(entry.get::<String>().await.as_deref(), Some("user 1"), "{cache:?}");
        assert_expiry(&entry, Duration::from_secs(300)).await;

        assert!(entry.put("somebody else").await.is_ok(), "{cache:?}");
        assert_eq!(user(cache, &Db, 1, "b").await.as_deref(), Ok("somebody else"), "{cache:?}");
        assert_expiry(&entry, Duration::from_secs(300)).await;

        assert!(entry.invalidate().await.is_ok(), "{cache:?}");
        assert_eq!(entry.get::<String>().await, None, "{cache:?}");
        assert_eq!(user(cache, &Db, 1, "c").await.as_deref(), Ok("user 1"), "{cache:?}");

        assert!(entry.expire().await.is_ok(), "{cache:?}");
        assert_eq!(entry.get::<String>().await, None, "{cache:?}");
        // Removing a missing entry is no error.
        assert!(entry.invalidate().await.is_ok(), "{cache:?}");
    }
}

#[tokio::test]
async fn the_key_of_an_entry_is_the_one_in_redis() {
    let cache = &on(shared()).build().await.expect("a cache");
    let entry = user_entry(cache, 1);
    assert_eq!(shared().command(&["EXISTS", entry.key()]), "0");
    assert!(user(cache, &Db, 1, "").await.is_ok());
    assert_eq!(shared().command(&["EXISTS", entry.key()]), "1");
    assert_eq!(shared().command(&["TYPE", entry.key()]), "string");
}

#[tokio::test]
async fn a_value_of_another_type_is_not_read() {
    for cache in &caches().await {
        assert!(user(cache, &Db, 1, "").await.is_ok(), "{cache:?}");
        assert_eq!(user_entry(cache, 1).get::<u64>().await, None, "{cache:?}");
        // A value of another type that was put is a miss for the function.
        assert!(user_entry(cache, 1).put(&7_u64).await.is_ok(), "{cache:?}");
        assert_eq!(user(cache, &Db, 1, "").await.as_deref(), Ok("user 1"), "{cache:?}");
    }
}

#[derive(Serialize, Clone)]
struct Service {
    tenant: u64,
}

impl Service {
    #[cache(expire = "5m", cache = cache, entry = rows_entry)]
    pub(crate) async fn rows(&self, cache: &Cache, page: u32) -> Vec<u64> {
        vec![self.tenant, page.into()]
    }

    #[cache(expire = "5m", cache = cache, ignore(self), entry = all_entry)]
    async fn all(&mut self, cache: &Cache, page: u32) -> u64 {
        self.tenant += 1;
        page.into()
    }

    #[cache(expire = "5m", cache = cache, entry = named_entry)]
    async fn named(cache: &Cache, mut name: String) -> String {
        name.push('!');
        name
    }

    #[cache(expire = "5m", cache = cache, entry = consumed_entry)]
    async fn consumed(mut self, cache: &Cache) -> u64 {
        self.tenant += 1;
        self.tenant
    }
}

#[tokio::test]
async fn methods_have_entries_too() {
    for cache in &caches().await {
        let mut service = Service { tenant: 7 };
        service.rows(cache, 1).await;
        assert_eq!(service.rows_entry(cache, 1).get().await, Some(vec![7_u64, 1]), "{cache:?}");
        assert_eq!(Service { tenant: 8 }.rows_entry(cache, 1).get::<Vec<u64>>().await, None, "{cache:?}");
        service.all(cache, 3).await;
        assert_eq!(Service::all_entry(cache, 3).get().await, Some(3_u64), "{cache:?}");
        Service::named(cache, "a".to_owned()).await;
        let entry = Service::named_entry(cache, "a".to_owned());
        assert_eq!(entry.get::<String>().await.as_deref(), Some("a!"), "{cache:?}");
        service.clone().consumed(cache).await;
        assert_eq!(service.clone().consumed_entry(cache).get().await, Some(9_u64), "{cache:?}");
    }
}

#[cache(expire = "5m", cache = cache, entry = generic_entry)]
async fn generic<T, const N: usize>(cache: &Cache, value: T) -> Vec<T>
where
    T: Serialize + DeserializeOwned + Clone + Display,
{
    vec![value; N]
}

#[cache(expire = "5m", cache = cache, ignore(value), entry = inferred_entry)]
async fn inferred<T: Display>(cache: &Cache, value: &T, by: impl Display + Serialize) -> String {
    format!("{value}{by}")
}

#[derive(Serialize)]
struct Repo<T> {
    kind: T,
}

impl<T: Serialize + Clone> Repo<T> {
    #[cache(expire = "5m", cache = cache, entry = kind_entry)]
    async fn kind(&self, cache: &Cache) -> String
    where
        T: Display,
    {
        self.kind.to_string()
    }
}

#[tokio::test]
async fn generic_functions_have_an_entry_for_each_instance() {
    for cache in &caches().await {
        generic::<u8, 2>(cache, 1).await;
        assert_eq!(generic_entry::<u8, 2>(cache, 1).get().await, Some(vec![1_u8, 1]), "{cache:?}");
        assert_eq!(generic_entry::<u8, 3>(cache, 1).get::<Vec<u8>>().await, None, "{cache:?}");
        assert_ne!(generic_entry::<u8, 2>(cache, 1).key(), generic_entry::<u16, 2>(cache, 1).key());
        // An ignored argument stays if a type parameter depends on it.
        inferred(cache, &1_u8, "a").await;
        assert_eq!(
            inferred_entry(cache, &2_u8, "a").get::<String>().await.as_deref(),
            Some("1a"),
            "{cache:?}"
        );
        assert_eq!(inferred_entry(cache, &2_u16, "a").get::<String>().await, None, "{cache:?}");
        Repo { kind: 1_u8 }.kind(cache).await;
        let entry = Repo { kind: 1_u8 }.kind_entry(cache);
        assert_eq!(entry.get::<String>().await.as_deref(), Some("1"), "{cache:?}");
        assert_eq!(Repo { kind: 1_u16 }.kind_entry(cache).get::<String>().await, None, "{cache:?}");
    }
}

#[cache(expire = "5m", cache = cache, entry = sync_entry)]
fn sync(cache: &Cache, calls: &Calls, id: u64) -> Option<u64> {
    calls.add();
    Some(id)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_has_the_same_calls_for_sync_code() {
    for cache in caches().await {
        let done = tokio::task::spawn_blocking(move || {
            let calls = Calls::default();
            let entry = sync_entry(&cache, &calls, 1).blocking();
            assert_eq!(entry.key(), sync_entry(&cache, &calls, 1).key());
            assert_eq!(entry.get::<u64>(), None, "{cache:?}");
            assert_eq!(sync(&cache, &calls, 1), Some(1), "{cache:?}");
            assert_eq!(entry.get::<u64>(), Some(1), "{cache:?}");
            assert!(entry.ttl().is_some_and(|left| left <= Duration::from_secs(300)), "{cache:?}");
            assert!(entry.put(&9_u64).is_ok(), "{cache:?}");
            assert_eq!(sync(&cache, &calls, 1), Some(9), "{cache:?}");
            assert!(entry.expire().is_ok(), "{cache:?}");
            assert_eq!(entry.get::<u64>(), None, "{cache:?}");
            assert!(entry.put(&9_u64).is_ok(), "{cache:?}");
            assert!(entry.invalidate().is_ok(), "{cache:?}");
            assert_eq!(sync(&cache, &calls, 1), Some(1), "{cache:?}");
            assert_eq!(calls.count(), 2, "{cache:?}");
        });
        done.await.expect("the blocking half");
    }
}

#[cache(entry = early_entry)]
#[expect(dead_code, reason = "only its entry is asked for")]
async fn early(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn without_a_process_wide_cache_an_entry_reports_an_error() {
    let entry = early_entry(1);
    assert_eq!(entry.key(), "");
    assert_eq!(entry.get::<u64>().await, None);
    assert_eq!(entry.ttl().await, None);
    for error in [entry.invalidate().await, entry.expire().await, entry.put(&1_u64).await] {
        assert!(matches!(error, Err(larder::Error::NotInitialised)), "{error:?}");
    }
}

mod visible {
    /// Functions that other modules can call.
    pub(crate) mod inner {
        #[larder::cache(cache = cache, entry = shown_entry)]
        #[expect(dead_code, reason = "only its entry is asked for")]
        pub(in crate::entry::visible) fn shown(cache: &larder::Cache) -> u8 {
            1
        }
    }

    pub(super) fn key(cache: &larder::Cache) -> String {
        inner::shown_entry(cache).key().to_owned()
    }
}

#[tokio::test]
async fn an_entry_function_is_as_visible_as_its_function() {
    for cache in &caches().await {
        assert!(visible::key(cache).contains("inner::shown"), "{cache:?}");
    }
}

/// A pool that is ignored by its type.
#[derive(Clone)]
struct Pool;
impl larder::IgnoreInKey for Pool {}

#[cache(expire = "5m", cache = cache, entry = order_entry(id, cache))]
async fn order(pool: &Pool, cache: &Cache, db: Arc<Pool>, id: u64) -> u64 {
    let _ = (pool, db);
    id
}

#[cache(expire = "5m", cache = cache, ignore(db), key = "line:{id}:{line}", entry = line_entry(cache, line, id))]
async fn line(db: &Db, cache: &Cache, id: u64, line: u8) -> String {
    let Db = db;
    format!("{id}/{line}")
}

#[cache(expire = "5m", cache = cache, entry = shop_entry(shop, cache))]
async fn shop(Tenant(shop): Tenant, cache: &Cache, _: Pool) -> u64 {
    shop
}

#[derive(Serialize)]
struct Tenant(u64);

#[tokio::test]
async fn an_entry_function_takes_the_arguments_in_its_parentheses() {
    for cache in &caches().await {
        assert_eq!(order(&Pool, cache, Arc::new(Pool), 3).await, 3, "{cache:?}");
        assert_eq!(order_entry(3, cache).get().await, Some(3_u64), "{cache:?}");
        assert_eq!(order_entry(4, cache).get::<u64>().await, None, "{cache:?}");
        assert_eq!(line(&Db, cache, 3, 1).await, "3/1", "{cache:?}");
        assert_eq!(line_entry(cache, 1, 3).get::<String>().await.as_deref(), Some("3/1"), "{cache:?}");
        assert_eq!(shop(Tenant(5), cache, Pool).await, 5, "{cache:?}");
        assert_eq!(shop_entry(Tenant(5), cache).get().await, Some(5_u64), "{cache:?}");
        order_entry(3, cache).invalidate().await.expect("removed");
        assert_eq!(order_entry(3, cache).ttl().await, None, "{cache:?}");
    }
}

/// A service that is the same for every call.
#[derive(larder::IgnoreInKey)]
struct Users {
    cache: Cache,
}

impl Users {
    #[cache(expire = "5m", cache = cache, ignore(self), entry = name_entry(cache, id))]
    async fn name(&self, cache: &Cache, id: u64) -> u64 {
        let _ = &self.cache;
        id
    }

    #[cache(expire = "5m", cache = cache, entry = ignored_entry(cache, id))]
    async fn ignored(&self, cache: &Cache, id: u64) -> u64 {
        let _ = &self.cache;
        id
    }

    #[cache(expire = "5m", cache = self.cache, entry = own_entry(id))]
    async fn own(&self, pool: &Pool, id: u64) -> u64 {
        let Pool = pool;
        id
    }

    #[cache(expire = Duration::from_secs(self.life()), cache = cache, ignore(self), entry = timed_entry)]
    async fn timed(&self, cache: &Cache, id: u64) -> u64 {
        id
    }

    fn life(&self) -> u64 {
        let _ = &self.cache;
        60
    }
}

impl Service {
    #[cache(expire = "5m", cache = cache, entry = counted_entry(self, cache))]
    async fn counted(&self, cache: &Cache, pool: Pool) -> u64 {
        let Pool = pool;
        self.tenant
    }
}

#[tokio::test]
async fn an_entry_function_needs_no_receiver_that_does_not_count() {
    for cache in &caches().await {
        let users = Users { cache: cache.clone() };
        assert_eq!(users.name(cache, 1).await, 1, "{cache:?}");
        assert_eq!(Users::name_entry(cache, 1).get().await, Some(1_u64), "{cache:?}");
        assert_eq!(users.ignored(cache, 2).await, 2, "{cache:?}");
        assert_eq!(Users::ignored_entry(cache, 2).get().await, Some(2_u64), "{cache:?}");
        // The option `cache` mentions `self`.
        assert_eq!(users.own(&Pool, 3).await, 3, "{cache:?}");
        assert_eq!(users.own_entry(3).get().await, Some(3_u64), "{cache:?}");
        assert_eq!(users.timed(cache, 4).await, 4, "{cache:?}");
        assert_eq!(Users::timed_entry(cache, 4).get().await, Some(4_u64), "{cache:?}");
        // This receiver counts.
        let service = Service { tenant: 7 };
        assert_eq!(service.counted(cache, Pool).await, 7, "{cache:?}");
        assert_eq!(service.counted_entry(cache).get().await, Some(7_u64), "{cache:?}");
        assert_eq!(Service { tenant: 8 }.counted_entry(cache).get::<u64>().await, None, "{cache:?}");
    }
}

/// A trait declares the entry functions of its implementations.
trait Store {
    async fn load(&self, cache: &Cache, id: u64) -> u64;
    fn load_entry(cache: &Cache, id: u64) -> larder::Entry;
}

struct Postgres;

impl Store for Postgres {
    #[cache(expire = "5m", cache = cache, ignore(self), entry = load_entry)]
    async fn load(&self, cache: &Cache, id: u64) -> u64 {
        id
    }
}

#[tokio::test]
async fn an_entry_function_may_be_one_of_the_trait() {
    for cache in &caches().await {
        assert_eq!(Postgres.load(cache, 1).await, 1, "{cache:?}");
        assert_eq!(Postgres::load_entry(cache, 1).get().await, Some(1_u64), "{cache:?}");
    }
}
