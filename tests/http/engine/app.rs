//! An application whose handlers count, stop and fail on demand.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::SeqCst};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use larder::{Cache, IgnoreInKey, cache};
use support::http::{Answer, Server};
use support::stores::{Calls, Gate, in_time};

/// The state that decides the responses and stops of the handlers.
#[derive(Clone)]
pub(super) struct App(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) cache: Cache,
    pub(super) calls: Calls,
    /// The gate of the first call, if there is one.
    pub(super) first: Gate,
    /// The gate of the other calls.
    pub(super) others: Gate,
    pub(super) stops: AtomicBool,
    pub(super) status: AtomicU16,
}

impl IgnoreInKey for App {}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(super) fn new(cache: &Cache) -> Self {
        Self(Arc::new(Shared {
            cache: cache.clone(),
            calls: Calls::default(),
            first: Gate::default(),
            others: Gate::default(),
            stops: AtomicBool::new(true),
            status: AtomicU16::new(200),
        }))
    }

    /// Makes an application whose handlers never stop.
    pub(super) fn free(cache: &Cache) -> Self {
        let app = Self::new(cache);
        app.stops.store(false, SeqCst);
        app
    }

    pub(super) fn fails_with(&self, status: u16) {
        self.status.store(status, SeqCst);
    }

    pub(super) async fn make(&self) -> Response {
        let before = self.calls.add();
        if self.stops.load(SeqCst) {
            if before == 0 { self.first.pass().await } else { self.others.pass().await }
        }
        let status = StatusCode::from_u16(self.status.load(SeqCst)).expect("a status");
        (status, before.to_string()).into_response()
    }
}

#[cache(response, expire = "1m", cache = app.cache)]
pub(super) async fn page(Path(id): Path<u64>, app: State<App>) -> Response {
    let _ = id;
    app.make().await
}

#[cache(response, expire = "1m", private, cache = app.cache)]
pub(super) async fn own(app: State<App>, headers: HeaderMap) -> String {
    app.calls.add();
    app.first.pass().await;
    format!("{:?}", headers.get("authorization"))
}

#[cache(response, expire = "1m", cache = app.cache)]
pub(super) async fn by_language(app: State<App>, #[cache(ignore)] headers: HeaderMap) -> Response {
    app.calls.add();
    app.first.pass().await;
    ([("vary", "accept-language")], format!("{:?}", headers.get("accept-language"))).into_response()
}

#[cache(response, expire = "1m", cache = app.cache)]
pub(super) async fn not_stored(app: State<App>) -> Response {
    let response = app.make().await;
    ([("cache-control", "no-store")], response).into_response()
}

#[cache(response, expire = "1m", stale_while_revalidate = "1h", cache = app.cache)]
pub(super) async fn swr(app: State<App>) -> Response {
    app.make().await
}

#[cache(response, expire = "1m", stale_if_error = "1h", cache = app.cache)]
pub(super) async fn sie(app: State<App>) -> Response {
    app.make().await
}

#[cache(response, expire = "1m", cache = app.cache)]
pub(super) async fn says_sie(app: State<App>) -> Response {
    let response = app.make().await;
    ([("cache-control", "stale-if-error=3600, stale-while-revalidate=0")], response).into_response()
}

#[cache(response, expire = "1m", stale_if_error = "1h", cache = app.cache)]
pub(super) async fn strict(app: State<App>) -> Response {
    let response = app.make().await;
    ([("cache-control", "must-revalidate")], response).into_response()
}

#[cache(response, expire = "1m", cache = app.cache)]
pub(super) async fn in_two_parts(app: State<App>) -> Response {
    app.calls.add();
    let second = app.clone();
    let parts =
        stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]).chain(stream::once(async move {
            second.first.pass().await;
            Ok(Bytes::from_static(b"second"))
        }));
    Response::new(Body::from_stream(parts))
}

pub(super) async fn serve(app: &App) -> Server {
    let router = Router::new()
        .route("/{id}", get(page))
        .route("/own", get(own))
        .route("/language", get(by_language))
        .route("/not-stored", get(not_stored))
        .route("/swr", get(swr))
        .route("/sie", get(sie))
        .route("/says-sie", get(says_sie))
        .route("/strict", get(strict))
        .route("/parts", get(in_two_parts))
        .with_state(app.clone());
    Server::start(router).await
}

/// Starts concurrent requests.
pub(super) fn crowd(
    server: Server,
    path: &'static str,
    clients: usize,
) -> Vec<tokio::task::JoinHandle<Answer>> {
    (0..clients).map(|_| tokio::spawn(async move { server.get(path).await })).collect()
}

pub(super) async fn answers(crowd: Vec<tokio::task::JoinHandle<Answer>>) -> Vec<Answer> {
    in_time(join_all(crowd)).await.into_iter().map(|answer| answer.expect("no panic")).collect()
}
