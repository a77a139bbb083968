//! Refusals, scopes of routes, and what a limit leaves alone.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Path;
use axum::extract::connect_info::MockConnectInfo;
use axum::routing::{get, post};
use larder::Cache;
use larder::http::ResponseCacheLayer;
use larder::rate_limit::{OnOutage, RateLimit};
use serde_json::{Value, json};
use support::http::Server;
use support::log::Log;
use support::stores::{Calls, caches, counts, unique};

use crate::counted;

async fn serve(app: Router) -> Server {
    Server::start(app.layer(MockConnectInfo(SocketAddr::from(([203, 0, 113, 9], 1))))).await
}

fn items() -> Router {
    Router::new()
        .route("/items/{id}", get(async |Path(id): Path<u64>| id.to_string()))
        .route("/users/{id}", get(async |Path(id): Path<u64>| id.to_string()))
}

#[tokio::test]
async fn a_refusal_is_429_with_a_body_that_can_be_replaced() {
    for cache in caches().await {
        let limit = RateLimit::new("1/hour").scope(unique("refusal")).cache(&cache);
        let app =
            |limit: &RateLimit| Router::new().route("/", get(|| async { "ok" })).route_layer(limit.layer());
        let plain = serve(app(&limit)).await;
        assert_eq!(plain.get("/").await.text(), "ok");
        let refused = plain.get("/").await;
        assert_eq!((refused.status, refused.text()), (429, r#"{"detail":"Too Many Requests"}"#));
        assert_eq!(refused.header("content-type"), Some("application/json"));
        assert_eq!(refused.header("cache-control"), Some("no-store"));

        let problem = serve(app(&limit.clone().problem_json(true))).await.get("/").await;
        assert_eq!(problem.header("content-type"), Some("application/problem+json"));
        let body: Value = serde_json::from_slice(&problem.body).expect("JSON");
        assert_eq!(
            body,
            json!({
                "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
                "title": "Too Many Requests",
                "status": 429,
                "violated-policies": ["hour"],
            })
        );

        let own = limit.clone().respond_with(|verdict| {
            let text = format!("{} an hour", verdict.limit);
            http::Response::builder()
                .status(420)
                .header("retry-after", "0")
                .body(text.into())
                .expect("a response")
        });
        let own = serve(app(&own)).await.get("/").await;
        assert_eq!((own.status, own.text()), (420, "1 an hour"));
        // It cannot be lost.
        let wait: u64 = own.header("retry-after").expect("a time").parse().expect("a number");
        assert!((3_590..=3_600).contains(&wait), "{wait}");
        assert!(own.header("ratelimit").is_some());
    }
}

#[tokio::test]
async fn nothing_is_refused_by_an_error_of_the_server() {
    for cache in caches().await {
        let closed =
            RateLimit::new("5/hour").on_outage(OnOutage::Closed).scope(unique("closed")).cache(&cache);
        let app =
            |limit: &RateLimit| Router::new().route("/", get(|| async { "ok" })).route_layer(limit.layer());
        let (plain, problem) =
            (serve(app(&closed)).await, serve(app(&closed.clone().problem_json(true))).await);
        assert_eq!(plain.get("/").await.status, 200);
        cache.chaos().refuse();
        let answer = plain.get("/").await;
        assert_eq!((answer.status, answer.text()), (503, r#"{"detail":"Service Unavailable"}"#));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(answer.header("ratelimit").is_none());
        let body: Value = serde_json::from_slice(&problem.get("/").await.body).expect("JSON");
        assert_eq!(
            body["type"],
            "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
        );
        let open = RateLimit::new("1/hour").on_outage(OnOutage::Open).scope(unique("open")).cache(&cache);
        let open = serve(app(&open)).await;
        for _ in 0..3 {
            let answer = open.get("/").await;
            assert!(answer.status == 200 && answer.header("ratelimit").is_none(), "{answer:?}");
        }
        cache.chaos().heal();
        assert_eq!(plain.get("/").await.status, 200);
    }
}

#[tokio::test]
async fn the_template_of_a_route_is_the_scope() {
    for cache in caches().await {
        let server = serve(items().route_layer(RateLimit::new("2/minute").cache(&cache).layer())).await;
        for (path, status) in [
            ("/items/1", 200),
            ("/items/2", 200),
            ("/items/3", 429),
            ("/users/1", 200),
            // Not a route: it is not limited.
            ("/items/1/2", 404),
        ] {
            assert_eq!(server.get(path).await.status, status, "{path}");
        }
        assert_eq!(counted(&cache, "/items/{id}"), (2, 1, 0));
        assert_eq!(counted(&cache, "/users/{id}"), (1, 0, 0));
        // One scope for several routes.
        let shared = RateLimit::new("2/minute").scope(unique("all")).cache(&cache);
        let server = serve(items().route_layer(shared.layer())).await;
        for (path, status) in [("/items/1", 200), ("/users/2", 200), ("/items/3", 429)] {
            assert_eq!(server.get(path).await.status, status, "{path}");
        }
    }
}

#[tokio::test]
async fn a_limit_that_does_not_know_the_route_is_reported_once() {
    if !support::isolated!() {
        return;
    }
    let log = Log::of_process();
    let [_, cache] = caches().await;
    let around = |limit: RateLimit| Router::new().fallback_service(limit.layer().layer_of(items()));
    let server = serve(around(RateLimit::new("2/minute").cache(&cache))).await;
    for (path, status) in [("/items/1", 200), ("/users/1", 200), ("/items/2", 429)] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
    let named = serve(around(RateLimit::new("2/minute").scope("named").cache(&cache))).await;
    assert_eq!(named.get("/items/1").await.status, 200);
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("`route_layer`"), "{warnings:?}");
}

/// Puts a layer around a router, as other servers than axum's do.
trait LayerOf {
    fn layer_of(&self, router: Router) -> larder::rate_limit::RateLimitService<Router>;
}

impl LayerOf for larder::rate_limit::RateLimitLayer {
    fn layer_of(&self, router: Router) -> larder::rate_limit::RateLimitService<Router> {
        tower::Layer::layer(self, router)
    }
}

#[tokio::test]
async fn a_limit_in_shadow_counts_and_refuses_nobody() {
    for cache in caches().await {
        let scope = unique("shadow");
        let limit =
            RateLimit::new("2/minute").scope(scope.as_str()).shadow(true).x_fields(true).cache(&cache);
        let server = serve(Router::new().route("/", get(|| async { "ok" })).route_layer(limit.layer())).await;
        for _ in 0..5 {
            let answer = server.get("/").await;
            assert_eq!((answer.status, answer.text()), (200, "ok"));
            assert!(answer.headers.iter().all(|(name, _)| !name.contains("ratelimit")), "{answer:?}");
        }
        assert_eq!(counted(&cache, &scope), (2, 3, 0));
        let verdict = limit.hit("203.0.113.9").await;
        assert!(verdict.allowed && verdict.over_limit && verdict.ok().is_ok());
        assert_eq!(counts(&cache, &format!("rate_limit:{scope}")).limit_refused, 4);
    }
}

#[tokio::test]
async fn requests_can_be_left_alone_and_cost_more() {
    for cache in caches().await {
        let scope = unique("skip");
        let limit = RateLimit::new("5/minute").scope(scope.as_str()).cost(2).cache(&cache);
        let limit = limit.skip_when(|parts| parts.method == http::Method::OPTIONS);
        let app = Router::new().route("/", post(|| async {}).options(|| async {}));
        let server = serve(app.route_layer(limit.layer())).await;
        for _ in 0..3 {
            let answer = server.send("OPTIONS", "/", &[], "").await;
            assert!(answer.status == 200 && answer.header("ratelimit").is_none(), "{answer:?}");
        }
        for status in [200, 200, 429] {
            assert_eq!(server.send("POST", "/", &[], "").await.status, status);
        }
        assert_eq!(counted(&cache, &scope), (2, 1, 0));
    }
}

/// Cached responses are counted when the limit is outside.
#[tokio::test]
async fn a_limit_outside_the_response_cache_counts_hits_of_the_cache() {
    for cache in caches().await {
        let calls = std::sync::Arc::new(Calls::default());
        let handler = {
            let calls = calls.clone();
            async move || calls.add().to_string()
        };
        let limit = RateLimit::new("3/minute").scope(unique("outside")).cache(&cache);
        let app = Router::new()
            .route("/", get(handler))
            .layer(ResponseCacheLayer::new().cache(&cache).expire("1m"));
        let server = serve(app.layer(limit.layer())).await;
        for (status, x_cache) in [(200, "MISS"), (200, "HIT"), (200, "HIT"), (429, "")] {
            let answer = server.get("/").await;
            assert_eq!((answer.status, answer.x_cache()), (status, x_cache));
        }
        assert_eq!(calls.count(), 1);
    }
}

/// The layer works around any service, with its errors.
#[tokio::test]
async fn any_service_can_be_limited() {
    use tower::{Service as _, ServiceExt as _};

    let cache = Cache::builder().build().await.expect("a cache");
    let limit = RateLimit::new("2/minute").scope("service").cache(&cache);
    let service = tower::service_fn(|_: http::Request<()>| async {
        Err::<http::Response<http_body_util::Full<axum::body::Bytes>>, _>("it failed")
    });
    let mut service = tower::Layer::layer(&limit.layer(), service);
    let request = || {
        let mut request = http::Request::new(());
        request.extensions_mut().insert(SocketAddr::from(([1, 2, 3, 4], 5)));
        request
    };
    for _ in 0..2 {
        assert_eq!(service.ready().await.expect("ready").call(request()).await.err(), Some("it failed"));
    }
    let refused = service.ready().await.expect("ready").call(request()).await.expect("a response");
    assert_eq!(refused.status(), 429);
}
