//! Every option at once, without a warning.
#![deny(warnings, missing_docs)]

use std::time::Duration;

use larder::{Cache, Policy, cache, cache_evict, cache_one_week, cache_put};

const POLICY: Policy = Policy::new().expire(Duration::from_secs(60));

struct Db;

#[cache(
    expire = "1h30m",
    expire_with = |name: &String| name.len(),
    key = "user:{id}",
    ignore(db, Db),
    name = "users.get",
    group = "users",
    when = id > 0,
    unless = String::is_empty,
    none_expire = 10,
    codec = json,
    compress = lz4,
    version = 2,
    entry = user_entry,
    policy = POLICY,
    cache = cache,
    crate = ::larder,
)]
async fn user(cache: &Cache, db: &Db, id: u64) -> Result<Option<String>, std::fmt::Error> {
    let Db = db;
    Ok(Some(id.to_string()))
}

const AHEAD: Policy = Policy::new().stale_while_revalidate(Duration::from_secs(60));

#[cache(
    expire = 60,
    stale_while_revalidate = "1m",
    soft_timeout = "100ms",
    stale_if_error = Duration::from_secs(3600),
    stale_retry = 30,
    refresh_ahead = 0.8,
    background,
    jitter = 0.1,
    local = "5s",
    tags = ["user:{id}", "users"],
    policy = AHEAD,
    cache = cache,
)]
async fn stale(cache: &Cache, id: u64, list: &[u8]) -> Result<u64, std::fmt::Error> {
    Ok(id + list.len() as u64)
}

#[cache_evict(entry = user_entry(cache, id), key = "user:{id}", group = "users", tags = ["users", "user:{id}"], before, cache = cache, crate = ::larder)]
async fn rename(cache: &Cache, id: u64) {
    let _ = (cache, id);
}

#[cache_put(entry = user_entry(cache, id), unless = |name| name.is_empty(), expire_with = |_| "5m", cache = cache)]
fn save(cache: &Cache, id: u64) -> String {
    let _ = cache;
    id.to_string()
}

#[cache_put(key = "user:{id}", tags = ["users"], cache = cache)]
fn save_by_key(cache: &Cache, id: u64) -> String {
    let _ = cache;
    id.to_string()
}

#[cache_one_week(cache = cache, tags = ["weeks"])]
fn week(cache: &Cache) -> u8 {
    let _ = cache;
    1
}

#[cache]
async fn nothing() -> () {}

fn main() -> Result<(), larder::Error> {
    let cache = Cache::builder().build_blocking()?;
    save(&cache, 1);
    save_by_key(&cache, 1);
    drop(stale(&cache, 1, &[]));
    week(&cache);
    drop((user(&cache, &Db, 1), rename(&cache, 1), nothing()));
    Ok(())
}
