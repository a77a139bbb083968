use axum::extract::Path;
use larder::{cache, cache_evict, cache_put};

#[cache(client_max_age = "1m", etag = weak)]
async fn without_response(id: u64) -> u64 {
    id
}

#[cache(response, client_max_age = "-1s", etag = "weak")]
async fn negative() -> String {
    String::new()
}

#[cache(response, client_max_age = "soon", etag = gzip)]
async fn no_time() -> String {
    String::new()
}

#[cache(response, client_max_age = 1.5, etag = strong, etag = weak)]
async fn fraction() -> String {
    String::new()
}

#[cache(response, client_max_age = "5300w")]
async fn too_long() -> String {
    String::new()
}

#[cache(response, client_max_age)]
async fn no_value() -> String {
    String::new()
}

#[cache(response, max_age = "1m")]
async fn misspelt() -> String {
    String::new()
}

#[cache_evict(response, key = "a:{id}", etag = weak)]
async fn evict(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache_put(response, key = "a:{id}", client_max_age = 5)]
async fn put(Path(id): Path<u64>) -> String {
    id.to_string()
}

fn main() {}
