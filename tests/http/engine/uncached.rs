//! Responses that may not be cached make no request wait for another one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Request, Response};
use axum::routing::get;
use axum::{Router, response::IntoResponse};
use futures_util::future::join_all;
use larder::http::ResponseCacheLayer;
use larder::{Cache, IgnoreInKey, cache};
use serde::{Deserialize, Serialize};
use support::stores::{Calls, Gate, caches, in_time, settle};
use support::wire::{request, response};
use tower::ServiceExt;

/// The duration of the first response: the time for which no request waits afterwards.
const LONG_AGO: Duration = Duration::from_secs(1);

/// The responses that may not be cached, with a status and headers.
const RESPONSES: [(u16, &[(&str, &str)]); 7] = [
    (200, &[("cache-control", "no-store")]),
    (200, &[("cache-control", "private, max-age=60")]),
    (200, &[("set-cookie", "a=b"), ("cache-control", "max-age=60")]),
    (200, &[("vary", "*"), ("cache-control", "max-age=60")]),
    (404, &[]),
    (500, &[]),
    (503, &[("retry-after", "1")]),
];

/// The application: its first request stops at the gate `first`, and the others at the gate `others`.
#[derive(Clone)]
struct App(Arc<Shared>);

struct Shared {
    cache: Cache,
    calls: Calls,
    first: Gate,
    others: Gate,
}

impl IgnoreInKey for App {}

/// The number of a response in [`RESPONSES`].
#[derive(Deserialize, Serialize, Clone, Copy)]
struct Number {
    n: usize,
}

impl App {
    fn new(cache: &Cache) -> Self {
        let (calls, first, others) = <(Calls, Gate, Gate)>::default();
        Self(Arc::new(Shared { cache: cache.clone(), calls, first, others }))
    }

    async fn answer(&self, Number { n }: Number) -> Response<Body> {
        if self.0.calls.add() == 0 {
            self.0.first.pass().await;
        } else {
            self.0.others.pass().await;
        }
        let (status, headers) = RESPONSES[n];
        response(status, headers, "body")
    }

    fn calls(&self) -> usize {
        self.0.calls.count()
    }
}

async fn plain(State(app): State<App>, Query(number): Query<Number>) -> Response<Body> {
    app.answer(number).await
}

#[cache(response, expire = "1m", cache = app.0.cache)]
async fn handler(State(app): State<App>, Query(number): Query<Number>) -> Response<Body> {
    app.answer(number).await
}

/// An application, and the way to its responses.
type Way = fn(&App) -> Router;

/// The ways on which a response may be cached.
const WAYS: [(&str, Way); 4] = [
    ("handler", |app| Router::new().route("/", get(handler)).with_state(app.clone())),
    ("layer", |app| {
        let layer = ResponseCacheLayer::new().expire("1m").cache(&app.0.cache);
        Router::new().route("/", get(plain)).layer(layer).with_state(app.clone())
    }),
    ("proxy", |app| {
        let layer = ResponseCacheLayer::new().obey_origin().cache(&app.0.cache);
        Router::new().route("/", get(plain)).layer(layer).with_state(app.clone())
    }),
    ("handler below a layer", |app| {
        let layer = ResponseCacheLayer::new().expire("1m").cache(&app.0.cache);
        Router::new().route("/", get(handler)).layer(layer).with_state(app.clone())
    }),
];

/// Starts concurrent requests.
fn wave(router: &Router, n: usize, clients: usize) -> Vec<tokio::task::JoinHandle<u16>> {
    let client = || {
        let asked = router.clone().oneshot(request("GET", &format!("/?n={n}"), &[("host", "example.com")]));
        tokio::spawn(async move { asked.await.into_response().status().as_u16() })
    };
    (0..clients).map(|_| client()).collect()
}

async fn in_one_way(cache: &Cache, (way, make): (&str, Way), n: usize) {
    let app = App::new(cache);
    let router = make(&app);
    let case = format!("{cache:?} {way} {:?}", RESPONSES[n]);
    let first = wave(&router, n, 20);
    app.0.first.arrived(1).await;
    settle(cache).await;
    assert_eq!(app.calls(), 1, "{case}");
    tokio::time::sleep(LONG_AGO).await;
    app.0.first.open();
    // The requests that wait go on concurrently.
    app.0.others.arrived(19).await;
    // So do those of the next moments.
    let second = wave(&router, n, 20);
    app.0.others.arrived(39).await;
    app.0.others.open();
    for status in in_time(join_all(first.into_iter().chain(second))).await {
        assert_eq!(status.expect("no panic"), RESPONSES[n].0, "{case}");
    }
    assert_eq!(app.calls(), 40, "{case}");
    assert_eq!(cache.health().await.computing, 0, "{case}");
}

#[tokio::test]
async fn no_request_waits_for_another() {
    for way in WAYS {
        let mut cases = Vec::new();
        for n in 0..RESPONSES.len() {
            for cache in caches().await {
                cases.push(async move { in_one_way(&cache, way, n).await });
            }
        }
        join_all(cases).await;
    }
}

/// The work of a handler that answers by itself.
const WORK: Duration = Duration::from_millis(300);

async fn works(headers: HeaderMap) -> Response<Body> {
    drop(headers);
    tokio::time::sleep(WORK).await;
    response(200, &[("cache-control", "no-store")], "body")
}

/// The time that twenty clients need for one request each.
async fn time(router: &Router) -> Duration {
    let began = Instant::now();
    in_time(join_all((0..20).map(|_| {
        let request: Request<Body> = request("GET", "/", &[("host", "example.com")]);
        router.clone().oneshot(request)
    })))
    .await;
    began.elapsed()
}

#[tokio::test]
async fn a_layer_takes_no_longer_than_the_application_without_it() {
    for cache in &caches().await {
        let plain = Router::new().route("/", get(works));
        let cached = plain.clone().layer(ResponseCacheLayer::new().expire("1m").cache(cache));
        let (_, first) = (time(&cached).await, time(&cached).await);
        let more = [time(&cached).await, time(&cached).await, time(&cached).await];
        let without = time(&plain).await;
        for waves in [first, more[0], more[1], more[2]] {
            // A request that waits takes twice as long.
            assert!(waves < without * 17 / 10, "{cache:?}: {waves:?}, and {without:?} without a cache");
        }
    }
}
