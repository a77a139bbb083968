//! Requests that pass the cache, because nothing is stored and the last response was not cached.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::get;
use futures_util::future::join_all;
use http_body_util::BodyExt;
use larder::http::ResponseCacheLayer;
use larder::{Cache, IgnoreInKey, cache};
use support::stores::{Calls, Gate, caches, in_time};
use support::wire::{request, response};
use tower::ServiceExt;

/// The application. Its response may be cached for requests with `x-kept`; requests with `x-stops` stop at the gate.
#[derive(Clone)]
struct App(Arc<Shared>);

struct Shared {
    cache: Cache,
    calls: Calls,
    gate: Gate,
}

impl IgnoreInKey for App {}

impl App {
    fn new(cache: &Cache) -> Self {
        Self(Arc::new(Shared { cache: cache.clone(), calls: Calls::default(), gate: Gate::default() }))
    }

    /// The response is the number of the call, and the user.
    async fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        let before = self.0.calls.add();
        if headers.contains_key("x-stops") {
            self.0.gate.pass().await;
        }
        let user = headers.get("authorization").map(|user| user.to_str().expect("a text"));
        let told = if headers.contains_key("x-kept") { "max-age=60" } else { "no-store" };
        response(200, &[("cache-control", told)], format!("{before} {}", user.unwrap_or("-")))
    }
}

async fn plain(State(app): State<App>, headers: HeaderMap) -> Response<Body> {
    app.answer(&headers).await
}

#[cache(response, expire = "1m", tags = ["pages"], cache = app.0.cache)]
async fn handler(State(app): State<App>, #[cache(ignore)] headers: HeaderMap) -> Response<Body> {
    app.answer(&headers).await
}

#[cache(response, expire = "1m", cache = app.0.cache)]
async fn below(State(app): State<App>, #[cache(ignore)] headers: HeaderMap) -> Response<Body> {
    app.answer(&headers).await
}

#[cache(response, expire = "1m", private, cache = app.0.cache)]
async fn own(State(app): State<App>, headers: HeaderMap) -> Response<Body> {
    app.answer(&headers).await
}

/// An application, and the way to its responses.
type Way = fn(&App) -> Router;

/// The ways on which a response may be cached.
const WAYS: [(&str, Way); 3] = [
    ("handler", |app| Router::new().route("/", get(handler)).with_state(app.clone())),
    ("layer", |app| Router::new().route("/", get(plain)).layer(layer(app)).with_state(app.clone())),
    ("handler below a layer", |app| {
        Router::new().route("/", get(below)).layer(layer(app)).with_state(app.clone())
    }),
];

/// The same, with an entry for each user.
const PRIVATE_WAYS: [(&str, Way); 2] = [
    ("handler", |app| Router::new().route("/", get(own)).with_state(app.clone())),
    ("layer", |app| {
        let layer = layer(app).private();
        Router::new().route("/", get(plain)).layer(layer).with_state(app.clone())
    }),
];

fn layer(app: &App) -> ResponseCacheLayer {
    ResponseCacheLayer::new().expire("1m").tag("pages").cache(&app.0.cache)
}

/// A response: `X-Cache`, the detail of `Cache-Status`, the body.
type Seen = (String, String, String);

async fn ask(router: &Router, headers: &[(&str, &str)]) -> Seen {
    let headers = [&[("host", "example.com")], headers].concat();
    let answered = in_time(router.clone().oneshot(request("GET", "/", &headers))).await.expect("a response");
    assert_eq!(answered.status(), 200);
    let (x_cache, status) = (last(&answered, "x-cache"), last(&answered, "cache-status"));
    let body = answered.into_body().collect().await.expect("a body").to_bytes();
    (x_cache, status, String::from_utf8_lossy(&body).into_owned())
}

/// The last value of a header.
fn last(answered: &Response<Body>, name: &str) -> String {
    let value = answered.headers().get_all(name).iter().next_back().expect("a header");
    value.to_str().expect("a text").to_owned()
}

/// Starts requests.
fn start(router: &Router, headers: &'static [(&str, &str)], n: usize) -> Vec<tokio::task::JoinHandle<Seen>> {
    let one = |_| {
        let router = router.clone();
        tokio::spawn(async move { ask(&router, headers).await })
    };
    (0..n).map(one).collect()
}

const KEPT: &[(&str, &str)] = &[("x-kept", "1")];
const STOPS: &[(&str, &str)] = &[("x-stops", "1")];
const KEPT_STOPS: &[(&str, &str)] = &[("x-kept", "1"), ("x-stops", "1")];

/// Returns whether other processes share the store of a cache.
fn is_shared(cache: &Cache) -> bool {
    format!("{cache:?}").contains("redis")
}

fn misses(cache: &Cache) -> u64 {
    cache.stats().functions.iter().map(|row| row.counts.misses).max().unwrap_or_default()
}

#[tokio::test]
async fn requests_pass_while_another_one_looks() {
    for (way, make) in WAYS {
        for cache in &caches().await {
            let (case, app) = (format!("{cache:?} {way}"), App::new(cache));
            let router = make(&app);
            ask(&router, &[]).await;
            let looks = start(&router, STOPS, 1);
            app.0.gate.arrived(1).await;
            for seen in join_all(start(&router, &[], 20)).await {
                let (x_cache, status, _) = seen.expect("no panic");
                assert_eq!(x_cache, "BYPASS", "{case}");
                assert!(
                    status.ends_with("fwd=uri-miss; fwd-status=200; detail=no-store"),
                    "{case}: {status}"
                );
            }
            assert_eq!((app.0.calls.count(), misses(cache)), (22, 22), "{case}");
            // One that may be cached is for its client, and is stored at once where no other process can have changed the
            // entry meanwhile.
            let (x_cache, status, body) = ask(&router, KEPT).await;
            assert_eq!((x_cache.as_str(), body.as_str()), ("MISS", "22 -"), "{case}");
            let is_stored = !is_shared(cache);
            assert_eq!(status.contains("stored"), is_stored, "{case}: {status}");
            let next = ask(&router, KEPT).await.0;
            assert_eq!(next, if is_stored { "HIT" } else { "MISS" }, "{case}");
            app.0.gate.open();
            join_all(looks).await;
            ask(&router, KEPT).await;
            assert_eq!(ask(&router, &[]).await.0, "HIT", "{case}");
            assert_eq!(cache.health().await.computing, 0, "{case}");
        }
    }
}

#[tokio::test]
async fn a_response_that_may_be_cached_is_stored_at_once() {
    for (way, make) in WAYS {
        for cache in &caches().await {
            let (case, app) = (format!("{cache:?} {way}"), App::new(cache));
            let router = make(&app);
            for wave in [1, 1, 20] {
                for seen in join_all(start(&router, &[], wave)).await {
                    assert_eq!(seen.expect("no panic").0, "BYPASS", "{case}");
                }
            }
            let (x_cache, _, body) = ask(&router, KEPT).await;
            assert_eq!((x_cache.as_str(), body.as_str()), ("MISS", "22 -"), "{case}");
            let (x_cache, _, body) = ask(&router, &[]).await;
            assert_eq!((x_cache.as_str(), body.as_str()), ("HIT", "22 -"), "{case}");
        }
    }
}

#[tokio::test]
async fn no_invalidation_is_lost_while_requests_pass() {
    for (way, make) in WAYS {
        for by_tag in [true, false] {
            for cache in &caches().await {
                let (case, app) = (format!("{cache:?} {way} {by_tag}"), App::new(cache));
                let router = make(&app);
                if by_tag && way == "handler below a layer" {
                    // The entry of the handler has no tag.
                    continue;
                }
                ask(&router, &[]).await;
                // One looks and the others pass, or all of them pass.
                let before = start(&router, KEPT_STOPS, 5);
                app.0.gate.arrived(5).await;
                if by_tag {
                    cache.invalidate_tag("pages").await.expect("invalidated");
                } else {
                    cache.clear().await.expect("cleared");
                }
                app.0.gate.open();
                for seen in join_all(before).await {
                    let (x_cache, _, body) = seen.expect("no panic");
                    assert_eq!(x_cache, "MISS", "{case}");
                    assert_ne!(body, "6 -", "{case}");
                }
                let after = [ask(&router, KEPT).await, ask(&router, KEPT).await];
                assert_eq!(after[0].2, "6 -", "{case}: a response from before the invalidation");
                assert_eq!((after[1].0.as_str(), after[1].2.as_str()), ("HIT", "6 -"), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn users_whose_requests_pass_see_their_own_pages() {
    const ANNA: &[(&str, &str)] = &[("authorization", "anna")];
    const ANNA_STOPS: &[(&str, &str)] = &[("authorization", "anna"), ("x-stops", "1")];
    const BERT: &[(&str, &str)] = &[("authorization", "bert"), ("x-kept", "1")];
    const ANNA_KEPT: &[(&str, &str)] = &[("authorization", "anna"), ("x-kept", "1")];
    for (way, make) in PRIVATE_WAYS {
        for cache in &caches().await {
            let (case, app) = (format!("{cache:?} {way}"), App::new(cache));
            let router = make(&app);
            assert_eq!(ask(&router, ANNA).await.2, "0 anna", "{case}");
            let looks = start(&router, ANNA_STOPS, 1);
            app.0.gate.arrived(1).await;
            assert_eq!(ask(&router, BERT).await.2, "2 bert", "{case}");
            app.0.gate.open();
            join_all(looks).await;
            for user in [BERT, ANNA_KEPT] {
                let first = ask(&router, user).await;
                assert!(first.2.ends_with(user[0].1), "{case}: {first:?}");
                let second = ask(&router, user).await;
                assert!(second.2.ends_with(user[0].1), "{case}: {second:?}");
                assert_eq!(second.0, "HIT", "{case}");
            }
        }
    }
}
