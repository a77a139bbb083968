//! larder under another name, and no crate named `larder`.
#![deny(warnings, missing_docs)]

use std::fmt::Display;
use std::sync::Arc;

use mycache::{Cache, IgnoreInKey, Policy, cache, cache_evict, cache_one_hour, cache_put};

const POLICY: Policy = Policy::new().version(1);
const REFRESHED: Policy = Policy::new().refresh_ahead(0.5);

/// Ignored.
#[derive(IgnoreInKey)]
#[larder(crate = ::mycache)]
pub struct Db;

/// A custom facade.
pub mod facade {
    pub use mycache as caching;
}

/// Async.
#[cache(
    expire = "5m",
    key = "user:{id}",
    group = "users",
    codec = json,
    compress = lz4,
    policy = POLICY,
    cache = cache,
    entry = user_entry,
    crate = ::mycache
)]
pub async fn user(cache: &Cache, id: u64) -> Result<Option<u64>, String> {
    Ok(Some(id))
}

/// Not async.
#[cache(expire = 5, unless = |id: &u64| *id == 0, crate = ::mycache)]
pub fn sync(db: &Db, id: u64) -> u64 {
    let Db = db;
    id
}

/// Refreshed in the background.
#[cache(policy = REFRESHED, background, jitter = 0.5, tags = ["u:{id}"], crate = ::mycache)]
pub async fn stale(db: &Arc<Db>, id: u64, #[cache(ignore)] show: impl Display + Send + 'static) -> u64 {
    let Db = **db;
    id + show.to_string().len() as u64
}

/// Through the facade.
#[cache_one_hour(entry = hour_entry, crate = crate::facade::caching)]
pub fn hour(id: u64) -> u64 {
    id
}

/// Evicts.
#[cache_evict(entry = user_entry(cache, id), key = "user:{id}", cache = cache, crate = ::mycache)]
pub async fn evict(cache: &Cache, id: u64) {}

/// Puts.
#[cache_put(key = "user:{id}", expire_with = |_| 5, cache = cache, crate = ::mycache)]
pub fn put(cache: &Cache, id: u64) -> u64 {
    id
}
