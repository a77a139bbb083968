//! The routes, and checks of the application.

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use axum::Router;
use larder::Cache;
use larder::health::{HealthRoutes, Need, routes};
use larder::http::ResponseCacheLayer;
use support::http::Server;
use support::stores::{Calls, LONG, caches};
use support::wait::eventually_async;

use crate::{is, json, ready, serve};

const ROUTES: [&str; 3] = ["/health/live", "/health/ready", "/health/startup"];

#[tokio::test]
async fn every_route_answers_get_and_head() {
    for cache in caches().await {
        let server = serve(routes(&cache)).await;
        for route in ROUTES {
            let answer = server.get(route).await;
            assert_eq!((answer.status, &json(&answer)["status"]), (200, &"up".into()), "{route}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{route}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{route}");
            let head = server.send("HEAD", route, &[], "").await;
            assert_eq!((head.status, head.body.len()), (200, 0), "{route}");
            assert_eq!(head.header("content-length"), answer.header("content-length"), "{route}");
            assert_eq!(server.send("POST", route, &[], "").await.status, 405, "{route}");
        }
    }
}

#[tokio::test]
async fn routes_under_a_path_and_a_state() {
    let cache = Cache::for_test();
    let app: Router<u8> = Router::new().nest("/internal", routes(&cache).into());
    let server = Server::start(app.with_state(1)).await;
    assert_eq!(server.get("/internal/health/ready").await.status, 200);
}

#[tokio::test]
async fn a_cached_router_never_caches_them() {
    let cache = Cache::for_test();
    let probes = Arc::new(Calls::default());
    let counted = Arc::clone(&probes);
    let check = move || {
        counted.add();
        async { Ok::<_, String>(()) }
    };
    let app = Router::new().merge(routes(&cache).check("own", check));
    let layer = ResponseCacheLayer::new().cache(&cache).expire("1h");
    let server = Server::start(app.layer(layer)).await;
    let began = Instant::now();
    while probes.count() < 2 {
        assert_eq!(server.get("/health/ready").await.status, 200);
        assert!(began.elapsed() < LONG, "a response was cached");
    }
}

#[tokio::test]
async fn a_check_that_fails_decides_by_its_need() {
    let cache = Cache::for_test();
    let is_up = Arc::new(AtomicBool::new(true));
    let check = {
        let is_up = Arc::clone(&is_up);
        move || {
            let is_up = is_up.load(SeqCst);
            async move { if is_up { Ok(7) } else { Err("db1.internal refused ann") } }
        }
    };
    let needed = serve(routes(&cache).check("db", check.clone())).await;
    let optional = serve(routes(&cache).check_for(Need::Degraded, "db", check.clone())).await;
    let told = serve(routes(&cache).check("db", check).details(true)).await;
    assert_eq!((ready(&needed).await, ready(&optional).await), (is(200, "up"), is(200, "up")));
    is_up.store(false, SeqCst);
    eventually_async(LONG, || async { ready(&needed).await == is(503, "down") }).await;
    eventually_async(LONG, || async { ready(&optional).await == is(200, "degraded") }).await;
    let answer = needed.get("/health/ready").await;
    assert_eq!(json(&answer)["checks"]["db"], serde_json::json!({ "status": "down" }));
    assert_eq!(json(&answer)["checks"]["redis"]["status"], "up");
    let detailed = told.get("/health/ready").await;
    assert_eq!(json(&detailed)["checks"]["db"]["error"], "db1.internal refused ann");
    for route in ["/health/live", "/health/startup"] {
        assert_eq!(needed.get(route).await.status, 200, "{route}");
    }
    is_up.store(true, SeqCst);
    eventually_async(LONG, || async { ready(&needed).await == is(200, "up") }).await;
}

#[tokio::test]
async fn a_check_that_hangs_or_panics_is_named() {
    let cache = Cache::for_test();
    let routes = routes(&cache)
        .check("hangs", std::future::pending::<Result<(), String>>)
        .check("panics", || async { if true { panic!("in a check") } else { Ok::<_, String>(()) } })
        .check("panics at once", || -> std::future::Ready<Result<(), String>> { panic!("in a check") })
        .details(true);
    let server = serve(routes).await;
    let began = Instant::now();
    let answer = server.get("/health/ready").await;
    let took = began.elapsed();
    assert_eq!(answer.status, 503);
    let checks = &json(&answer)["checks"];
    let error = |name: &str| checks[name]["error"].as_str().expect("an error").to_owned();
    assert_eq!(error("hangs"), "no answer within 200ms");
    assert_eq!(
        (error("panics"), error("panics at once")),
        (error("panics at once"), "the check panicked".into())
    );
    // The limit is 200 ms; a busy machine takes longer, and one check after the other would take 400 ms.
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let refused = |names: [&'static str; 2]| {
        let cache = Cache::for_test();
        let checks = move || {
            let check = |routes: HealthRoutes, name: &&'static str| {
                routes.check(*name, || async { Ok::<_, String>(()) })
            };
            drop(names.iter().fold(routes(&cache), check));
        };
        let panic = catch_unwind(std::panic::AssertUnwindSafe(checks)).expect_err("a panic");
        panic.downcast_ref::<String>().expect("a text").clone()
    };
    assert_eq!(refused(["db", "db"]), "there is a health check `db` already; give this one another name");
    assert_eq!(
        refused(["redis", "db"]),
        "there is a health check `redis` already; give this one another name"
    );
}
