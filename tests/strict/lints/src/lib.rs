//! Every form of every attribute in a crate that denies every possible lint.
#![deny(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused,
    unused_qualifications,
    unused_lifetimes,
    unused_results,
    elided_lifetimes_in_paths,
    single_use_lifetimes,
    let_underscore_drop,
    trivial_casts,
    trivial_numeric_casts,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::allow_attributes_without_reason,
    clippy::shadow_reuse,
    clippy::shadow_same,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::str_to_string,
    clippy::absolute_paths
)]
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::future::ready;
use std::time::Duration;

use larder::{
    Cache, IgnoreInKey, Policy, cache, cache_evict, cache_one_day, cache_one_hour, cache_one_minute,
    cache_one_month, cache_one_week, cache_one_year, cache_put,
};

/// A preset.
pub const SHORT: Policy = Policy::new().expire(Duration::from_secs(5));

/// A handle that is never part of a key.
#[derive(Debug, IgnoreInKey)]
pub struct Db;

/// A service with a cache of its own.
#[derive(Debug, Clone)]
pub struct Service {
    cache: Cache,
}

/// An argument in a pattern.
#[derive(Debug)]
pub struct Given<T>(pub T);

/// Names that only the attribute uses.
#[cache(expire = 5, cache = cache, ignore(cache), key = "given:{id}")]
pub async fn given(Given(cache): Given<Cache>, Given(id): Given<u64>) -> u64 {
    wait().await;
    7
}

/// Seconds.
#[cache(expire = 5)]
pub async fn seconds(id: u64) -> u64 {
    wait().await;
    id
}

async fn wait() {
    ready(()).await;
}

/// All options at once.
///
/// # Errors
/// Never.
#[cache(
    expire = Duration::from_secs(life),
    expire_with = |name: &String| name.len(),
    key = "user:{id}",
    ignore(db, life),
    name = "users.get",
    group = "users:{id}",
    when = id > 1,
    unless = |name: &String| name.is_empty(),
    none_expire = 10,
    codec = json,
    version = 2,
    entry = user_entry,
    policy = SHORT,
    cache = cache,
)]
pub async fn user(cache: &Cache, db: &Db, id: u64, life: u64) -> Result<Option<String>, fmt::Error> {
    wait().await;
    let Db = db;
    Ok(Some(id.to_string()))
}

/// Hashed expressions, `mut`, patterns, borrowed arguments.
#[cache(key = (id, name.len(), a), ignore(list, b), entry = hashed_entry)]
pub async fn hashed<'a>(mut id: u64, name: &'a str, (a, b): (u8, u8), list: &[Cow<'a, str>]) -> String {
    wait().await;
    id = id.saturating_add(list.len() as u64);
    format!("{id}{name}{a}{b}")
}

/// Not async.
#[cache(entry = sync_entry)]
#[must_use]
pub fn sync(id: u64, name: Option<&str>) -> Vec<u64> {
    name.map_or_else(Vec::new, |_| vec![id])
}

/// Generic.
#[cache(entry = generic_entry)]
pub async fn generic<T, const N: usize>(
    values: &[u8],
    #[cache(ignore)] show: impl Display + Send,
    #[cache(ignore)] value: T,
) -> String
where
    T: Display + Send,
{
    wait().await;
    format!("{}{show}{value}{N}", values.len())
}

/// Owned, large and many arguments, which the entry function has, too.
#[expect(clippy::too_many_arguments, reason = "as many as it takes")]
#[cache(entry = many_entry)]
pub async fn many(
    name: String,
    bytes: Vec<u8>,
    small: &u8,
    mut maybe: Option<String>,
    (left, right): (u8, u8),
    array: [u8; 32],
    text: &str,
    flag: bool,
) -> String {
    wait().await;
    let mut all = maybe.take().unwrap_or(name);
    all.push_str(text);
    format!("{all}{bytes:?}{small}{maybe:?}{left}{right}{array:?}{flag}")
}

/// A function with stale values and refreshes.
///
/// # Errors
/// Never.
#[cache(
    expire = 60,
    stale_while_revalidate = "1m",
    soft_timeout = "100ms",
    stale_if_error = HOUR,
    stale_retry = 30,
    refresh_ahead = 0.8,
    jitter = TENTH,
    local = "5s",
    tags = ["user:{id}", "users"],
    entry = stale_entry,
    cache = cache
)]
pub async fn stale(
    cache: &Cache,
    id: u64,
    mut name: String,
    unused: u8,
) -> Result<Option<String>, fmt::Error> {
    wait().await;
    name.push('x');
    if id == 0 {
        return Ok(None);
    }
    Ok(Some(name))
}

/// The same function without async.
#[cache(refresh_ahead = 0.5, unless = move |value: &Vec<u64>| value.len() as u64 > id)]
#[must_use]
pub fn sync_stale(id: u64, (a, b): (u64, u64), name: Option<&'static str>, text: &str) -> Vec<u64> {
    name.map_or_else(|| vec![a, b], |_| vec![id, text.len() as u64])
}

/// A generic function with named lifetimes only.
#[cache(policy = AHEAD, background)]
pub async fn generic_stale<T>(
    values: &[u8],
    #[cache(ignore)] show: impl Display + Send + 'static,
    #[cache(ignore)] many: &[T],
) -> String
where
    T: Display + Clone + Send + Sync + 'static,
{
    wait().await;
    let texts: Vec<String> = many.iter().map(ToString::to_string).collect();
    format!("{}{show}{}", values.len(), texts.concat())
}

/// A share of an expiry.
pub const TENTH: f64 = 0.1;
/// A time.
pub const HOUR: Duration = Duration::from_secs(3601);
/// A preset that refreshes.
pub const AHEAD: Policy = Policy::new().expire(HOUR).refresh_ahead(0.5).jitter(TENTH).local(HOUR);

/// Nothing to return.
#[cache]
pub async fn unit() -> () {
    wait().await;
}

/// The presets.
#[cache_one_minute]
pub async fn minute() -> u8 {
    wait().await;
    1
}

/// The presets.
#[cache_one_hour]
#[must_use]
pub fn hour() -> u8 {
    1
}

/// The presets.
#[cache_one_day]
#[must_use]
pub fn day() -> u8 {
    1
}

/// The presets.
#[cache_one_week]
#[must_use]
pub fn week() -> u8 {
    1
}

/// The presets.
#[cache_one_month]
#[must_use]
pub fn month() -> u8 {
    1
}

/// The presets.
#[cache_one_year(none_expire = 5, group = "years")]
#[must_use]
pub fn year() -> Option<u8> {
    Some(1)
}

impl Service {
    /// A service.
    #[must_use]
    pub const fn new(cache: Cache) -> Self {
        Self { cache }
    }

    /// A method.
    #[cache(cache = self.cache, ignore(self), entry = method_entry)]
    pub async fn method(&self, id: u64) -> u64 {
        wait().await;
        id
    }

    /// A method.
    #[cache(cache = self.cache, ignore(self))]
    #[must_use]
    pub fn sync_method(&self, id: u64) -> u64 {
        id
    }

    /// A method.
    #[cache(cache = self.cache, ignore(self), stale_while_revalidate = 5)]
    pub async fn stale_method(&self, id: u64) -> u64 {
        wait().await;
        self.sync_method(id)
    }

    /// A method.
    #[cache(cache = self.cache, ignore(self), stale_while_revalidate = 5)]
    #[must_use]
    pub fn stale_sync_method(mut self, id: u64) -> u64 {
        self.cache = self.cache.clone();
        self.sync_method(id)
    }

    /// Evicts.
    ///
    /// # Errors
    /// Never.
    #[cache_evict(
        entry = self.method_entry(id),
        key = "user:{id}",
        group = "users:{id}",
        tags = ["user:{id}", "users"],
        before,
        cache = self.cache
    )]
    pub async fn evict(&mut self, id: u64) -> Result<(), fmt::Error> {
        wait().await;
        Ok(())
    }

    /// Puts.
    #[cache_put(entry = self.method_entry(id), unless = |id: &u64| *id > 5, cache = self.cache)]
    pub async fn put(&self, id: u64) -> u64 {
        wait().await;
        id
    }

    /// Puts.
    #[cache_put(key = "user:{id}", tags = ["users"], expire = 5, cache = self.cache)]
    #[must_use]
    pub fn sync_put(&self, id: u64) -> Option<String> {
        Some(id.to_string())
    }
}

/// A trait with cached methods.
pub trait Store: Sync {
    /// Its method.
    fn get(&self, id: u64) -> impl Future<Output = u64> + Send;

    /// Its default.
    #[cache(ignore(self))]
    #[must_use]
    fn default(&self, id: u64) -> u64 {
        id
    }
}

impl Store for Db {
    #[cache(ignore(self))]
    async fn get(&self, id: u64) -> u64 {
        wait().await;
        id
    }
}
