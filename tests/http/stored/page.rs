//! A page whose response the test decides.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use larder::{Cache, cache};
use support::http::{App, Server};

#[cache(response, expire = "1m", statuses(200, 203, 204, 404, 410), entry = page_entry, cache = app.cache)]
pub(super) async fn page(app: State<App>) -> Response {
    app.make()
}

#[cache(response, expire = "1m", cache = app.cache)]
pub(super) async fn strict(app: State<App>) -> Response {
    app.make()
}

/// Starts a server with an empty cache whose responses `make` makes.
pub(super) async fn serve(
    cache: &Cache,
    make: impl Fn(usize) -> Response + Send + Sync + 'static,
) -> (Server, App) {
    cache.clear().await.expect("cleared");
    let app = App::new(cache, make);
    let router = Router::new().route("/", get(page)).route("/strict", get(strict)).with_state(app.clone());
    (Server::start(router).await, app)
}
