//! Services behind the layer.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{Request, Response};
use axum::routing::get;
use futures_util::future::{BoxFuture, join_all};
use http_body_util::{BodyExt, Empty, Full};
use larder::Cache;
use support::stores::{Calls, Gate, LONG, caches, caches_with, in_time};
use support::wait::eventually_async;
use support::wire::{Origin, Unreachable, Wire, ask, declared, request, response, serve, sites};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

use super::minute::minute;

/// A plain tower service: bodies that are not axum's, its own error, and one call for each time that it
/// was ready.
struct Plain {
    calls: Arc<Calls>,
    is_ready: bool,
}

impl Clone for Plain {
    fn clone(&self) -> Self {
        Self { calls: Arc::clone(&self.calls), is_ready: false }
    }
}

impl Service<Request<Empty<Bytes>>> for Plain {
    type Response = Response<Full<Bytes>>;
    type Error = String;
    type Future = BoxFuture<'static, Result<Response<Full<Bytes>>, String>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called before it was ready");
        let n = self.calls.add();
        let fails = request.uri().path() == "/failure";
        Box::pin(async move {
            if fails { Err(format!("failure {n}")) } else { Ok(Response::new(Full::from(n.to_string()))) }
        })
    }
}

#[tokio::test]
async fn any_tower_service_works_and_is_called_only_when_ready() {
    for cache in caches().await {
        let calls = Arc::new(Calls::default());
        let plain = Plain { calls: Arc::clone(&calls), is_ready: false };
        let mut service = minute().cache(&cache).layer(plain);
        let mut get = async |uri: &str| {
            let request = Request::get(uri).body(Empty::new()).expect("a request");
            let response = service.ready().await?.call(request).await?;
            let x_cache = response.headers()["x-cache"].to_str().expect("text").to_owned();
            let bytes = response.into_body().collect().await.expect("a body").to_bytes();
            Ok::<_, String>(format!("{x_cache} {}", String::from_utf8_lossy(&bytes)))
        };
        assert_eq!(get("/").await.as_deref(), Ok("MISS 0"));
        assert_eq!(get("/").await.as_deref(), Ok("HIT 0"));
        // An error of the service passes and is not stored.
        assert_eq!(get("/failure").await, Err("failure 1".to_owned()));
        assert_eq!(get("/failure").await, Err("failure 2".to_owned()));
    }
}

#[tokio::test]
async fn a_service_error_passes_unless_there_is_a_stale_response() {
    let origin = || Origin::new(|n, _| if n == 0 { Ok(response(200, &[], "old")) } else { Err(Unreachable) });
    for (layer, is_served) in [(minute(), false), (minute().stale_if_error("1h"), true)] {
        for site in sites(layer.clone(), origin).await {
            site.get("/").await;
            site.later(61);
            let got = ask(&site.service, request("GET", "/", &[])).await;
            match is_served {
                true => assert_eq!(got.expect("a response").brief(), ("STALE".to_owned(), "old".to_owned())),
                false => assert_eq!(got, Err(Unreachable)),
            }
            assert_eq!(ask(&site.service, request("POST", "/", &[])).await, Err(Unreachable));
        }
    }
}

#[tokio::test]
async fn when_the_service_fails_waiting_requests_get_the_error_or_call_it() {
    for site in declared(|| Origin::new(|_, _| Err(Unreachable))).await {
        let gate = Arc::new(Gate::default());
        site.origin.stops_at(&gate);
        let crowd = join_all((0..20).map(|_| ask(&site.service, request("GET", "/", &[]))));
        let opened = async {
            gate.arrived(1).await;
            gate.open();
        };
        let (crowd, ()) = in_time(async { tokio::join!(crowd, opened) }).await;
        assert!(crowd.iter().all(|got| *got == Err(Unreachable)));
    }
}

#[tokio::test]
async fn a_service_with_a_concurrency_limit_of_one_gets_one_request_at_a_time() {
    let running = Arc::new(AtomicUsize::new(0));
    for cache in caches().await {
        let counted = Arc::clone(&running);
        let inner = tower::service_fn(move |request: Request<Body>| {
            let running = Arc::clone(&counted);
            async move {
                assert_eq!(running.fetch_add(1, SeqCst), 0, "two at once");
                tokio::task::yield_now().await;
                running.fetch_sub(1, SeqCst);
                Ok::<_, Infallible>(Response::new(Body::from(request.uri().path().to_owned())))
            }
        });
        let service = ServiceBuilder::new().layer(minute().cache(&cache)).concurrency_limit(1).service(inner);
        let crowd = (0..40).map(|n| ask(&service, request("GET", if n % 2 == 0 { "/a" } else { "/b" }, &[])));
        let crowd = in_time(join_all(crowd)).await;
        assert!(crowd.iter().all(|got| got.as_ref().is_ok_and(|got| got.status == 200)));
        // A hit releases its place.
        let body = ask(&service, request("GET", "/a", &[])).await.expect("a response");
        assert_eq!(body.brief(), ("HIT".to_owned(), "/a".to_owned()));
        assert_eq!(ask(&service, request("GET", "/c", &[])).await.expect("a response").x_cache(), "MISS");
    }
}

#[tokio::test]
async fn a_background_refresh_releases_its_place() {
    let clock = larder::test_util::TestClock::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        let calls = Arc::new(Calls::default());
        let counted = Arc::clone(&calls);
        let inner = tower::service_fn(move |_: Request<Body>| {
            let n = counted.add();
            async move { Ok::<_, Infallible>(Response::new(Body::from(n.to_string()))) }
        });
        let layer = minute().stale_while_revalidate("1h").cache(&cache);
        let service = ServiceBuilder::new().layer(layer).concurrency_limit(1).service(inner);
        let get = async || in_time(ask(&service, request("GET", "/", &[]))).await.expect("a response");
        get().await;
        clock.advance(std::time::Duration::from_secs(61));
        assert_eq!(get().await.brief(), ("STALE".to_owned(), "0".to_owned()));
        eventually_async(LONG, async || get().await.text() == "1").await;
    }
}

#[tokio::test]
async fn an_axum_router_keeps_its_extractors_and_its_404() {
    for cache in caches().await {
        let calls = Arc::new(Calls::default());
        let counted = Arc::clone(&calls);
        let item = async move |Path(id): Path<u64>| format!("{id} {}", counted.add());
        let app = Router::new().route("/items/{id}", get(item)).layer(minute().cache(&cache));
        let address = serve(app).await;
        let mut wire = Wire::to(address).await;
        for (uri, status, text) in [
            ("/items/1", 200, "1 0"),
            ("/items/1", 200, "1 0"),
            ("/items/2", 200, "2 1"),
            ("/items/x", 400, ""),
            ("/none", 404, ""),
        ] {
            let got = wire.exchange("GET", uri, &[]).await;
            assert!(got.status == status && got.text().starts_with(text), "{uri}: {got:?}");
        }
        assert_eq!(
            wire.exchange("HEAD", "/items/1", &[]).await.field("content-length").as_deref(),
            Some("3")
        );
    }
}

#[tokio::test]
async fn without_a_cache_or_after_close_responses_pass() {
    let origin = Origin::says(200, &[]);
    let alone = origin.behind(&minute());
    assert_eq!(
        ask(&alone, request("GET", "/", &[])).await.expect("a response").brief(),
        (String::new(), "0".to_owned())
    );
    let cache = Cache::builder().url("memory://").build().await.expect("a cache");
    let service = origin.behind(&minute().cache(&cache));
    ask(&service, request("GET", "/", &[])).await.expect("a response");
    cache.close().await;
    assert_eq!(ask(&service, request("GET", "/", &[])).await.expect("a response").text(), "2");
}
