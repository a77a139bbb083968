//! `#[rate_limit]`: functions that it does not go on.

use axum::extract::Path;
use axum::response::IntoResponse;
use larder::rate_limit;
use larder::rate_limit::Limited;

#[derive(Debug)]
struct OwnError;

#[rate_limit("5/minute")]
async fn own_error() -> Result<(), OwnError> {
    Ok(())
}

#[rate_limit("5/minute")]
fn nothing() {}

#[rate_limit("5/minute")]
fn no_result() -> Option<u8> {
    None
}

#[rate_limit("5/minute", by = "{id}")]
async fn handler(Path(id): Path<u64>) -> Result<String, Limited> {
    Ok(id.to_string())
}

#[rate_limit("5/minute")]
async fn page() -> impl IntoResponse {
    "page"
}

#[rate_limit("5/minute")]
const fn constant() -> Result<(), Limited> {
    Ok(())
}

#[rate_limit("5/minute")]
struct NoFunction;

struct Opaque;

#[rate_limit("5/minute", by = "{opaque}")]
async fn not_printable(opaque: Opaque) -> Result<(), Limited> {
    Ok(())
}

fn main() {}
