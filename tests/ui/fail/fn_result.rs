use std::collections::HashMap;

use axum::Json;
use larder::{cache, cache_many, cache_put};
use serde::{Deserialize, Serialize};

#[derive(Clone)]
struct Page;

#[derive(Clone, Serialize)]
struct Half;

#[derive(Clone, Deserialize)]
struct OtherHalf;

#[cache]
async fn page() -> Page {
    Page
}

#[cache]
fn pages() -> Result<Option<Page>, String> {
    Ok(None)
}

#[cache]
async fn half() -> Result<Half, String> {
    Ok(Half)
}

#[cache_put(key = "a")]
async fn put() -> Page {
    Page
}

#[cache_put(key = "a")]
fn other_half() -> OtherHalf {
    OtherHalf
}

#[cache]
async fn halves() -> Vec<Half> {
    vec![Half]
}

#[cache(expire = "1m", unless = |page| page.0.is_empty())]
async fn response() -> Result<Json<String>, String> {
    Ok(Json(String::new()))
}

#[cache_many]
async fn halves_by_id(ids: &[u64]) -> HashMap<u64, Half> {
    ids.iter().map(|id| (*id, Half)).collect()
}

fn main() {}
