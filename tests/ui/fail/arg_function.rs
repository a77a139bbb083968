use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};
use larder::cache;

#[cache]
fn headers(headers: &HeaderMap) -> usize {
    headers.len()
}

#[cache]
async fn request(request: &mut Request<Body>) -> String {
    request.uri().to_string()
}

#[cache(key = "parts:{id}")]
async fn parts_beside_text(id: u64, parts: &Parts) -> String {
    format!("{id} {}", parts.uri)
}

#[cache(key = "parts:{parts.method}")]
async fn parts_in_text(parts: &Parts) -> String {
    parts.uri.to_string()
}

#[cache(key = id)]
async fn beside_expression(id: u64, headers: Option<HeaderMap>) -> String {
    format!("{id} {}", headers.is_some())
}

fn main() {}
