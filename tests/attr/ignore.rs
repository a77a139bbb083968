//! Arguments that are left out of the key: by name, by type, by attribute, by trait, by the builder.

use std::sync::{Arc, Mutex, RwLock};

use larder::{Cache, IgnoreInKey, cache};
use serde::Serialize;
use support::stores::{Calls, caches, caches_with};

/// A type that is neither `Serialize` nor ignored.
struct Db {
    url: &'static str,
}

mod request {
    /// A type that is neither `Serialize` nor ignored.
    pub(super) struct Locale;
}

struct Clock<T> {
    now: T,
}

#[cache(cache = cache, ignore(db))]
async fn by_name(cache: &Cache, calls: &Calls, db: &Db, id: u64) -> usize {
    calls.add();
    db.url.len() + id as usize
}

#[cache(cache = cache, ignore(Locale, Clock))]
async fn by_type(
    cache: &Cache,
    calls: &Calls,
    id: u64,
    locale: request::Locale,
    clock: &mut Clock<u64>,
) -> u64 {
    let request::Locale = locale;
    clock.now += 1;
    calls.add();
    id
}

#[cache(cache = cache, ignore(request::Locale, &Db))]
async fn by_path(
    cache: &Cache,
    calls: &Calls,
    id: u64,
    _locale: Option<u8>,
    a: &request::Locale,
    b: &Db,
) -> u64 {
    let _ = (a, b.url);
    calls.add();
    id
}

#[cache(cache = cache)]
async fn on_parameter(
    cache: &Cache,
    calls: &Calls,
    #[cache(ignore)] db: &Db,
    #[cache(ignore)] Clock { now, .. }: Clock<u64>,
    #[cache(ignore)] mut counted: u64,
    id: u64,
) -> u64 {
    counted += now + db.url.len() as u64;
    calls.add();
    id + counted - counted
}

#[cache(cache = cache, ignore(r#type, format))]
async fn raw_names(cache: &Cache, calls: &Calls, r#type: u8, r#format: u8, id: u64) -> u64 {
    let _ = (r#type, format);
    calls.add();
    id
}

#[tokio::test]
async fn three_handles_give_one_key() {
    for cache in &caches().await {
        let calls = Calls::default();
        for url in ["a", "b", "c"] {
            assert_eq!(by_name(cache, &calls, &Db { url }, 1).await, 2, "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        let calls = Calls::default();
        for now in 0..3 {
            let mut clock = Clock { now };
            assert_eq!(by_type(cache, &calls, 1, request::Locale, &mut clock).await, 1, "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        let calls = Calls::default();
        for url in ["a", "b", "c"] {
            by_path(cache, &calls, 1, None, &request::Locale, &Db { url }).await;
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        by_path(cache, &calls, 1, Some(1), &request::Locale, &Db { url: "a" }).await;
        assert_eq!(calls.count(), 2, "{cache:?}");
        let calls = Calls::default();
        for (url, now) in [("a", 1), ("b", 2), ("c", 3)] {
            assert_eq!(on_parameter(cache, &calls, &Db { url }, Clock { now }, now, 5).await, 5, "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        assert_eq!(
            on_parameter(cache, &calls, &Db { url: "a" }, Clock { now: 1 }, 1, 6).await,
            6,
            "{cache:?}"
        );
        let calls = Calls::default();
        for word in 0..3 {
            raw_names(cache, &calls, word, word, 5).await;
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

/// A type that is ignored in every key by the derive.
#[derive(IgnoreInKey)]
struct Pool<'a, T: Send, const N: usize>
where
    T: Sync,
{
    connections: [&'a T; N],
}

/// A type that is ignored in every key by the trait.
struct Logger;
impl IgnoreInKey for Logger {}

/// A type that is `Serialize` and ignored.
#[derive(Serialize, IgnoreInKey)]
struct Trace(u64);

type Wrapped<'a> = Option<&'a Arc<Mutex<Logger>>>;

#[expect(clippy::too_many_arguments, reason = "each is another way to be ignored")]
#[cache(cache = cache)]
async fn by_trait(
    cache: &Cache,
    calls: &Calls,
    pool: Pool<'_, u8, 1>,
    logger: &Logger,
    shared: Arc<RwLock<Logger>>,
    wrapped: Wrapped<'_>,
    trace: &&Trace,
    id: u64,
) -> u64 {
    let _ = (pool.connections, logger, shared, wrapped, trace.0);
    calls.add();
    id
}

#[tokio::test]
async fn a_type_can_be_ignored_everywhere() {
    for cache in &caches().await {
        let calls = Calls::default();
        for number in [1, 2, 3] {
            let wrapped = Arc::new(Mutex::new(Logger));
            let wrapped = (number > 1).then_some(&wrapped);
            let pool = Pool { connections: [&number] };
            let trace = Trace(number.into());
            by_trait(cache, &calls, pool, &Logger, Arc::new(RwLock::new(Logger)), wrapped, &&trace, 1).await;
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

#[derive(Serialize)]
struct Language(&'static str);

#[cache(cache = cache)]
async fn greet(cache: &Cache, calls: &Calls, a: Language, b: &Language, c: &mut Language, id: u64) -> u64 {
    let _ = (a.0, b.0, c.0);
    calls.add();
    id
}

#[tokio::test]
async fn the_builder_can_ignore_a_type() {
    for cache in &caches_with(|builder| builder.ignore_arg_type::<Language>()).await {
        let calls = Calls::default();
        for name in ["de", "fr"] {
            greet(cache, &calls, Language(name), &Language(name), &mut Language(name), 1).await;
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        greet(cache, &calls, Language("de"), &Language("de"), &mut Language("de"), 2).await;
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
    // Other caches of the process still put the type into their keys.
    for cache in &caches().await {
        let calls = Calls::default();
        for name in ["de", "fr"] {
            greet(cache, &calls, Language(name), &Language(name), &mut Language(name), 1).await;
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

struct Service {
    name: &'static str,
}

impl Service {
    #[cache(cache = cache, ignore(self))]
    async fn by_option(&self, cache: &Cache, calls: &Calls, id: u64) -> u64 {
        calls.add();
        id + self.name.len() as u64
    }

    #[cache(cache = cache)]
    async fn by_mark(#[cache(ignore)] &self, cache: &Cache, calls: &Calls, id: u64) -> u64 {
        calls.add();
        id + self.name.len() as u64
    }

    #[cache(cache = cache, ignore(self))]
    async fn consumed(self, cache: &Cache, calls: &Calls, id: u64) -> u64 {
        calls.add();
        id + self.name.len() as u64
    }
}

#[tokio::test]
async fn self_can_be_ignored() {
    for cache in &caches().await {
        let calls = Calls::default();
        for name in ["a", "b"] {
            Service { name }.by_option(cache, &calls, 1).await;
            Service { name }.by_mark(cache, &calls, 1).await;
            Service { name }.consumed(cache, &calls, 1).await;
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
    }
}
