use larder::{cache, cache_put};
use serde::Serialize;

#[derive(Clone)]
struct Page;

#[derive(Clone, Serialize)]
struct Half;

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

fn main() {}
