use axum::response::IntoResponse;
use larder::cache;

#[cache(expire = "1m")]
async fn page() -> impl IntoResponse {
    "page"
}

#[cache(response, uncached = plain)]
async fn plain() -> &'static str {
    "page"
}

#[cache(uncached = uncached)]
async fn no_response() -> String {
    String::new()
}

fn main() {}
