//! Every option of responses at once, without a warning.
#![deny(warnings, missing_docs)]

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use larder::{Cache, cache, cache_evict, cache_one_day, cache_put};

#[derive(Clone)]
struct App {
    cache: Cache,
}

struct AppError;

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        StatusCode::NOT_FOUND.into_response()
    }
}

impl From<std::num::TryFromIntError> for AppError {
    fn from(_: std::num::TryFromIntError) -> Self {
        Self
    }
}

#[cache(
    response,
    expire = 30,
    expire_with = |response| if response.status() == StatusCode::OK { 30 } else { 5 },
    private,
    vary(accept_language, "X-Tenant"),
    statuses(200, 404),
    etag = strong,
    client_max_age = if id == 0 { 0 } else { 60 },
    unless = |response| response.body().is_empty(),
    compress = lz4,
    ignore(app),
    group = "items:{id}",
    tags = ["item:{id}"],
    when = app.cache.stats().total.misses < 1_000_000,
    cache = app.cache,
    crate = ::larder,
)]
#[axum::debug_handler]
async fn item(
    Path(id): Path<u64>,
    Query(page): Query<Vec<(String, String)>>,
    app: State<App>,
) -> Result<Json<u64>, AppError> {
    let _ = (app, page);
    u32::try_from(id)?;
    if id == 0 {
        return Err(AppError);
    }
    Ok(Json(id))
}

#[cache_one_day(response, shared, stale_while_revalidate = "1m", entry = page_entry, cache = app.cache)]
#[axum::debug_handler]
async fn page(Path((a, mut b)): Path<(u64, String)>, app: State<App>) -> Result<impl IntoResponse, AppError> {
    let _ = app;
    b.push_str(&u32::try_from(a)?.to_string());
    Ok(Html(b))
}

#[cache(response)]
async fn opaque() -> impl IntoResponse {
    "text"
}

#[cache(response, background, refresh_ahead = 0.5)]
async fn opaque_inside() -> (StatusCode, impl IntoResponse) {
    (StatusCode::OK, "text")
}

#[cache(response)]
async fn generic<T: Clone + Send + Sync + 'static>(State(state): State<T>) -> &'static str {
    drop(state);
    "text"
}

// One more argument would exceed clippy's limit.
#[cache(response)]
async fn seven(
    _: State<App>,
    _: State<App>,
    _: State<App>,
    _: State<App>,
    _: State<App>,
    _: State<App>,
    _: State<App>,
) -> String {
    String::new()
}

struct Items;

impl Items {
    #[cache(response, key = "items:{page}")]
    async fn list(Path(page): Path<u64>) -> Json<Vec<u64>> {
        Self::some(page)
    }

    fn some(page: u64) -> Json<Vec<u64>> {
        Json(vec![page])
    }
}

#[cache_evict(response, url = "/items/{id}", group = "items:{id}", tags = ["items"], cache = app.cache)]
#[cache_put(response, key = "item:{id}", unless = |response| response.body().is_empty(), cache = app.cache)]
#[axum::debug_handler]
async fn save(Path(id): Path<u64>, app: State<App>, body: String) -> Result<(StatusCode, String), AppError> {
    let _ = app;
    if id == 0 { Err(AppError) } else { Ok((StatusCode::CREATED, body)) }
}

#[cache_evict(response, entry = page_entry(Path((id, String::new())), app.clone()), cache = app.cache)]
async fn touch(Path(id): Path<u64>, app: State<App>) {
    let _ = (id, app);
}

#[cache_evict(url = "/items/{id}?page={page}")]
fn without_response(id: u64, page: u64) -> u64 {
    id + page
}

fn main() -> Result<(), larder::Error> {
    let cache = Cache::builder().build_blocking()?;
    let router: Router = Router::new()
        .route("/items/{id}", get(item).put(save).post(touch))
        .route("/pages/{a}/{b}", get(page))
        .route("/opaque", get(opaque).put(opaque_inside))
        .route("/generic", get(generic::<App>))
        .route("/seven", post(seven))
        .route("/list/{page}", get(Items::list))
        .with_state(App { cache });
    drop(router);
    without_response(1, 2);
    Ok(())
}
