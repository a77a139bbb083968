//! Requests for different variants of one URL do not wait for one another.

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
use support::deployment::shared;
use support::stores::{Calls, Gate, caches, in_time, on, settle, unique};
use support::wire::{request, response};
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// The application, whose requests stop at the gate.
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

    async fn answer(&self, headers: &HeaderMap) -> Response<Body> {
        self.0.calls.add();
        self.0.gate.pass().await;
        let text = |name| headers.get(name).map_or("-", |value| value.to_str().expect("a text"));
        response(200, &[], format!("{} {}", text("authorization"), text("x-tenant")))
    }
}

async fn plain(State(app): State<App>, headers: HeaderMap) -> Response<Body> {
    app.answer(&headers).await
}

#[cache(response, expire = "1m", tags = ["pages"], private, cache = app.0.cache)]
async fn own(State(app): State<App>, headers: HeaderMap) -> Response<Body> {
    app.answer(&headers).await
}

#[cache(response, expire = "1m", tags = ["pages"], vary("x-tenant"), cache = app.0.cache)]
async fn by_tenant(State(app): State<App>, headers: HeaderMap) -> Response<Body> {
    app.answer(&headers).await
}

/// The header that distinguishes responses, and the way to them.
type Way = (&'static str, fn(&App) -> Router);

const WAYS: [Way; 4] = [
    ("authorization", |app| Router::new().route("/", get(own)).with_state(app.clone())),
    ("authorization", |app| {
        let layer = ResponseCacheLayer::new().expire("1m").tag("pages").private().cache(&app.0.cache);
        Router::new().route("/", get(plain)).layer(layer).with_state(app.clone())
    }),
    ("x-tenant", |app| Router::new().route("/", get(by_tenant)).with_state(app.clone())),
    ("x-tenant", |app| {
        let layer =
            ResponseCacheLayer::new().expire("1m").tag("pages").vary(["x-tenant"]).cache(&app.0.cache);
        Router::new().route("/", get(plain)).layer(layer).with_state(app.clone())
    }),
];

/// Asks as a user; `X-Cache` and the body.
fn ask(router: &Router, header: &'static str, user: usize) -> JoinHandle<(String, String)> {
    let asked = router.clone().oneshot(request(
        "GET",
        "/",
        &[("host", "example.com"), (header, &format!("user{user}"))],
    ));
    tokio::spawn(in_time(async move {
        let answered = asked.await.expect("a response");
        assert_eq!(answered.status(), 200);
        let x_cache = answered.headers()["x-cache"].to_str().expect("a text").to_owned();
        let body = answered.into_body().collect().await.expect("a body").to_bytes();
        (x_cache, String::from_utf8_lossy(&body).into_owned())
    }))
}

fn page(header: &str, user: usize) -> String {
    if header == "authorization" { format!("user{user} -") } else { format!("- user{user}") }
}

#[tokio::test]
async fn users_do_not_wait_for_one_another() {
    for (number, (header, make)) in WAYS.into_iter().enumerate() {
        for cache in &caches().await {
            let (case, app) = (format!("{cache:?} {number}"), App::new(cache));
            let router = make(&app);
            // Each user asks twice at once, and the second request waits for the first.
            let asked: Vec<_> = (0..16).map(|n| (n % 8, ask(&router, header, n % 8))).collect();
            app.0.gate.arrived(8).await;
            settle(cache).await;
            assert_eq!(app.0.calls.count(), 8, "{case}");
            app.0.gate.open();
            for (user, seen) in asked {
                assert_eq!(seen.await.expect("no panic").1, page(header, user), "{case}");
            }
            for user in 0..8 {
                let seen = ask(&router, header, user).await.expect("no panic");
                assert_eq!(seen, ("HIT".to_owned(), page(header, user)), "{case}");
            }
            assert_eq!(app.0.calls.count(), 8, "{case}");
            assert_eq!(cache.health().await.computing, 0, "{case}");
        }
    }
}

#[tokio::test]
async fn requests_of_one_user_have_one_computation() {
    for (number, (header, make)) in WAYS.into_iter().enumerate() {
        for cache in &caches().await {
            let (case, app) = (format!("{cache:?} {number}"), App::new(cache));
            let router = make(&app);
            let asked: Vec<_> = (0..8).map(|_| ask(&router, header, 0)).collect();
            app.0.gate.arrived(1).await;
            settle(cache).await;
            app.0.gate.open();
            for seen in join_all(asked).await {
                assert_eq!(seen.expect("no panic").1, page(header, 0), "{case}");
            }
            assert_eq!(app.0.calls.count(), 1, "{case}");
        }
    }
}

#[tokio::test]
async fn users_of_two_processes_do_not_wait_for_one_another() {
    for (header, make) in WAYS {
        let prefix = unique("variants");
        let one = || on(shared()).prefix(&prefix).require_redis(true).build();
        let caches = [one().await.expect("a cache"), one().await.expect("a cache")];
        let apps = [App::new(&caches[0]), App::new(&caches[1])];
        let routers = [make(&apps[0]), make(&apps[1])];
        let first = ask(&routers[0], header, 0);
        apps[0].0.gate.arrived(1).await;
        let second: Vec<_> = (1..4).map(|user| ask(&routers[1], header, user)).collect();
        apps[1].0.gate.arrived(3).await;
        apps.iter().for_each(|app| app.0.gate.open());
        assert_eq!(first.await.expect("no panic").1, page(header, 0));
        for (user, seen) in (1..4).zip(second) {
            assert_eq!(seen.await.expect("no panic").1, page(header, user));
        }
        for user in 0..4 {
            for router in &routers {
                assert_eq!(ask(router, header, user).await.expect("no panic").1, page(header, user));
            }
            assert_eq!(ask(&routers[0], header, user).await.expect("no panic").0, "HIT");
        }
    }
}

#[tokio::test]
async fn an_invalidation_is_one_of_all_users() {
    for (number, (header, make)) in WAYS.into_iter().enumerate() {
        for by_tag in [true, false] {
            for cache in &caches().await {
                let (case, app) = (format!("{cache:?} {number} {by_tag}"), App::new(cache));
                let router = make(&app);
                let before: Vec<_> = (0..4).map(|user| ask(&router, header, user)).collect();
                app.0.gate.arrived(4).await;
                if by_tag {
                    cache.invalidate_tag("pages").await.expect("invalidated");
                } else {
                    cache.clear().await.expect("cleared");
                }
                app.0.gate.open();
                for (user, seen) in before.into_iter().enumerate() {
                    assert_eq!(seen.await.expect("no panic").1, page(header, user), "{case}");
                }
                for user in 0..4 {
                    let seen = ask(&router, header, user).await.expect("no panic");
                    assert_eq!(seen, ("MISS".to_owned(), page(header, user)), "{case}");
                    let seen = ask(&router, header, user).await.expect("no panic");
                    assert_eq!(seen, ("HIT".to_owned(), page(header, user)), "{case}");
                }
            }
        }
    }
}
