use std::fmt::Display;

use larder::{Cache, cache};

struct Db;

#[derive(serde::Serialize)]
struct Users {
    cache: Cache2,
}

#[derive(serde::Serialize)]
struct Cache2;

#[cache(entry = counts_entry(id))]
async fn counts(id: u64, region: &str) -> usize {
    id as usize + region.len()
}

#[cache(entry = pooled_entry(id))]
async fn pooled(id: u64, db: &Db) -> u64 {
    let Db = db;
    id
}

#[cache(entry = grouped_entry(id), group = "shop:{shop}")]
async fn grouped(id: u64, shop: u64) -> u64 {
    id + shop
}

#[cache(entry = cached_entry(id), cache = cache)]
async fn cached(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache(entry = generic_entry(id), ignore(show))]
async fn generic(show: impl Display, id: u64) -> String {
    format!("{show}{id}")
}

#[cache(entry = unknown_entry(idd, id, id, id + 1, self))]
async fn unknown(id: u64) -> u64 {
    id
}

impl Users {
    #[cache(entry = by_self_entry(id))]
    async fn by_self(&self, id: u64) -> u64 {
        let _ = &self.cache;
        id
    }
}

fn main() {}
