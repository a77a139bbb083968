use axum::extract::Path;
use larder::{cache, cache_evict};

struct Item;
struct NotAnExtractor;

#[cache(response)]
async fn not_a_response(Path(id): Path<u64>) -> Result<Item, String> {
    Err(id.to_string())
}

#[cache(response, stale_while_revalidate = "1m")]
async fn not_a_response_apart(Path(id): Path<u64>) -> Item {
    let _ = id;
    Item
}

#[cache_evict(response, tags = ["items"])]
async fn not_a_response_either() -> u64 {
    1
}

#[cache(response)]
async fn neither_hashed_nor_ignored(_: NotAnExtractor) -> String {
    String::new()
}

#[cache(response)]
async fn of_another_type(Path(id): Path<u64>) -> Result<String, std::io::Error> {
    id
}

#[cache(response, unless = |response| response.len() > 1)]
async fn rule_of_another_type() -> String {
    String::new()
}

fn main() {}
