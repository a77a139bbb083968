//! `http::scope`: the requests of a service use another cache in place of the process-wide one.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::Request;
use axum::routing::{get, post};
use larder::http::ResponseCacheLayer;
use larder::{Cache, cache, cache_evict};
use support::http::Server;
use support::stores::caches;
use tower::{Layer as _, Service, ServiceExt as _};

#[cache(expire = "1h", entry = user_entry)]
async fn user(id: u64) -> String {
    format!("user {id}")
}

#[cache(response, expire = "1h", entry = page_entry)]
async fn page(Path(id): Path<u64>) -> String {
    user(id).await
}

#[cache_evict(response, entry = page_entry(Path(id)))]
async fn rename(Path(id): Path<u64>) {
    user_entry(id).invalidate().await.expect("removed");
}

fn app() -> Router {
    let layered = Router::new().route("/layer", get(|| async { "a page" }));
    let layered = layered.layer(ResponseCacheLayer::new().expire("1h"));
    Router::new().route("/pages/{id}", get(page)).route("/rename/{id}", post(rename)).merge(layered)
}

#[tokio::test]
async fn each_app_has_the_cache_of_its_scope() {
    for cache in caches().await {
        let other = Cache::for_test();
        let (here, there) =
            (app().layer(larder::http::scope(&cache)), app().layer(larder::http::scope(&other)));
        let (here, there) = (Server::start(here).await, Server::start(there).await);
        for path in ["/pages/1", "/layer"] {
            assert_eq!(here.get(path).await.x_cache(), "MISS", "{path}");
            assert_eq!(here.get(path).await.x_cache(), "HIT", "{path}");
            assert_eq!(there.get(path).await.x_cache(), "MISS", "{path}");
        }
        assert!(cache.scope(async { user_entry(1).get::<String>().await }).await.is_some());
        assert_eq!(here.send("POST", "/rename/1", &[], "").await.status, 200);
        assert_eq!(
            (here.get("/pages/1").await.x_cache(), there.get("/pages/1").await.x_cache()),
            ("MISS", "HIT")
        );
        assert!(Cache::global().is_err());
    }
}

/// A service that does its work when it is called, and not when its future is polled.
#[derive(Clone)]
struct AtOnce;

impl Service<Request<Body>> for AtOnce {
    type Response = bool;
    type Error = Infallible;
    type Future = Ready<Result<bool, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Cache::global().is_ok()))
    }
}

#[tokio::test]
async fn a_service_that_works_when_it_is_called_is_inside() {
    let service = larder::http::scope(&Cache::for_test()).layer(AtOnce);
    assert!(service.oneshot(Request::new(Body::empty())).await.expect("an answer"));
    assert!(!AtOnce.oneshot(Request::new(Body::empty())).await.expect("an answer"));
}
