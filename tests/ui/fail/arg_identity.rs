use axum::extract::{Path, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum_extra::TypedHeader;
use axum_extra::extract::{Cached, CookieJar};
use axum_extra::headers::UserAgent;
use larder::cache;

type Fields = HeaderMap;

// Nothing is said.

#[cache(response)]
async fn headers(headers: Fields) -> String {
    headers.len().to_string()
}

#[cache(response)]
async fn request(request: Request) -> String {
    request.uri().to_string()
}

#[cache(response, statuses(404), entry = parts_entry)]
async fn parts(parts: Parts) -> String {
    parts.uri.to_string()
}

#[cache(response)]
async fn typed_header(agent: Option<TypedHeader<UserAgent>>) -> String {
    agent.is_some().to_string()
}

#[cache(response)]
async fn jar(jar: Cached<CookieJar>) -> String {
    jar.0.iter().count().to_string()
}

// The text of a key is not enough.

#[cache(response, key = "page:{id}")]
async fn headers_beside_text(Path(id): Path<u64>, headers: HeaderMap) -> String {
    format!("{id} {}", headers.len())
}

#[cache(response, key = "page:{id}")]
async fn request_beside_text(Path(id): Path<u64>, request: Request) -> String {
    format!("{id} {}", request.uri())
}

#[cache(response, key = "page:{parts.uri}")]
async fn parts_in_text(parts: Parts) -> String {
    parts.uri.to_string()
}

#[cache(response, key = "page", group = "of:{agent.0}")]
async fn typed_header_in_group(agent: TypedHeader<UserAgent>) -> String {
    agent.0.to_string()
}

#[cache(response, key = "page")]
async fn jar_beside_text(jar: CookieJar) -> String {
    jar.iter().count().to_string()
}

// Expressions that do not mention it.

#[cache(response, key = (id,))]
async fn headers_beside_expression(Path(id): Path<u64>, headers: HeaderMap) -> String {
    format!("{id} {}", headers.len())
}

#[cache(response, key = id)]
async fn request_beside_expression(Path(id): Path<u64>, request: Request) -> String {
    format!("{id} {}", request.uri())
}

#[cache(response, key = (id, path.parts))]
async fn parts_beside_expression(Path(id): Path<u64>, path: Path<Fielded>, parts: Parts) -> String {
    format!("{id} {} {}", parts.uri, path.parts)
}

#[cache(response, key = id)]
async fn typed_header_beside_expression(Path(id): Path<u64>, agent: TypedHeader<UserAgent>) -> String {
    format!("{id} {}", agent.0)
}

// Expressions that are all of it.

#[cache(response, key = (headers,))]
async fn all_headers(headers: HeaderMap) -> String {
    headers.len().to_string()
}

#[cache(response, key = request)]
async fn all_of_request(request: Request) -> String {
    request.uri().to_string()
}

#[derive(serde::Deserialize)]
struct Fielded {
    parts: u64,
}

fn main() {}
