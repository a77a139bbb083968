//! Refreshes in the background run without the middlewares above: what reaches a refresh all the same.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use larder::http::ResponseCacheLayer;
use larder::test_util::TestClock;
use larder::{Cache, IgnoreInKey, cache};
use serde::Serialize;
use support::stores::{Calls, LONG, caches_with};
use support::wait::eventually_async;
use support::wire::{ask, request};

tokio::task_local! {
    static TENANT: String;
}

#[derive(Clone, Serialize)]
struct Tenant(String);

#[derive(Clone)]
struct App {
    cache: Cache,
    calls: Arc<Calls>,
}

impl IgnoreInKey for App {}

fn tenant(headers: &HeaderMap) -> String {
    headers.get("x-tenant").map_or("none", |tenant| tenant.to_str().expect("text")).to_owned()
}

/// Tells the service its tenant in both ways.
async fn know(mut request: Request, next: Next) -> Response {
    let tenant = tenant(request.headers());
    request.extensions_mut().insert(Tenant(tenant.clone()));
    TENANT.scope(tenant, next.run(request)).await
}

/// A page that reads the scope of a middleware.
async fn scoped(app: State<App>) -> String {
    format!("{} {}", TENANT.try_with(Clone::clone).unwrap_or_default(), app.calls.add())
}

/// A page that reads what a middleware attached to the request.
async fn attached(app: State<App>, Extension(tenant): Extension<Tenant>) -> String {
    format!("{} {}", tenant.0, app.calls.add())
}

#[cache(response, expire = "1m", stale_while_revalidate = "1h", cache = app.cache)]
async fn cached(app: State<App>, Extension(tenant): Extension<Tenant>) -> String {
    format!("{} {}", tenant.0, app.calls.add())
}

#[cache(response, expire = "1m", refresh_ahead = 0.5, vary("X-Tenant"), cache = app.cache)]
async fn cached_ahead(app: State<App>, Extension(tenant): Extension<Tenant>) -> String {
    format!("{} {}", tenant.0, app.calls.add())
}

/// Visits the page of two tenants before, during and after a refresh, which must find the tenant.
async fn refreshes_find_the_tenant(app: &Router, clock: &TestClock, about: &str) {
    let get = async |tenant: &str| {
        let got = ask(app, request("GET", "/", &[("x-tenant", tenant)])).await.expect("a response");
        let text = got.text();
        let (of, n) = text.split_once(' ').expect("a tenant and a number");
        assert_eq!((got.status, of), (200, tenant), "{about} {got:?}");
        (got.x_cache(), n.to_owned())
    };
    let mut old = Vec::new();
    for tenant in ["a", "b"] {
        old.push(get(tenant).await.1);
    }
    // Fresh and early for `refresh_ahead`, stale for the other option.
    clock.advance(Duration::from_secs(if about.contains("ahead") { 45 } else { 61 }));
    for (tenant, old) in ["a", "b"].into_iter().zip(&old) {
        let (x_cache, n) = get(tenant).await;
        assert!(["HIT", "STALE"].contains(&x_cache.as_str()) && n == *old, "{about} {x_cache} {n}");
        eventually_async(LONG, async || get(tenant).await.1 != *old).await;
        assert_eq!(get(tenant).await.0, "HIT", "{about}");
    }
}

#[tokio::test]
async fn what_a_middleware_attaches_reaches_a_background_refresh() {
    let clock = TestClock::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        let state = || App { cache: cache.clone(), calls: Arc::default() };
        let layer = || ResponseCacheLayer::new().expire("1m").vary(["x-tenant"]).cache(&cache);
        let stale = || layer().stale_while_revalidate("1h");
        let ahead =
            || layer().policy(larder::Policy::new().expire(Duration::from_secs(60)).refresh_ahead(0.5));
        for (about, app) in [
            ("a handler", Router::new().route("/", get(cached)).layer(from_fn(know))),
            ("a handler ahead", Router::new().route("/", get(cached_ahead)).layer(from_fn(know))),
            ("an extension", Router::new().route("/", get(attached)).layer(stale()).layer(from_fn(know))),
            (
                "an extension ahead",
                Router::new().route("/", get(attached)).layer(ahead()).layer(from_fn(know)),
            ),
            ("below", Router::new().route("/", get(scoped)).layer(from_fn(know)).layer(stale())),
            ("below ahead", Router::new().route("/", get(scoped)).layer(from_fn(know)).layer(ahead())),
        ] {
            cache.clear().await.expect("cleared");
            let app = app.with_state(state());
            refreshes_find_the_tenant(&app, &clock, &format!("{cache:?} {about}")).await;
        }
    }
}

/// A page that panics at its second computation and later.
async fn fails_later(app: State<App>) -> String {
    assert!(app.calls.add() == 0, "a later computation");
    "0".to_owned()
}

#[cache(response, expire = "1m", stale_while_revalidate = "1d", stale_retry = "1h", cache = app.cache)]
async fn cached_once(app: State<App>) -> String {
    fails_later(app).await
}

#[tokio::test]
async fn a_panic_in_a_background_refresh_is_followed_by_the_pause() {
    let clock = TestClock::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        let policy = larder::Policy::new()
            .expire(Duration::from_secs(60))
            .stale_while_revalidate(Duration::from_secs(86_400))
            .stale_retry(Duration::from_secs(3600));
        let layer = ResponseCacheLayer::new().policy(policy).cache(&cache);
        for (about, app) in [
            ("a handler", Router::new().route("/", get(cached_once))),
            ("a layer", Router::new().route("/", get(fails_later)).layer(layer)),
        ] {
            cache.clear().await.expect("cleared");
            let calls = Arc::new(Calls::default());
            let app = app.with_state(App { cache: cache.clone(), calls: Arc::clone(&calls) });
            let get = async || ask(&app, request("GET", "/", &[])).await.expect("a response");
            assert_eq!(get().await.text(), "0");
            clock.advance(Duration::from_secs(61));
            for _ in 0..10 {
                let got = get().await;
                let seen = (got.status, got.x_cache(), got.text());
                assert_eq!(seen, (200, "STALE".to_owned(), "0".to_owned()), "{cache:?} {about}");
                eventually_async(LONG, || async {
                    let health = cache.health().await;
                    health.background + health.computing == 0
                })
                .await;
            }
            assert_eq!(calls.count(), 2, "{cache:?} {about}");
        }
    }
}
