use axum::extract::{OriginalUri, Path, Query, Request};
use larder::cache;

#[derive(serde::Deserialize)]
struct Page {
    number: u64,
}

#[cache(response, entry = path_entry, ignore(path))]
async fn path(path: Path<u64>) -> String {
    path.to_string()
}

#[cache(response, entry = query_entry)]
async fn query(#[cache(ignore)] Query(page): Query<Page>) -> String {
    page.number.to_string()
}

#[cache(response, entry = uri_entry, ignore(uri), vary(accept_language))]
async fn uri(uri: Option<OriginalUri>) -> String {
    uri.is_some().to_string()
}

#[cache(response, entry = request_entry, private)]
async fn request(request: Request) -> String {
    request.uri().to_string()
}

#[cache(response, entry = ignored_entry, ignore(request))]
async fn ignored(request: Request) -> String {
    request.uri().to_string()
}

fn main() {}
