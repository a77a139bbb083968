//! Other attributes on either side of `#[cache(response)]`, without a warning.
#![deny(warnings, missing_docs)]

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router, debug_handler};
use larder::http::CacheHandle;
use larder::{cache, cache_one_day};
use tracing::instrument;

/// The state.
#[derive(Clone)]
pub struct App;

/// Above.
#[debug_handler]
#[cache(response, uncached = above_plain)]
pub async fn above(Path(id): Path<u64>, State(app): State<App>) -> Result<Json<u64>, String> {
    let App = app;
    if id == 0 { Err("none".to_owned()) } else { Ok(Json(id)) }
}

/// Below.
#[cache(response, private, entry = below_entry, uncached = below_plain)]
#[debug_handler]
pub async fn below(#[cache(ignore)] State(app): State<App>, Path(id): Path<u64>) -> String {
    let App = app;
    id.to_string()
}

/// Without arguments.
#[cache(response)]
#[debug_handler]
pub async fn nothing() -> &'static str {
    "text"
}

/// With a state that the attribute names.
#[debug_handler(state = App)]
#[cache_one_day(response)]
pub async fn stated(Query(words): Query<Vec<(String, String)>>, body: String) -> String {
    format!("{words:?} {body}")
}

/// Fields of a pattern.
#[cache(response)]
#[instrument(skip(app), fields(%slug, app.name = "app"))]
pub async fn traced(Path(slug): Path<String>, State(app): State<App>) -> String {
    let App = app;
    slug
}

/// The same the other way round.
#[tracing::instrument(skip_all, fields(slug = %slug))]
#[cache(response, stale_while_revalidate = "1m")]
pub async fn traced_above(Path(slug): Path<String>) -> String {
    slug
}

/// A function that is no handler.
#[cache]
#[instrument(fields(%first), ret)]
pub async fn function((first, second): (u64, u64), third: u64) -> u64 {
    first + second + third
}

/// Described below.
#[cache(response)]
#[utoipa::path(get, path = "/items/{id}", params(("id" = u64, Path)), responses((status = 200, body = u64)))]
pub async fn described(Path(id): Path<u64>) -> Json<u64> {
    Json(id)
}

/// Described above.
#[utoipa::path(get, path = "/items/{id}", responses((status = 200, body = u64)))]
#[cache(response)]
pub async fn described_above(Path(id): Path<u64>) -> Json<u64> {
    Json(id)
}

/// All of them.
#[debug_handler]
#[cache(response, uncached = all_plain)]
#[utoipa::path(get, path = "/items/{id}", responses((status = 200, body = u64)))]
#[instrument(fields(%id), skip(handle))]
pub async fn all(Path(id): Path<u64>, handle: Option<CacheHandle>) -> Json<u64> {
    drop(handle);
    Json(id)
}

fn main() {
    let _: Router = Router::new()
        .route("/above/{id}", get(above))
        .route("/below/{id}", get(below))
        .route("/nothing", get(nothing))
        .route("/stated", get(stated))
        .route("/traced/{slug}", get(traced))
        .route("/traced/above/{slug}", get(traced_above))
        .route("/described/{id}", get(described))
        .route("/described/above/{id}", get(described_above))
        .route("/all/{id}", get(all))
        .with_state(App);
    let _ = (above_plain, below_plain, all_plain, function((1, 2), 3));
    drop(below_entry(Path(1)));
}
